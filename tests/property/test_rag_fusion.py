"""Reciprocal rank fusion on any rankings."""

from hypothesis import given
from hypothesis import strategies as st

from rag.retrieval.retriever import fuse

RANKINGS = st.lists(st.lists(st.integers(0, 20), unique=True, max_size=12), max_size=3)


@given(RANKINGS, st.integers(1, 100))
def test_every_id_once_best_first(rankings: list[list[int]], k: int) -> None:
    fused = fuse(*rankings, k=k)
    assert sorted(chunk_id for chunk_id, _ in fused) == sorted({i for ranking in rankings for i in ranking})
    scores = [score for _, score in fused]
    assert scores == sorted(scores, reverse=True)


@given(st.lists(st.integers(0, 20), unique=True, max_size=12), st.integers(1, 100))
def test_one_ranking_keeps_its_order(ranking: list[int], k: int) -> None:
    assert [chunk_id for chunk_id, _ in fuse(ranking, [], k=k)] == ranking


def test_agreement_beats_one_first_place() -> None:
    assert fuse([1, 2, 3], [4, 2, 5], k=60)[0][0] == 2


@given(RANKINGS, st.integers(1, 100), st.floats(0.1, 10))
def test_equal_weights_change_no_order(rankings: list[list[int]], k: int, weight: float) -> None:
    plain, weighted = fuse(*rankings, k=k), fuse(*rankings, k=k, weights=[weight] * len(rankings))
    assert {chunk_id for chunk_id, _ in weighted} == {chunk_id for chunk_id, _ in plain}
    scores = dict(weighted)
    assert all(abs(scores[chunk_id] - weight * score) < 1e-9 for chunk_id, score in plain)


@given(st.lists(st.integers(0, 20), unique=True, max_size=12), st.lists(st.integers(30, 50), unique=True, max_size=12))
def test_a_ranking_that_weighs_nothing_comes_last(heard: list[int], unheard: list[int]) -> None:
    assert [chunk_id for chunk_id, _ in fuse(unheard, heard, k=3, weights=(0.0, 1.0))] == [*heard, *unheard]


def test_a_heavier_ranking_leads() -> None:
    assert fuse([1, 2], [3, 4], k=3, weights=(0.5, 1.0))[0][0] == 3
    assert fuse([1, 2], [3, 4], k=3, weights=(1.0, 0.5))[0][0] == 1
