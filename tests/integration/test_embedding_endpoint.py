"""An embedding endpoint that is only human: refuses a text, takes few at once, is busy, or behind a proxy."""

import asyncio
import contextlib
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.embedding.vector_cache import FILE
from rag.errors import EmbeddingFailed
from rag.events import Finished, Question, Retrieved
from rag.index.base.manifest import current_name
from rag.index.index import Index
from rag.ingestion.pipeline import IngestReport, ingest
from rag.knowledge_base import KnowledgeBase
from rag.scope import EVERYTHING
from rag.settings import EmbeddingSettings, RagSettings
from tests.support.clock import HandClock
from tests.support.library_parts import rag_settings
from tests.support.model_server import ModelServer, running
from tests.support.proxy import forwarding_to

CASES = Path(__file__).parents[1] / "support" / "cases"
POISON = "POISON"


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with running() as server:
        yield server


@pytest.fixture
def settings(server: ModelServer, tmp_path: Path) -> RagSettings:
    """Twelve documents, a batch of four texts."""
    folder = tmp_path / "knowledge"
    folder.mkdir()
    for number in range(12):
        (folder / f"{number:02}.md").write_text(f"# 制度 {number}\n\n第 {number} 条规定写在这里。\n", encoding="utf-8")
    embedding = EmbeddingSettings(provider="openai", base_url=server.base_url, model="e5-test", batch_size=4)
    return rag_settings(tmp_path, embedding=embedding)


def write_poison(settings: RagSettings, paragraphs: int = 1) -> None:
    """A document of many chunks with the refused word in the middle one."""
    parts = [f"## 第 {number} 节\n\n{'内容' * 60} {number}。\n" for number in range(paragraphs)]
    parts.insert(paragraphs // 2, f"## 坏的一节\n\n这里有 {POISON} 一词。\n")
    (settings.knowledge[0] / "poison.md").write_text("# 毒\n\n" + "\n".join(parts), encoding="utf-8")


def passages_asked(server: ModelServer) -> list[str]:
    """Texts of documents that were asked for; not the texts by which a model is tried."""
    texts = [text for request in server.embeddings() for text in request.body["input"]]
    return [text for text in texts if "\n" in text]


def sources(settings: RagSettings) -> set[str]:
    return {chunk.source for chunk in Index.open(settings.index_dir).chunks.all()}


def kept(settings: RagSettings) -> int:
    with contextlib.closing(sqlite3.connect(settings.index_dir / FILE)) as database:
        return int(database.execute("SELECT count(*) FROM vector").fetchone()[0])


@pytest.mark.parametrize("status", [400, 413, 422])
def test_one_refused_text_costs_its_file_which_is_named_and_tried_again(
    server: ModelServer, settings: RagSettings, status: int
) -> None:
    case = json.loads((CASES / "50-one-text-refused.json").read_text("utf-8"))
    assert "400" in case["embeddings endpoint"] and POISON in case["documents"]
    write_poison(settings)
    server.embedding.refused_word, server.embedding.status = POISON, status
    report = ingest(settings)
    assert [error.source for error in report.skipped] == ["poison.md"]
    reason = report.skipped[0].reason
    assert f"HTTP {status}, data_inspection_failed" in reason and "坏的一节" in reason and POISON not in reason
    assert (report.documents, report.new) == (12, 12)
    assert "poison.md" not in sources(settings) and len(sources(settings)) == 12
    server.requests.clear()
    again = ingest(settings)
    assert [error.source for error in again.skipped] == ["poison.md"] and again.unchanged == 12
    assert all(POISON in text for text in passages_asked(server))  # its other passages are kept
    server.embedding.refused_word = ""
    assert ingest(settings).skipped == () and "poison.md" in sources(settings)


def test_nothing_is_left_of_a_long_file_with_a_refused_text(server: ModelServer, settings: RagSettings) -> None:
    write_poison(settings, paragraphs=150)  # more chunks than are written at once
    server.embedding.refused_word = POISON
    report = ingest(settings)
    index = Index.open(settings.index_dir)
    assert index.dense is not None
    assert report.chunks == index.dense.count == index.lexical.count == index.chunks.count() == 12
    assert index.lexical.search("内容", 5) == []
    (settings.knowledge[0] / "poison.md").unlink()
    assert ingest(settings).gone == 1


def test_a_vector_of_zeros_costs_its_file_too(server: ModelServer, settings: RagSettings) -> None:
    write_poison(settings)
    server.embedding.zeros_for = POISON
    report = ingest(settings)
    assert [error.source for error in report.skipped] == ["poison.md"] and "no usable vector" in report.skipped[
        0
    ].reason


def test_what_is_refused_for_any_text_ends_the_ingest(server: ModelServer, settings: RagSettings) -> None:
    def from_now_on(count: int) -> None:
        if count > 3:
            server.embedding.refused_word = " "  # every text but a bare one

    server.embedding.after = from_now_on
    with pytest.raises(EmbeddingFailed, match="RAG__EMBEDDING__MODEL"):
        ingest(settings)
    assert current_name(settings.index_dir) is None


def test_a_limit_of_texts_is_found_by_halving_and_remembered(server: ModelServer, settings: RagSettings) -> None:
    settings = settings.model_copy(update={"embedding": settings.embedding.model_copy(update={"batch_size": 8})})
    server.embedding.most_texts = 3
    report = ingest(settings)
    assert report.skipped == () and report.embedded == report.chunks == 12
    sizes = [len(request.body["input"]) for request in server.embeddings()]
    too_many = [at for at, size in enumerate(sizes) if size > 3]
    assert 1 <= len(too_many) <= 3  # 8, and its halves
    assert all(size <= 2 for size in sizes[too_many[-1] + 1 :])


def test_a_busy_endpoint_is_waited_for_as_it_asks_and_it_is_told(server: ModelServer, settings: RagSettings) -> None:
    server.embedding.busy, server.embedding.busy_headers = 3, {"retry-after": "7"}
    slept: list[float] = []
    told: list[tuple[str, int, int]] = []
    report = ingest(settings, sleep=slept.append, progress=lambda *heard: told.append(heard))
    assert report.documents == 12 and report.skipped == ()
    assert sum(slept) == 21
    assert [heard for heard in told if heard[0] == "waiting"][:8] == [("waiting", done, 7) for done in range(8)]


def test_a_server_that_starts_is_waited_for_when_it_says_how_long(server: ModelServer, settings: RagSettings) -> None:
    server.embedding.busy, server.embedding.busy_status = 4, 503
    server.embedding.busy_headers = {"retry-after": "30"}
    slept: list[float] = []
    assert ingest(settings, sleep=slept.append).documents == 12 and sum(slept) == 120


def test_the_wait_is_bounded_and_the_next_ingest_goes_on(server: ModelServer, settings: RagSettings) -> None:
    def busy_from(count: int) -> None:
        if count == server_busy_from:
            server.embedding.busy = 1_000_000

    settings = settings.model_copy(update={"embedding": settings.embedding.model_copy(update={"patience_s": 250})})
    server.embedding.busy_headers = {"retry-after": "100"}
    server_busy_from = 4  # two to open the model, one batch of four texts
    server.embedding.after = busy_from
    slept: list[float] = []
    with pytest.raises(EmbeddingFailed, match="RAG__EMBEDDING__PATIENCE_S"):
        ingest(settings, sleep=slept.append)
    assert sum(slept) == 200 and kept(settings) == 4
    server.embedding.after, server.embedding.busy = lambda count: None, 0
    asked = set(passages_asked(server)[:4])
    server.requests.clear()
    report = ingest(settings)
    assert (report.embedded, report.reused) == (8, 4)
    assert not asked & set(passages_asked(server))


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (401, None, "RAG__EMBEDDING__API_KEY"),
        (403, None, "RAG__EMBEDDING__API_KEY"),
        (404, None, "RAG__EMBEDDING__MODEL"),
        (402, None, "no credit"),
        (429, "insufficient_quota", "no credit"),
        (400, "Arrearage", "no credit"),
    ],
)
def test_what_cannot_heal_ends_the_ingest_at_once(
    server: ModelServer, settings: RagSettings, status: int, code: str | None, words: str
) -> None:
    server.embedding.busy, server.embedding.busy_status, server.embedding.busy_code = 1_000_000, status, code
    server.embedding.busy_headers = {"retry-after": "1"}
    slept: list[float] = []
    with pytest.raises(EmbeddingFailed, match=words):
        ingest(settings, sleep=slept.append)
    assert slept == [] and len(server.embeddings()) == 1


def test_a_killed_ingest_loses_no_vector_that_was_made(server: ModelServer, settings: RagSettings) -> None:
    script = (
        "import sys\n"
        "from rag.ingestion.pipeline import ingest\n"
        "from rag.settings import RagSettings\n"
        "ingest(RagSettings.model_validate_json(sys.argv[1]))\n"
    )
    given = {
        "knowledge": [str(settings.knowledge[0])],
        "index_dir": str(settings.index_dir),
        "embedding": {"provider": "openai", "base_url": server.base_url, "model": "e5-test", "batch_size": 4},
    }
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", script, json.dumps(given)], env={**os.environ, "PYTHONPATH": str(root)}
    )
    # Two requests open the model, two batches are answered, and with the third it is over.
    server.embedding.after = lambda count: process.kill() if count == 5 else None
    assert process.wait(timeout=120) != 0
    server.embedding.after = lambda count: None
    assert current_name(settings.index_dir) is None and kept(settings) == 8
    report = ingest(settings)
    assert (report.documents, report.embedded, report.reused) == (12, 4, 8)


def test_a_rebuild_asks_for_no_vector_again(server: ModelServer, settings: RagSettings) -> None:
    first = ingest(settings)
    server.requests.clear()
    second = ingest(settings, rebuild=True)
    assert (second.embedded, second.reused, second.new) == (0, first.chunks, 12) and second.index != first.index
    assert passages_asked(server) == []
    index = Index.open(settings.index_dir)
    assert index.dense is not None and index.dense.count == first.chunks


def test_what_is_kept_does_not_grow_beyond_the_index(server: ModelServer, settings: RagSettings) -> None:
    ingest(settings)
    for version in range(3):
        (settings.knowledge[0] / "00.md").write_text(f"# 制度\n\n第 {version} 版的规定。\n", encoding="utf-8")
        report = ingest(settings)
        assert kept(settings) == report.chunks == 12
    other = settings.embedding.model_copy(update={"model": "other"})
    assert ingest(settings.model_copy(update={"embedding": other})).reused == 0 and kept(settings) == 12


def test_another_model_under_the_same_name_gets_nothing_of_the_old_one(
    server: ModelServer, settings: RagSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest(settings)
    monkeypatch.setattr("tests.support.model_server.hash_vector", lambda text, size: [1.0] + [0.5] * (size - 1))
    assert ingest(settings).reused == 0


@pytest.mark.parametrize("damage", [b"", b"no database at all, but longer than its header is" * 9])
def test_a_damaged_cache_costs_nothing_but_its_vectors(
    server: ModelServer, settings: RagSettings, damage: bytes
) -> None:
    first = ingest(settings)
    (settings.index_dir / FILE).write_bytes(damage)
    report = ingest(settings, rebuild=True)
    assert (report.documents, report.embedded, report.reused) == (12, first.chunks, 0)
    assert kept(settings) == first.chunks


async def asked(library: KnowledgeBase, text: str) -> Retrieved:
    async with contextlib.aclosing(library.answer(Question(text, EVERYTHING))) as events:
        seen = [event async for event in events]
    assert isinstance(seen[0], Retrieved) and isinstance(seen[-1], Finished)
    return seen[0]


async def test_a_question_does_not_wait_for_a_busy_endpoint(server: ModelServer, settings: RagSettings) -> None:
    await asyncio.to_thread(ingest, settings)
    library = await KnowledgeBase.open(settings, clock=HandClock())
    await library.warm_up()
    server.requests.clear()
    server.embedding.busy, server.embedding.busy_headers = 1_000_000, {"retry-after": "600"}
    found = await asked(library, "第 3 条规定")
    assert found.passages and all(passage.dense_rank is None for passage in found.passages)
    assert len(server.embeddings()) == 1
    assert "HTTP 429" in library.status().embedding.detail
    server.embedding.busy = 0
    assert any(passage.dense_rank for passage in (await asked(library, "第 3 条规定")).passages)
    sent = [request.body["input"] for request in server.embeddings()]
    assert ["query: 第 3 条规定"] in sent[1:], "beside the sentences that are compared for a quotation"
    await library.aclose()


def test_an_endpoint_behind_a_proxy_is_reached_when_the_environment_may_say_so(
    server: ModelServer, settings: RagSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = json.loads((CASES / "52-embedding-behind-a-proxy.json").read_text("utf-8"))
    address = case["rag.embedding.base_url"]
    with forwarding_to(server.base_url.removesuffix("/v1")) as proxy:
        for name in case["environment"]:
            monkeypatch.setenv(name, proxy.address)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        embedding = settings.embedding.model_copy(update={"base_url": address, "trust_env": True})
        report: IngestReport = ingest(settings.model_copy(update={"embedding": embedding}))
        assert report.embedded == 12
        assert proxy.asked and set(proxy.asked) == {f"{address}/embeddings"}
        direct = settings.embedding.model_copy(update={"base_url": address})
        with pytest.raises(EmbeddingFailed, match="cannot be reached"):
            ingest(settings.model_copy(update={"embedding": direct}), rebuild=True, sleep=lambda seconds: None)
