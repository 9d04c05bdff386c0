"""The dense leg over languages: what is nearest for its language comes first, and its standing is above chance."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rag.documents import Chunk
from rag.errors import EmbeddingFailed
from rag.index.base.background import ANY, Background, Spread, background_of
from rag.index.local.chunk_store import SqliteChunks, SqliteWriter
from rag.index.local.faiss import FaissIndex
from rag.retrieval.background_questions import questions_by_language
from rag.retrieval.vector_search import MOST_FAILED, VectorSearch, measured
from rag.text.tokenizer import language_of
from tests.support.embedders import QuestionsOnly

DIMENSION = 8
ZH, EN, OTHER = "报销单须在十五个工作日内提交", "The report is due soon", "申請は十五日以内に"
QUESTION = "en"
NEAR = {ANY: Spread(0.3, 0.1), "zh": Spread(0.1, 0.1), "en": Spread(0.6, 0.1)}
BACKGROUND = {QUESTION: Background(NEAR, Spread(2.0, 0.5)), ANY: Background({ANY: Spread(0.0, 1.0)})}
ASKED = np.eye(1, DIMENSION, dtype=np.float32)[0]


def vector(cosine: float) -> NDArray[np.float32]:
    """A unit vector at this cosine to the question's."""
    made = np.zeros(DIMENSION, dtype=np.float32)
    made[0], made[1] = cosine, (1 - cosine**2) ** 0.5
    return made


def search_over(
    folder: Path,
    chunks: Sequence[tuple[int, str, float]],
    background: dict[str, Background] | None = None,
    collections: dict[int, str] | None = None,
) -> VectorSearch:
    """Over chunks given as (id, text, cosine to the question)."""
    writer = SqliteWriter(folder / "chunks.sqlite")
    named = collections or {}
    writer.put(
        Chunk(chunk_id, "a.md", "甲", (), text, 0, len(text), collection=named.get(chunk_id, "default"))
        for chunk_id, text, _ in chunks
    )
    languages = writer.languages()
    writer.close()
    dense = FaissIndex.empty(DIMENSION)
    dense.add([chunk_id for chunk_id, _, _ in chunks], np.array([vector(cosine) for _, _, cosine in chunks]))
    return VectorSearch(
        dense, SqliteChunks(folder / "chunks.sqlite"), languages, BACKGROUND if background is None else background
    )


def ids(search: VectorSearch, limit: int = 10, collections: frozenset[str] | None = None) -> list[int]:
    return [chunk_id for chunk_id, _ in search.search(ASKED, QUESTION, limit, collections).hits]


def test_a_better_chunk_of_another_language_comes_before_nearer_ones_of_the_questions(tmp_path: Path) -> None:
    chunks = [(1, ZH, 0.55), *((number, f"{EN} {number}", 0.6 + number / 1000) for number in range(2, 42))]
    search = search_over(tmp_path, chunks)
    found = search.search(ASKED, QUESTION, 10)
    assert found.hits[0][0] == 1 and found.hits[0][1] == pytest.approx(0.55, abs=1e-5)
    assert found.hits[1][0] == 41 and found.hits[1][1] > found.hits[0][1]
    assert found.standings[0] == pytest.approx((4.5 - 2.0) / 0.5, abs=1e-3)
    assert list(found.standings) == sorted(found.standings, reverse=True) and len(found.standings) == 10


def test_collections_and_languages_limit_together(tmp_path: Path) -> None:
    chunks = [(1, ZH, 0.9), (2, EN, 0.95), (3, ZH, 0.3), (4, EN, 0.7)]
    search = search_over(tmp_path, chunks, collections={1: "secret", 2: "secret"})
    assert ids(search) == [1, 2, 3, 4]
    assert ids(search, collections=frozenset({"default"})) == [3, 4]
    assert ids(search, collections=frozenset({"secret"})) == [1, 2]
    assert ids(search, collections=frozenset({"default", "secret"}), limit=2) == [1, 2]
    assert ids(search, collections=frozenset({"nobody"})) == ids(search, collections=frozenset()) == []


def test_a_rare_third_language_is_found_beside_two_large_ones(tmp_path: Path) -> None:
    texts = [(number, ZH if number % 2 else EN, 0.2) for number in range(300)]
    search = search_over(tmp_path, [*texts, (999, OTHER, 0.99)])
    assert search.languages[""] == 1
    assert ids(search)[0] == 999


def test_an_index_with_one_language_worth_mentioning_is_searched_at_once(tmp_path: Path) -> None:
    texts = [(number, EN, number / 1000) for number in range(300)]
    found = search_over(tmp_path, [*texts, (999, ZH, 0.25)]).search(ASKED, QUESTION, 60)
    cosines = [cosine for _, cosine in found.hits]
    assert cosines == sorted(cosines, reverse=True) and 999 in [chunk_id for chunk_id, _ in found.hits]


def test_without_a_background_it_is_the_order_of_cosines_and_nothing_stands(tmp_path: Path) -> None:
    search = search_over(tmp_path, [(1, ZH, 0.55), (2, EN, 0.6), (3, ZH, 0.7)], {})
    old = dataclasses.replace(search, languages={})
    for each in (search, old):
        found = each.search(ASKED, QUESTION, 2)
        assert ([chunk_id for chunk_id, _ in found.hits], found.standings) == ([3, 2], ())


def test_a_question_in_another_language_is_held_against_all_of_them(tmp_path: Path) -> None:
    search = search_over(tmp_path, [(1, ZH, 0.5), (2, EN, 0.6)])
    for language in (None, "ja"):
        assert search.search(ASKED, language, 1).standings == pytest.approx((0.6,), abs=1e-5)


class Axes(QuestionsOnly):
    """Questions of the list are near the first axis as their language and place say."""

    dimension = DIMENSION

    def __init__(self, failing: int = 0) -> None:
        self.failing = failing
        self.asked: list[str] = []

    def embed_question(self, text: str) -> NDArray[np.float32]:
        self.asked.append(text)
        if self.failing > 0:
            self.failing -= 1
            raise EmbeddingFailed("refused by a content filter")
        return vector(0.2 if language_of(text) == "zh" else 0.8)


@pytest.fixture
def mixed(tmp_path: Path) -> VectorSearch:
    zh = [(number, ZH, 1.0) for number in range(1, 21)]
    en = [(number, EN, 0.0) for number in range(21, 41)]
    return search_over(tmp_path, [*zh, *en, (41, OTHER, 1.0)], {})


def test_the_background_is_the_mean_and_spread_of_everyday_questions(mixed: VectorSearch) -> None:
    made = measured(mixed, Axes())
    assert set(made) == {"zh", "en", ANY}
    assert set(made["zh"].cosines) == {"zh", "en", ANY}, "one chunk of a third language says nothing about it"
    assert made["zh"].cosines["zh"].mean == pytest.approx(0.2, abs=1e-5)
    assert made["en"].cosines["zh"].mean == pytest.approx(0.8, abs=1e-5)
    assert made["en"].cosines["en"].mean == pytest.approx(0.6, abs=1e-5)
    assert made["zh"].cosines["zh"].deviation == pytest.approx(0.0, abs=1e-5)
    asked = dict(questions_by_language())
    assert {language: len(questions) for language, questions in asked.items()} == {"zh": 30, "en": 30}
    assert all(language_of(question) == language for language, questions in asked.items() for question in questions)
    scored = VectorSearch(mixed.dense, mixed.chunks, mixed.languages, made)
    assert scored.search(vector(0.8), "en", 3).standings[0] == pytest.approx(0.0, abs=0.1), "it is one of them"
    assert scored.search(vector(0.9), "en", 3).standings[0] > 1.0


def test_a_few_refused_questions_cost_themselves_and_many_the_measure(mixed: VectorSearch) -> None:
    def measure(failing: int) -> dict[str, Background]:
        return measured(mixed, Axes(failing))

    assert measure(MOST_FAILED)["zh"].cosines["zh"].mean == pytest.approx(0.2, abs=1e-5)
    with pytest.raises(EmbeddingFailed, match="content filter"):
        measure(MOST_FAILED + 1)


def test_a_background_is_read_as_it_was_written() -> None:
    written = {language: dataclasses.asdict(background) for language, background in BACKGROUND.items()}
    assert background_of(written) == BACKGROUND
    with pytest.raises(KeyError):
        background_of({"zh": {}})


def test_a_model_that_finds_all_alike_proves_nothing() -> None:
    assert Spread(0.5, 0.0).standardised(0.5) == 0.0
    assert Spread(0.5, 0.0).standardised(0.501) == pytest.approx(1.0)
