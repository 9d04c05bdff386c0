"""What benchmarks/confidence.py makes of searches: fits, floors, and which of them would have been chosen."""

import random
from itertools import pairwise

import pytest

from benchmarks._asking import Item, QuestionSet
from benchmarks._measures import auroc
from benchmarks._searched import Kind, Searched, comparable, confidences, fitted, refused, strictest
from benchmarks._sets import foreign_to, half_of
from benchmarks.confidence import learnt_floor, rules
from rag.evaluation.dataset import Case
from rag.retrieval.confidence import STRANGE_RISE, Signals
from rag.settings import RetrievalSettings


def row(coverage: float, kind: Kind = "own", name: str = "a", *, standing: float | None = None) -> Searched:
    signals = Signals(coverage, coverage, coverage, coverage, 0.1, standing or 0.0, 0.0, standing is not None)
    return Searched(name, "tune", kind, "?", signals, kind == "own")


def items(count: int, start: str = "") -> tuple[Item, ...]:
    return tuple(Item(Case(f"{start}{number}")) for number in range(count))


def test_a_fit_tells_found_from_not_found() -> None:
    rng = random.Random(0)
    rows = [row(rng.uniform(0.4, 1.0)) for _ in range(60)] + [row(rng.uniform(0.0, 0.6), "foreign") for _ in range(60)]
    measure = fitted(rows, [each.is_found for each in rows])
    assert (auroc(confidences(measure, rows), [each.is_found for each in rows]) or 0) > 0.9
    ordered = confidences(measure, [row(share / 10) for share in range(10)])
    assert all(one < other for one, other in pairwise(ordered))


def test_a_learnt_floor_spares_the_own_questions() -> None:
    rows = [row(0.6 + at / 200) for at in range(60)] + [row(at / 200, "foreign") for at in range(60)]
    measure = learnt_floor(rows)
    below = [confidence < measure.floor for confidence in confidences(measure, rows)]
    assert not any(below[:60]) and sum(below[60:]) > 30


def test_only_searches_of_the_more_common_way_are_fitted_together() -> None:
    rows = [row(0.5, standing=1.0), row(0.5, standing=2.0), row(0.5)]
    assert comparable(rows) == rows[:2]


def test_the_first_rule_is_the_shipped_one() -> None:
    shipped = RetrievalSettings()
    names = [next(iter(rules(with_dense))) for with_dense in (False, True)]
    assert names[0] == f"match < 0.1, rising {STRANGE_RISE}"
    assert names[1] == f"standing < {shipped.floor_standing}, match < {shipped.floor_match}"


def test_a_rule_with_embeddings_refuses_what_is_low_in_both() -> None:
    rule = rules(True)["standing < 1.0, match < 0.4"]
    assert rule(row(0.3, standing=0.5).signals)
    assert not rule(row(0.45, standing=0.5).signals)
    assert not rule(row(0.3, standing=1.5).signals)


def test_the_strictest_rule_keeps_the_own_questions_of_every_set() -> None:
    every = rules(False)
    rows = [row(0.5, name="a"), row(0.22, name="b"), *(row(at / 20, "foreign") for at in range(20))]
    assert strictest(every, rows, 0.0) == "match < 0.22, rising 0.0"
    assert str(refused(every["match < 0.22, rising 0.0"], rows, "foreign")) == "25.0% (5/20)"


def test_where_every_rule_costs_too_much_the_one_that_costs_least_is_chosen() -> None:
    assert strictest(rules(False), [row(0.01), row(0.09)], 0.0) == "match < 0.08, rising 0.0"


def test_foreign_questions_come_from_other_subjects_in_equal_parts() -> None:
    names = ("everyday", "zh-dolphin-faq", "en-dolphin-faq", "zh-stard-train")
    sets = {name: QuestionSet(name, items(20, name)) for name in names}
    chosen = [item.case.question for item in foreign_to("zh-dolphin-faq", sets, 10)]
    assert len(chosen) == 10 and sum(each.startswith("everyday") for each in chosen) == 5
    assert not any("dolphin" in each for each in chosen)


@pytest.mark.parametrize(
    ("item", "at", "half"), [(Item(Case("?"), half="test"), 0, "test"), (Item(Case("?")), 2, "tune")]
)
def test_a_question_has_its_half_or_takes_turns(item: Item, at: int, half: str) -> None:
    assert half_of(item, at) == half
