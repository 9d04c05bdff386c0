"""Searches of the benchmarks that fit something: the signals of own and foreign questions, by set and half. Pure parts:
fitting and judging a confidence, and what a floor refuses."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from benchmarks._asking import Item, QuestionSet
from benchmarks._measures import Share
from benchmarks._sets import foreign_to, half_of
from rag.evaluation.fitting import fit_logistic
from rag.index.calibration import Calibration, built_in
from rag.retrieval.confidence import Signals
from rag.retrieval.retriever import Retriever

Kind = Literal["own", "missing", "other", "foreign"]
"""Answered by the set's documents; at home there but not answered; about anything else; of another corpus."""


@dataclass(frozen=True, slots=True)
class Searched:
    """A question and what its search read; `is_found` tells whether a passage that answers is in front of the model."""

    set: str
    half: str
    kind: Kind
    question: str
    signals: Signals
    is_found: bool


Rule = Callable[[Signals], bool]
"""Whether a floor refuses."""


def searches_of(
    retriever: Retriever, questions: QuestionSet, sets: Mapping[str, QuestionSet], foreign: int
) -> list[Searched]:
    """All questions of a set, and foreign ones, searched in an index of its documents. Blocking."""
    rows = [
        searched(retriever, questions.name, half_of(item, at), _kind(item), item)
        for at, item in enumerate(questions.items)
    ]
    others = foreign_to(questions.name, sets, foreign)
    return rows + [
        searched(retriever, questions.name, half_of(item, at), "foreign", item) for at, item in enumerate(others)
    ]


def searched(retriever: Retriever, name: str, half: str, kind: Kind, item: Item) -> Searched:
    """One question."""
    finding = retriever.search_now(item.case.question)
    is_found = kind == "own" and any(item.case.is_right(passage) for passage in finding.passages)
    return Searched(name, half, kind, item.case.question, finding.signals or Signals(0, 0, 0, 0, 0), is_found)


def _kind(item: Item) -> Kind:
    if item.case.answerable:
        return "own"
    return "missing" if item.kind == "missing" else "other"


def fitted(rows: Sequence[Searched], answers: Sequence[bool]) -> Calibration:
    """A logistic function of the signals, drawn towards nothing; the rest as built in. The rows must all have a dense
    leg or all have none."""
    with_dense = rows[0].signals.has_dense
    weights, bias = fit_logistic([row.signals.values for row in rows], answers)
    shipped = built_in(with_dense)
    return Calibration(
        weights, bias, 0.0, shipped.strong, shipped.high, shipped.medium, with_dense, questions=len(rows)
    )


def confidences(measure: Calibration, rows: Sequence[Searched]) -> list[float]:
    """One for each row."""
    return [measure.confidence(row.signals.values) for row in rows]


def comparable(rows: Sequence[Searched]) -> list[Searched]:
    """Those that were searched in the same way as most: a dense leg that is not heard leaves words alone."""
    with_dense = sum(row.signals.has_dense for row in rows) * 2 > len(rows)
    return [row for row in rows if row.signals.has_dense == with_dense]


def refused(rule: Rule, rows: Sequence[Searched], kind: Kind) -> Share:
    """How many of a kind a floor refuses."""
    return Share.of([rule(row.signals) for row in rows if row.kind == kind])


def strictest(rules: Mapping[str, Rule], rows: Sequence[Searched], most: float) -> str:
    """The rule that refuses most foreign questions, of those that refuse no larger share than `most` of any set's own
    ones; the one that refuses fewest own questions where none does."""
    names = list(dict.fromkeys(row.set for row in rows))

    def worst(rule: Rule) -> float:
        return max(refused(rule, [row for row in rows if row.set == name], "own").rate or 0.0 for name in names)

    allowed = [name for name, rule in rules.items() if worst(rule) <= most]
    if not allowed:
        return min(rules, key=lambda name: worst(rules[name]))
    return max(allowed, key=lambda name: refused(rules[name], rows, "foreign").rate or 0.0)
