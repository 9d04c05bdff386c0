"""An index of two languages, and a model that finds texts of the question's own language nearer than better ones."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rag.embedding import Choice
from rag.index.index import Index
from rag.ingestion.pipeline import ingest
from rag.retrieval.retriever import Retriever
from rag.settings import RagSettings
from rag.text.tokenizer import language_of
from tests.support.library_parts import rag_settings
from tests.support.model_server import hash_vector

TOPICS = (("kitten", "小猫"), ("harbour", "码头"))
LANGUAGES = ("zh", "en")
NOISE = 24


class Biased:
    """Vectors of language (which weighs most), topic, and noise by hash."""

    dimension = len(LANGUAGES) + len(TOPICS) + NOISE
    max_tokens = 510

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.array([self.embed_question(text) for text in texts])

    def embed_question(self, text: str) -> NDArray[np.float32]:
        language = [2.0 * (language_of(text) == each) for each in LANGUAGES]
        topic = [1.0 * any(word in text.lower() for word in words) for words in TOPICS]
        made = np.array([*language, *topic, *(0.3 * value for value in hash_vector(text, NOISE))], dtype=np.float32)
        unit: NDArray[np.float32] = made / np.linalg.norm(made)
        return unit

    def count_tokens(self, text: str) -> int:
        return len(text)

    def unknown_share(self, text: str) -> float:
        return 0.0

    def close(self) -> None:
        pass


@pytest.fixture
def mixed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RagSettings:
    """Twenty sections a language, the Chinese ones with one on kittens and one on the harbour."""
    folder = tmp_path / "knowledge"
    folder.mkdir()
    zh = ["小猫须在入住前登记。", "码头夜间关闭。", *(f"第{number}条规矩写在墙上。" for number in range(20))]
    en = [f"Rule number {number} hangs on the wall." for number in range(20)]
    for name, texts in (("zh.md", zh), ("en.md", en)):
        sections = (f"## {at}\n\n{text}\n" for at, text in enumerate(texts))
        (folder / name).write_text("\n".join(sections), encoding="utf-8")
    choice = Choice("test", "biased", "biased by test.", lambda patience=None: Biased())
    monkeypatch.setattr("rag.ingestion.pipeline.choose", lambda settings: choice)
    settings = rag_settings(tmp_path)
    ingest(settings)
    return settings


@pytest.mark.parametrize(
    ("question", "answer"),
    [("May kittens move in?", "小猫须在入住前登记。"), ("Is the harbour open late?", "码头夜间关闭。")],
)
async def test_the_better_passage_of_the_other_language_comes_first(
    mixed: RagSettings, question: str, answer: str
) -> None:
    index = Index.open(mixed.index_dir)
    assert index.manifest.languages == {"en": 20, "zh": 22} and index.dense is not None
    nearest = index.dense.search(Biased().embed_question(question), 20)
    assert {index.chunks.get([chunk_id])[chunk_id].source for chunk_id, _ in nearest} == {"en.md"}
    finding = await Retriever(mixed.retrieval, index, embedder=Biased()).search(question)
    first = next(passage for passage in finding.passages if passage.dense_rank == 1)
    assert first.chunk.text.strip() == answer and finding.passages[0] == first
    assert finding.is_evidence and finding.signals is not None and finding.signals.standing > 2.0
    off_topic = await Retriever(mixed.retrieval, index, embedder=Biased()).search("Who composed this opera?")
    assert off_topic.signals is not None and off_topic.signals.standing < 2.0


async def test_what_is_measured_lives_as_long_as_the_vectors(mixed: RagSettings) -> None:
    before = Index.open(mixed.index_dir).manifest
    assert set(before.background) == {"zh", "en", "*"}
    assert before.background["en"].cosines["en"].mean > 0.5 > before.background["en"].cosines["zh"].mean
    await asyncio.to_thread(ingest, mixed)
    assert Index.open(mixed.index_dir).manifest == before
    (mixed.knowledge[0] / "zh.md").unlink()
    await asyncio.to_thread(ingest, mixed)
    after = Index.open(mixed.index_dir).manifest
    assert after.languages == {"en": 20} and set(after.background) == {"zh", "en", "*"}
