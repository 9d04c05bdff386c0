"""A question to passages: dense ∥ lexical off the event loop, fused by rank, each passage saying why it is there.

Reciprocal rank fusion: 1 / (k + rank), summed. With a k above the lists' depth, whatever stands in both, even last in
both, goes before what is first in one of them. k and `MOST_UNKNOWN` were chosen by benchmarks/fusion.py.
"""

import asyncio
import logging
import statistics
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from rag.access_lists import UNCONTROLLED
from rag.documents import Chunk, Passage
from rag.embedding import Embedder, Reranker
from rag.embedding.language_check import READS_FROM
from rag.errors import EmbeddingFailed
from rag.events import Level
from rag.index.base.protocols import Within
from rag.index.base.types import Hits, Key
from rag.index.calibration import Calibration
from rag.index.index import Index
from rag.index.rights import VisibleDocuments
from rag.retrieval.confidence import Evidence, Signals, judge, signals
from rag.retrieval.coverage import Coverage
from rag.retrieval.keyword_search import KeywordHits, KeywordSearch, chance_of
from rag.retrieval.passages import passages, present_in
from rag.retrieval.vector_search import VectorHits, VectorSearch
from rag.scope import EVERYTHING, Scope
from rag.settings import RetrievalSettings
from rag.tables.answering import Computed, Uncounted, documents_with_rows
from rag.text.tokenizer import embeddable, language_of

MAX_QUESTION_CHARS = 2000
SPARE = 3
"""Chunks read for each passage wanted: some are duplicates, some neighbours."""
WEIGHED = 5
"""Hits by words that tell how much the words are worth."""
LEAST_SPREAD = 0.005
MOST_UNKNOWN = 0.25
"""Above this share of tokens that are not in its vocabulary, a model reads another question than the one asked."""
NOTHING = VectorHits([])
Ranked = list[tuple[Chunk, float]]
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a search found, best first, and what that is worth as evidence (`confidence` 0 to 1)."""

    passages: tuple[Passage, ...]
    evidence: Evidence
    confidence: float = 0.0
    level: Level = "low"
    is_calibrated: bool = False
    signals: Signals | None = None
    floor: float | None = None
    """The confidence below which a calibration refuses; None without one."""
    may_be_quoted: bool = True
    """Whether a quotation may stand as the answer where no model reads the passages."""
    row_documents: tuple[Key, ...] = ()
    """The documents of which the search read rows of tables, whether they became passages or not."""
    tables: Computed | Uncounted | None = None
    """What came of looking at whole tables. The evidence of what was computed is the first of `passages`."""

    @property
    def is_evidence(self) -> bool:
        """Whether the search alone does not refuse."""
        return self.evidence != "none"


class Retriever:
    """Searches one index. `embedder` is None for lexical search only; `legs` runs the lexical leg beside the dense.
    `rights` gives those of the newest snapshot, anew for each search; without it no document has any."""

    def __init__(
        self,
        settings: RetrievalSettings,
        index: Index,
        *,
        embedder: Embedder | None = None,
        executor: Executor | None = None,
        legs: Executor | None = None,
        reranker: Reranker | None = None,
        calibration: Calibration | None = None,
        on_embedding_failure: Callable[[EmbeddingFailed], None] | None = None,
        rights: Callable[[], VisibleDocuments] | None = None,
    ) -> None:
        self._settings = settings
        self._index = index
        self._embedder = embedder if index.dense is not None else None
        self._executor = executor
        self._legs = legs
        self._reranker = reranker
        self._calibration = calibration
        self._on_embedding_failure = on_embedding_failure
        self._uncontrolled = VisibleDocuments(index.chunks, UNCONTROLLED)
        self._rights = rights or (lambda: self._uncontrolled)

    @property
    def embedder(self) -> Embedder | None:
        """The model of the dense leg, where it can serve."""
        return self._embedder

    async def retrieve(self, question: str, scope: Scope = EVERYTHING) -> tuple[Passage, ...]:
        """The best passages for a question, at most `settings.passages`. The scope limits the search itself."""
        return (await self.search(question, scope)).passages

    async def search(self, question: str, scope: Scope = EVERYTHING) -> SearchResult:
        """`retrieve` with the judgement of evidence."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self.search_now, question[:MAX_QUESTION_CHARS], scope)

    def search_now(self, question: str, scope: Scope = EVERYTHING) -> SearchResult:
        """The same, blocking."""
        within = self._within(scope)
        if self._embedder is None or self._legs is None:
            near = self._search_dense(question, within)
            coverage, words = self._search_words(question, within)
        else:
            # The dense leg here: it lets go of the GIL at once, and the words are looked up meanwhile.
            started = self._legs.submit(self._search_words, question, within)
            near = self._search_dense(question, within)
            coverage, words = started.result()
        dense = near.hits
        is_heard = self._is_heard(question, dense)
        ranked = self._ranked(words, dense if is_heard else [], coverage)
        ranked, reranked = self._reranked(question, ranked)
        found = passages(
            ranked,
            limit=self._settings.passages,
            budget=self._settings.budget_tokens,
            coverage=coverage,
            legs=(words.hits, dense),
            reranked=reranked,
        )
        chance = chance_of(self._index.manifest.word_chance, language_of(question))
        read = signals(found, words, near if is_heard else NOTHING, coverage, chance)
        verdict = judge(read, found, self._settings, self._calibration)
        found_there = (*(passage.chunk for passage in found), *words.read.values())
        return SearchResult(
            found,
            verdict.evidence,
            verdict.confidence,
            verdict.level,
            verdict.is_calibrated,
            read,
            verdict.floor,
            row_documents=documents_with_rows(found_there),
        )

    def coverage(self, question: str, scope: Scope = EVERYTHING) -> Coverage:
        """The question made ready to be held against texts, with the frequencies of what may be seen. Blocking."""
        return self._words(self._within(scope)).coverage(question)

    def seen(self, scope: Scope, sources: Iterable[str]) -> frozenset[str]:
        """Which of these documents may be read by the newest snapshot, by all who will read the answer."""
        lists = self._rights().lists
        return frozenset(source for source in sources if lists.shows(scope.audience, source))

    def _within(self, scope: Scope) -> Within:
        return self._rights().within(scope)

    def _words(self, within: Within) -> KeywordSearch:
        """Whoever may see all there is needs no limits, which cost time."""
        index = self._index
        sees_all = isinstance(within, frozenset) and within.issuperset(index.manifest.collections)
        return KeywordSearch(index.lexical, index.chunks, None if sees_all else within)

    def _search_words(self, question: str, within: Within) -> tuple[Coverage, KeywordHits]:
        search = self._words(within)
        coverage = search.coverage(question)
        return coverage, search.search(question, coverage, self._settings.candidates)

    def _search_dense(self, question: str, within: Within) -> VectorHits:
        """Nearest chunks; none without an embedder, and none (the lexical leg answers alone) when it fails."""
        index = self._index
        if self._embedder is None or index.dense is None:
            return NOTHING
        try:
            vector = self._embedder.embed_question(embeddable(question))
        except EmbeddingFailed as error:
            logger.warning("Searching by words only, the embedding failed: %s", error)
            if self._on_embedding_failure is not None:
                self._on_embedding_failure(error)
            return NOTHING
        manifest = index.manifest
        search = VectorSearch(index.dense, index.chunks, manifest.languages, manifest.background)
        return search.search(vector, language_of(question), self._settings.candidates, within)

    def _is_heard(self, question: str, dense: Hits) -> bool:
        """Whether the dense leg has a voice: it reads the question's language and does not find all alike."""
        mark = self._index.manifest.embedding
        if not dense or self._embedder is None or not says_something(dense):
            return False
        reads = {} if mark is None else mark.reads
        if reads.get(language_of(question) or "", 1.0) < READS_FROM:
            return False
        return self._embedder.unknown_share(embeddable(question)) <= MOST_UNKNOWN

    def _ranked(self, words: KeywordHits, dense: Hits, coverage: Coverage) -> Ranked:
        """Chunks and their fused scores, best first. Beside vectors, words weigh as much of the question as their best
        hit covers: where the question shares few words with the documents their order is chance."""
        rankings = [[chunk_id for chunk_id, _ in hits] for hits in (words.hits, dense)]
        weights = (_covered(words, coverage) if dense else 1.0, 1.0)
        wanted = self._settings.passages * SPARE
        if self._reranker is not None:
            wanted = max(wanted, self._settings.rerank_candidates)
        fused = fuse(*rankings, k=self._settings.rrf_k, weights=weights)[:wanted]
        unread = [chunk_id for chunk_id, _ in fused if chunk_id not in words.read]
        chunks = {**words.read, **self._index.chunks.get(unread)}
        return [(chunks[chunk_id], score) for chunk_id, score in fused if chunk_id in chunks]

    def _reranked(self, question: str, ranked: Ranked) -> tuple[Ranked, dict[int, float]]:
        """In the reranker's order, with its scores by chunk id; as they are without one, or when it fails."""
        read, rest = ranked[: self._settings.rerank_candidates], ranked[self._settings.rerank_candidates :]
        if self._reranker is None or not read:
            return ranked, {}
        try:
            scores = self._reranker.scores(question, [chunk.embedded_text for chunk, _ in read])
        except EmbeddingFailed:
            return ranked, {}
        best_first = sorted(range(len(read)), key=lambda at: -scores[at])
        ordered = [(read[at][0], scores[at]) for at in best_first] + [(chunk, 0.0) for chunk, _ in rest]
        return ordered, {read[at][0].id: scores[at] for at in best_first}


def _covered(words: KeywordHits, coverage: Coverage) -> float:
    """How much of the question the best of the first hits covers, 0 to 1."""
    best = [words.read[chunk_id] for chunk_id, _ in words.hits[:WEIGHED] if chunk_id in words.read]
    return max((coverage.of_terms(*present_in(chunk)) for chunk in best), default=0.0)


def fuse(*rankings: Sequence[int], k: int, weights: Sequence[float] = ()) -> Hits:
    """Ids by the sum of weight / (k + rank), best first; ties keep first-seen order. Without weights each is 1."""
    scores: dict[int, float] = {}
    for ranking, weight in zip(rankings, weights or [1.0] * len(rankings), strict=True):
        for rank, chunk_id in enumerate(ranking, start=1):
            scores[chunk_id] = scores.get(chunk_id, 0.0) + weight / (k + rank)
    return sorted(scores.items(), key=lambda item: -item[1])


def spread(cosines: Sequence[float]) -> float:
    """How far the best stands out from the list."""
    return max(cosines) - statistics.median(cosines) if cosines else 0.0


def says_something(dense: Hits) -> bool:
    """Whether the dense order means anything: with all cosines alike it is chance."""
    return spread([score for _, score in dense]) >= LEAST_SPREAD
