"""One contract for both stores: a folder with FAISS and tantivy, and Milvus (milvus-lite here)."""

import asyncio
import contextlib
import hashlib
import importlib.util
import json
import logging
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydantic import SecretStr

from rag.errors import IndexUnusable
from rag.events import Finished, Question, Retrieved
from rag.index.base.manifest import read_current
from rag.index.index import open_index
from rag.ingestion.pipeline import ingest
from rag.knowledge_base import KnowledgeBase
from rag.scope import EVERYTHING, Scope
from rag.settings import CollectionSettings, EmbeddingSettings, MilvusSettings, RagSettings
from tests.support.library_parts import rag_settings, write_knowledge
from tests.support.model_server import ModelServer, hash_vector, running

HAS_MILVUS = all(importlib.util.find_spec(name) is not None for name in ("pymilvus", "milvus_lite"))
needs_milvus = pytest.mark.skipif(not HAS_MILVUS, reason="pymilvus or milvus-lite is not installed (extra milvus)")
STORES = ["faiss", pytest.param("milvus", marks=needs_milvus)]
Make = Callable[..., RagSettings]


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with running() as server:
        yield server


@pytest.fixture(params=STORES)
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """Settings over tmp_path/knowledge in one of the stores."""
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL)
    logging.getLogger("milvus_lite").setLevel(logging.CRITICAL)
    write_knowledge(tmp_path / "knowledge")

    def settings(embedding: EmbeddingSettings | None = None) -> RagSettings:
        changes = {"store": request.param, "milvus": MilvusSettings(uri=str(tmp_path / "milvus.db"))}
        return rag_settings(tmp_path, embedding=embedding).model_copy(update=changes)

    yield settings
    if request.param == "milvus":
        from milvus_lite.server_manager import server_manager_instance

        with contextlib.suppress(Exception):
            server_manager_instance.release_server(str(tmp_path / "milvus.db"))


async def answered(
    library: KnowledgeBase, text: str, collections: frozenset[str] | None = None
) -> tuple[Retrieved, Finished]:
    async with contextlib.aclosing(library.answer(Question(text, Scope(collections)))) as events:
        seen = [event async for event in events]
    assert isinstance(seen[0], Retrieved) and isinstance(seen[-1], Finished)
    return seen[0], seen[-1]


async def test_questions_are_answered_by_words_and_vectors(make: Make, server: ModelServer) -> None:
    settings = make(EmbeddingSettings(provider="openai", base_url=server.base_url, model="bge-test"))
    report = ingest(settings)
    assert (report.documents, report.embedded) == (3, report.chunks)
    library = await KnowledgeBase.open(settings)
    await library.warm_up()
    assert library.status().index.ok
    states = await library.documents(Scope(None))
    assert len(states) == 3 and all(state.content for state in states)
    assert [await library.document(state.collection, state.source) for state in states] == list(states)
    assert await library.document("no_such", states[0].source) is None
    found, finished = await answered(library, "出差结束后多久内提交报销单？")
    assert finished.answered
    passage = next(each for each in found.passages if each.lexical_rank == 1)
    assert passage.chunk.heading_path == "报销制度 > 差旅报销" and (passage.lexical_score or 0) > 0
    assert all(each.dense_rank and -1 <= (each.dense_score or 0) <= 1.001 for each in found.passages)
    _, refused = await answered(library, "比特币今天的价格")
    assert not refused.answered and (refused.confidence or 0) < (finished.confidence or 0)
    await library.aclose()


async def test_words_alone_serve_and_script_does_not_matter(make: Make) -> None:
    settings = make()
    ingest(settings)
    library = await KnowledgeBase.open(settings)
    found, finished = await answered(library, "病假須提供醫院證明嗎")
    assert finished.answered and found.passages[0].chunk.heading_path == "休假制度 > 病假"
    found, _ = await answered(library, "ERR_1042")
    assert found.passages[0].chunk.source == "vpn.md"
    await library.aclose()


async def test_collections_limit_the_search_itself(make: Make, tmp_path: Path) -> None:
    settings = make()
    settings = settings.model_copy(
        update={"knowledge": [], "collections": {"hr": CollectionSettings(folders=[tmp_path / "knowledge"])}}
    )
    ingest(settings)
    library = await KnowledgeBase.open(settings)
    assert (await library.search("年假有几天", Scope.of({"hr"}))).passages
    for nothing in (frozenset({"it", 'a"] or 1==1 or collection in ["hr'}), frozenset[str]()):
        assert (await library.search("年假有几天", Scope(nothing))).passages == ()
    await library.aclose()


CLOSED = {"named": "林晓雯的转岗方案已经批准。", "unnamed": "季度会议的茶歇安排已经确定。"}


@pytest.mark.parametrize("question", ["林晓雯的转岗方案", "林晓雯的年假有几天", "报销期限"])
async def test_what_closed_documents_hold_shows_in_no_figure(make: Make, tmp_path: Path, question: str) -> None:
    """A word's rarity is that among what the asker may see: a name in a closed document must not be told from one that
    is nowhere."""
    settings = make()
    closed = tmp_path / "closed"
    closed.mkdir()
    collections = {
        "open": CollectionSettings(folders=[tmp_path / "knowledge"]),
        "closed": CollectionSettings(folders=[closed]),
    }
    settings = settings.model_copy(update={"knowledge": [], "collections": collections})
    seen = []
    for text in CLOSED.values():
        (closed / "plan.md").write_text(f"# 方案\n\n{text * 20}\n", encoding="utf-8")
        ingest(settings)
        library = await KnowledgeBase.open(settings)
        found = await library.search(question, Scope.of({"open"}))
        assert found.signals is not None
        signals = replace(found.signals, chance=0.0)  # of the whole index, and the same for every question
        seen.append((signals, found.confidence, [passage.chunk.heading_path for passage in found.passages]))
        await library.aclose()
    assert seen[0] == seen[1]


async def test_changes_reach_a_library_that_is_open(
    make: Make, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rag.index.index.LOOK_EVERY_S", 1e-9)
    settings = make(EmbeddingSettings(provider="openai", base_url=server.base_url, model="bge-test"))
    ingest(settings)
    library = await KnowledgeBase.open(settings)
    server.requests.clear()
    (settings.knowledge[0] / "canteen.md").write_text("# 食堂\n\n食堂十一点半供应午餐。\n", encoding="utf-8")
    (settings.knowledge[0] / "vpn.md").unlink()
    report = ingest(settings)
    assert (report.new, report.gone, report.unchanged, report.embedded) == (1, 1, 2, 1)
    found, finished = await answered(library, "食堂几点供应午餐")
    assert finished.answered and found.passages[0].chunk.source == "canteen.md"
    assert all(p.chunk.source != "vpn.md" for p in (await library.search("ERR_1042", EVERYTHING)).passages)
    assert ingest(settings).unchanged == 3
    await library.aclose()


def test_another_model_is_embedded_beside_the_old_one(make: Make, server: ModelServer) -> None:
    embedding = EmbeddingSettings(provider="openai", base_url=server.base_url, model="bge-test")
    first = ingest(make(embedding))
    second = ingest(make(embedding.model_copy(update={"model": "bge-other"})))
    assert second.index != first.index and second.embedded == first.chunks
    index = open_index(make(embedding), None)
    assert index.manifest.embedding is not None and index.manifest.embedding.model == "bge-other"
    index.chunks.close()


SIGNS = """# 规范

## C++ 规范

C++ 代码缩进为四个空格。

## C# 规范

C# 代码缩进为两个空格。

## 保修

保修期为三十五个月。

## 旧机型保修

保修期为 36 个月。
"""
ASKED = [
    ("C# 缩进几个空格", "C# 规范"),
    ("C++ 缩进几个空格", "C++ 规范"),
    ("哪些保修 35 个月", "保修"),
    ("哪些保修三十六个月", "旧机型保修"),
]


async def test_names_with_signs_and_figures_are_found_exactly(make: Make) -> None:
    settings = make()
    (settings.knowledge[0] / "signs.md").write_text(SIGNS, encoding="utf-8")
    ingest(settings)
    library = await KnowledgeBase.open(settings)
    for question, heading in ASKED:
        passages = (await library.search(question, EVERYTHING)).passages
        assert (question, passages[0].chunk.headings[-1]) == (question, heading)
    await library.aclose()


def age_terms(settings: RagSettings) -> None:
    """Make the index say that its terms were cut by the first rules."""
    if settings.store == "faiss":
        folder, _ = read_current(settings.index_dir)
        content = json.loads((folder / "manifest.json").read_text("utf-8"))
        (folder / "manifest.json").write_text(json.dumps(content | {"terms": 1}), encoding="utf-8")
        return
    from rag.index.milvus.client import MilvusStore

    store = MilvusStore(settings.milvus)
    state = store.state()
    store.write_state(state | {"manifest": state["manifest"] | {"terms": 1}})
    store.close()


async def test_an_index_of_earlier_terms_serves_until_the_next_ingest(make: Make) -> None:
    settings = make()
    first = ingest(settings)
    age_terms(settings)
    library = await KnowledgeBase.open(settings)
    assert (await library.search("年假有几天", EVERYTHING)).passages
    await library.aclose()
    second = ingest(settings)
    assert second.index != first.index and second.new == 3
    third = ingest(settings)
    assert (third.index, third.unchanged) == (second.index, 3)


@needs_milvus
def test_a_broken_off_build_in_milvus_is_gone_on_with(tmp_path: Path) -> None:
    folder = write_knowledge(tmp_path / "knowledge")
    given = {
        "knowledge": [str(folder)],
        "index_dir": str(tmp_path / "index"),
        "embedding": {"provider": "none"},
        "store": "milvus",
        "milvus": {"uri": str(tmp_path / "milvus.db")},
    }
    script = (
        "import os, signal, sys\n"
        "from rag.ingestion.pipeline import ingest\n"
        "from rag.settings import RagSettings\n"
        "def tell(stage, done, total):\n"
        "    if stage == 'documents' and done == 2:\n"
        "        os.killpg(0, signal.SIGKILL)\n"
        "ingest(RagSettings.model_validate_json(sys.argv[1]), progress=tell)\n"
    )
    killed = subprocess.run(
        [sys.executable, "-c", script, json.dumps(given)], check=False, env={**os.environ}, start_new_session=True
    )
    assert killed.returncode == -signal.SIGKILL
    report = ingest(RagSettings.model_validate(given))
    assert (report.new, report.unchanged, report.documents) == (1, 2, 3)


@needs_milvus
def test_a_server_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    settings = MilvusSettings(uri="http://127.0.0.1:9", token=SecretStr("user:hidden"), timeout_s=1)
    with pytest.raises(IndexUnusable, match="RAG__MILVUS__URI") as caught:
        open_index(RagSettings(store="milvus", milvus=settings, index_dir=tmp_path), None)
    assert "hidden" not in str(caught.value)


def test_a_refused_text_costs_its_document_and_kept_vectors_are_used(make: Make, server: ModelServer) -> None:
    settings = make(EmbeddingSettings(provider="openai", base_url=server.base_url, model="bge-test"))
    parts = [f"## 第 {number} 节\n\n{'内容' * 60} {number}。\n" for number in range(12)]
    parts.insert(9, "## 坏的一节\n\nPOISON。\n")
    (settings.knowledge[0] / "poison.md").write_text("# 毒\n\n" + "\n".join(parts), encoding="utf-8")
    server.embedding.refused_word = "POISON"
    try:
        report = ingest(settings)
    finally:
        server.embedding.refused_word = ""
    assert [error.source for error in report.skipped] == ["poison.md"] and report.documents == 3
    index = open_index(settings, None)
    assert {chunk.source for chunk in index.chunks.all()} == {"expenses.md", "leave.md", "vpn.md"}
    index.chunks.close()
    again = ingest(settings)
    assert again.skipped == () and again.documents == 4 and again.reused >= 7
    rebuilt = ingest(settings, rebuild=True)
    assert (rebuilt.embedded, rebuilt.reused) == (0, again.chunks)


def manifest_of_before(settings: RagSettings) -> None:
    """Make the index one of the version before: no background, no languages, terms of the first rules."""
    later = {"background", "languages", "terms"}
    if settings.store == "milvus":
        from rag.index.milvus.client import MilvusStore

        store = MilvusStore(settings.milvus)
        state = store.state()
        kept = {key: value for key, value in state["manifest"].items() if key not in later}
        store.write_state({**state, "manifest": kept})
        store.close()
        return
    folder = read_current(settings.index_dir)[0]
    with contextlib.closing(sqlite3.connect(folder / "chunks.sqlite")) as database:
        database.execute("ALTER TABLE chunk DROP COLUMN language")
        database.commit()
    written = json.loads((folder / "manifest.json").read_text("utf-8"))
    kept = {key: value for key, value in written.items() if key not in later}
    kept["files"]["chunks.sqlite"] = hashlib.sha256((folder / "chunks.sqlite").read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(kept), encoding="utf-8")


def test_what_everyday_questions_find_is_measured_and_kept(make: Make, server: ModelServer) -> None:
    settings = make(EmbeddingSettings(provider="openai", base_url=server.base_url, model="bge-test"))
    ingest(settings)
    index = open_index(settings, None)
    assert index.manifest.languages == {"en": 1, "zh": 4}
    assert set(index.manifest.background) == {"zh", "en", "*"}
    assert all(-1 < each.best.mean < 20 and set(each.cosines) == {"*"} for each in index.manifest.background.values())
    assert index.dense is not None
    for language, sources in (("en", {"vpn.md"}), ("zh", {"leave.md", "expenses.md"})):
        within = index.chunks.ids_in(None, language)
        found = [chunk_id for chunk_id, _ in index.dense.search(np.array(hash_vector("年假")), 10, within)]
        assert {chunk.source for chunk in index.chunks.get(found).values()} == sources
        assert sorted(index.chunks.sample(language, 10)) == sorted(found)
    both = index.chunks.ids_in(frozenset({"nobody"}), "zh")
    assert index.dense.search(np.array(hash_vector("年假")), 10, both) == []
    index.chunks.close()


async def test_an_index_of_the_version_before_serves_and_is_made_anew_by_the_next_ingest(
    make: Make, server: ModelServer
) -> None:
    settings = make(EmbeddingSettings(provider="openai", base_url=server.base_url, model="bge-test"))
    before = ingest(settings)
    manifest_of_before(settings)
    question = "出差结束后多久内提交报销单？"
    for is_new in (False, True):
        library = await KnowledgeBase.open(settings)
        await library.warm_up()
        assert library.status().index.ok and library.status().embedding.ok
        finding = await library.search(question, EVERYTHING)
        assert "报销制度 > 差旅报销" in [passage.chunk.heading_path for passage in finding.passages]
        assert any(passage.dense_rank for passage in finding.passages)
        assert finding.signals is not None and finding.signals.has_dense is is_new
        _, finished = await answered(library, question)
        assert finished.outcome != "no_evidence"
        await library.aclose()
        if not is_new:
            report = await asyncio.to_thread(ingest, settings)
            assert report.index != before.index and (report.embedded, report.reused) == (0, report.chunks)
