"""An index that the version before wrote: its manifest knows one instruction, the setting of then."""

import asyncio
import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.embedding.families import BGE_EN, BGE_ZH
from rag.events import Finished, Question, Retrieved
from rag.index.base.manifest import read_current
from rag.ingestion.pipeline import ingest
from rag.knowledge_base import KnowledgeBase
from rag.scope import EVERYTHING
from rag.settings import EmbeddingSettings, RagSettings
from tests.support.library_parts import rag_settings, write_knowledge
from tests.support.model_server import ModelServer, running

QUESTION = "出差回来多久内要报销？"
AS_ASKED = "出差回来多久内要报销?"
NOT_YET = ("passage_instruction",)
"""Keys of a manifest's mark that came later."""


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with running() as server:
        yield server


def settings_of(server: ModelServer, folder: Path, model: str, **more: str) -> RagSettings:
    server.requests.clear()
    embedding = EmbeddingSettings.model_validate(
        {"provider": "openai", "base_url": server.base_url, "model": model, **more}
    )
    return rag_settings(folder, embedding=embedding)


def written_before(server: ModelServer, folder: Path, model: str) -> RagSettings:
    """An index as the version before wrote it: passages as they are, and the default instruction in the manifest."""
    write_knowledge(folder / "knowledge")
    ingest(settings_of(server, folder, model, query_instruction="none", passage_instruction="none"))
    place = read_current(folder / "index")[0] / "manifest.json"
    manifest = json.loads(place.read_text("utf-8"))
    mark = {key: value for key, value in manifest["embedding"].items() if key not in NOT_YET}
    assert set(mark) == {"provider", "model", "dimension", "instruction", "probe", "reads", "weights"}
    place.write_text(json.dumps({**manifest, "embedding": {**mark, "instruction": BGE_ZH}}), encoding="utf-8")
    return settings_of(server, folder, model)


async def question_sent(server: ModelServer, settings: RagSettings) -> tuple[str, str]:
    """What the endpoint is asked for a question, and what the status says of the model."""
    server.requests.clear()
    library = await KnowledgeBase.open(settings)
    await library.warm_up()
    async with contextlib.aclosing(library.answer(Question(QUESTION, EVERYTHING))) as events:
        seen = [event async for event in events]
    assert isinstance(seen[0], Retrieved) and isinstance(seen[-1], Finished)
    assert any(passage.dense_rank for passage in seen[0].passages)
    status = library.status()
    assert status.index.ok and status.embedding.ok
    await library.aclose()
    [asked] = {text for each in server.embeddings() for text in each.body["input"] if text.endswith(AS_ASKED)}
    return asked, status.embedding.detail


async def test_an_index_of_bge_in_chinese_goes_on_as_it_was(server: ModelServer, tmp_path: Path) -> None:
    settings = written_before(server, tmp_path, "bge-small-zh-v1.5")
    before = read_current(settings.index_dir)[0]
    asked, detail = await question_sent(server, settings)
    assert asked == BGE_ZH + AS_ASKED and "feishu-rag ingest" not in detail
    report = await asyncio.to_thread(ingest, settings)
    assert (report.index, report.unchanged, report.embedded) == (before.name, 3, 0)


async def test_an_index_without_prefixes_serves_without_until_the_next_ingest(
    server: ModelServer, tmp_path: Path
) -> None:
    settings = written_before(server, tmp_path, "multilingual-e5-small")
    asked, detail = await question_sent(server, settings)
    assert asked == AS_ASKED and "feishu-rag ingest" in detail
    server.requests.clear()
    report = await asyncio.to_thread(ingest, settings)
    passages = [text for request in server.embeddings() for text in request.body["input"] if "\n" in text]
    assert report.embedded == report.chunks == len(passages)
    assert all(text.startswith("passage: ") for text in passages)
    asked, detail = await question_sent(server, settings)
    assert asked == "query: " + AS_ASKED and "feishu-rag ingest" not in detail


async def test_where_only_questions_change_no_passage_is_embedded_again(server: ModelServer, tmp_path: Path) -> None:
    settings = written_before(server, tmp_path, "bge-small-en-v1.5")
    asked, detail = await question_sent(server, settings)
    assert asked == BGE_ZH + AS_ASKED and "feishu-rag ingest" in detail
    report = await asyncio.to_thread(ingest, settings)
    assert (report.embedded, report.unchanged, report.documents) == (0, 3, 3)
    asked, detail = await question_sent(server, settings)
    assert asked == BGE_EN + AS_ASKED and "feishu-rag ingest" not in detail
    again = await asyncio.to_thread(ingest, settings)
    assert again.index == report.index
