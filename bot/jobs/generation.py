"""Runs the answerer into a delivery until it ends, fails, or somebody stops it."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Protocol

import structlog

from bot.cancellation import StopSignal, unless_stopped
from bot.cards import streaming_view as views
from bot.cards.progress import Completed, Failed, Outcome, Progress, Stopped, ended, fold
from bot.delivery.outbox import Delivery
from bot.jobs.continuation import PassagesChanged, check
from bot.models import Answer
from bot.observability.metrics import Metrics
from bot.texts import Texts
from feishu.clock import Clock
from rag.errors import RagError
from rag.events import AnswerEvent, Question, Retrieved

log = structlog.get_logger(__name__)

TICK_S = 2.0


class Answers(Protocol):
    """What a turn needs of `rag.knowledge_base.KnowledgeBase`."""

    def answer(self, question: Question) -> AsyncGenerator[AnswerEvent, None]: ...


class Writing:
    """Runs the answerer into a delivery until it ends, fails, or somebody stops it."""

    def __init__(
        self,
        delivery: Delivery,
        wording: Texts,
        clock: Clock,
        metrics: Metrics,
        *,
        started_at: float,
        continued: Answer | None = None,
    ) -> None:
        """`started_at`: when the card stood there (monotonic seconds); `continued`: the cut answer to go on with."""
        self._continued = continued
        self._delivery = delivery
        self._wording = wording
        self._clock = clock
        self._metrics = metrics
        self.progress = Progress()
        self.question: Question | None = None
        """As it was understood; None until it is."""
        self.leaned_on: tuple[str, ...] = ()
        """The collections behind the question's history."""
        self._started_at = started_at
        self.first_token_s: float | None = None

    async def run(self, understand: Callable[[], Awaitable[tuple[Question, Answers]]], stop: StopSignal) -> Progress:
        """The last progress, with its outcome set. Cancelling this (shutdown) cancels the model call. Raises
        `PassagesChanged` where what was found is not what the answer to continue cites."""
        written = await unless_stopped(self._write(understand), stop, meanwhile=self._tick())
        if written and isinstance(changed := written.exception(), PassagesChanged):
            raise changed
        return ended(self.progress, _outcome_of(written) if written else Stopped(stop.by))

    async def _tick(self) -> None:
        """Until the first words come, the stage line shows that time passes and nobody sleeps."""
        while not self.progress.text:
            await self._clock.sleep(TICK_S)
            self._show()

    def _show(self) -> None:
        elapsed_s = self._clock.monotonic() - self._started_at
        self._delivery.show(partial(views.frame, self.progress, self._wording, elapsed_s=elapsed_s))

    async def _write(self, understand: Callable[[], Awaitable[tuple[Question, Answers]]]) -> None:
        question, library = await understand()
        self.question = question
        so_far = self._continued.text if self._continued else ""
        question = replace(question, so_far=so_far)
        self.leaned_on = tuple(sorted(question.leans_on))
        async with contextlib.aclosing(library.answer(question)) as events:
            async for event in events:
                if self._continued is not None and isinstance(event, Retrieved):
                    check(self._continued, event)
                self.progress = fold(self.progress, event)
                if len(self.progress.text) > len(so_far) and self.first_token_s is None:
                    self.first_token_s = self._clock.monotonic() - self._started_at
                    self._metrics.first_token(self.first_token_s)
                self._show()


def _outcome_of(writing: "asyncio.Task[None]") -> Outcome:
    error = writing.exception()
    if error is None:
        return Completed()
    if not isinstance(error, RagError):
        log.error("answering_failed", exc_info=error)
    else:
        log.warning("answering_failed", kind=type(error).__name__, reason=str(error))
    return Failed(error if isinstance(error, Exception) else RuntimeError(type(error).__name__))
