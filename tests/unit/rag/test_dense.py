"""The embedding model of a running library: loaded once, never waited for by those who come meanwhile."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rag.embedding import Choice, Embedder
from rag.errors import EmbeddingFailed
from rag.index.base.manifest import EmbeddingFingerprint
from rag.index.index import Index
from rag.ingestion.pipeline import ingest
from rag.retrieval.query_embedder import QueryEmbedder
from rag.settings import EmbeddingSettings
from tests.support.clock import HandClock
from tests.support.library_parts import rag_settings, write_knowledge

SETTINGS = EmbeddingSettings(model="model")


class Ones:
    dimension = 2
    max_tokens = 510
    closed = False

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.array([[1.0, 0.0]] * len(texts), dtype=np.float32)

    def embed_question(self, text: str) -> NDArray[np.float32]:
        return self.embed_passages([text])[0]

    def count_tokens(self, text: str) -> int:
        return len(text)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def index(tmp_path: Path) -> Index:
    write_knowledge(tmp_path / "knowledge")
    settings = rag_settings(tmp_path)
    ingest(settings)
    opened = Index.open(settings.index_dir)
    mark = EmbeddingFingerprint("test", "model", 2, "", (1.0, 0.0))
    object.__setattr__(opened.manifest, "embedding", mark)
    return opened


def leg_with(monkeypatch: pytest.MonkeyPatch, open_model: object, clock: HandClock) -> QueryEmbedder:
    choice = Choice("test", "model", "model by test.", open_model)  # type: ignore[arg-type]
    monkeypatch.setattr("rag.retrieval.query_embedder.choose", lambda settings: choice)
    return QueryEmbedder(SETTINGS, clock)


def test_those_who_come_while_it_loads_do_not_wait(monkeypatch: pytest.MonkeyPatch, index: Index) -> None:
    loading, go_on = threading.Event(), threading.Event()
    model = Ones()

    def open_model() -> Embedder:
        loading.set()
        assert go_on.wait(30)
        return model

    leg = leg_with(monkeypatch, open_model, HandClock())
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(leg.embedder_for, index)
        assert loading.wait(30)
        assert leg.embedder_for(index) is None
        assert "not loaded yet" in leg.part(index).detail
        go_on.set()
        assert first.result(30) is model
    assert leg.embedder_for(index) is model
    assert leg.part(index).ok
    leg.close()
    assert model.closed


async def test_a_model_that_fails_is_tried_again_after_a_rest(monkeypatch: pytest.MonkeyPatch, index: Index) -> None:
    clock = HandClock()
    tries: list[float] = []

    def open_model() -> Embedder:
        tries.append(clock.monotonic())
        if len(tries) == 1:
            raise EmbeddingFailed("no weights")
        return Ones()

    leg = leg_with(monkeypatch, open_model, clock)
    assert leg.embedder_for(index) is None
    assert leg.embedder_for(index) is None
    assert len(tries) == 1 and "no weights" in leg.part(index).detail
    await clock.advance(31)
    assert leg.embedder_for(index) is not None
    assert leg.part(index).ok


def test_one_with_instructions_is_the_same_object_for_each_question(
    monkeypatch: pytest.MonkeyPatch, index: Index
) -> None:
    mark = EmbeddingFingerprint("test", "model", 2, "query: ", (1.0, 0.0), passage_instruction="passage: ")
    object.__setattr__(index.manifest, "embedding", mark)
    leg = leg_with(monkeypatch, Ones, HandClock())
    first = leg.embedder_for(index)
    assert first is not None and not isinstance(first, Ones)
    assert leg.embedder_for(index) is first, "what is kept by model would be forgotten each time"
    leg.close()
