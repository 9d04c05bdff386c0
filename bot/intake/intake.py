"""What a message asks of the bot: nothing, a short answer of its own, or a turn."""

from dataclasses import dataclass
from typing import Literal, Protocol

import structlog

from bot.access.rules import Access
from bot.cards.final_view import left_out_text
from bot.inbox.queue import Jobs
from bot.intake.bot_identity import Identity
from bot.intake.commands import Command, asked_of_thread, parse_command, says_its_language
from bot.intake.policy import Attempt, Policy, deed_of
from bot.intake.refusals import Refusing
from bot.intake.replies import Replier
from bot.intake.results import Asked, ImageUnreadable, Linked, NoQuestion, Quote
from bot.job import AnswerPayload, ApprovalPayload, Job, NewJob
from bot.models import Turn
from bot.repositories.chat_facts import ChatFacts
from bot.repositories.owner_questions import OwnerQuestion, OwnerQuestions
from bot.repositories.turns import new_turn_id
from bot.texts import Texts, language_of, texts
from feishu.events.text import image_keys, mentions_bot, text_of
from feishu.events.types import MessageReceived
from rag.errors import RagError
from rag.events import Question
from rag.knowledge_base import KnowledgeBase

log = structlog.get_logger(__name__)
MAX_QUESTION_CHARS = 4_000
WORDED = ("text", "post")


@dataclass(frozen=True, slots=True)
class SilentMode:
    """Asked of every message of such a chat that mentions nobody."""

    library: KnowledgeBase
    access: Access
    least_confidence: float = 0.0

    async def confidence(self, text: str, message: MessageReceived) -> float:
        """That of strong evidence, 1 where somebody stands for an answer; 0 otherwise, and where nothing can be
        searched."""
        scope = await self.access.scope(message.chat_id, message.chat_type, message.sender_open_id)
        try:
            if await self.library.verified(Question(text, scope)):
                return 1.0
            found = await self.library.search(text, scope)
        except RagError:
            return 0.0
        return found.confidence if found.evidence == "strong" else 0.0

    async def is_sure(self, text: str, message: MessageReceived) -> bool:
        """Whether the documents are sure enough of an answer for the bot to speak up."""
        return bool(text) and await self.confidence(text, message) >= self.least_confidence


class Kinds(Protocol):
    """Reads messages that are more than words; answers by itself where there is no question in them."""

    async def read(self, job: Job, message: MessageReceived, text: str, wording: Texts) -> Asked | NoQuestion: ...

    async def look(self, message: MessageReceived, text: str, wording: Texts) -> Asked | ImageUnreadable: ...

    def has_links(self, text: str) -> bool: ...

    async def read_links(self, job: Job, message: MessageReceived, text: str, wording: Texts) -> Linked: ...

    async def read_links_alone(
        self, job: Job, message: MessageReceived, text: str, wording: Texts
    ) -> NoQuestion | None: ...


class Quotes(Protocol):
    """Messages around the one that is read."""

    async def parent_of(self, job: Job, message: MessageReceived) -> Quote: ...

    async def look(self, job: Job, message: MessageReceived, wording: Texts) -> Quote: ...

    async def words_above(self, job: Job, message: MessageReceived) -> str: ...

    async def question_of(self, job: Job, turn: Turn) -> MessageReceived | None: ...

    async def edited(self, job: Job, turn: Turn) -> MessageReceived | None: ...


class Commands(Protocol):
    """Does what a command says."""

    async def obey(self, job: Job, message: MessageReceived, command: Command, wording: Texts) -> None: ...


class MessageContents:
    """What a message says: its words, with those of what it quotes and shows. Raises `FeishuError` where the platform
    has to be asked."""

    def __init__(
        self,
        identity: Identity,
        kinds: Kinds,
        quotes: Quotes,
        voice: Replier,
        *,
        language: Literal["auto", "zh", "en"] = "auto",
    ) -> None:
        self._identity = identity
        self._kinds = kinds
        self._quotes = quotes
        self._voice = voice
        self._language = language

    async def own_id(self, message: MessageReceived) -> str:
        """The bot's open_id, by which its mentions are known; "" where a message has none."""
        if message.chat_type == "p2p" and not message.mentions:
            return ""
        return (await self._identity.get()).open_id

    async def text(self, message: MessageReceived) -> str:
        """Its own words, without the bot's mention."""
        return text_of(message, bot_open_id=await self.own_id(message))

    async def above(self, job: Job, message: MessageReceived) -> str:
        """The words of the message that this one replies to. Raises `FeishuError`."""
        return await self._quotes.words_above(job, message)

    def wording(self, text: str) -> Texts:
        """The words in which somebody who writes so is answered."""
        return texts(language_of(text, preferred=self._language))

    async def asked(
        self, job: Job, message: MessageReceived, text: str, wording: Texts, *, leans_on_turn: bool
    ) -> Asked | NoQuestion:
        """What is asked; where that is nothing, the person has been told so."""
        if is_worded(message) and self._kinds.has_links(text):
            linked = await self._kinds.read_links_alone(job, message, text, wording)
            return linked or Asked(text, unread=True)
        if is_worded(message):
            quote = Quote() if leans_on_turn else await self._quotes.parent_of(job, message)
            if text or quote.words or (quote.unread and not quote.file):
                asked = text or quote.words or wording.picture_title
                return Asked(asked, quote.words, quote.unread, quote.left_out)
            about_file = wording.quoted_file_ask.format(name=quote.file) if quote.file else ""
            said = about_file or left_out_text(quote.left_out, wording) or wording.empty_question
            await self._voice.reply(job, message, said)
            return NoQuestion("nothing to answer")
        return await self._kinds.read(job, message, text, wording)

    async def look(self, job: Job, turn: Turn) -> Asked | ImageUnreadable:
        """What an unread turn asks, its pictures downloaded and read; or why it asks nothing. May take long, and may be
        done again. Raises `FeishuError`."""
        message = message_of(job) if job.kind == "answer" else await self._quotes.question_of(job, turn)
        if message is None:
            return ImageUnreadable(self.wording(turn.question).file_gone)
        text = await self.text(message)
        wording = self.wording(text)
        if not is_worded(message):
            return await self._kinds.look(message, text, wording)
        linked = await self._kinds.read_links(job, message, text, wording) if self._kinds.has_links(text) else None
        if linked and not linked.titles:
            return ImageUnreadable("\n".join(linked.said))
        if linked is None:  # unread for what it quotes alone
            quote = await self._quotes.look(job, message, wording)
        else:
            quote = await self._quote(job, message, wording, leans_on_turn=bool(turn.parent_turn))
        words = linked.text if linked else text
        if words or quote.words:
            missing = (*(linked.left_out if linked else ()), *quote.left_out)
            return Asked(words or quote.words, quote.words, left_out=missing)
        return quote.trouble or ImageUnreadable(wording.empty_question)

    async def _quote(self, job: Job, message: MessageReceived, wording: Texts, *, leans_on_turn: bool) -> Quote:
        """The message replied to, wholly read."""
        if leans_on_turn:
            return Quote()
        quote = await self._quotes.parent_of(job, message)
        return await self._quotes.look(job, message, wording) if quote.unread else quote

    async def again(self, job: Job, turn: Turn) -> Asked | None:
        """What the turn's message asks now; None where it was not edited, or asks for nothing any more."""
        message = await self._quotes.edited(job, turn)
        if message is None:
            return None
        text = await self.text(message)
        if not text:
            return None
        if asked_of_thread(text) is not None:
            return Asked(text)
        quote = Quote() if turn.parent_turn else await self._quotes.parent_of(job, message)
        left_out = turn.left_out if turn.parent_turn else quote.left_out
        return Asked(text, quote.words or turn.read_text, quote.unread or self._kinds.has_links(text), left_out)


class OwnerReplies:
    """What owners answer to questions that the documents did not know."""

    def __init__(self, gaps: OwnerQuestions, voice: Replier, jobs: Jobs) -> None:
        self._gaps = gaps
        self._voice = voice
        self._jobs = jobs

    async def question_of(self, message: MessageReceived) -> OwnerQuestion | None:
        """The question that a message replies to."""
        return await self._gaps.of_reply(message)

    async def note(self, job: Job, message: MessageReceived, gap: OwnerQuestion, text: str, wording: Texts) -> None:
        """Stores the answer, thanks the owner, and tells the asker's chat; the owner is offered to stand for it for
        good. `wording` is that of the question."""
        await self._gaps.replied(gap.id, message.sender_open_id, text)
        await self._voice.reply(job, message, wording.person_thanks.format(question=gap.question[:200]))
        if message.chat_id != gap.chat_id:
            told = wording.person_answer.format(question=gap.question[:200], reply=text)
            await self._voice.send(gap.chat_id, told, uuid=f"gap-{job.id}")
        payload, line = ApprovalPayload(gap.id, message.sender_open_id), f"approval/{gap.id}"
        await self._jobs.accept(NewJob(job.app_id, "approval", line, payload, (f"approval:{job.id}",)))


class MessageIntake:
    """Takes an accepted message to a turn."""

    def __init__(
        self,
        contents: MessageContents,
        ledger: ChatFacts,
        owners: OwnerReplies,
        commands: Commands,
        silence: SilentMode,
        policy: Policy,
        refusing: Refusing,
    ) -> None:
        self._contents = contents
        self._ledger = ledger
        self._owners = owners
        self._commands = commands
        self._silence = silence
        self._policy = policy
        self._refusing = refusing

    async def read(self, job: Job) -> Turn | NoQuestion:
        """The turn that the job begins. Raises `FeishuError`, `TargetGone` where the message is gone."""
        accepted = AnswerPayload.of(job)
        message, heard = accepted.message, accepted.heard
        if accepted.undecided and not mentions_bot(message, await self._contents.own_id(message)):
            return NoQuestion("does not mention this bot", done=False)
        if await self._ledger.noted(job.app_id, f"recalled:{message.message_id}"):
            return NoQuestion("was taken back", done=False)
        text = await self._contents.text(message)
        wording = self._contents.wording(text)
        who, deed = message.sender_open_id, deed_of(message, text, heard)
        if why := self._policy.refusal(Attempt(deed, who, message.chat_id, message.chat_type), job.created_at):
            if deed != "overheard":
                await self._refusing.reply(job, message, why, wording)
            return NoQuestion(f"refused: {why}")
        wish = asked_of_thread(text)
        gap = await self._owners.question_of(message) if wish is None else None
        if gap and text and not (heard == "mention" and message.thread_id and text.endswith(("?", "？"))):
            await self._owners.note(job, message, gap, text, self._contents.wording(gap.question))
            return NoQuestion("an owner's reply was noted")
        if heard == "owner":
            return NoQuestion("an owner's reply without words", done=False)
        if heard != "silent" and (command := parse_command(text)):
            said = text if says_its_language(text, command) else await self._said_here(job, message)
            if wish is not None and (message.thread_id or message.parent_id):
                return await self._summary(job, message, wish, said)
            await self._commands.obey(job, message, command, self._contents.wording(said))
            return NoQuestion(f"obeyed /{command.kind}")
        if heard == "silent" and (parse_command(text) or not await self._silence.is_sure(text, message)):
            return NoQuestion("nobody asked, and the documents are not sure", done=False)
        parent = accepted.parent_turn or await self._parent_turn(job, message)
        asked = await self._contents.asked(job, message, text, wording, leans_on_turn=bool(parent))
        if isinstance(asked, NoQuestion):
            return asked
        return new_turn(job, message, asked, parent_turn=parent)

    async def _summary(self, job: Job, message: MessageReceived, wish: str, said: str) -> Turn:
        """The turn of a `/summary`; its command is in the language of the chat, which its card speaks."""
        wording = self._contents.wording(said or await self._contents.above(job, message))
        return new_turn(job, message, Asked(f"/{wording.summary_word} {wish}".strip()))

    async def _parent_turn(self, job: Job, message: MessageReceived) -> str:
        """The turn of the card, or of the question, that the message replies to; "" where there is none."""
        if found := await self._ledger.turn_of_card(job.app_id, (message.parent_id,)):
            return found[0]
        if not message.parent_id or message.thread_id:
            return ""
        return await self._ledger.turn_of_question(job.app_id, message.parent_id) or ""

    async def _said_here(self, job: Job, message: MessageReceived) -> str:
        """The last question of the conversation; "" where nothing was asked yet."""
        asked = await self._ledger.asked_in(job.app_id, conversation_of(message))
        return asked[0] if asked else ""


def message_of(job: Job) -> MessageReceived:
    """The message whose question the job answers, as it was accepted."""
    return AnswerPayload.of(job).message


def conversation_of(message: MessageReceived) -> str:
    """Chat plus topic: what is answered one after the other."""
    return f"{message.chat_id}/{message.thread_id}" if message.thread_id else message.chat_id


def is_worded(message: MessageReceived) -> bool:
    """Whether a message is nothing but words: a text, or a rich text without pictures."""
    return message.message_type == "text" or (message.message_type == "post" and not image_keys(message))


def new_turn(job: Job, message: MessageReceived, asked: Asked, *, parent_turn: str = "") -> Turn:
    """The turn that a job begins when it has none yet."""
    return Turn(
        id=job.turn_id or new_turn_id(),
        app_id=job.app_id,
        conversation=conversation_of(message),
        chat_id=message.chat_id,
        chat_type=message.chat_type,
        question_message_id=message.message_id,
        asker=message.sender_open_id,
        question=asked.text[:MAX_QUESTION_CHARS],
        parent_turn=parent_turn,
        read_text=asked.read_text,
        unread=asked.unread,
        left_out=asked.left_out,
    )
