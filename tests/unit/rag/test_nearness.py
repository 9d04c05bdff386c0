"""Nearness of sentences to a question: each sentence is embedded once, as long as the model is the same."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray

from rag.errors import EmbeddingFailed
from rag.generation import sentence_similarity as module
from rag.generation.sentence_similarity import SentenceNearness
from tests.support.model_server import DIMENSION, hash_vector


class Counting:
    """Vectors by hash; counts the passages."""

    dimension = DIMENSION
    max_tokens = 510

    def __init__(self) -> None:
        self.embedded: list[str] = []
        self.is_broken = False

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if self.is_broken:
            raise EmbeddingFailed("busy")
        self.embedded += texts
        return np.array([hash_vector(text) for text in texts], dtype=np.float32)

    def embed_question(self, text: str) -> NDArray[np.float32]:
        return np.array(hash_vector(text), dtype=np.float32)

    def count_tokens(self, text: str) -> int:
        return len(text)

    def unknown_share(self, text: str) -> float:
        return 0.0

    def close(self) -> None:
        pass


def test_cosines_come_in_the_order_of_the_texts_and_a_sentence_is_embedded_once() -> None:
    model = Counting()
    near = SentenceNearness(model)
    first = near("年假有几天", ["病假要证明", "年假有几天", "病假要证明"])
    assert first[1] == pytest.approx(1.0, abs=1e-5) and first[0] == first[2] < 0.9
    assert near("年假有几天", ["年假有几天", "食堂几点开"])[0] == first[1]
    assert model.embedded == ["病假要证明", "年假有几天", "食堂几点开"]


def test_texts_are_embedded_as_the_index_has_them() -> None:
    model = Counting()
    assert SentenceNearness(model)("年假", ["年假　ＡＢ 請假"])[0] <= 1.0
    assert model.embedded == ["年假 AB 请假"]


def test_the_least_recently_used_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_KEPT", 2)
    model = Counting()
    near = SentenceNearness(model)
    near("问", ["甲", "乙"])
    near("问", ["甲", "丙"])
    near("问", ["甲"])
    assert model.embedded == ["甲", "乙", "丙"]
    near("问", ["乙"])
    assert model.embedded == ["甲", "乙", "丙", "乙"]


def test_a_failure_keeps_nothing_and_is_raised() -> None:
    model = Counting()
    near = SentenceNearness(model)
    near("问", ["甲"])
    model.is_broken = True
    assert near("问", ["甲"])
    with pytest.raises(EmbeddingFailed):
        near("问", ["甲", "乙"])
    model.is_broken = False
    near("问", ["甲", "乙"])
    assert model.embedded == ["甲", "乙"]


def test_several_threads_may_ask_at_once() -> None:
    near = SentenceNearness(Counting())
    texts = [f"第{number}句" for number in range(40)]
    alone = near("问", texts)
    with ThreadPoolExecutor(8) as pool:
        assert all(found == alone for found in pool.map(lambda _: near("问", texts), range(32)))
