"""A calibration: what few questions teach, what many do, and what of an earlier version is left alone."""

import dataclasses
import json
import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from rag.documents import Chunk, Passage
from rag.errors import IngestError
from rag.evaluation.dataset import Case
from rag.evaluation.evaluate import LEAST_FOR_CALIBRATION, Outcome, calibrate
from rag.evaluation.fitting import HIGH, MEDIUM, MISSED, STRONG_PRECISION, fit_logistic, fitted_floor, fitted_strong
from rag.index.calibration import FILE, FORMAT, Calibration, built_in, read_calibration, write_calibration
from rag.retrieval.confidence import Signals, judge
from rag.retrieval.retriever import SearchResult
from rag.settings import RetrievalSettings

FOUND = (Passage(Chunk(1, "a.md", "甲", (), "年假五天", 0, 4), 1.0),)


def drawn(number: random.Random, *, has_dense: bool) -> Signals:
    """Signals as they are: all but the margins rise and fall together."""
    level = number.random()

    def share(spread: float, of: float = 1.0) -> float:
        return min(1.0, max(0.0, of * level + number.gauss(0.0, spread)))

    words = Signals(share(0.1), share(0.15), share(0.15), share(0.2), share(0.2, 0.4))
    if not has_dense:
        return words
    standing, margin = number.gauss(4 * level - 1, 1.2), number.uniform(0.0, 2 * level)
    return dataclasses.replace(words, standing=standing, standing_margin=margin, has_dense=True)


def outcomes(each: int, seed: int = 0, *, has_dense: bool = False) -> list[Outcome]:
    """So many answerable questions, then as many others, of a team for whom the built-in confidence is right."""
    number = random.Random(seed)
    made: dict[bool, list[Outcome]] = {True: [], False: []}
    while min(map(len, made.values())) < each:
        read = drawn(number, has_dense=has_dense)
        answerable = number.random() < built_in(has_dense).confidence(read.values)
        if len(made[answerable]) < each:
            case = Case(f"question {len(made[answerable])}", answerable=answerable)
            made[answerable].append(Outcome(case, SearchResult(FOUND, "weak", signals=read), 0.0))
    return made[True] + made[False]


def direction(one: Sequence[float], other: Sequence[float]) -> float:
    """The cosine between two lists of weights."""
    dot = sum(a * b for a, b in zip(one, other, strict=True))
    return dot / (sum(a * a for a in one) * sum(b * b for b in other)) ** 0.5


def verdicts(asked: Sequence[Outcome], calibration: Calibration) -> list[tuple[bool, str]]:
    """Whether each is answerable, and what it is judged to be."""
    found = [(each.case.answerable is True, each.finding.signals) for each in asked]
    return [(so, judge(read, FOUND, RetrievalSettings(), calibration).evidence) for so, read in found if read]


@pytest.mark.parametrize("has_dense", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_five_of_each_keep_the_direction_and_refuse_no_answerable_one(seed: int, has_dense: bool) -> None:
    asked = outcomes(LEAST_FOR_CALIBRATION, seed, has_dense=has_dense)
    made = calibrate(asked)
    assert (made.questions, made.with_dense, made.format) == (10, has_dense, FORMAT)
    assert direction(made.weights, built_in(has_dense).weights) > 0.7
    assert "none" not in {evidence for answerable, evidence in verdicts(asked, made) if answerable}
    assert (made.high, made.medium) == (HIGH, MEDIUM) and 0 < made.floor < made.strong <= 1


@pytest.mark.parametrize("has_dense", [False, True])
@pytest.mark.parametrize("each", [5, 20, 100])
def test_the_floor_of_few_questions_refuses_hardly_an_answerable_one_of_others(each: int, has_dense: bool) -> None:
    others = outcomes(300, 999, has_dense=has_dense)
    refused = {True: 0, False: 0}
    for seed in range(12):
        for answerable, evidence in verdicts(others, calibrate(outcomes(each, seed, has_dense=has_dense))):
            refused[answerable] += evidence == "none"
    assert refused[True] / (12 * 300) <= 2.5 * MISSED
    assert refused[False] / (12 * 300) >= 0.1


@pytest.mark.parametrize("has_dense", [False, True])
def test_many_questions_teach_what_they_hold(has_dense: bool) -> None:
    made = calibrate(outcomes(400, has_dense=has_dense))
    fresh = verdicts(outcomes(400, 1, has_dense=has_dense), made)
    assert sum(evidence == "none" for answerable, evidence in fresh if answerable) <= 0.03 * 400
    assert sum(evidence == "none" for answerable, evidence in fresh if not answerable) >= 0.25 * 400
    strong = [answerable for answerable, evidence in fresh if evidence == "strong"]
    assert len(strong) > 40 and sum(strong) / len(strong) >= STRONG_PRECISION - 0.05


@pytest.mark.parametrize(("answerable", "not_answerable"), [(4, 9), (9, 4), (0, 20)])
def test_fewer_than_five_of_either_are_too_few(answerable: int, not_answerable: int) -> None:
    asked = outcomes(20)
    with pytest.raises(IngestError, match="at least 5 questions"):
        calibrate([*asked[:answerable], *asked[20 : 20 + not_answerable]])


def test_the_fewer_the_questions_the_nearer_to_what_was_known() -> None:
    before = (3.0, -1.0)

    def distance(count: int) -> float:
        number = random.Random(3)
        rows = [(number.random(), number.random()) for _ in range(count)]
        weights, _ = fit_logistic(rows, [row[1] > 0.5 for row in rows], towards=before, bias=-1.0)
        return sum((one - other) ** 2 for one, other in zip(weights, before, strict=True)) ** 0.5

    assert distance(2) < distance(20) < distance(400)
    assert distance(2) < 1.0


def test_a_signal_that_never_varies_keeps_its_weight_and_a_contradiction_changes_nothing() -> None:
    rows = [(0.2, 0.5), (0.8, 0.5), (0.4, 0.5), (0.9, 0.5)]
    weights, _ = fit_logistic(rows, [False, True, False, True], towards=(2.0, 7.0), bias=-1.0)
    assert weights[1] == 7.0 and weights[0] > 2.0
    same, bias = fit_logistic([(0.5, 0.5)] * 4, [True, False, True, False], towards=(2.0, 7.0), bias=-4.5)
    assert same == (2.0, 7.0) and bias == pytest.approx(-4.5)


def test_a_floor_leaves_room_below_the_least_and_more_with_fewer() -> None:
    few, many = fitted_floor([0.6] * 5, [True] * 5), fitted_floor([0.6] * 90, [True] * 90)
    assert few < many < 0.6
    assert fitted_floor([0.9, 0.2, 0.8], [False, True, True]) < 0.2
    assert fitted_floor([0.9], [False]) == 0.0
    confidences = [0.01, *[0.5] * 199]
    assert fitted_floor(confidences, [True] * 200) > 0.01, "one of two hundred may be lost"


def test_strong_is_where_nine_of_ten_are_right_one_more_wrong_assumed() -> None:
    assert fitted_strong([0.99, 0.98, 0.97], [True] * 3, 0.85) == 0.85
    assert fitted_strong([0.9 - at / 100 for at in range(20)], [True] * 20, 0.85) == pytest.approx(0.71)
    wrong_below = [True] * 20 + [False] * 20
    assert fitted_strong([0.9 - at / 100 for at in range(40)], wrong_below, 0.85) == pytest.approx(0.70, abs=0.011)


OLD = {"weights": [1.0] * 7, "bias": -2.0, "threshold": 0.4, "with_dense": True, "questions": 20, "made_at": 0.0}


@pytest.mark.parametrize(
    "content",
    [
        OLD,
        {**OLD, "format": 1},
        {**dataclasses.asdict(built_in(True)), "format": FORMAT + 1},
        {**dataclasses.asdict(built_in(True)), "weights": [1.0] * 5},
        {**dataclasses.asdict(built_in(True)), "weights": ["much"] * 7},
        {**dataclasses.asdict(built_in(True)), "weights": None},
        [1, 2],
        None,
    ],
)
def test_one_of_another_version_is_left_alone_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: object
) -> None:
    (tmp_path / FILE).write_text(json.dumps(content), encoding="utf-8")
    assert read_calibration(tmp_path) is None
    assert "feishu-rag eval --calibrate" in caplog.text and FILE in caplog.text


def test_one_that_was_written_is_read_and_none_is_none(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert read_calibration(tmp_path) is None
    made = calibrate(outcomes(20))
    write_calibration(tmp_path, made)
    assert read_calibration(tmp_path) == made and caplog.text == ""
