"""One job, from question to closed card. Read `Turns.run` as a table of contents."""

import asyncio
import contextlib
from dataclasses import replace
from functools import partial
from typing import Literal

import orjson
import structlog

from bot.cancellation import Ended, StopSignal
from bot.cards import streaming_view as views
from bot.cards.final_view import final
from bot.cards.outcomes import Exhausted, Expired, Outcome, Refused, Unread
from bot.cards.progress import Progress, ended
from bot.crash_points import reach
from bot.delivery.outbox import Delivery, Outbox
from bot.errors import Owed, StoreError
from bot.inbox.queue import Job, LeaseLost
from bot.intake.intake import MAX_QUESTION_CHARS, Reading, conversation_of, message_of, new_turn
from bot.intake.job_policy import is_begun, refusal_of
from bot.intake.policy import Policy
from bot.intake.query_rewriting import Understanding
from bot.intake.results import Asked
from bot.job import CARD_LINE, WRITING_KINDS
from bot.jobs.card_extras import Dressing
from bot.jobs.card_lock import OneWriter
from bot.jobs.chat_jobs import Errands
from bot.jobs.conclusion import conclude, snippet_of, sources_of
from bot.jobs.continuation import GoingOn, PassagesChanged, anew
from bot.jobs.generation import Answers, Writing
from bot.jobs.question import Looking
from bot.jobs.redraw import Redrawing
from bot.jobs.suggested_questions import Proposing
from bot.models import Answer, CardState, Turn
from bot.observability.metrics import Metrics
from bot.repositories.attachments import Attachments
from bot.repositories.turns import Conversations
from bot.texts import Language, Texts, language_of, texts
from feishu.clock import Clock
from feishu.errors import FeishuError, TargetGone

__all__ = [
    "MAX_QUESTION_CHARS",
    "Answers",
    "Turns",
    "conclude",
    "conversation_of",
    "message_of",
    "new_turn",
    "snippet_of",
    "sources_of",
]

log = structlog.get_logger(__name__)


class Turns:
    """Answers jobs. Anything raised means: not done yet, try again later (`LeaseLost`: stop, another has it)."""

    def __init__(
        self,
        library: Answers,
        outbox: Outbox,
        conversations: Conversations,
        reading: Reading,
        understanding: Understanding,
        errands: Errands,
        dressing: Dressing,
        metrics: Metrics,
        policy: Policy,
        *,
        clock: Clock,
        language: Literal["auto", "zh", "en"] = "auto",
        debt_s: float = 120.0,
        attachments: Attachments | None = None,
        proposing: Proposing | None = None,
    ) -> None:
        self._proposing = proposing
        self._policy = policy
        self._outbox = outbox
        self._conversations = conversations
        self._looking = Looking(reading, understanding, conversations, library, attachments, clock=clock)
        self._errands = errands
        self._dressing = dressing
        self._metrics = metrics
        self._clock = clock
        self._language = language
        self._debt_s = debt_s
        self._one_writer = OneWriter()
        self._going_on = GoingOn(conversations, dressing)
        self._redrawing = Redrawing(outbox, conversations, errands, dressing, self._one_writer, language=language)

    async def run(self, job: Job, stop: StopSignal) -> Ended:
        """The whole turn: read the question, open the card, answer into it, store the answer, close the card."""
        if (why := refusal_of(job, self._policy)) and job.kind != "answer" and not is_begun(job):
            return Ended("cancelled", f"refused: {why}")
        if job.kind in ("redraw", "ask_reason", "recalled"):
            ended: Ended = await getattr(self._redrawing, job.kind)(job)
            return ended
        if job.kind == "refuse":
            return await self._looking.refused(job)
        if job.kind in ("welcome", "menu", "ask_person"):
            return Ended("done", await getattr(self._errands, job.kind)(job))
        wanted = None if job.turn_id else await self._looking.begun(job)
        if isinstance(wanted, Ended):
            return wanted
        async with self._one_writer.of(wanted.id if wanted else job.turn_id):
            return await self._write(job, wanted, stop)

    async def _write(self, job: Job, wanted: Turn | None, stop: StopSignal) -> Ended:
        turn, answer = await self._conversations.begin(job, wanted)
        if answer.outcome == "open" and (why := refusal_of(job, self._policy)):
            await self._conclude_unwritten(job, turn, answer, Refused(why))
            return Ended("cancelled", f"refused: {why}")
        if job.kind == "regenerate" and answer.outcome == "open":
            turn = await self._looking.as_edited(job, turn)
        if job.kind == "continue" and answer.outcome == "open":
            return await self._go_on(job, turn, answer, stop)
        if answer.outcome == "open":
            return await self._answer(job, turn, answer, stop)
        return await self._pay(job, turn, answer, texts(self._language_for(turn.question)))

    async def bury(self, job: Job) -> None:
        """Tells the asker that a job was given up, on its card where it has one. Silent where nobody waits for it."""
        if job.kind in WRITING_KINDS:
            tried = Exhausted(job.attempt - 1 + job.alone)
            await self.end_unwritten(job, Expired() if job.given_up == "age" else tried)
        else:
            await self._errands.apologise(job)

    async def end_unwritten(self, job: Job, outcome: Outcome) -> None:
        """Closes the card of a job that nobody will write to an end."""
        wanted = None if job.turn_id else new_turn(job, message_of(job), Asked("…"))
        async with self._one_writer.of(wanted.id if wanted else job.turn_id):
            turn, answer = await self._conversations.begin(job, wanted)
            await self._conclude_unwritten(job, turn, answer, outcome)

    async def _conclude_unwritten(self, job: Job, turn: Turn, answer: Answer, outcome: Outcome) -> None:
        wording = texts(self._language_for(turn.question))
        if answer.outcome == "open":
            answer = conclude(answer, ended(Progress(), outcome), wording, seconds=None, first_token_s=None)
            await self._conversations.save_answer(job, answer)
        await self._close(job, turn, answer, wording)

    async def _go_on(self, job: Job, turn: Turn, answer: Answer, stop: StopSignal) -> Ended:
        """Writes on where a version was cut; or anew, in the same card, where that is not possible any more."""
        since = self._clock.monotonic()
        continued = await self._going_on.source_of(job)
        if continued is not None:
            with contextlib.suppress(PassagesChanged):
                return await self._answer(job, turn, answer, stop, started_at=since, continued=continued)
            turn, answer = await self._conversations.begin(job, None)
        log.info("answered_anew", answer_id=answer.id)
        answer = anew(answer, texts(self._language_for(turn.question)))
        return await self._answer(job, turn, answer, stop, started_at=since)

    async def _answer(
        self,
        job: Job,
        turn: Turn,
        answer: Answer,
        stop: StopSignal,
        *,
        started_at: float | None = None,
        continued: Answer | None = None,
    ) -> Ended:
        """The card opens before anything is read that takes long; once it is read, it opens anew with the question."""
        wording = texts(self._language_for(turn.question))
        resumed = job.is_resumed and bool(turn.card_id)
        so_far = continued.text if continued else ""
        opening = views.opening_card(turn, answer, wording, resumed=resumed, so_far=so_far)
        try:
            delivery = await self._outbox.open(job, turn, opening)
        except TargetGone as error:
            log.info("question_is_gone", reason=str(error))
            return Ended("cancelled", "the question was recalled or its chat is gone")
        since = self._clock.monotonic() if started_at is None else started_at
        try:
            if not turn.unread:
                return await self._answer_into(delivery, job, turn, answer, stop, wording, since, continued)
            seen = await self._look_into(delivery, job, turn, answer, stop, wording, since)
        finally:
            await delivery.aclose()
        return seen if isinstance(seen, Ended) else await self._answer(job, seen, answer, stop, started_at=since)

    async def _look_into(
        self, delivery: Delivery, job: Job, turn: Turn, answer: Answer, stop: StopSignal, wording: Texts, since: float
    ) -> Turn | Ended:
        """The turn with its pictures read; or the end, on its card, where they ask for nothing."""
        try:
            seen = await self._looking.run(delivery, job, turn, wording, stop, started_at=since)
        except asyncio.CancelledError:
            await self._pause(delivery, job, turn, answer, wording)
            raise
        if isinstance(seen, Turn):
            return seen
        seconds = self._clock.monotonic() - since
        answer = conclude(answer, ended(Progress(), seen), wording, seconds=seconds, first_token_s=None)
        finished = await self._finish(delivery, job, turn, answer, wording)
        return Ended("done", "its pictures ask nothing") if isinstance(seen, Unread) else finished

    async def _answer_into(
        self,
        delivery: Delivery,
        job: Job,
        turn: Turn,
        answer: Answer,
        stop: StopSignal,
        wording: Texts,
        since: float,
        continued: Answer | None,
    ) -> Ended:
        writing = Writing(delivery, wording, self._clock, self._metrics, started_at=since, continued=continued)
        try:
            progress = await writing.run(partial(self._looking.understood, job, turn), stop)
        except asyncio.CancelledError:
            seen = {passage.chunk.collection for passage in writing.progress.passages or ()}
            kept = answer.leaned_on if continued or not writing.progress.text else ()
            behind = tuple(sorted({*writing.leaned_on, *_asked_of(job), *seen, *kept}))
            paused = replace(answer, text=writing.progress.text or answer.text, leaned_on=behind)
            await self._pause(delivery, job, turn, paused, wording)
            raise
        seconds = self._clock.monotonic() - since
        behind = (*writing.leaned_on, *_asked_of(job), *(continued.collections if continued else ()))
        first_s = writing.first_token_s
        answer = conclude(answer, progress, wording, seconds=seconds, first_token_s=first_s, leaned_on=behind)
        ended_as = await self._finish(delivery, job, turn, answer, wording)
        if self._proposing:
            self._proposing.begin(turn, answer, writing.question, progress.passages or ())
        return ended_as

    async def _finish(self, delivery: Delivery, job: Job, turn: Turn, answer: Answer, wording: Texts) -> Ended:
        """Stores the concluded answer, then closes its card. Raises `Owed` where only that could not be done."""
        await self._conversations.save_answer(job, answer)
        self._metrics.turn_ended(answer.outcome, answer.seconds or 0.0, answer.ending)
        reach("before-final")
        try:
            closing = final(await self._state(turn, answer), wording)
            await delivery.finish(closing)
            if answer.version > 1:
                await self._outbox.redraw_apart(turn, closing)
        except FeishuError as error:
            raise _owed(turn, error) from error
        return Ended("cancelled" if answer.outcome == "stopped" else "done", answer.outcome)

    async def _pause(self, delivery: Delivery, job: Job, turn: Turn, answer: Answer, wording: Texts) -> None:
        """The process ends: what was written so far stays, on the card and in the store. Another may have the job."""
        with contextlib.suppress(LeaseLost, StoreError):
            behind = orjson.dumps(answer.leaned_on).decode()
            await self._conversations.mark(job, answer.id, text=answer.text, leaned_on=behind)
            await delivery.pause(views.paused_card(turn, answer, wording))

    async def _pay(self, job: Job, turn: Turn, answer: Answer, wording: Texts) -> Ended:
        """The answer is stored already; only its last frame is still owed.

        A card that still cannot be written after `debt_s` has its answer sent as a new message; it is closed when it
        can be. A newer version that is being written takes the card, and the debt with it.
        """
        if await self._conversations.is_writing(turn.id):
            return Ended("done", "a newer version has the card")
        owed_s = self._clock.time() - (answer.concluded_at or answer.created_at)
        try:
            return await self._close(job, turn, answer, wording)
        except FeishuError as error:
            if owed_s > self._debt_s and not (answer.sent_apart or answer.shown_as):
                with contextlib.suppress(FeishuError):  # the platform as a whole is down: both are tried again
                    await self._send_apart(job, turn, answer, wording)
            raise _owed(turn, error, owed_s) from error

    async def _send_apart(self, job: Job, turn: Turn, answer: Answer, wording: Texts) -> None:
        notice = "\n".join(part for part in (wording.new_card_note, answer.notice) if part)
        state = await self._state(turn, replace(answer, notice=notice))
        await self._outbox.send_apart(job, turn, final(state, wording))
        log.warning("answer_sent_apart", answer_id=answer.id)

    async def _state(self, turn: Turn, answer: Answer) -> CardState:
        """What the card shows of this very answer."""
        stored = await self._conversations.card_state(turn.id, answer_id=answer.id)
        state = replace(stored, answer=answer) if stored else CardState(turn, answer, (answer.id,))
        return await self._dressing.dressed(state, texts(self._language_for(turn.question)))

    async def _close(self, job: Job, turn: Turn, answer: Answer, wording: Texts) -> Ended:
        closing = final(await self._state(turn, answer), wording)
        try:
            delivery = await self._outbox.open(job, turn, closing.card)
        except TargetGone as error:
            return Ended("cancelled", str(error))
        try:
            await delivery.finish(closing)
        finally:
            await delivery.aclose()
        return Ended("done", answer.outcome)

    def _language_for(self, question: str) -> Language:
        return language_of(question, preferred=self._language)


def _owed(turn: Turn, error: FeishuError, since_s: float = 0.0) -> Owed:
    """Nobody's next question waits for a card: the debt stands in a line with what else is drawn on it."""
    line = f"{CARD_LINE}{turn.id}"
    return Owed(f"the answer is stored, its card is not closed: {error}", line=line, since_s=since_s)


def _asked_of(job: Job) -> list[str]:
    """The collection whose words a question on a button has."""
    collection = str(job.payload.get("collection", ""))
    return [collection] if collection else []
