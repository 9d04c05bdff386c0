"""The lexical leg: what a search by words finds, ordered by how well it matches, and how far that is above chance.

A *match* is BM25 over a chunk's terms, and how much of the question is covered at all. It is read off the texts that
the search found, so that the figure means the same in every store, and with the term frequencies of what the asker may
see (`Idf`), so that it tells nothing about documents that they may not. BM25 counts how often a term stands in how long
a text; coverage counts how much of the question has a place in the text at all, other words for the same thing
included. Together they order everyday questions better than either does (benchmarks/answers.py).

An index of general knowledge holds most words of any question: half of what background questions
(`rag.retrieval.background_questions`) reach there is no sign of an answer. Ingest keeps what they reach, by the
language of questions.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rag.documents import Chunk
from rag.index.base.protocols import Chunks, KeywordIndex, Within
from rag.index.base.types import Hits
from rag.retrieval.background_questions import questions_by_language
from rag.retrieval.coverage import Coverage, Idf, Words, words_of
from rag.retrieval.strangeness import TermRarity, strangeness
from rag.text.synonyms import WEIGHT as SYNONYM_WEIGHT
from rag.text.synonyms import matches
from rag.text.tokenizer import FIGURE_WEIGHT, MAX_QUERY_TERMS, lone_characters, question_terms

READ = 30
"""Of the hits by BM25 so many are read and put in order by their match; those after them stay as they are."""
BACKGROUND_DEPTH = 10
SATURATION, LENGTH_SHARE = 1.2, 0.75
"""The k1 and b of BM25."""
TYPICAL_TERMS = 100
"""The length that counts as average. A fixed one: the average of an index would also be that of closed documents."""
COVERAGE_WEIGHT = 0.5
"""What a covered unit of the question's weight counts beside its BM25."""
Weighted = list[tuple[str, float]]


@dataclass(frozen=True, slots=True)
class KeywordHits:
    """Chunks and their BM25 scores in the store; the first, which were read, in the order of their `matches`
    (`KeywordMatch.of`)."""

    hits: Hits
    matches: tuple[float, ...] = ()
    read: Mapping[int, Chunk] = field(default_factory=dict)
    strangeness: float = 0.0
    """Of the question's words to all chunks that may be seen (`rag.retrieval.strangeness`)."""


@dataclass(frozen=True, slots=True)
class KeywordSearch:
    """Searches the words of one index, or of what may be seen of it."""

    lexical: KeywordIndex
    chunks: Chunks
    within: Within = None

    def coverage(self, question: str) -> Coverage:
        """The question made ready to be held against texts, with the frequencies of what may be seen."""
        return Coverage(question, term_idf=self._idf, character_idf=self._character_idf)

    def search(self, question: str, coverage: Coverage, limit: int) -> KeywordHits:
        """The best `limit` chunks. Blocking."""
        hits = self.lexical.search(question, limit, self.within)
        found = self.chunks.get([chunk_id for chunk_id, _ in hits[:READ]])
        match = KeywordMatch(question, coverage, term_idf=self._idf, character_idf=self._character_idf)
        scored = [(match.of(found[hit[0]]) if hit[0] in found else 0.0, hit) for hit in hits[:READ]]
        scored.sort(key=lambda each: -each[0])
        return KeywordHits(
            [hit for _, hit in scored] + hits[READ:],
            tuple(score for score, _ in scored),
            found,
            self._strangeness(question) if hits else 0.0,
        )

    def chance(self) -> dict[str, float]:
        """What background questions of each language reach: the median of their best match. Blocking."""
        return {
            language: statistics.median(map(self._best, questions)) for language, questions in questions_by_language()
        }

    def _best(self, question: str) -> float:
        return max(self.search(question, self.coverage(question), BACKGROUND_DEPTH).matches, default=0.0)

    def _strangeness(self, question: str) -> float:
        return strangeness(question, TermRarity(self.lexical.visible(self.within), self._idf, self._character_idf))

    def _idf(self, term: str) -> float:
        return self.lexical.idf(term, self.within)

    def _character_idf(self, character: str) -> float:
        return self.lexical.character_idf(character, self.within)


def chance_of(matches: Mapping[str, float], language: str | None) -> float:
    """What chance reaches by the language of a question; 0 where the index does not know it."""
    return matches.get(language or "", 0.0)


class KeywordMatch:
    """A question made ready to be held against many chunks."""

    def __init__(self, question: str, coverage: Coverage, *, term_idf: Idf, character_idf: Idf) -> None:
        self._coverage = coverage
        wanted = list(question_terms(question).items())[:MAX_QUERY_TERMS]
        self._terms: Weighted = [(term, weight * term_idf(term)) for term, weight in wanted]
        self._characters: Weighted = [(term, character_idf(term)) for term in lone_characters(dict(wanted))]
        self._others: list[list[Weighted]] = [
            [[(term, term_idf(term)) for term in form] for form in match.others] for match in matches(question)
        ]

    def of(self, chunk: Chunk) -> float:
        """For each unit of the question's weight: 0 for no match, about 1 where half its words are in it, up to 3."""
        if not self._coverage:
            return 0.0
        text, path = words_of(chunk.text), words_of(chunk.heading_path)
        covered = self._coverage.of_terms(text.found | path.found, text.characters | path.characters)
        return self._bm25((text, path)) / self._coverage.weight + COVERAGE_WEIGHT * covered

    def _bm25(self, parts: Sequence[Words]) -> float:
        """Of a text in parts, as one."""
        share = sum(part.length for part in parts) / TYPICAL_TERMS
        norm = SATURATION * (1 - LENGTH_SHARE + LENGTH_SHARE * share)

        def score(term: str, weight: float) -> float:
            count = sum(part.counts.get(term, 0) for part in parts)
            return weight * count * (SATURATION + 1) / (count + norm)

        figures = [weight for term, weight in self._terms if any(term in part.figures for part in parts)]
        alone = [weight for term, weight in self._characters if any(term in part.characters for part in parts)]
        others = [max(map(_of_form, ([score(*term) for term in form] for form in forms))) for forms in self._others]
        own = [score(term, weight) for term, weight in self._terms]
        return sum(own) + sum(alone) + FIGURE_WEIGHT * sum(figures) + SYNONYM_WEIGHT * sum(others)


def _of_form(scores: Sequence[float]) -> float:
    """Of another word for the same thing: all of its terms, or nothing."""
    return sum(scores) if all(scores) else 0.0
