"""Files that do harm, in a knowledge folder and sent in a chat: they cost themselves, and nobody else anything."""

import os
import queue
import resource
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from rag.errors import IngestError
from rag.index.index import Index
from rag.ingestion.pipeline import ingest
from rag.settings import CollectionSettings, RagSettings, ReadingSettings
from tests.integration.conftest import BOB, Stage, answer_text
from tests.integration.test_bad_luck import using
from tests.integration.test_message_kinds import quiet, send, upload
from tests.integration.test_people_conversation import private_chat, replied
from tests.integration.test_terminal_knowledge import COMMAND, change_until, environment, wait_for
from tests.support.bot_process import BotProcess
from tests.support.library_parts import rag_settings, write_knowledge
from tests.support.model_server import Reply, running
from tests.unit.rag.test_front_matter import BOMB

GOOD = {"expenses.md", "leave.md", "vpn.md"}
FRONTS = {
    "bomb.md": BOMB,
    "date.md": "date: 2023-02-30",
    "deep.md": "a: " + "[" * 5_000,
    "deep-block.md": "a:\n" + "".join("  " * level + "- a:\n" for level in range(1, 60)),
    "number.txt": "number: " + "9" * 6_000,
    "tag.md": "title: !!python/object/apply:os.abort []",
    "long.md": "a: b\n" * 100_000,
    "spaces.md": "title: a\n---\n# a" + " " * 100_000 + "b",
}


@pytest.fixture
def settings(tmp_path: Path) -> RagSettings:
    write_knowledge(tmp_path / "knowledge")
    return rag_settings(tmp_path)


def texts(settings: RagSettings) -> dict[tuple[str, str], str]:
    """What the index holds of each document."""
    index = Index.open(settings.index_dir)
    try:
        return {(chunk.collection, chunk.source): chunk.text for chunk in index.chunks.all()}
    finally:
        index.chunks.close()


def test_bad_front_matter_costs_nobody_the_ingest(settings: RagSettings, tmp_path: Path) -> None:
    for name, front in FRONTS.items():
        (tmp_path / "knowledge" / name).write_text(f"---\n{front}\n---\n正文。\n", encoding="utf-8")
    report = ingest(settings)
    assert (report.skipped, report.documents) == ((), len(GOOD) + len(FRONTS))
    assert {source for _, source in texts(settings)} == GOOD | FRONTS.keys()
    assert "longer than" in next(note.reason for note in report.notes if note.source == "long.md")


def test_a_reader_that_breaks_costs_its_file(
    settings: RagSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rag.ingestion.readers.WORKER", "tests.support.misbehaving_reader")
    monkeypatch.setattr("rag.ingestion.file_discovery.SUFFIXES", {".md", ".dies", ".exits", ".hangs", ".eats-memory"})
    limits = ReadingSettings(timeout_s=2.0, memory_mb=1024)
    for name in ("a.dies", "b.exits", "leave.hangs", "m.eats-memory", "z.dies"):
        (tmp_path / "knowledge" / name).write_text("x")
    report = ingest(settings.model_copy(update={"reading": limits}))
    assert {source for _, source in texts(settings)} == GOOD
    assert [(file.source, file.reason.split()[0]) for file in report.skipped] == [
        ("a.dies", "made"),
        ("b.exits", "cannot"),
        ("leave.hangs", "took"),
        ("m.eats-memory", "needs"),
        ("z.dies", "made"),
    ]


def test_nothing_outside_of_its_collections_folder_is_published(settings: RagSettings, tmp_path: Path) -> None:
    knowledge, closed, secret = tmp_path / "knowledge", tmp_path / "knowledge/hr", tmp_path / "secret.md"
    closed.mkdir()
    (closed / "pay.md").write_text("# pay\n\n绝密工资。\n", encoding="utf-8")
    secret.write_text("# secret\n\n绝密口令。\n", encoding="utf-8")
    (knowledge / "passwd.md").symlink_to(secret)
    (knowledge / "zero.md").symlink_to("/dev/zero")
    (knowledge / "pay.md").symlink_to("hr/pay.md")
    (knowledge / "folder").symlink_to("hr")
    os.link(closed / "pay.md", knowledge / "hard.md")
    os.mkfifo(knowledge / "pipe.md")
    both = settings.model_copy(update={"collections": {"hr": CollectionSettings(folders=[closed])}})
    report = ingest(both)
    found = texts(both)
    assert {key for key, text in found.items() if "绝密" in text} == {("hr", "pay.md")}
    assert {source for name, source in found if name == "default"} == GOOD
    assert [file.source for file in report.skipped] == [
        *("folder/", "passwd.md", "pay.md", "pipe.md", "zero.md", "hard.md"),
    ]


def test_a_document_that_became_a_link_leaves_the_index(settings: RagSettings, tmp_path: Path) -> None:
    ingest(settings)
    (tmp_path / "secret.md").write_text("# secret\n", encoding="utf-8")
    (tmp_path / "knowledge/vpn.md").unlink()
    (tmp_path / "knowledge/vpn.md").symlink_to(tmp_path / "secret.md")
    report = ingest(settings)
    assert (report.gone, [file.source for file in report.skipped]) == (1, ["vpn.md"])
    assert {source for _, source in texts(settings)} == GOOD - {"vpn.md"}


def test_a_folder_of_links_alone_says_so(settings: RagSettings, tmp_path: Path) -> None:
    (tmp_path / "links").mkdir()
    (tmp_path / "links/a.md").symlink_to(tmp_path / "knowledge/vpn.md")
    with pytest.raises(IngestError, match=r"a\.md: is a link; .*follow_links_to"):
        ingest(settings.model_copy(update={"knowledge": [tmp_path / "links"]}))


def test_watch_goes_on_whatever_appears(tmp_path: Path) -> None:
    pytest.importorskip("watchfiles", reason="the extra watch is not installed")
    knowledge = write_knowledge(tmp_path / "knowledge")
    (tmp_path / "config.yaml").write_text("rag:\n  embedding: {provider: none}\n", encoding="utf-8")
    process = subprocess.Popen(
        [*COMMAND, "ingest", "--watch"], cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, text=True
    )
    lines: queue.Queue[str] = queue.Queue()
    reader = threading.Thread(target=lambda: [lines.put(line) for line in process.stdout or ()], daemon=True)
    reader.start()
    try:
        wait_for(lines, "watching")
        for name in ("date.md", "deep.md", "bomb.md"):
            (knowledge / name).write_text(f"---\n{FRONTS[name]}\n---\n正文。\n", encoding="utf-8")
        (knowledge / "zero.md").symlink_to("/dev/zero")
        os.mkfifo(knowledge / "pipe.md")
        change_until(lines, "7 documents", knowledge / "good.md", seconds=5.0)
    finally:
        process.kill()
        process.wait()
        reader.join()
        assert process.stdout is not None
        process.stdout.close()


def bounded(bot: BotProcess, more_bytes: int) -> None:
    """Keep the bot from taking so much more memory than it has: a bomb ends it, and not the machine."""
    if sys.platform == "linux" and bot.process is not None:
        status = Path(f"/proc/{bot.process.pid}/status").read_text(encoding="ascii")
        most = int(status.split("VmSize:")[1].split()[0]) * 1024 + more_bytes
        resource.prlimit(bot.process.pid, resource.RLIMIT_AS, (most, most))


async def test_harmful_files_in_a_chat_get_a_sentence_each_while_others_are_answered(stage: Stage) -> None:
    with running() as model:
        answered = threading.Event()
        model.script(Reply("出差结束后 15 个工作日内提交 [1]。", once=answered.is_set))
        bot = await stage.bot(**using(model, RAG__READING__MEMORY_MB="1024"))
        bounded(bot, 1_500_000_000)
        asked = await stage.ask("出差回来多久内要报销？", chat=private_chat(stage, BOB), person=BOB, mention=False)
        await stage.card(asked)
        bodies = {name: f"---\n{FRONTS[name]}\n---\n正文。\n".encode() for name in ("bomb.md", "date.md", "spaces.md")}
        for name, content in {**bodies, "nul.md": b"\0"}.items():
            sent = await send(stage, "file", {"file_key": upload(stage, name, content), "file_name": name})
            assert ("已读完" if name in bodies else "读不出来") in await replied(stage, sent), name
        answered.set()
        assert "15 个工作日" in answer_text(await stage.closed(asked))
        assert not [line for line in bot.lines if line.get("event") == "job_failed"], "one attempt each"
        await quiet(bot)
