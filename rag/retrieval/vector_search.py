"""The dense leg: nearest chunks by vector, comparable across languages, and how far the best is above chance.

Most embedding models put a text of the question's language nearer than a better one of another. Where the index holds
several languages each is searched for itself, and a cosine counts by how far it is above those of questions that the
documents are not about (`rag.index.base.background`). Where there is one language this changes no order.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rag.embedding import Embedder
from rag.errors import EmbeddingFailed
from rag.index.base.background import ANY, SAMPLED, Background, spread_of, spreads
from rag.index.base.protocols import Chunks, VectorIndex, Within
from rag.index.base.types import Hits
from rag.retrieval.background_questions import questions_by_language

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LEAST_SHARE = 0.01
"""A language with a smaller share of the chunks does not make an index one of several languages."""
SINGLE = 1
MOST_FAILED = 5
"""Background questions of a language that may fail to be embedded."""


@dataclass(frozen=True, slots=True)
class VectorHits:
    """Chunks and their cosines, in the order of their scores. `standings` are these scores in standard deviations above
    the best ones of background questions; empty where the index does not know those."""

    hits: Hits
    standings: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class VectorSearch:
    """Searches the vectors of one index."""

    dense: VectorIndex
    chunks: Chunks
    languages: Mapping[str, int]
    background: Mapping[str, Background]

    def search(
        self, vector: "NDArray[np.float32]", language: str | None, limit: int, within: Within = None
    ) -> VectorHits:
        """The nearest to a question's vector, shape (dimension,); `language` is that of the question."""
        background = self.background.get(language or ANY) or self.background.get(ANY)
        if background is None:
            ids = None if within is None else self.chunks.ids_in(within)
            return VectorHits(self.dense.search(vector, limit, ids))
        scored = sorted(self._scored(vector, background, limit, within), key=lambda hit: -hit[2])[:limit]
        standings = tuple(background.best.standardised(score) for _, _, score in scored)
        return VectorHits([(chunk_id, cosine) for chunk_id, cosine, _ in scored], standings)

    def _scored(
        self, vector: "NDArray[np.float32]", background: Background, limit: int, within: Within
    ) -> list[tuple[int, float, float]]:
        """Id, cosine and standardised score of the nearest of each language."""
        found = {}
        for language in self._searched():
            unlimited = within is None and language is None
            ids = None if unlimited else self.chunks.ids_in(within, language)
            for chunk_id, cosine in self.dense.search(vector, limit, ids):
                found[chunk_id] = (chunk_id, cosine, background.score(cosine, language or self._only()))
        return list(found.values())

    def best(self, vector: "NDArray[np.float32]", background: Background) -> float:
        """The best standardised score there is; 0 in an empty index."""
        return max((score for _, _, score in self._scored(vector, background, 1, None)), default=0.0)

    def _searched(self) -> list[str | None]:
        """The languages to search one by one; None for all at once."""
        total = sum(self.languages.values())
        large = [name for name, count in self.languages.items() if count >= LEAST_SHARE * total]
        return [None] if len(large) <= SINGLE else list(self.languages)

    def _only(self) -> str:
        """The language of an index that has only one worth mentioning."""
        return max(self.languages, key=lambda name: self.languages[name], default=ANY)


def measured(search: VectorSearch, embedder: Embedder) -> dict[str, Background]:
    """The background of a finished index, for each language of questions and for all of them (`ANY`).

    Blocking; embeds the background questions, and does without the few that an endpoint refuses. Raises
    EmbeddingFailed.
    """
    import numpy as np

    sampled = {
        language: np.asarray(search.dense.vectors(ids), dtype=np.float32)
        for language in search.languages
        if (ids := search.chunks.sample(language, SAMPLED))
    }
    if not sampled:
        return {}
    found: dict[str, Background] = {}
    asked: dict[str, Any] = {}
    for language, questions in questions_by_language():
        asked[language] = np.array(list(_embedded(questions, embedder)), dtype=np.float32)
        found[language] = Background(spreads(asked[language], sampled))
    asked[ANY] = np.concatenate(list(asked.values()))
    found[ANY] = Background(spreads(asked[ANY], sampled))
    return {
        language: replace(
            background, best=spread_of(np.array([search.best(vector, background) for vector in asked[language]]))
        )
        for language, background in found.items()
    }


def _embedded(questions: Sequence[str], embedder: Embedder) -> "Iterator[NDArray[np.float32]]":
    """Their vectors, but for a few that fail: a content filter may take exception to any of them."""
    failed = 0
    for question in questions:
        try:
            yield embedder.embed_question(question)
        except EmbeddingFailed:
            failed += 1
            if failed > MOST_FAILED:
                raise
