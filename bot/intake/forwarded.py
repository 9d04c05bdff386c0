"""Merged forwards and cards: the words that others wrote in them, and what in them cannot be read."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from bot.cards.final_view import left_out_text
from bot.intake.bot_identity import Identity
from bot.intake.results import Asked
from bot.intake.user_names import UserNames
from bot.job import Job
from bot.models import LeftOut
from bot.texts import Texts
from feishu.api.availability import is_outage
from feishu.api.messages import Messages
from feishu.errors import FeishuError
from feishu.events.card_text import card_text
from feishu.events.text import content_of, image_keys, text_of
from feishu.events.types import Mention, MessageReceived
from feishu.visible_text import visible_text

Item = dict[str, Any]
log = structlog.get_logger(__name__)
MOST_CHILDREN = 50
MOST_CHARS = 4_000
FILE_NAME_CHARS = 200
KINDS = {"image": "picture", "interactive": "card", "audio": "media", "media": "media", "sticker": "sticker"}
_OUR_CARD = re.compile(r'"act\\*"\s*:|"element_id\\*"\s*:\s*\\*"answer\\*"')
"""What stands in the JSON of our cards: what their buttons give back, the place of the answer."""
_UNKNOWN = re.compile(r"@_user_[0-9]+")


async def fetched_items(messages: Messages, message_id: str) -> list[Item]:
    """The message; of a merged forward, those in it, too. Raises `FeishuError`."""
    items = (await messages.fetch(message_id)).get("items")
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def as_message(item: Item, *, chat_type: str = "", job: Job | None = None) -> MessageReceived:
    """One of them. What the API does not tell (`event_id`, with `job` the app) is taken from there or empty."""
    sender, body = _object(item.get("sender")), _object(item.get("body"))
    mentions = item.get("mentions")
    return MessageReceived(
        app_id=job.app_id if job else "",
        tenant_key=str(sender.get("tenant_key") or ""),
        event_id="",
        created_at=job.created_at if job else 0.0,
        message_id=str(item.get("message_id") or ""),
        chat_id=str(item.get("chat_id") or ""),
        chat_type=chat_type,
        thread_id=str(item.get("thread_id") or ""),
        root_id=str(item.get("root_id") or ""),
        parent_id=str(item.get("parent_id") or ""),
        message_type=str(item.get("msg_type") or ""),
        content=str(body.get("content") or ""),
        mentions=tuple(
            Mention(str(each.get("key") or ""), _id_of(each.get("id")), str(each.get("name") or ""))
            for each in (mentions if isinstance(mentions, list) else [])
            if isinstance(each, dict)
        ),
        sender_open_id=str(sender.get("id") or ""),
        sender_type=str(sender.get("sender_type") or ""),
    )


def _id_of(value: object) -> str:
    """The API gives an id as text, events as an object of ids."""
    return str(_object(value).get("open_id") or "") if isinstance(value, dict) else str(value or "")


def _object(value: object) -> Item:
    return value if isinstance(value, dict) else {}


@dataclass(frozen=True, slots=True)
class Contents:
    """The words of a message, and what of it is not read."""

    words: str = ""
    left_out: tuple[LeftOut, ...] = ()


class ForwardReader:
    """Merged forwards: the children's words with their authors' names, as one question."""

    def __init__(self, messages: Messages, names: UserNames, identity: Identity) -> None:
        self._messages = messages
        self._names = names
        self._identity = identity

    async def read(self, job: Job, message: MessageReceived, text: str, wording: Texts) -> Asked | str:
        """What was forwarded, flattened."""
        try:
            found = await self.contents_of(job, message.message_id)
        except FeishuError as error:
            if is_outage(error):
                raise
            log.info("forward_not_fetched", reason=str(error))
            return wording.forwarded_gone
        if found.words:
            return Asked(found.words, found.words, left_out=found.left_out)
        return "\n".join(filter(None, (wording.forwarded_nothing, left_out_text(found.left_out, wording))))

    async def contents_of(self, job: Job, message_id: str) -> Contents:
        """The messages in it, a line or more each; none of ours, which may come from documents that are closed here.
        Raises `FeishuError`."""
        items = [item for item in await fetched_items(self._messages, message_id) if item.get("upper_message_id")]
        sent = [as_message(item) for item in items[:MOST_CHILDREN]]
        children = [child for child in sent if not self._is_ours(job, child)]
        parents = {str(item.get("upper_message_id")) for item in items}
        lines = [await self._line(child) for child in children]
        words = "\n".join(filter(None, lines))
        left_out = unread_of([child for child in children if child.message_id not in parents])
        if len(children) < len(sent):
            left_out = (*left_out, LeftOut("ours", "ours", count=len(sent) - len(children)))
        if len(items) > MOST_CHILDREN:
            left_out = (*left_out, LeftOut("later", "too_many", count=len(items) - MOST_CHILDREN))
        if len(words) > MOST_CHARS:
            left_out = (*left_out, LeftOut("rest", "too_long"))
        return Contents(words[:MOST_CHARS], left_out)

    def _is_ours(self, job: Job, child: MessageReceived) -> bool:
        known = self._identity.known
        return child.sender_open_id in (job.app_id, known.open_id if known else job.app_id) or is_our_card(child)

    async def _line(self, child: MessageReceived) -> str:
        words = words_of(child)
        is_person = child.sender_open_id.startswith("ou_")
        name = await self._names.of(child.sender_open_id) if words and is_person else ""
        return f"{name}: {words}" if name else words


class CardReader:
    """A card that somebody sends on to us: its words are the question."""

    def __init__(self, messages: Messages) -> None:
        self._messages = messages

    async def read(self, job: Job, message: MessageReceived, text: str, wording: Texts) -> Asked | str:
        """What stands on it. Its event holds the simplified form only."""
        try:
            items = await fetched_items(self._messages, message.message_id)
        except FeishuError as error:
            if is_outage(error):
                raise
            log.info("card_not_fetched", reason=str(error))
            items = []
        card = as_message(items[0]) if items else message
        if is_our_card(card):
            return left_out_text((LeftOut("ours", "ours"),), wording)
        words = words_of(card) or card_text(message.content)
        return Asked(words[:MOST_CHARS], words[:MOST_CHARS]) if words else wording.card_nothing


def is_our_card(message: MessageReceived) -> bool:
    """Whether a card is one of our answers, also where a person sent it on. What it says may come from documents that
    are closed where it is sent to."""
    return message.message_type == "interactive" and bool(_OUR_CARD.search(message.content))


def words_of(message: MessageReceived) -> str:
    """The words of a fetched text, rich text or card. Somebody who is mentioned without a name stays without one."""
    if message.message_type == "interactive":
        return card_text(message.content)
    return _UNKNOWN.sub("@…", text_of(message, bot_open_id=""))


def file_name(message: MessageReceived) -> str:
    """The name of a sent file, as it may be shown."""
    name = content_of(message.content).get("file_name")
    return " ".join(visible_text(name).split())[:FILE_NAME_CHARS] if isinstance(name, str) and name else "file"


def unread_of(children: Sequence[MessageReceived], why: str = "in_forward") -> tuple[LeftOut, ...]:
    """What in a forward is not read: files by their names, the rest by how many there are of a kind. `why` says why
    files and pictures are not (`bot.models.LeftOut`)."""
    files = [LeftOut("file", why, file_name(child)) for child in children if child.message_type == "file"]
    counted: Counter[tuple[str, str]] = Counter()
    for child in children:
        pictures = len(image_keys(child))
        if pictures or child.message_type == "image":
            counted["picture", why] += pictures or 1
        elif child.message_type == "interactive":
            counted["card", "no_words"] += not words_of(child)
        elif child.message_type not in ("text", "post", "file"):
            counted[KINDS.get(child.message_type, "message"), "kind"] += 1
    return (*files, *(LeftOut(what, reason, count=count) for (what, reason), count in counted.items() if count))
