"""A question that somebody has answered for good: found before the documents are searched, and told like any answer."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence

from rag.access_lists import AccessLists
from rag.clock import Clock
from rag.documents import Chunk, Passage
from rag.events import AnswerEvent, Finished, Question, Retrieved
from rag.generation.extractive import typed
from rag.generation.follow_ups import leans
from rag.index.index import Index
from rag.verified.answers import Evidence, VerifiedAnswer, VerifiedAnswers, VerifiedSource

MOST_CHUNKS = 10_000
logger = logging.getLogger(__name__)


class VerifiedFinder:
    """Looks through the newest snapshot. One that has ended, whose evidence is not in the documents any more, or that
    not everybody who reads the answer may see, is not found."""

    def __init__(self, source: VerifiedSource, clock: Clock, *, pause_s: float) -> None:
        self._source = source
        self._clock = clock
        self._pause_s = pause_s

    async def find(self, question: Question, index: Index, lists: AccessLists) -> VerifiedAnswer | None:
        """The answer to a question; None for none. Never raises: then the documents answer."""
        if not may_be_verified(question):
            return None
        newest = await self._newest()
        for answer in newest.to(question.text) if newest.answers else ():
            if not (answer.is_valid(self._clock.time()) and is_shown(answer, question, lists)):
                continue
            if not await asyncio.to_thread(outdated, answer, index):
                return answer
        return None

    async def told(self, answer: VerifiedAnswer, started_at: float) -> AsyncGenerator[AnswerEvent]:
        """The events of an answer (`rag.events`), typed by and by. All its evidence counts as cited."""
        passages = tuple(Passage(each.chunk, 1.0, coverage=1.0) for each in answer.evidence)
        yield Retrieved(passages, self._clock.monotonic() - started_at, answer.verification)
        async for delta in typed(answer.text, self._clock, self._pause_s):
            yield delta
        yield Finished(
            answer.text,
            "answered",
            tuple(range(1, len(passages) + 1)),
            seconds=self._clock.monotonic() - started_at,
            confidence=1.0,
            level="high",
            verified=answer.verification,
        )

    async def _newest(self) -> VerifiedAnswers:
        try:
            return await self._source()
        except Exception as error:
            logger.error("Verified answers are not known (%s): the documents answer", type(error).__name__)
            return VerifiedAnswers()


def may_be_verified(question: Question) -> bool:
    """Whether a question stands for itself: not one that goes on with an answer, that something came with, that leans
    on what was said before, or that tries other prompts."""
    if question.from_documents or question.so_far or question.attached or question.prompts is not None:
        return False
    return not (question.history and leans(question.text))


def is_shown(answer: VerifiedAnswer, question: Question, lists: AccessLists) -> bool:
    """Whether all who read the answer to a question may see it."""
    audience = question.scope.audience
    return answer.is_seen(
        question.scope, lambda sources: frozenset(each for each in sources if lists.shows(audience, each))
    )


def outdated(answer: VerifiedAnswer, index: Index) -> tuple[Chunk, ...]:
    """The evidence that its document does not hold any more, word for word. A document that was changed elsewhere still
    does. Blocking."""
    return tuple(each.chunk for each in answer.evidence if not _still_stands(each, index))


def _still_stands(evidence: Evidence, index: Index) -> bool:
    key = (evidence.chunk.collection, evidence.chunk.source)
    known = index.chunks.document(key)
    if known is None or known.failure:
        return False
    return known.fingerprint == evidence.fingerprint or holds(index.chunks.of_document(key, MOST_CHUNKS), evidence)


def holds(chunks: Sequence[Chunk], evidence: Evidence) -> bool:
    """Whether every line of a passage stands in these chunks of a document, however they are cut."""
    document = "".join(_squeezed(chunk.text) for chunk in sorted(chunks, key=lambda chunk: chunk.start))
    return all(_squeezed(line) in document for line in evidence.chunk.text.splitlines())


def _squeezed(text: str) -> str:
    return "".join(text.split())
