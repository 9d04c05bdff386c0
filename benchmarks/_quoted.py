"""Quotations of benchmarks/quoting.py: made, judged, and the probability that they answer fitted."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks._asking import Item, QuestionSet
from benchmarks._measures import Share
from benchmarks._sets import foreign_to, half_of
from rag.evaluation.fitting import fit_logistic
from rag.generation.extractive import DENSE, WORDS, quotation, readings
from rag.generation.sentence_selection import Nearness, choose_quotes
from rag.retrieval.retriever import Retriever, SearchResult


@dataclass(frozen=True, slots=True)
class Found:
    """A question and what was found for it in an index of a set's documents, its own or foreign ones."""

    set: str
    half: str
    item: Item
    is_own: bool
    finding: SearchResult

    @property
    def is_answerable(self) -> bool:
        """Whether the set's documents answer it."""
        return self.is_own and bool(self.item.case.answerable)

    @property
    def has_right(self) -> bool:
        """Whether a passage that answers is among those found."""
        return self.is_answerable and any(self.item.case.is_right(passage) for passage in self.finding.passages)


@dataclass(frozen=True, slots=True)
class Quoted:
    """What is quoted for it; `readings` are those of `rag.generation.extractive`."""

    found: Found
    text: str
    readings: tuple[float, ...]
    is_right: bool


@dataclass(frozen=True, slots=True)
class Fit:
    """Weights of the readings, and the bias."""

    weights: tuple[float, ...]
    bias: float

    def probability(self, row: Quoted) -> float:
        """From 0 to 1; 0 where nothing is quoted."""
        if not row.readings:
            return 0.0
        value = self.bias + sum(weight * read for weight, read in zip(self.weights, row.readings, strict=True))
        return 1 / (1 + math.exp(-value))


def found_of(
    retriever: Retriever, questions: QuestionSet, sets: Mapping[str, QuestionSet], foreign: int
) -> list[Found]:
    """All questions of a set, and foreign ones, searched in an index of its documents. Blocking."""
    asked = [(item, at, True) for at, item in enumerate(questions.items)]
    asked += [(item, at, False) for at, item in enumerate(foreign_to(questions.name, sets, foreign))]
    return [
        Found(questions.name, half_of(item, at), item, is_own, retriever.search_now(item.case.question))
        for item, at, is_own in asked
    ]


def quoted(retriever: Retriever, nearness: Nearness | None, found: Found) -> Quoted:
    """What the rules as they are quote. Blocking. Raises EmbeddingFailed."""
    question, passages = found.item.case.question, found.finding.passages
    heard = found.finding.signals is not None and found.finding.signals.has_dense
    chosen = choose_quotes(question, passages, retriever.coverage(question), nearness if heard else None)
    text = quotation(question, passages, chosen)[0]
    shown = [passages[number - 1] for number in chosen.passages]
    is_right = found.is_answerable and found.item.is_right_answer(text, shown)
    return Quoted(found, text, readings(found.finding, chosen, passages), is_right)


def fit_of(rows: Sequence[Quoted]) -> Fit:
    """Of whether quotations are right; the rows must all have as many readings."""
    return Fit(*fit_logistic([row.readings for row in rows], [row.is_right for row in rows]))


def shipped_fit(rows: Sequence[Quoted]) -> Fit:
    """What `rag.generation.extractive` has for such rows."""
    return Fit(*(DENSE if len(rows[0].readings) == len(DENSE[0]) else WORDS))


def presented(fit: Fit, rows: Sequence[Quoted], level: float) -> tuple[Share, Share, Share]:
    """Of the answerable questions those that are answered; of all these answers the right ones; and of the questions
    that nothing answers those that are answered all the same."""
    called = [(row, fit.probability(row) >= level) for row in rows]
    return (
        Share.of([is_called for row, is_called in called if row.found.is_answerable]),
        Share.of([row.is_right for row, is_called in called if is_called]),
        Share.of([is_called for row, is_called in called if not row.found.is_answerable]),
    )
