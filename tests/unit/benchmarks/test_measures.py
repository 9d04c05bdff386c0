"""The figures of benchmarks/answers.py are what they are called."""

import pytest

from benchmarks._measures import Bin, Share, auroc, brier, reliability


def test_a_share_says_how_many_of_how_many() -> None:
    assert str(Share.of([True, False, False])) == "33.3% (1/3)"
    assert (str(Share.of([])), Share.of([]).rate) == ("–", None)


def test_auroc_is_the_chance_that_the_right_one_is_above() -> None:
    assert auroc([0.9, 0.8, 0.2], [True, True, False]) == 1.0
    assert auroc([0.1, 0.8, 0.9], [True, True, False]) == 0.0
    assert auroc([0.5, 0.5, 0.5], [True, False, True]) == 0.5
    assert auroc([0.9, 0.6, 0.7, 0.1], [True, True, False, False]) == 0.75
    assert auroc([0.9], [True]) is None


def test_brier_is_the_squared_distance_from_what_came_true() -> None:
    assert brier([1.0, 0.0], [True, False]) == 0.0
    assert brier([0.5, 0.5], [True, False]) == 0.25
    assert brier([0.8, 0.3], [True, False]) == pytest.approx((0.04 + 0.09) / 2)
    assert brier([], []) is None


def test_reliability_holds_each_answer_in_one_bin() -> None:
    confidences, right = [0.0, 0.1, 0.2, 0.95, 1.0], [False, True, False, True, True]
    made = reliability(confidences, right, bins=5)
    assert [(bin.low, bin.high, bin.count) for bin in made] == [(0.0, 0.2, 2), (0.2, 0.4, 1), (0.8, 1.0, 2)]
    assert made[0] == Bin(0.0, 0.2, 2, pytest.approx(0.05), 0.5)
    assert made[2].confidence == pytest.approx(0.975) and made[2].right == 1.0
    with pytest.raises(ValueError, match="from 0 to 1"):
        reliability([1.1], [True])
