"""A question to a stream of answer events: retrieve, judge the evidence, write."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from rag.clock import Clock, SystemClock
from rag.documents import Passage
from rag.events import NO_EVIDENCE_TEXT, AnswerEvent, Finished, NoEvidence, Question, Retrieved
from rag.generation.computed import with_tables
from rag.generation.follow_ups import in_full, is_only_connected, own_words
from rag.retrieval.confidence import Evidence
from rag.retrieval.passages import present_in
from rag.retrieval.retriever import Retriever, SearchResult
from rag.scope import Scope
from rag.tables.answering import TableAnswers

OWN_COVERAGE = 0.5
"""Of a follow-up's own words by a passage that was found together with the question before it: it is about them."""
WHOLE_COVERAGE = 0.8
"""Of a question that only its first word connects with the one before: what is found for it alone is meant."""
LEAST_OWN_COVERAGE = 0.15
"""Below this the passage has nothing of them."""


class Writer(Protocol):
    """Turns passages into text: Reasoning and Delta events, then one Finished."""

    def write(self, question: Question, passages: Sequence[Passage]) -> AsyncIterator[AnswerEvent]: ...

    async def aclose(self) -> None: ...


class Answerer:
    """Answers questions from one index. `writer_for` gives the writer, by what was found for a question."""

    def __init__(
        self,
        retriever: Retriever,
        writer_for: Callable[[SearchResult], Writer],
        *,
        tables: TableAnswers | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._retriever = retriever
        self._writer_for = writer_for
        self._tables = tables
        self._clock = clock or SystemClock()

    async def answer(self, question: Question) -> AsyncGenerator[AnswerEvent]:
        """Events as `rag.events` promises; use with `contextlib.aclosing`, closing it stops the model at once."""
        started_at = self._clock.monotonic()
        finding = await self._found(question)
        if not self._is_seen(question.scope, finding):  # rights were taken away meanwhile
            finding = self._of_what_is_seen(question.scope, await self._found(question))
        seconds = self._clock.monotonic() - started_at
        if not finding.is_evidence:
            yield Retrieved((), seconds)
            yield NoEvidence(finding.passages)
            yield _judged(Finished(NO_EVIDENCE_TEXT, "no_evidence", seconds=seconds), finding)
            return
        yield Retrieved(finding.passages, seconds)
        writer = self._writer_for(finding)
        async with contextlib.aclosing(writer.write(question, finding.passages)) as events:  # type: ignore[type-var]
            async for event in events:
                yield self._told(event, question.scope, finding)

    async def _found(self, question: Question) -> SearchResult:
        return await self._with_tables(question, await self._find(question))

    def _told(self, event: AnswerEvent, scope: Scope, finding: SearchResult) -> AnswerEvent:
        """An event of the writer, who may have written for minutes: as nearest is told what may be seen still."""
        if isinstance(event, NoEvidence):
            return NoEvidence(self._seen_of(scope, event.nearest))
        return _judged(event, finding) if isinstance(event, Finished) else event

    def _is_seen(self, scope: Scope, finding: SearchResult) -> bool:
        """Whether everything that a finding speaks of may be seen by the newest snapshot of rights."""
        found = {source for _, source in finding.row_documents}
        for each in finding.passages:
            found.update((each.chunk.source, *each.duplicates))
        return self._retriever.seen(scope, found) == found

    def _seen_of(self, scope: Scope, passages: Sequence[Passage]) -> tuple[Passage, ...]:
        """Those of the passages whose document may be seen, naming no other as their duplicate."""
        named = {source for each in passages for source in (each.chunk.source, *each.duplicates)}
        seen = self._retriever.seen(scope, named)
        return tuple(
            replace(each, duplicates=tuple(source for source in each.duplicates if source in seen))
            for each in passages
            if each.chunk.source in seen
        )

    def _of_what_is_seen(self, scope: Scope, finding: SearchResult) -> SearchResult:
        """Where rights change faster than is searched, what is left of a finding; that says little for an answer."""
        if self._is_seen(scope, finding):
            return finding
        passages = self._seen_of(scope, finding.passages)
        evidence: Evidence = "weak" if passages and finding.is_evidence else "none"
        return SearchResult(passages, evidence, may_be_quoted=False)

    async def _with_tables(self, question: Question, finding: SearchResult) -> SearchResult:
        """What was found, and what code computes from the tables among it; also where the search alone would refuse."""
        tables = self._tables
        if tables is None or not (finding.passages or finding.row_documents):
            return finding
        asked = (question.search or (question.text,))[0]
        today = datetime.fromtimestamp(self._clock.time()).astimezone().date()
        passages, verdict = await asyncio.to_thread(
            lambda: (tables.headed(finding.passages), tables.look(asked, finding.row_documents, today))
        )
        return with_tables(replace(finding, passages=passages), verdict)

    async def _find(self, question: Question) -> SearchResult:
        """Passages for the question; one that leans on the question before it is sought together with that."""
        first, *others = question.search or (question.text,)
        finding = await self._retriever.search(first, question.scope)
        for other in others:
            if finding.is_evidence:
                break
            wider = await self._retriever.search(other, question.scope)
            finding = wider if wider.is_evidence else finding
        together = in_full(question)
        if together == question.text or (question.search and finding.is_evidence):  # it leans on what came with it
            return finding
        wider = await self._retriever.search(together, question.scope)
        return self._of_its_own(question, finding, wider)

    def _of_its_own(self, question: Question, alone: SearchResult, together: SearchResult) -> SearchResult:
        """What was found for a follow-up, judged by its own words: those that come from before prove nothing."""
        own = own_words(question.text)
        if not own:  # why, how long: nothing but the question before it says what is meant
            return together
        if is_only_connected(question.text) and _is_covered(alone):
            return alone
        coverage = self._retriever.coverage(own, question.scope)
        covered = max((coverage.of_terms(*present_in(each.chunk)) for each in together.passages), default=0.0)
        if covered >= OWN_COVERAGE:
            return together
        if alone.evidence == "strong":
            return alone
        if covered < LEAST_OWN_COVERAGE:
            return alone
        evidence: Evidence = "weak" if together.is_evidence else "none"
        return replace(together, evidence=evidence, level="low", may_be_quoted=False)


def _is_covered(alone: SearchResult) -> bool:
    coverage = alone.signals.coverage if alone.signals is not None else 0.0
    return alone.evidence == "strong" or (alone.is_evidence and coverage >= WHOLE_COVERAGE)


def _judged(finished: Finished, finding: SearchResult) -> Finished:
    """The end with what the search says about it."""
    return replace(finished, confidence=finding.confidence, level=finding.level, is_calibrated=finding.is_calibrated)
