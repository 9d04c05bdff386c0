"""A question to passages: dense ∥ lexical off the event loop, fused by rank, each passage saying why it is there.

The evidence rule. A fused score says nothing about relevance, so evidence is judged by two signals that mean something:
the best passage's coverage (`rag.coverage`) reaches `evidence_threshold`; or, when there are embeddings, its cosine
reaches `dense_evidence`, stands out from the list by a margin (a model that finds everything alike proves nothing), and
the passage still covers half of what the threshold asks. With neither there is no evidence. (0.65 and 0.08 are taken
from what is published of bge v1.5, not measured: calibrate them on your own questions.)
"""

import asyncio
import logging
import statistics
import unicodedata
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

from rag.corpus import Corpus
from rag.coverage import Coverage
from rag.documents import Chunk, Passage
from rag.embedding import Embedder
from rag.errors import EmbeddingFailed
from rag.settings import RetrievalSettings
from rag.terms import normalise

DENSE_MARGIN = 0.08
LEAST_SPREAD = 0.005
MAX_QUESTION_CHARS = 2000
Hits = list[tuple[int, float]]
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a search found, best first, and whether it is evidence enough to answer from."""

    passages: tuple[Passage, ...]
    is_evidence: bool


class Retriever:
    """Searches one corpus. `embedder` is None for lexical search only."""

    def __init__(
        self,
        settings: RetrievalSettings,
        corpus: Corpus,
        *,
        embedder: Embedder | None = None,
        executor: Executor | None = None,
        on_embedding_failure: Callable[[EmbeddingFailed], None] | None = None,
    ) -> None:
        self._settings = settings
        self._corpus = corpus
        self._embedder = embedder if corpus.dense is not None else None
        self._executor = executor
        self._on_embedding_failure = on_embedding_failure

    async def retrieve(self, question: str, collections: frozenset[str] | None = None) -> tuple[Passage, ...]:
        """The best passages for a question, at most `settings.passages`. `collections` limits the search itself."""
        return (await self.search(question, collections)).passages

    async def search(self, question: str, collections: frozenset[str] | None = None) -> Finding:
        """`retrieve` with the judgement of evidence."""
        question = question[:MAX_QUESTION_CHARS]
        loop = asyncio.get_running_loop()
        lexical, dense = await asyncio.gather(
            loop.run_in_executor(self._executor, self._search_lexical, question, collections),
            loop.run_in_executor(self._executor, self._search_dense, question, collections),
        )
        return await loop.run_in_executor(self._executor, self._judge, question, lexical, dense)

    def _search_lexical(self, question: str, collections: frozenset[str] | None) -> Hits:
        return self._corpus.lexical.search(normalise(question), self._settings.candidates, collections)

    def _search_dense(self, question: str, collections: frozenset[str] | None) -> Hits:
        """Nearest chunks; none without an embedder, and none (the lexical leg answers alone) when it fails."""
        if self._embedder is None or self._corpus.dense is None:
            return []
        try:
            vector = self._embedder.embed_question(unicodedata.normalize("NFKC", question))
        except EmbeddingFailed as error:
            logger.warning("Searching by words only, the embedding failed: %s", error)
            if self._on_embedding_failure is not None:
                self._on_embedding_failure(error)
            return []
        ids = None if collections is None else self._corpus.chunks.ids_in(collections)
        return self._corpus.dense.search(vector, self._settings.candidates, ids)

    def _judge(self, question: str, lexical: Hits, dense: Hits) -> Finding:
        rankings = [[chunk_id for chunk_id, _ in hits] for hits in (lexical, dense if _tells(dense, lexical) else [])]
        fused = fuse(*rankings, k=self._settings.rrf_k)
        best = fused[: self._settings.passages]
        chunks = self._corpus.chunks.get([chunk_id for chunk_id, _ in best])
        coverage = self.coverage(question)
        passages = tuple(
            _passage(chunks[chunk_id], score, lexical, dense, coverage)
            for chunk_id, score in best
            if chunk_id in chunks
        )
        return Finding(passages, self._is_evidence(passages, [score for _, score in dense]))

    def coverage(self, question: str) -> Coverage:
        """The question made ready to be held against texts, with this corpus's frequencies."""
        lexical = self._corpus.lexical
        return Coverage(question, term_idf=lexical.idf, character_idf=lexical.character_idf)

    def _is_evidence(self, passages: tuple[Passage, ...], cosines: list[float]) -> bool:
        threshold = self._settings.evidence_threshold
        if any(passage.coverage >= threshold for passage in passages):
            return True
        if _spread(cosines) < DENSE_MARGIN:
            return False
        return any(
            (passage.dense_score or 0.0) >= self._settings.dense_evidence and passage.coverage >= threshold / 2
            for passage in passages
        )


def fuse(*rankings: list[int], k: int) -> list[tuple[int, float]]:
    """Reciprocal rank fusion: ids by the sum of 1 / (k + rank), best first; ties keep first-seen order."""
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, chunk_id in enumerate(ranking, start=1):
            scores[chunk_id] = scores.get(chunk_id, 0.0) + 1.0 / (k + rank)
    return sorted(scores.items(), key=lambda item: -item[1])


def _tells(dense: Hits, lexical: Hits) -> bool:
    """Whether the dense order says anything: with all cosines alike it is chance, and would only blur the other."""
    return not lexical or _spread([score for _, score in dense]) >= LEAST_SPREAD


def _spread(cosines: list[float]) -> float:
    """How far the best stands out from the list."""
    return max(cosines) - statistics.median(cosines) if cosines else 0.0


def _passage(chunk: Chunk, score: float, lexical: Hits, dense: Hits, coverage: Coverage) -> Passage:
    lexical_rank, lexical_score = _place(lexical, chunk.id)
    dense_rank, dense_score = _place(dense, chunk.id)
    return Passage(
        chunk=chunk,
        score=score,
        dense_rank=dense_rank,
        dense_score=dense_score,
        lexical_rank=lexical_rank,
        lexical_score=lexical_score,
        coverage=coverage.of(f"{chunk.heading_path}\n{chunk.text}"),
    )


def _place(hits: Hits, chunk_id: int) -> tuple[int | None, float | None]:
    for rank, (found, score) in enumerate(hits, start=1):
        if found == chunk_id:
            return rank, score
    return None, None
