"""One run of an answer, for the chats, the web and the terminal: a question in, events out, and what is stored of it.

What differs between them stays with them: how a question is understood, where its words are shown, how it is stopped.
"""

import contextlib
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from bot.cards.progress import Outcome, Progress, conclude, ended, fold, sources_of
from bot.models import Answer, Source
from bot.observability.metrics import Metrics
from bot.observability.tracing import Trace, Tracing
from bot.texts import Texts
from feishu.clock import Clock
from feishu.errors import FeishuError
from rag.events import AnswerEvent, Delta, Finished, Question, Retrieved

_CITATION = re.compile(r"\[(\d{1,3})\]")


class Answers(Protocol):
    """What a run needs of `rag.knowledge_base.KnowledgeBase`."""

    def answer(self, question: Question) -> AsyncGenerator[AnswerEvent, None]: ...


Understand = Callable[[], Awaitable[tuple[Question, Answers]]]
"""Gives the question as it is to be answered, and who answers it."""


class PassagesChanged(Exception):
    """The numbers that a text cites no longer name the passages that they named when it was written."""


class NotYet(Exception):
    """The platform, by no fault of what was asked, did not give what the answer is made of: `because` says why."""

    def __init__(self, because: FeishuError) -> None:
        super().__init__(str(because))
        self.because = because


class CannotAnswer(Exception):
    """What the question is about cannot be read. `said` tells the person, `by_us` whether that is our fault."""

    def __init__(self, said: str, *, by_us: bool = False) -> None:
        super().__init__("what is asked about cannot be read")
        self.said = said
        self.by_us = by_us


@dataclass(frozen=True, slots=True)
class Recorder:
    """Where runs record what happens, and the clock that they are timed by."""

    tracing: Tracing
    metrics: Metrics
    clock: Clock


class AnswerRun:
    """One answer being written. Read `events`; whatever ends them, `conclude` gives the answer to store."""

    def __init__(
        self,
        recorder: Recorder,
        answer: Answer,
        *,
        started_at: float | None = None,
        continued: Answer | None = None,
        is_recorded: bool = True,
    ) -> None:
        """`started_at`: when its asker began to wait (monotonic seconds; None: now). `continued`: the cut answer to go
        on with. What is not `is_recorded` has no trace and counts in no metric: a greeting, which is no question."""
        self._recorder = recorder
        self._answer = answer
        self._continued = continued
        self._is_recorded = is_recorded
        self._folded = Progress()
        self._pieces: list[str] = []
        self.started_at = recorder.clock.monotonic() if started_at is None else started_at
        self.first_token_s: float | None = None
        self.question: Question | None = None
        """As it was understood; None until it is."""
        self.trace: Trace | None = None

    @property
    def streamed(self) -> str:
        """The text that the deltas gave so far."""
        return "".join(self._pieces)

    @property
    def progress(self) -> Progress:
        """What is known so far."""
        return self._folded if self._folded.finished else replace(self._folded, text=self.streamed)

    @property
    def behind(self) -> frozenset[str]:
        """What is behind the question's history, behind the text that it goes on from, and behind a verified answer
        beside its passages (`bot.models.behind`)."""
        leans_on = self.question.leans_on if self.question else frozenset()
        verified = self._folded.verified
        its_own = frozenset({verified.collection}) if verified else frozenset()
        return leans_on | its_own | (self._continued.behind if self._continued else frozenset())

    async def events(self, understand: Understand) -> AsyncGenerator[AnswerEvent]:
        """The answerer's events, noted before they are given; use with `contextlib.aclosing`. Raises `RagError`, what
        `understand` raises, and `PassagesChanged` where the text cannot be continued over what was found."""
        self.question, library = await understand()
        question = replace(self.question, so_far=self._continued.text if self._continued else "")
        with self._recorder.tracing.recorded(question) if self._is_recorded else contextlib.nullcontext() as self.trace:
            async with contextlib.aclosing(library.answer(question)) as events:
                async for event in events:
                    self._note(event)
                    yield event

    def conclude(self, outcome: Outcome, wording: Texts, *, leaned_on: Iterable[str] = ()) -> Answer:
        """The answer as it will be stored and shown. `leaned_on`: collections behind it besides those `behind`."""
        seconds = self._recorder.clock.monotonic() - self.started_at
        return conclude(
            self._answer,
            ended(self.progress, outcome),
            wording,
            seconds=seconds,
            first_token_s=self.first_token_s,
            leaned_on=(*leaned_on, *self.behind),
            question=self.question.text if self.question else "",
        )

    def _note(self, event: AnswerEvent) -> None:
        if isinstance(event, Retrieved) and self._continued is not None:
            _check(self._continued, event)
        if self.trace:
            self.trace.note(event)
        if isinstance(event, Delta):  # gathered, not folded: there are thousands of them
            self._pieces.append(event.text)
        else:
            self._folded = fold(self._folded, event)
        if self._is_recorded:
            self._measure(event)

    def _measure(self, event: AnswerEvent) -> None:
        if isinstance(event, Retrieved):
            self._recorder.metrics.retrieved(event.seconds)
        if self.first_token_s is None and isinstance(event, Delta | Finished) and self._has_new_words():
            self.first_token_s = self._recorder.clock.monotonic() - self.started_at
            self._recorder.metrics.first_token(self.first_token_s)

    def _has_new_words(self) -> bool:
        return len(self.progress.text) > len(self._continued.text if self._continued else "")


def anew(answer: Answer, wording: Texts) -> Answer:
    """The open answer without what it was to go on from; whoever shows it says so."""
    return replace(answer, text="", sources=(), leaned_on=(), ending="", notice=wording.answered_anew)


def _check(continued: Answer, found: Retrieved) -> None:
    """Raises `PassagesChanged` unless the model may go on over what the new search found."""
    now = sources_of(Progress(passages=found.passages))
    if not now or not can_go_on(continued.text, continued.sources, now):
        raise PassagesChanged("a cited passage is not what it was")


def can_go_on(text: str, before: Sequence[Source], now: Sequence[Source]) -> bool:
    """Whether each number that the text cites names the same passage of a new search (`now`) as when it was written.

    Where it does not (documents were changed or are closed to the asker since), the question is answered anew.
    """
    cited = {int(number) for number in _CITATION.findall(text)} | {each.number for each in before if each.cited}
    known, found = _by_number(before), _by_number(now)
    return all(known[number] == found.get(number) for number in cited & known.keys())


def _by_number(sources: Sequence[Source]) -> dict[int, tuple[str, str, str, str]]:
    """What a passage is told from others by: document, collection, heading, and its beginning."""
    return {each.number: (each.source, each.collection, each.heading_path, each.snippet) for each in sources}
