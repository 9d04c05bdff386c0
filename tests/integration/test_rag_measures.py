"""Our hit rates, MRR and nDCG against ir-measures on the same rankings: equal to nine places."""

import random
from dataclasses import replace

import pytest

from rag.documents import Chunk, Passage
from rag.evaluation.dataset import Case
from rag.evaluation.evaluate import Outcome, report
from rag.retrieval.retriever import SearchResult

ir_measures = pytest.importorskip("ir_measures", reason="ir-measures is not installed (extra dev)")


def made_up(seed: int, questions: int = 200) -> list[Outcome]:
    """Rankings of up to ten passages; one to four right ones a question, some of them not found."""
    rng = random.Random(seed)
    outcomes = []
    for number in range(questions):
        found = rng.sample(range(30), rng.randrange(1, 11))
        right = frozenset(f"d{at}" for at in rng.sample(range(30), rng.randrange(1, 5)))
        passages = tuple(
            Passage(Chunk(at, f"d{at}", "", (), "text", 0, 4), 1 / rank) for rank, at in enumerate(found, start=1)
        )
        outcomes.append(Outcome(Case(f"q{number}", right), SearchResult(passages, "strong", 0.5), 0.001))
    return outcomes


@pytest.mark.parametrize("seed", range(5))
def test_our_figures_are_those_of_ir_measures(seed: int) -> None:
    from ir_measures import RR, Success, nDCG

    outcomes = made_up(seed)
    qrels = [
        ir_measures.Qrel(outcome.case.question, source, 1) for outcome in outcomes for source in outcome.case.sources
    ]
    run = [
        ir_measures.ScoredDoc(outcome.case.question, passage.chunk.source, passage.score)
        for outcome in outcomes
        for passage in outcome.finding.passages
    ]
    theirs = ir_measures.calc_aggregate([Success @ 1, Success @ 5, Success @ 10, RR @ 10, nDCG @ 10], qrels, run)
    ours = report("x", outcomes)
    assert ours.hit_at_1 == pytest.approx(theirs[Success @ 1], abs=1e-9)
    assert ours.hit_at_5 == pytest.approx(theirs[Success @ 5], abs=1e-9)
    assert ours.hit_at_10 == pytest.approx(theirs[Success @ 10], abs=1e-9)
    assert ours.mrr == pytest.approx(theirs[RR @ 10], abs=1e-9)
    assert ours.ndcg_at_10 == pytest.approx(theirs[nDCG @ 10], abs=1e-9)


def test_two_passages_of_one_right_document_are_not_worth_more_than_the_best_order() -> None:
    outcome = made_up(0, 1)[0]
    chunks = [replace(outcome.finding.passages[0].chunk, id=at, source="d1") for at in range(3)]
    passages = tuple(Passage(chunk, 1.0) for chunk in chunks)
    made = report("x", [Outcome(Case("q", frozenset({"d1"})), SearchResult(passages, "strong", 0.5), 0.001)])
    assert made.ndcg_at_10 == 1.0
