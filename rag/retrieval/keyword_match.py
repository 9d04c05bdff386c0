"""How well the words of a chunk match a question: BM25 over its terms, and how much of it is covered at all.

Read off the texts that a search by words found, so that the figure means the same in every store, and with the term
frequencies of what the asker may see (`Idf`), so that it tells nothing about documents that they may not. BM25 counts
how often a term stands in how long a text; coverage counts how much of the question has a place in the text at all,
other words for the same thing included. Together they order everyday questions better than either does
(benchmarks/answers.py).
"""

from collections.abc import Sequence

from rag.documents import Chunk
from rag.retrieval.coverage import Coverage, Idf, Words, words_of
from rag.text.synonyms import WEIGHT as SYNONYM_WEIGHT
from rag.text.synonyms import matches
from rag.text.tokenizer import FIGURE_WEIGHT, MAX_QUERY_TERMS, lone_characters, question_terms

SATURATION, LENGTH_SHARE = 1.2, 0.75
"""The k1 and b of BM25."""
TYPICAL_TERMS = 100
"""The length that counts as average. A fixed one: the average of an index would also be that of closed documents."""
COVERAGE_WEIGHT = 0.5
"""What a covered unit of the question's weight counts beside its BM25."""
Weighted = list[tuple[str, float]]


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
