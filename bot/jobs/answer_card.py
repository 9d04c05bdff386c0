"""The card of an answer: written while it grows, closed with what was stored, paid later where that failed.

A turn's card has one writer at a time (`CardLocks`). Its jobs stand in lines of their own (an answer in its
conversation's, a redrawing in the card's), which do not keep them apart: both would use the same sequence numbers, and
the older card could stay on the newer one.
"""

import asyncio
import contextlib
from dataclasses import replace
from typing import Literal
from weakref import WeakValueDictionary

import orjson
import structlog

from bot.answering import AnswerRun, CannotAnswer, NotYet, PassagesChanged, Recorder, Understand
from bot.cancellation import Ended, StopSignal, unless_stopped
from bot.cards import streaming_view as views
from bot.cards.final_view import final
from bot.cards.progress import Completed, Failed, Outcome, Stopped, Unread
from bot.crash_points import reach
from bot.delivery.outbox import CardDelivery, Delivery
from bot.errors import Owed, StoreError
from bot.intake.commands import asked_of_thread
from bot.job import CARD_LINE, Job, LeaseLost
from bot.jobs.card_extras import CardExtras
from bot.models import Answer, CardState, Turn
from bot.repositories.turns import Conversations
from bot.texts import Texts, language_of, texts
from feishu.cards.elements import Card
from feishu.errors import FeishuError, TargetGone
from rag.errors import RagError

log = structlog.get_logger(__name__)

TICK_S = 2.0


class CardLocks:
    """Among the jobs of this process. Another replica may still write meanwhile: who redraws looks again afterwards."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def of(self, turn_id: str) -> asyncio.Lock:
        """Held by whoever writes to the card of this turn."""
        lock = self._locks.get(turn_id)
        if lock is None:
            lock = self._locks[turn_id] = asyncio.Lock()
        return lock


class AnswerCards:
    """Opens, pauses and closes the cards of answers. A card that could not be closed is owed: `Owed` is raised, and
    `pay` tries again; after `debt_s` seconds the answer goes out as a message beside it."""

    def __init__(
        self,
        outbox: CardDelivery,
        conversations: Conversations,
        dressing: CardExtras,
        recorder: Recorder,
        *,
        language: Literal["auto", "zh", "en"] = "auto",
        debt_s: float = 120.0,
    ) -> None:
        self._outbox = outbox
        self._conversations = conversations
        self._dressing = dressing
        self._recorder = recorder
        self._clock = recorder.clock
        self._language = language
        self._debt_s = debt_s

    def wording(self, turn: Turn) -> Texts:
        """The words for a turn, in the language of its question or the one that is set."""
        return _staged(turn, texts(language_of(turn.question, preferred=self._language)))

    def now(self) -> float:
        """Monotonic seconds."""
        return self._clock.monotonic()

    async def open(self, job: Job, turn: Turn, card: Card) -> Delivery:
        """The turn's card, new or reset. Raises `TargetGone` where the question is gone, and `FeishuError`."""
        return await self._outbox.open(job, turn, card)

    def run_of(self, answer: Answer, *, started_at: float, continued: Answer | None) -> AnswerRun:
        """The run of an answer whose card stood there at `started_at`."""
        return AnswerRun(self._recorder, answer, started_at=started_at, continued=continued)

    async def write(
        self, delivery: Delivery, turn: Turn, run: AnswerRun, understand: Understand, stop: StopSignal
    ) -> Outcome:
        """Shows a run on its open card until it ends, fails, or somebody stops it; gives how. Cancelling this
        (shutdown) cancels the model call. Raises `PassagesChanged`, and `FeishuError` of an outage that kept from the
        answer what it is made of."""

        def show() -> None:
            elapsed_s = self._clock.monotonic() - run.started_at
            delivery.show(lambda: views.frame(run.progress, wording, elapsed_s=elapsed_s))

        async def work() -> None:
            async with contextlib.aclosing(run.events(understand)) as events:
                async for _ in events:
                    show()

        async def tick() -> None:
            """Until the first words come, the stage line shows that time passes and nobody sleeps."""
            while not run.progress.text:
                await self._clock.sleep(TICK_S)
                show()

        wording = self.wording(turn)
        written = await unless_stopped(work(), stop, meanwhile=tick())
        return _outcome_of(written) if written else Stopped(stop.by)

    async def finish(self, delivery: Delivery, job: Job, turn: Turn, answer: Answer) -> Ended:
        """Stores the concluded answer, then closes its card. Raises `Owed` where only that could not be done."""
        await self._conversations.save_answer(job, answer)
        self._recorder.metrics.turn_ended(answer.outcome, answer.seconds or 0.0, answer.ending)
        reach("before-final")
        try:
            closing = final(await self._state(turn, answer), self.wording(turn))
            await delivery.finish(closing)
            if answer.version > 1:
                await self._outbox.redraw_apart(turn, closing)
        except FeishuError as error:
            raise _owed(turn, error) from error
        return Ended("cancelled" if answer.outcome == "stopped" else "done", answer.outcome)

    async def pause(self, delivery: Delivery, job: Job, turn: Turn, answer: Answer) -> None:
        """The process ends: what was written so far stays, on the card and in the store. Another may have the job."""
        with contextlib.suppress(LeaseLost, StoreError):
            behind = orjson.dumps(answer.leaned_on).decode()
            await self._conversations.mark(job, answer.id, text=answer.text, leaned_on=behind)
            await delivery.pause(views.paused_card(turn, answer, self.wording(turn)))

    async def pay(self, job: Job, turn: Turn, answer: Answer) -> Ended:
        """The answer is stored already; only its last frame is still owed.

        A card that still cannot be written after `debt_s` has its answer sent as a new message; it is closed when it
        can be. A newer version that is being written takes the card, and the debt with it.
        """
        if await self._conversations.is_writing(turn.id):
            return Ended("done", "a newer version has the card")
        owed_s = self._clock.time() - (answer.concluded_at or answer.created_at)
        try:
            return await self.close(job, turn, answer)
        except FeishuError as error:
            if owed_s > self._debt_s and not (answer.sent_apart or answer.shown_as):
                with contextlib.suppress(FeishuError):  # the platform as a whole is down: both are tried again
                    await self._send_apart(job, turn, answer)
            raise _owed(turn, error, owed_s) from error

    async def close(self, job: Job, turn: Turn, answer: Answer) -> Ended:
        """Shows a stored answer on its card, opened for nothing else."""
        closing = final(await self._state(turn, answer), self.wording(turn))
        try:
            delivery = await self._outbox.open(job, turn, closing.card)
        except TargetGone as error:
            return Ended("cancelled", str(error))
        try:
            await delivery.finish(closing)
        finally:
            await delivery.aclose()
        return Ended("done", answer.outcome)

    async def _send_apart(self, job: Job, turn: Turn, answer: Answer) -> None:
        wording = self.wording(turn)
        notice = "\n".join(part for part in (wording.new_card_note, answer.notice) if part)
        state = await self._state(turn, replace(answer, notice=notice))
        await self._outbox.send_apart(job, turn, final(state, wording))
        log.warning("answer_sent_apart", answer_id=answer.id)

    async def _state(self, turn: Turn, answer: Answer) -> CardState:
        """What the card shows of this very answer."""
        stored = await self._conversations.card_state(turn.id, answer_id=answer.id)
        state = replace(stored, answer=answer) if stored else CardState(turn, answer, (answer.id,))
        return await self._dressing.dressed(state, self.wording(turn))


def _staged(turn: Turn, wording: Texts) -> Texts:
    """The words of a turn's card; of a conversation that is read, no search is told."""
    if asked_of_thread(turn.question) is None:
        return wording
    return replace(wording, retrieving=wording.reading_thread)


def _outcome_of(written: "asyncio.Task[None]") -> Outcome:
    """Raises `PassagesChanged`, and `FeishuError` of an outage."""
    error = written.exception()
    if error is None:
        return Completed()
    if isinstance(error, PassagesChanged):
        raise error
    if isinstance(error, NotYet):
        raise error.because
    if isinstance(error, CannotAnswer):
        return Unread(error.said, error.by_us)
    if isinstance(error, RagError):
        log.warning("answering_failed", kind=type(error).__name__, reason=str(error))
    else:
        log.error("answering_failed", exc_info=error)
    return Failed(error if isinstance(error, Exception) else RuntimeError(type(error).__name__))


def _owed(turn: Turn, error: FeishuError, since_s: float = 0.0) -> Owed:
    """Nobody's next question waits for a card: the debt stands in a line with what else is drawn on it."""
    line = f"{CARD_LINE}{turn.id}"
    return Owed(f"the answer is stored, its card is not closed: {error}", line=line, since_s=since_s)
