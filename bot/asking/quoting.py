"""The message that somebody replies to, as context for a question; and a question's own message as it reads now."""

from typing import Any

import structlog

from bot.asking.asked import Quote, Unseen
from bot.asking.names import Names
from bot.asking.received import ForwardReader, Pictures
from bot.job import Job
from bot.models import Turn
from bot.records.chat_ledger import Ledger
from bot.texts import Texts
from feishu.availability import is_outage
from feishu.errors import FeishuError
from feishu.events import Mention, MessageReceived
from feishu.message_text import text_of
from feishu.messages import Messages

log = structlog.get_logger(__name__)

MOST_QUOTED_CHARS = 1_500
WORDED = ("text", "post")


class Quoting:
    """Fetches messages. A question stands without one that cannot be had; an outage of the platform is waited for
    (`FeishuError`)."""

    def __init__(
        self, messages: Messages, ledger: Ledger, names: Names, pictures: Pictures, forwards: ForwardReader
    ) -> None:
        self._messages = messages
        self._ledger = ledger
        self._names = names
        self._pictures = pictures
        self._forwards = forwards

    async def parent_of(self, job: Job, message: MessageReceived) -> Quote:
        """The message replied to, its pictures left unread; empty when that is ours, a question that was answered here,
        or cannot be read. In a topic each message names the root as its parent, so that only the first question there
        carries it."""
        if not message.parent_id:
            return Quote()
        if message.thread_id and await self._ledger.has_turns(job.app_id, f"{message.chat_id}/{message.thread_id}"):
            return Quote()
        if message.thread_id and await self._ledger.turn_of_question(job.app_id, message.parent_id):
            return Quote()
        parent = await self._fetched(job, message.parent_id, message.chat_type)
        if parent is None or parent.sender_type != "user":
            return Quote()
        words = await self._signed(parent, await self._words(parent))
        return Quote(words, unread=self._has_pictures(parent))

    async def look(self, job: Job, message: MessageReceived, wording: Texts) -> Quote:
        """The message replied to, of which `parent_of` left something unread, with what its pictures say."""
        parent = await self._fetched(job, message.parent_id, message.chat_type)
        if parent is None:
            return Quote(trouble=Unseen(wording.file_gone))
        seen, trouble = await self._pictures.words_in(parent, wording)
        words = "\n".join(filter(None, (await self._words(parent), seen)))
        return Quote(await self._signed(parent, words), trouble=trouble)

    async def question_of(self, job: Job, turn: Turn) -> MessageReceived | None:
        """The turn's question as it reads now; None where it is gone."""
        return await self._fetched(job, turn.question_message_id, turn.chat_type)

    async def edited(self, job: Job, turn: Turn) -> MessageReceived | None:
        """The turn's question as it reads now, if it was edited. The platform has no event for edits."""
        message = await self._fetched(job, turn.question_message_id, turn.chat_type, only_edited=True)
        is_question = message is not None and message.message_type in WORDED and message.sender_open_id == turn.asker
        return message if is_question else None

    def _has_pictures(self, parent: MessageReceived) -> bool:
        return parent.message_type in ("image", "post") and self._pictures.can_look(parent)

    async def _signed(self, parent: MessageReceived, words: str) -> str:
        """Cut to size, with its author's name."""
        words = words[:MOST_QUOTED_CHARS]
        name = await self._names.of(parent.sender_open_id) if words else ""
        return f"{name}: {words}" if name else words

    async def _words(self, parent: MessageReceived) -> str:
        if parent.message_type == "merge_forward":
            try:
                return await self._forwards.words_of(parent.message_id)
            except FeishuError as error:
                if is_outage(error):
                    raise
                log.info("message_not_fetched", reason=str(error))
                return ""
        return text_of(parent, bot_open_id="")

    async def _fetched(
        self, job: Job, message_id: str, chat_type: str, *, only_edited: bool = False
    ) -> MessageReceived | None:
        try:
            items = (await self._messages.fetch(message_id)).get("items")
        except FeishuError as error:
            if is_outage(error):
                raise
            log.info("message_not_fetched", reason=str(error))
            return None
        item = items[0] if isinstance(items, list) and items and isinstance(items[0], dict) else {}
        if item.get("deleted") or not item.get("msg_type") or (only_edited and not item.get("updated")):
            return None
        return _message(job, item, chat_type)


def _message(job: Job, item: dict[str, Any], chat_type: str) -> MessageReceived:
    """A fetched message in the form in which events bring them."""
    sender, body = _object(item.get("sender")), _object(item.get("body"))
    mentions = item.get("mentions")
    return MessageReceived(
        app_id=job.app_id,
        tenant_key=str(sender.get("tenant_key") or ""),
        event_id="",
        created_at=job.created_at,
        message_id=str(item.get("message_id") or ""),
        chat_id=str(item.get("chat_id") or ""),
        chat_type=chat_type,
        thread_id=str(item.get("thread_id") or ""),
        root_id=str(item.get("root_id") or ""),
        parent_id=str(item.get("parent_id") or ""),
        message_type=str(item["msg_type"]),
        content=str(body.get("content") or ""),
        mentions=tuple(
            Mention(str(each.get("key") or ""), str(each.get("id") or ""), str(each.get("name") or ""))
            for each in (mentions if isinstance(mentions, list) else [])
            if isinstance(each, dict)
        ),
        sender_open_id=str(sender.get("id") or ""),
        sender_type=str(sender.get("sender_type") or ""),
    )


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
