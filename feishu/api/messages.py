"""Messages: reply, send, update a raw card, fetch, recall.

open.feishu.cn/document im-v1/message. A card sent as a CardKit entity is updated by `feishu.api.cardkit`, never by
`patch`.
"""

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from feishu.api.client import FeishuClient
from feishu.api.endpoints import FETCH, LIST, PATCH, RECALL, REPLY, RESOURCE, SEND, SEND_EPHEMERAL, Endpoint
from feishu.cards.elements import Card, card_json
from feishu.cards.foreign_text import honest_text, without_mentions
from feishu.encoding import to_text
from feishu.errors import BadReply, TargetGone
from feishu.ratelimit import Urgency
from feishu.visible_text import visible_text

MAX_UUID_CHARS = 50
MOST_ON_PAGE = 50


@dataclass(frozen=True, slots=True)
class Content:
    """What a message says: its type, and the JSON string of that type."""

    msg_type: str
    content: str


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that exists now."""

    message_id: str
    chat_id: str


def short_id(*parts: str) -> str:
    """A stable `uuid` for a message, within the platform's `MAX_UUID_CHARS`."""
    return hashlib.sha256("/".join(parts).encode()).hexdigest()[:40]


def entity_content(card_id: str) -> Content:
    """A CardKit entity. It can be sent once only."""
    return Content("interactive", to_text({"type": "card", "data": {"card_id": card_id}}))


def card_content(card: Card) -> Content:
    """A card as raw JSON, updated by `Messages.patch`."""
    return Content("interactive", card_json(card))


def text_content(text: str) -> Content:
    """Plain text. The platform reads `<at …>`, `<b>` … in it and documents no escape, so `<` is written as `＜`."""
    return Content("text", to_text({"text": harmless(text)}))


def harmless(text: str) -> str:
    """Foreign words for a text message: nobody mentioned, nothing hidden, links that say where they lead."""
    return without_mentions(honest_text(visible_text(text))).replace("<", "＜")


class Messages:
    """Messages as the bot. Every method raises `ApiError` or `TransportError`."""

    def __init__(self, client: FeishuClient) -> None:
        self._client = client

    async def reply(
        self, message_id: str, content: Content, *, uuid: str, in_thread: bool = False, chat_id: str = ""
    ) -> Sent:
        """Answer a message. The same `uuid` (≤ 50 characters) within an hour answers once only. With `chat_id` the
        limit of that group or person is kept, too."""
        json: dict[str, Any] = {"msg_type": content.msg_type, "content": content.content, "uuid": _uuid(uuid)}
        if in_thread:
            json |= {"reply_in_thread": True}
        path = {"message_id": message_id}
        return _sent(REPLY, await self._client.call(REPLY, path=path, json=json, lane=chat_id))

    async def send(self, receive_id: str, content: Content, *, uuid: str, receive_id_type: str = "chat_id") -> Sent:
        """A new message. `receive_id_type`: chat_id, open_id, union_id, user_id or email (a thread cannot be one)."""
        json = {
            "receive_id": receive_id,
            "msg_type": content.msg_type,
            "content": content.content,
            "uuid": _uuid(uuid),
        }
        params = {"receive_id_type": receive_id_type}
        return _sent(SEND, await self._client.call(SEND, params=params, json=json, lane=receive_id))

    async def send_ephemeral(self, chat_id: str, open_id: str, card: Card) -> None:
        """A card in a group that only one member sees (ephemeral/v1/send; not in topic groups or private chats)."""
        json = {"chat_id": chat_id, "open_id": open_id, "msg_type": "interactive", "card": card}
        await self._client.call(SEND_EPHEMERAL, json=json)

    async def patch(self, message_id: str, card: Card, *, urgency: Urgency = Urgency.NORMAL) -> None:
        """Replace a card that was sent as raw JSON: 5 a second for a message, up to 14 days after it was sent."""
        await self._client.call(
            PATCH,
            path={"message_id": message_id},
            json={"content": card_json(card)},
            lane=message_id,
            urgency=urgency,
        )

    async def fetch(self, message_id: str) -> dict[str, Any]:
        """The message as the platform has it: `items` with `msg_type`, `body.content`, `sender`, `deleted` … The
        content of a card is its own JSON, of any sender; without the parameter it is a simplified form, and of newer
        cards only the advice to update the client (im-v1/message/get)."""
        params = {"card_msg_content_type": "user_card_content"}
        return await self._client.call(FETCH, path={"message_id": message_id}, params=params)

    async def newest_of_thread(self, thread_id: str, *, page_token: str = "") -> dict[str, Any]:
        """A page of a topic's messages, its root among them, the newest first: `items` like those of `fetch`, recalled
        ones with `deleted`, and `page_token` where `has_more`. Cards come in the simplified form.

        In a group the app needs `im:message.group_msg` beside a scope to read messages: without it the platform answers
        230027 (im-v1/message/list). A topic takes no range of times, and its order stays that of the first page.
        """
        params = {
            "container_id_type": "thread",
            "container_id": thread_id,
            "sort_type": "ByCreateTimeDesc",
            "page_size": str(MOST_ON_PAGE),
        }
        return await self._client.call(LIST, params=params | ({"page_token": page_token} if page_token else {}))

    async def download(self, message_id: str, file_key: str, kind: str, *, most_bytes: int) -> bytes | None:
        """A message's `image` or `file`; None when it is larger than `most_bytes`."""
        path = {"message_id": message_id, "file_key": file_key}
        return await self._client.download(RESOURCE, path=path, params={"type": kind}, most_bytes=most_bytes)

    async def recall(self, message_id: str) -> None:
        """Take one of our own messages back. One that is gone already is no error: a lost answer is asked for again."""
        with suppress(TargetGone):
            await self._client.call(RECALL, path={"message_id": message_id})


def _uuid(uuid: str) -> str:
    if not 1 <= len(uuid) <= MAX_UUID_CHARS:
        raise ValueError(f"uuid must have 1 to {MAX_UUID_CHARS} characters, not {len(uuid)}")
    return uuid


def _sent(endpoint: Endpoint, reply: dict[str, Any]) -> Sent:
    message_id = reply.get("message_id")
    if not isinstance(message_id, str) or not message_id:
        raise BadReply("no message_id in the answer", endpoint=endpoint.name)
    return Sent(message_id, str(reply.get("chat_id") or ""))
