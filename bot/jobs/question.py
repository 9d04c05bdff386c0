"""The question as it is to be answered: as it was edited, its pictures read (which takes seconds), understood."""

from dataclasses import dataclass, replace
from functools import partial

import structlog

from bot.answering import Answers
from bot.cancellation import Ended, StopSignal, unless_stopped
from bot.cards import streaming_view as views
from bot.cards.progress import Outcome, Stopped, Unread
from bot.delivery.outbox import Delivery
from bot.intake.commands import asked_of_thread
from bot.intake.intake import MAX_QUESTION_CHARS, MessageContents, MessageIntake
from bot.intake.query_rewriting import QueryRewriter
from bot.intake.results import ImageUnreadable, NoQuestion
from bot.job import Job
from bot.jobs.answer_card import TICK_S
from bot.jobs.summary import Summaries
from bot.models import Turn
from bot.repositories.attachments import Attachments
from bot.repositories.turns import Conversations
from bot.texts import Texts
from feishu.clock import Clock
from feishu.errors import TargetGone
from rag.events import Question
from rag.scope import Scope

log = structlog.get_logger(__name__)

NO_DOCUMENT = Scope(frozenset())


@dataclass(frozen=True, slots=True)
class Answerers:
    """Who answers a question: the files of a private chat where they know, else the library; a conversation where it is
    about that."""

    library: Answers
    attachments: Attachments
    summaries: Summaries

    async def of(self, turn: Turn, question: Question) -> Answers:
        """For a question to the documents."""
        return await self.attachments.library_for(turn, question) or self.library


class QuestionReader:
    """Takes a turn to one whose question is known. What it has not stored is read again after a crash."""

    def __init__(
        self,
        reading: MessageIntake,
        contents: MessageContents,
        understanding: QueryRewriter,
        conversations: Conversations,
        answerers: Answerers,
        *,
        clock: Clock,
    ) -> None:
        self._reading = reading
        self._contents = contents
        self._understanding = understanding
        self._conversations = conversations
        self._answerers = answerers
        self._clock = clock

    async def begun(self, job: Job) -> Turn | Ended:
        """The turn to begin; or the end, where the message asks nothing of us or got its short answer."""
        try:
            read = await self._reading.read(job)
        except TargetGone as error:
            return Ended("cancelled", str(error))
        return Ended("done" if read.done else "cancelled", read.why) if isinstance(read, NoQuestion) else read

    async def as_edited(self, job: Job, turn: Turn) -> Turn:
        """The turn with its question as it reads now: a new version answers what was edited, too. One that was never
        read is fetched as it is now anyway."""
        asked = None if turn.unread else await self._contents.again(job, turn)
        if asked is None or asked.text[:MAX_QUESTION_CHARS] == turn.question:
            return turn
        question = asked.text[:MAX_QUESTION_CHARS]
        return await self._conversations.reworded(
            job, turn.id, question, asked.read_text, unread=asked.unread, left_out=asked.left_out
        )

    async def run(
        self, delivery: Delivery, job: Job, turn: Turn, wording: Texts, stop: StopSignal, *, started_at: float
    ) -> Turn | Outcome:
        """The turn with its question, stored; or why there is none. Cancelling this cancels the look. Raises what
        `MessageIntake.look` does, `LeaseLost` and `StoreError`."""
        ticking = self._tick(delivery, wording, started_at)
        looked = await unless_stopped(self._look(job, turn), stop, meanwhile=ticking)
        return looked.result() if looked else Stopped(stop.by)

    async def understood(self, job: Job, turn: Turn, wording: Texts) -> tuple[Question, Answers]:
        """The question, and who answers it: a conversation that it is about, the files of a private chat where they
        know, else the library. What goes on with an answer asks what that one answered."""
        if asked_of_thread(turn.question) is not None:
            return Question(turn.question, NO_DOCUMENT), self._answerers.summaries.of(job, turn, wording)
        question = await self._understanding.of(turn, as_before=job.kind == "continue")
        is_as_asked = question.text.startswith(turn.question)  # what came with it follows
        standalone = "" if is_as_asked else question.text
        if standalone != turn.standalone:  # also away: a version before may have been understood with more
            await self._conversations.understood(job, turn.id, standalone)
        if job.kind == "regenerate" and await self._conversations.was_verified(turn.id):
            question = replace(question, from_documents=True)
        return question, await self._answerers.of(turn, question)

    async def _look(self, job: Job, turn: Turn) -> Turn | Outcome:
        seen = await self._contents.look(job, turn)
        if isinstance(seen, ImageUnreadable):
            log.info("picture_not_read", by_us=seen.by_us)
            return Unread(seen.said, seen.by_us)
        question = seen.text[:MAX_QUESTION_CHARS]
        stored = await self._conversations.reworded(job, turn.id, question, seen.read_text, left_out=seen.left_out)
        return Stopped("recalled") if stored.recalled else stored

    async def _tick(self, delivery: Delivery, wording: Texts, started_at: float) -> None:
        """The stage line shows that time passes."""
        while True:
            await self._clock.sleep(TICK_S)
            elapsed_s = self._clock.monotonic() - started_at
            delivery.show(partial(views.reading_frame, wording, elapsed_s=elapsed_s))
