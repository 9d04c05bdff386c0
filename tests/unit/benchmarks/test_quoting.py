"""What benchmarks/quoting.py makes of quotations, and that a rule is only out while it is measured."""

import argparse
import random

import pytest

import rag.generation.sentence_selection
from benchmarks._asking import Item
from benchmarks._overrides import constant, replaced
from benchmarks._quoted import Fit, Found, Quoted, fit_of, presented, shipped_fit
from benchmarks.quoting import variants
from rag.documents import Chunk, Passage
from rag.evaluation.dataset import Case
from rag.generation.extractive import DENSE, WORDS
from rag.retrieval.retriever import SearchResult

ANSWERED = Item(Case("住一晚多少", frozenset({"a.md"}), "650"), answers=("650",))
UNANSWERED = Item(Case("今天天气", answerable=False))


def found(item: Item, text: str = "P7 住宿 650", *, is_own: bool = True) -> Found:
    passage = Passage(Chunk(1, "a.md", "差旅", (), text, 0, len(text)), 1.0)
    return Found("a", "tune", item, is_own, SearchResult((passage,), "weak"))


def quoted(reading: float, is_right: bool, item: Item = ANSWERED) -> Quoted:
    return Quoted(found(item), "", (reading,), is_right)


def test_a_right_passage_is_one_of_the_sets_own_that_answers() -> None:
    assert found(ANSWERED).has_right
    assert not found(ANSWERED, "P7 住宿 500").has_right
    assert not found(ANSWERED, is_own=False).has_right
    assert not found(UNANSWERED).has_right


def test_a_fit_finds_the_reading_that_tells() -> None:
    rng = random.Random(0)
    rows = [quoted(share, rng.random() < share) for share in (rng.random() for _ in range(300))]
    fit = fit_of(rows)
    assert fit.weights[0] > 2
    assert fit.probability(quoted(0.9, True)) > 0.7 > 0.3 > fit.probability(quoted(0.1, True))
    assert fit.probability(Quoted(found(ANSWERED), "", (), False)) == 0.0


def test_what_is_called_an_answer_is_counted_by_what_it_deserves() -> None:
    rows = [quoted(2.0, True), quoted(2.0, False), quoted(-2.0, True), quoted(2.0, False, UNANSWERED)]
    shares = presented(Fit((1.0,), 0.0), rows, 0.8)
    assert list(map(str, shares)) == ["66.7% (2/3)", "33.3% (1/3)", "100.0% (1/1)"]


def test_the_shipped_weights_are_those_of_as_many_readings() -> None:
    for weights, bias in (WORDS, DENSE):
        row = Quoted(found(ANSWERED), "", tuple(0.5 for _ in weights), True)
        assert shipped_fit([row]) == Fit(weights, bias)


@pytest.mark.parametrize("with_dense", [False, True])
def test_every_rule_that_is_taken_out_is_there(with_dense: bool) -> None:
    every = dict(variants(with_dense))
    assert every.pop("all rules") == {}
    before = dict(vars(rag.generation.sentence_selection))
    for values in every.values():
        with replaced(values):
            assert any(vars(rag.generation.sentence_selection)[name] is not value for name, value in before.items())
        assert dict(vars(rag.generation.sentence_selection)) == before


def test_a_constant_is_named_by_its_module() -> None:
    assert constant("rag.index.local.bm25.SYNONYM_WEIGHT=0.3") == ("rag.index.local.bm25.SYNONYM_WEIGHT", 0.3)
    for wrong in (
        "rag.index.local.bm25.SYNONYM_WEIGHT",
        "rag.index.local.bm25.NO_SUCH=1",
        "rag.no_such.NAME=1",
        "NAME=1",
    ):
        with pytest.raises(argparse.ArgumentTypeError):
            constant(wrong)
