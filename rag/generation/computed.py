"""Answers about whole tables where no model writes: what was computed, or that it cannot be."""

import re
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace

from rag.clock import Clock
from rag.documents import Passage
from rag.events import NO_MODEL_NOTES, AnswerEvent, Finished, Question
from rag.generation.extractive import ExtractiveGenerator, closest, typed
from rag.generation.sentence_selection import Chosen
from rag.retrieval.retriever import SearchResult
from rag.tables.answering import Computed, Uncounted
from rag.tables.wording import COMPUTED_NOTES, UNCOUNTED

SURE = 0.95
"""The confidence in what was computed: every word of the question was understood."""
_STATES = re.compile(
    r"共|总|合计|累计|平均|最[^近新]|\b(?:total|altogether|in all|overall|average|mean|most|least|maximum|minimum"
    r"|(?:high|larg|bigg|low|small)est)\b",
    re.IGNORECASE,
)
"""What a sentence says that states what others would have to count."""


def with_tables(finding: SearchResult, verdict: Computed | Uncounted | None) -> SearchResult:
    """What was found, led by the evidence of what was computed."""
    if not isinstance(verdict, Computed):
        return replace(finding, tables=verdict)
    return replace(
        finding,
        passages=(verdict.passage, *finding.passages),
        evidence="strong",
        confidence=max(SURE, finding.confidence),
        level="high",
        is_calibrated=False,
        tables=verdict,
    )


class ComputedWriter:
    """Writes what was computed, citing its evidence, which is the first passage."""

    def __init__(self, computed: Computed, *, clock: Clock, pause_s: float) -> None:
        self._computed = computed
        self._clock = clock
        self._pause_s = pause_s

    async def write(self, question: Question, passages: Sequence[Passage]) -> AsyncGenerator[AnswerEvent]:
        """Deltas, then Finished: `answered`."""
        started_at = self._clock.monotonic()
        is_row = self._computed.result.plan.operation == "row"
        notes = NO_MODEL_NOTES if is_row else COMPUTED_NOTES
        text = f"{self._computed.told.answer(1)}\n\n{notes[self._computed.language]}"
        async for delta in typed(text, self._clock, self._pause_s):
            yield delta
        yield Finished(text, "answered", (1,), seconds=self._clock.monotonic() - started_at)

    async def aclose(self) -> None:
        """Nothing to let go of."""


class UncountedWriter:
    """Says that the question cannot be counted from excerpts, and shows the nearest of them; unless a document states
    the number itself. `quoting` writes at once, without pauses."""

    def __init__(self, verdict: Uncounted, quoting: ExtractiveGenerator, *, clock: Clock, pause_s: float) -> None:
        self._verdict = verdict
        self._quoting = quoting
        self._clock = clock
        self._pause_s = pause_s

    async def write(self, question: Question, passages: Sequence[Passage]) -> AsyncGenerator[AnswerEvent]:
        """Deltas, then Finished: `hedged`, or `answered` by a sentence that states a total."""
        started_at = self._clock.monotonic()
        quoted = [event async for event in self._quoting.write(question, passages) if isinstance(event, Finished)][-1]
        outcome, text, citations = quoted.outcome, quoted.text, quoted.citations
        if outcome == "answered" and not _STATES.search(text):
            outcome = "hedged"
            text, citations = closest(question.text, passages, Chosen(()))
        if outcome == "hedged":
            text = f"{UNCOUNTED[self._verdict.language]}\n\n{text}"
        async for delta in typed(text, self._clock, self._pause_s):
            yield delta
        yield Finished(text, outcome, citations, seconds=self._clock.monotonic() - started_at)

    async def aclose(self) -> None:
        """Nothing to let go of."""
