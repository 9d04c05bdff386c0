"""The message that somebody replies to, as context for a question; and a question's own message as it reads now."""

import structlog

from bot.intake.bot_identity import Identity
from bot.intake.forwarded import (
    KINDS,
    Contents,
    ForwardReader,
    as_message,
    fetched_items,
    file_name,
    is_our_card,
    words_of,
)
from bot.intake.intake import conversation_of
from bot.intake.message_readers import FileReader, Pictures
from bot.intake.results import ImageUnreadable, Quote
from bot.intake.user_names import UserNames
from bot.job import Job
from bot.models import LeftOut, Turn, quoted_by
from bot.repositories.chat_facts import ChatFacts
from bot.texts import Texts
from feishu.api.availability import is_outage
from feishu.api.messages import Messages
from feishu.errors import FeishuError
from feishu.events.text import image_keys
from feishu.events.types import MessageReceived

log = structlog.get_logger(__name__)

MOST_QUOTED_CHARS = 1_500
WORDED = ("text", "post")
FILE_MARK = "📄"


class RepliedMessages:
    """Fetches messages. A question stands without one that cannot be had, and says so; an outage of the platform is
    waited for (`FeishuError`)."""

    def __init__(
        self,
        messages: Messages,
        ledger: ChatFacts,
        names: UserNames,
        identity: Identity,
        pictures: Pictures,
        files: FileReader,
        forwards: ForwardReader,
    ) -> None:
        self._messages = messages
        self._ledger = ledger
        self._names = names
        self._identity = identity
        self._pictures = pictures
        self._files = files
        self._forwards = forwards

    async def parent_of(self, job: Job, message: MessageReceived) -> Quote:
        """The message replied to, of whatever sender and kind, its pictures or its file left unread; empty when that
        is ours or a question that was answered here. What cannot be read is named. In a topic each message names the
        root as its parent, so that only the first question there carries it."""
        if not message.parent_id:
            return Quote()
        if message.thread_id and await self._ledger.has_turns(
            job.app_id, conversation_of(message), besides=message.message_id
        ):
            return Quote()
        if message.thread_id and await self._ledger.turn_of_question(job.app_id, message.parent_id):
            return Quote()
        parent = await self._fetched(job, message.parent_id, message.chat_type)
        if parent is None:
            return Quote(left_out=(LeftOut("quote", "gone"),))
        if self._is_ours(job, parent):
            return Quote()
        if parent.message_type == "file":
            return self._unread_file(parent)
        contents = await self._contents(job, parent)
        words = await self._signed(parent, contents.words)
        return Quote(words, unread=self._pictures.can_look(parent), left_out=contents.left_out)

    async def words_above(self, job: Job, message: MessageReceived) -> str:
        """The words of the message replied to, or of what is forwarded in it; "" where there are none."""
        parent = await self._fetched(job, message.parent_id, message.chat_type) if message.parent_id else None
        return (await self._contents(job, parent)).words if parent else ""

    async def look(self, job: Job, message: MessageReceived, wording: Texts) -> Quote:
        """The message replied to, of which `parent_of` left something unread, with what its pictures say; of a file,
        its name: its text is kept to be searched."""
        parent = await self._fetched(job, message.parent_id, message.chat_type)
        if parent is None:
            return Quote(trouble=ImageUnreadable(wording.file_gone), left_out=(LeftOut("quote", "gone"),))
        if parent.message_type == "file":
            return await self._read_file(job, message, parent, wording)
        seen = await self._pictures.look(parent, wording)
        contents = await self._contents(job, parent)
        words = "\n".join(filter(None, (contents.words, seen.words)))
        left_out = (*contents.left_out, *self._pictures.left_out(parent, seen))
        return Quote(await self._signed(parent, words), trouble=seen.trouble, left_out=left_out)

    async def question_of(self, job: Job, turn: Turn) -> MessageReceived | None:
        """The turn's question as it reads now; None where it is gone."""
        return await self._fetched(job, turn.question_message_id, turn.chat_type)

    async def edited(self, job: Job, turn: Turn) -> MessageReceived | None:
        """The turn's question as it reads now, if it was edited. The platform has no event for edits."""
        message = await self._fetched(job, turn.question_message_id, turn.chat_type, only_edited=True)
        is_question = message is not None and message.message_type in WORDED and message.sender_open_id == turn.asker
        return message if is_question else None

    def _is_ours(self, job: Job, parent: MessageReceived) -> bool:
        """Whether we sent it. The API names an app by its id, in some answers by the open id of its bot."""
        known = self._identity.known
        return parent.sender_open_id in (job.app_id, known.open_id if known else job.app_id)

    def _unread_file(self, parent: MessageReceived) -> Quote:
        name = file_name(parent)
        if self._files.can_read(parent):
            return Quote(unread=True, file=name)
        return Quote(left_out=(LeftOut("file", "format", name),))

    async def _read_file(self, job: Job, message: MessageReceived, parent: MessageReceived, wording: Texts) -> Quote:
        """Kept for the conversation in a private chat, like a file that is sent there; in a group for this question."""
        is_private = message.chat_type == "p2p"
        where = conversation_of(message) if is_private else quoted_by(message.message_id)
        found = await self._files.read_for(job, where, parent, asker=message.sender_open_id)
        if found.why:
            left_out = (LeftOut("file", found.why, found.name),)
            return Quote(trouble=ImageUnreadable(self._files.sentence_on(found, wording)), left_out=left_out)
        return Quote(f"{FILE_MARK} {found.name}")

    async def _signed(self, parent: MessageReceived, words: str) -> str:
        """Cut to size, with its author's name."""
        words = words[:MOST_QUOTED_CHARS]
        name = await self._names.of(parent.sender_open_id) if words and parent.sender_type == "user" else ""
        return f"{name}: {words}" if name else words

    async def _contents(self, job: Job, parent: MessageReceived) -> Contents:
        """Its words; and what is not read of it, pictures apart where somebody looks at them."""
        found = await self._whole_contents(job, parent)
        if len(found.words) > MOST_QUOTED_CHARS:
            return Contents(found.words, (*found.left_out, LeftOut("rest", "too_long")))
        return found

    async def _whole_contents(self, job: Job, parent: MessageReceived) -> Contents:
        kind = parent.message_type
        if kind == "merge_forward":
            try:
                return await self._forwards.contents_of(job, parent.message_id)
            except FeishuError as error:
                if is_outage(error):
                    raise
                log.info("message_not_fetched", reason=str(error))
                return Contents(left_out=(LeftOut("quote", "gone"),))
        if is_our_card(parent):
            return Contents(left_out=(LeftOut("ours", "ours"),))
        words = words_of(parent)
        if kind == "interactive" and not words:
            return Contents(left_out=(LeftOut("card", "no_words"),))
        if kind not in (*WORDED, "interactive", "image"):
            return Contents(left_out=(LeftOut(KINDS.get(kind, "message"), "kind"),))
        if (kind == "image" or image_keys(parent)) and not self._pictures.can_look(parent):
            return Contents(words, (LeftOut("picture", "no_reader", count=max(1, len(image_keys(parent)))),))
        return Contents(words)

    async def _fetched(
        self, job: Job, message_id: str, chat_type: str, *, only_edited: bool = False
    ) -> MessageReceived | None:
        try:
            items = await fetched_items(self._messages, message_id)
        except FeishuError as error:
            if is_outage(error):
                raise
            log.info("message_not_fetched", reason=str(error))
            return None
        item = items[0] if items else {}
        if item.get("deleted") or not item.get("msg_type") or (only_edited and not item.get("updated")):
            return None
        return as_message(item, chat_type=chat_type, job=job)
