"""The floor refuses only what is hopeless by every signal there is; above it there are weak and strong evidence."""

import dataclasses

import pytest

from rag.documents import Chunk, Passage
from rag.index.calibration import DENSE_SIGNALS, WORD_SIGNALS, Calibration, built_in
from rag.retrieval.confidence import STANDING_TO, Evidence, Signals, is_below_floor, judge, signals
from rag.retrieval.coverage import Coverage
from rag.retrieval.keyword_search import KeywordHits
from rag.retrieval.vector_search import VectorHits
from rag.settings import RetrievalSettings

SETTINGS = RetrievalSettings()
FOUND = [Passage(Chunk(1, "a.md", "甲", (), "年假五天", 0, 4), 1.0)]
NOTHING = Signals(0, 0, 0, 0, 0)
WORDS = KeywordHits([(1, 2.0)], (0.9,))
OWN = Calibration(
    (4.0, *[0.0] * (DENSE_SIGNALS - 1)), -2.0, floor=0.3, strong=0.7, high=0.8, medium=0.5, with_dense=True
)


def of(match: float, standing: float | None = None, *, coverage: float = 0.0) -> Signals:
    words = dataclasses.replace(NOTHING, match=match, coverage=coverage)
    return words if standing is None else dataclasses.replace(words, standing=standing, has_dense=True)


@pytest.mark.parametrize(
    ("match", "standing", "is_refused"),
    [
        (0.39, 1.49, True),
        (0.0, -3.0, True),
        (0.39, 1.5, False),
        (0.0, 5.0, False),
        (0.4, 1.49, False),
        (1.0, -3.0, False),
        (0.09, None, True),
        (0.1, None, False),
    ],
)
def test_the_floor_refuses_where_both_signals_are_low_or_the_words_alone(
    match: float, standing: float | None, is_refused: bool
) -> None:
    found = of(match, standing)
    assert is_below_floor(found, SETTINGS) is is_refused
    assert (judge(found, FOUND, SETTINGS, None).evidence == "none") is is_refused


@pytest.mark.parametrize(("strangeness", "refused_below"), [(0.0, 0.1), (0.4, 0.29), (0.8, 0.48)])
def test_by_words_alone_the_floor_rises_with_the_strangeness_of_the_question(
    strangeness: float, refused_below: float
) -> None:
    below, above = (
        dataclasses.replace(of(match), strangeness=strangeness)
        for match in (refused_below - 0.001, refused_below + 0.001)
    )
    assert is_below_floor(below, SETTINGS) and not is_below_floor(above, SETTINGS)


def test_with_embeddings_strange_words_do_not_move_the_floor() -> None:
    assert not is_below_floor(dataclasses.replace(of(0.41, 0.0), strangeness=0.9), SETTINGS)


def test_the_settings_move_the_floor() -> None:
    open_door = RetrievalSettings(floor_words=0.0, floor_standing=-9.0)
    assert not is_below_floor(of(0.0), open_door)
    assert not is_below_floor(dataclasses.replace(of(0.0), strangeness=0.9), open_door)
    assert not is_below_floor(of(0.0, -3.0), open_door)
    shut = RetrievalSettings(floor_words=1.8, floor_standing=9.0, floor_match=1.0)
    assert is_below_floor(of(0.99), shut) and is_below_floor(of(0.99, 6.0), shut)


@pytest.mark.parametrize(("match", "is_refused"), [(0.59, True), (0.6, False)])
@pytest.mark.parametrize("standing", [None, 0.0])
def test_where_chance_reaches_far_a_match_has_to_reach_half_as_far(
    match: float, standing: float | None, is_refused: bool
) -> None:
    assert is_below_floor(dataclasses.replace(of(match, standing), chance=1.2), SETTINGS) is is_refused


def test_no_passage_is_no_evidence() -> None:
    assert judge(of(1.0, 6.0), [], SETTINGS, None).evidence == "none"


@pytest.mark.parametrize(
    ("coverage", "evidence", "level"),
    [(0.2, "none", "low"), (0.4, "weak", "low"), (0.6, "weak", "medium"), (0.8, "strong", "medium")],
)
def test_a_calibration_has_its_own_floor_strength_and_levels(coverage: float, evidence: Evidence, level: str) -> None:
    verdict = judge(of(0.0, -3.0, coverage=coverage), FOUND, SETTINGS, OWN)
    assert (verdict.evidence, verdict.level, verdict.is_calibrated) == (evidence, level, True)


def test_a_calibration_with_embeddings_does_not_judge_a_search_without() -> None:
    verdict = judge(of(0.2), FOUND, SETTINGS, OWN)
    assert (verdict.evidence, verdict.is_calibrated) == ("weak", False)
    assert verdict.confidence == built_in(False).confidence(of(0.2).values)


@pytest.mark.parametrize(("with_dense", "count"), [(False, WORD_SIGNALS), (True, DENSE_SIGNALS)])
def test_signals_are_as_many_as_a_calibration_reads(with_dense: bool, count: int) -> None:
    found = of(0.5, 1.0 if with_dense else None)
    assert len(found.values) == len(built_in(with_dense).weights) == count


def test_a_standing_is_read_off_the_nearest_and_bounded() -> None:
    coverage = Coverage("年假", term_idf=lambda term: 1.0, character_idf=lambda character: 1.0)
    hits = [(number, 0.9) for number in range(6)]
    read = signals(FOUND, WORDS, VectorHits(hits, (3.0, 2.0, 1.5, 1.0, 0.5, -4.0)), coverage)
    assert (read.standing, read.standing_margin, read.has_dense) == (3.0, 2.5, True)
    far = signals(FOUND, WORDS, VectorHits(hits, (99.0,)), coverage)
    assert (far.standing, far.standing_margin) == (STANDING_TO, 0.0)
    unknown = signals(FOUND, WORDS, VectorHits(hits), coverage)
    assert not unknown.has_dense and unknown.standing == 0.0
    assert signals([], KeywordHits([]), VectorHits([]), coverage) == NOTHING


@pytest.mark.parametrize(
    ("matches", "match", "margin"),
    [((), 0.0, 0.0), ((0.8,), 0.8, 0.0), ((0.8, 0.4), 0.8, 0.5), ((1.0, 0.9, 0.8, 0.7, 0.25, 0.1), 1.0, 0.75)],
)
def test_a_match_and_its_margin_are_read_off_the_words(matches: tuple[float, ...], match: float, margin: float) -> None:
    coverage = Coverage("年假", term_idf=lambda term: 1.0, character_idf=lambda character: 1.0)
    hits = KeywordHits([(number, 1.0) for number in range(len(matches))], matches, strangeness=0.6)
    read = signals(FOUND, hits, VectorHits([]), coverage, chance=0.3)
    assert read.strangeness == 0.6
    assert (read.match, read.match_margin, read.chance, read.has_dense) == (match, pytest.approx(margin), 0.3, False)
