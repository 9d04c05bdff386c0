"""The lexical leg: what a search by words finds, ordered by how well it matches, and how far that is above chance.

An index of general knowledge holds most words of any question: half of what background questions
(`rag.retrieval.background_questions`) reach there is no sign of an answer. Ingest keeps what they reach, by the
language of questions.
"""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field

from rag.documents import Chunk
from rag.index.base.protocols import Chunks, KeywordIndex
from rag.retrieval.background_questions import questions_by_language
from rag.retrieval.coverage import Coverage
from rag.retrieval.fusion import Hits
from rag.retrieval.keyword_match import KeywordMatch

READ = 30
"""Of the hits by BM25 so many are read and put in order by their match; those after them stay as they are."""
BACKGROUND_DEPTH = 10


@dataclass(frozen=True, slots=True)
class KeywordHits:
    """Chunks and their BM25 scores in the store; the first, which were read, in the order of their `matches`
    (`rag.retrieval.keyword_match`)."""

    hits: Hits
    matches: tuple[float, ...] = ()
    read: Mapping[int, Chunk] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KeywordSearch:
    """Searches the words of one index, or of some collections in it."""

    lexical: KeywordIndex
    chunks: Chunks
    collections: frozenset[str] | None = None

    def coverage(self, question: str) -> Coverage:
        """The question made ready to be held against texts, with the frequencies of these collections."""
        return Coverage(question, term_idf=self._idf, character_idf=self._character_idf)

    def search(self, question: str, coverage: Coverage, limit: int) -> KeywordHits:
        """The best `limit` chunks. Blocking."""
        hits = self.lexical.search(question, limit, self.collections)
        found = self.chunks.get([chunk_id for chunk_id, _ in hits[:READ]])
        match = KeywordMatch(question, coverage, term_idf=self._idf, character_idf=self._character_idf)
        scored = [(match.of(found[hit[0]]) if hit[0] in found else 0.0, hit) for hit in hits[:READ]]
        scored.sort(key=lambda each: -each[0])
        return KeywordHits([hit for _, hit in scored] + hits[READ:], tuple(score for score, _ in scored), found)

    def chance(self) -> dict[str, float]:
        """What background questions of each language reach: the median of their best match. Blocking."""
        return {
            language: statistics.median(map(self._best, questions)) for language, questions in questions_by_language()
        }

    def _best(self, question: str) -> float:
        return max(self.search(question, self.coverage(question), BACKGROUND_DEPTH).matches, default=0.0)

    def _idf(self, term: str) -> float:
        return self.lexical.idf(term, self.collections)

    def _character_idf(self, character: str) -> float:
        return self.lexical.character_idf(character, self.collections)


def chance_of(matches: Mapping[str, float], language: str | None) -> float:
    """What chance reaches by the language of a question; 0 where the index does not know it."""
    return matches.get(language or "", 0.0)
