"""The short way to a card with one text that grows: created, sent, streamed into and closed within one block."""

import contextlib
import secrets
from collections.abc import AsyncIterator

from feishu.api.cardkit import CardKit
from feishu.api.client import FeishuClient
from feishu.api.messages import Content, Messages, entity_content
from feishu.cards.elements import Card, card, header, markdown
from feishu.cards.markdown import safe_markdown
from feishu.streaming.stream import CardStream, Sequence

TEXT = "text"
INTERVAL_S = 0.2
SUMMARY_CHARS = 60


class TextCard:
    """A card that was sent. `message_id` is the message it stands in, `text` what was written so far."""

    def __init__(self, stream: CardStream, message_id: str) -> None:
        self._stream = stream
        self.message_id = message_id
        self.text = ""

    def write(self, piece: str) -> None:
        """Append Markdown; returns at once. Mentions, foreign images and hidden characters in it are taken out."""
        self.text += piece
        self._stream.show(lambda: {TEXT: safe_markdown(self.text, streaming=True)})


@contextlib.asynccontextmanager
async def text_card(
    client: FeishuClient, *, reply_to: str = "", chat_id: str = "", title: str = "", uuid: str = ""
) -> AsyncIterator[TextCard]:
    """A card that answers the message `reply_to`, or stands in `chat_id`; closed when the block ends, with what was
    written until then also where it ends by an error.

    Two calls with the same `uuid` (at most 50 characters) within an hour send one message. Raises `ApiError` and
    `TransportError`, ValueError where neither or both places are given.
    """
    if bool(reply_to) == bool(chat_id):
        raise ValueError("give either reply_to or chat_id")
    card_id = await CardKit(client).create(_card(title, "", streaming=True))
    message_id = await _sent(
        Messages(client), entity_content(card_id), reply_to, chat_id, uuid or secrets.token_hex(16)
    )
    cardkit = CardKit(client)
    stream = CardStream(cardkit, card_id, Sequence(), interval_s=INTERVAL_S, schedule=cardkit.schedule)
    written = TextCard(stream, message_id)
    try:
        yield written
    finally:
        try:
            summary = " ".join(written.text.split())[:SUMMARY_CHARS]
            await stream.finish(_card(title, safe_markdown(written.text)), summary=summary)
        finally:
            await stream.aclose()


async def _sent(messages: Messages, content: Content, reply_to: str, chat_id: str, uuid: str) -> str:
    if reply_to:
        return (await messages.reply(reply_to, content, uuid=uuid)).message_id
    return (await messages.send(chat_id, content, uuid=uuid)).message_id


def _card(title: str, text: str, *, streaming: bool = False) -> Card:
    body = markdown(text, element_id=TEXT)
    return card([body], header=header(title) if title else None, streaming=streaming)
