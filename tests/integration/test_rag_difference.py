"""Ingest as a difference: what changed is read and embedded, a kill leaves the old index, bad files cost themselves."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.errors import IngestError, Unreadable
from rag.index.base.manifest import current_name
from rag.index.index import Index
from rag.ingestion.pipeline import ingest
from rag.ingestion.readers import Readers
from rag.ingestion.readers.parsed import Parsed
from rag.ingestion.sources import RemoteDocument, Unlisted
from rag.settings import CollectionSettings, EmbeddingSettings, RagSettings
from tests.support.library_parts import rag_settings, write_knowledge
from tests.support.model_server import ModelServer, running
from tests.support.office_files import write_docx, write_pdf

needs_docs = pytest.mark.skipif(importlib.util.find_spec("docx") is None, reason="the extra docs is not installed")


@pytest.fixture
def settings(tmp_path: Path) -> RagSettings:
    write_knowledge(tmp_path / "knowledge")
    return rag_settings(tmp_path)


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with running() as server:
        yield server


def embedded_texts(server: ModelServer) -> list[str]:
    return [text for request in server.requests for text in request.body["input"]]


def sources(settings: RagSettings) -> set[str]:
    return {chunk.source for chunk in Index.open(settings.index_dir).chunks.all()}


def test_unchanged_folders_write_nothing(settings: RagSettings) -> None:
    first = ingest(settings)
    again = ingest(settings)
    assert (first.new, again.new, again.unchanged, again.index) == (3, 0, 3, first.index)
    assert (again.documents, again.chunks) == (first.documents, first.chunks)


def test_only_what_changed_is_embedded(server: ModelServer, tmp_path: Path) -> None:
    folder = write_knowledge(tmp_path / "knowledge")
    embedding = EmbeddingSettings(provider="openai", base_url=server.base_url, model="bge-test")
    settings = rag_settings(tmp_path, embedding=embedding)
    first = ingest(settings)
    assert first.embedded == first.chunks
    server.requests.clear()
    text = (folder / "leave.md").read_text("utf-8")
    (folder / "leave.md").write_text(text.replace("三天以上需提供医院证明", "两天以上需提供医院证明"), encoding="utf-8")
    second = ingest(settings)
    assert (second.changed, second.unchanged, second.embedded) == (1, 2, 1)
    assert sum("两天以上" in text for text in embedded_texts(server)) == 1
    assert not any("年假需提前" in text for text in embedded_texts(server))
    index = Index.open(settings.index_dir)
    assert index.dense is not None and index.dense.count == index.lexical.count == second.chunks
    assert index.lexical.search("两天以上", 5) and "三天以上" not in "".join(c.text for c in index.chunks.all())


def test_gone_documents_leave_every_part(settings: RagSettings) -> None:
    ingest(settings)
    (settings.knowledge[0] / "vpn.md").unlink()
    report = ingest(settings)
    assert (report.gone, report.documents, report.new) == (1, 2, 0)
    assert sources(settings) == {"expenses.md", "leave.md"}
    assert Index.open(settings.index_dir).lexical.search("ERR_1042", 5) == []


def test_moved_text_keeps_its_chunks_and_gets_new_offsets(settings: RagSettings) -> None:
    file = settings.knowledge[0] / "leave.md"
    ingest(settings)
    file.write_text("开头加了一句。\n\n" + file.read_text("utf-8"), encoding="utf-8")
    ingest(settings)
    text = file.read_text("utf-8")
    chunks = [chunk for chunk in Index.open(settings.index_dir).chunks.all() if chunk.source == "leave.md"]
    assert len(chunks) == 3 and all(text[chunk.start : chunk.end] == chunk.text for chunk in chunks)


@needs_docs
def test_a_file_that_fails_is_named_each_time_and_read_again_when_it_changes(settings: RagSettings) -> None:
    file = settings.knowledge[0] / "a.docx"
    file.write_bytes(b"no word file")
    first, again = ingest(settings), ingest(settings)
    assert [error.source for error in first.skipped] == [error.source for error in again.skipped] == ["a.docx"]
    assert again.index == first.index
    write_docx(file)
    report = ingest(settings)
    assert report.skipped == () and report.changed == 1 and "a.docx" in sources(settings)


@needs_docs
def test_pages_and_collections_reach_the_index(settings: RagSettings, tmp_path: Path) -> None:
    (tmp_path / "hr").mkdir()
    write_pdf(tmp_path / "hr" / "a.pdf", [["第一页说年假。"], ["第二页说病假。"]])
    settings = settings.model_copy(update={"collections": {"hr": CollectionSettings(folders=[tmp_path / "hr"])}})
    ingest(settings)
    found = {chunk.text: chunk for chunk in Index.open(settings.index_dir).chunks.all() if chunk.source == "a.pdf"}
    place = found[next(iter(found))].place
    assert place is not None and place.kind == "page"
    assert {chunk.collection for chunk in found.values()} == {"hr"}


def page(name: str, text: str, edited: str = "1", collection: str = "default") -> RemoteDocument:
    return RemoteDocument(
        f"remote:{name}", name, f"https://example.com/{name}", edited, lambda _: Parsed(text), collection
    )


def unread(name: str, edited: str, *, temporary: bool) -> RemoteDocument:
    def read(_: Readers) -> Parsed:
        raise Unreadable(f"remote:{name}", "no access", temporary=temporary)

    return RemoteDocument(f"remote:{name}", name, None, edited, read)


def test_remote_documents_are_read_when_edited_and_go_when_gone(settings: RagSettings) -> None:
    assert ingest(settings, remote=[page("a", "会议室在三楼。"), page("b", "食堂在一楼。")]).new == 5
    closed = ingest(settings, remote=[unread("a", "1", temporary=False), page("b", "食堂在一楼。")])
    assert [error.reason for error in closed.skipped] == ["no access"] and "remote:a" not in sources(settings)
    report = ingest(settings, remote=[page("b", "食堂在二楼。", edited="2")])
    assert (report.changed, report.gone, report.skipped) == (1, 1, ())
    texts = [chunk.text for chunk in Index.open(settings.index_dir).chunks.all()]
    assert "食堂在二楼。" in texts and "食堂在一楼。" not in texts and "会议室在三楼。" not in texts


def test_a_network_failure_keeps_what_there_was(settings: RagSettings) -> None:
    ingest(settings, remote=[page("a", "会议室在三楼。")])
    report = ingest(settings, remote=[unread("a", "2", temporary=True)])
    assert [error.reason for error in report.skipped] == ["no access"] and "remote:a" in sources(settings)
    kept = ingest(settings, remote=[Unlisted("default", "remote:", "cannot be reached", keeps=True)])
    assert kept.gone == 0 and "remote:a" in sources(settings)
    assert [error.reason for error in kept.skipped] == ["cannot be reached"]
    lost = ingest(settings, remote=[Unlisted("default", "remote:", "no access any more")])
    assert lost.gone == 1 and "remote:a" not in sources(settings)


def test_a_kill_in_the_middle_leaves_the_old_index(settings: RagSettings) -> None:
    before = ingest(settings).index
    for number in range(50):
        (settings.knowledge[0] / f"new{number}.md").write_text(f"# 新 {number}\n\n内容 {number}。\n", encoding="utf-8")
    script = (
        "import json, os, signal, sys\n"
        "from rag.ingestion.pipeline import ingest\n"
        "from rag.settings import RagSettings\n"
        "settings = RagSettings.model_validate_json(sys.argv[1])\n"
        "def tell(stage, done, total):\n"
        "    if stage == 'documents' and done == 25:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "ingest(settings, progress=tell)\n"
    )
    given = {
        "knowledge": [str(settings.knowledge[0])],
        "index_dir": str(settings.index_dir),
        "embedding": {"provider": "none"},
    }
    killed = subprocess.run([sys.executable, "-c", script, json.dumps(given)], check=False, env={**os.environ})
    assert killed.returncode == -signal.SIGKILL
    assert current_name(settings.index_dir) == before and len(sources(settings)) == 3
    assert list(settings.index_dir.glob(".new-*"))
    assert ingest(settings).new == 50
    assert not list(settings.index_dir.glob(".new-*"))


def test_a_damaged_index_is_built_anew(settings: RagSettings) -> None:
    name = ingest(settings).index
    (settings.index_dir / name / "chunks.sqlite").write_bytes(b"damaged")
    report = ingest(settings)
    assert report.new == 3 and report.index != name and len(sources(settings)) == 3


def test_another_model_embeds_everything_anew(server: ModelServer, tmp_path: Path) -> None:
    write_knowledge(tmp_path / "knowledge")
    embedding = EmbeddingSettings(provider="openai", base_url=server.base_url, model="bge-test")
    first = ingest(rag_settings(tmp_path, embedding=embedding))
    other = embedding.model_copy(update={"model": "bge-other"})
    assert ingest(rag_settings(tmp_path, embedding=other)).embedded == first.chunks
    assert ingest(rag_settings(tmp_path)).embedded == 0


def test_nothing_left_keeps_the_old_index(settings: RagSettings) -> None:
    before = ingest(settings).index
    for file in settings.knowledge[0].glob("*.md"):
        file.unlink()
    with pytest.raises(IngestError, match="put documents there"):
        ingest(settings)
    assert current_name(settings.index_dir) == before
