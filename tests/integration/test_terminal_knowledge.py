"""The commands about documents, run as a person runs them."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path
from queue import Empty, Queue

import pytest

from tests.support.library_parts import write_knowledge
from tests.support.model_server import running

COMMAND = [sys.executable, "-m", "bot.cli"]
DEADLINE_S = 60.0


@pytest.fixture
def place(tmp_path: Path) -> Path:
    write_knowledge(tmp_path / "knowledge")
    (tmp_path / "config.yaml").write_text("rag:\n  embedding: {provider: none}\n", encoding="utf-8")
    return tmp_path


def environment() -> dict[str, str]:
    root = str(Path(__file__).parents[2])
    return {**os.environ, "PYTHONPATH": root, "COLUMNS": "200", "PYTHONUNBUFFERED": "1"}


def run(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=place,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )


def test_ingest_says_what_changed_and_what_was_skipped(place: Path) -> None:
    (place / "knowledge" / "old.doc").write_bytes(b"x")
    first = run(place, "ingest")
    assert first.returncode == 0 and "3 documents" in first.stdout and "3 new" in first.stdout
    assert "old.doc" in first.stdout and "save it as .docx" in first.stdout
    assert "3 unchanged" in run(place, "ingest").stdout
    assert "3 new" in run(place, "ingest", "--rebuild").stdout


def test_ingest_says_what_it_waits_for_where_there_is_no_terminal(place: Path) -> None:
    with running() as server:
        server.embedding.busy, server.embedding.busy_headers = 1, {"retry-after": "1"}
        embedding = f"{{provider: openai, base_url: '{server.base_url}', model: e5-test}}"
        (place / "config.yaml").write_text(f"rag:\n  embedding: {embedding}\n", encoding="utf-8")
        done = run(place, "ingest")
        assert done.returncode == 0 and done.stdout.count("embedding endpoint busy, waiting 1 s") == 1
        assert "vectors kept from before" in run(place, "ingest", "--rebuild").stdout


def test_ctrl_c_ends_a_long_wait(place: Path) -> None:
    with running() as server:
        server.embedding.busy, server.embedding.busy_headers = 1_000, {"retry-after": "600"}
        embedding = f"{{provider: openai, base_url: '{server.base_url}', model: e5-test}}"
        (place / "config.yaml").write_text(f"rag:\n  embedding: {embedding}\n", encoding="utf-8")
        process = subprocess.Popen(
            [*COMMAND, "ingest"],
            cwd=place,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # a shell's background ignores it
        )
        assert process.stdout is not None
        assert "waiting 600 s" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=DEADLINE_S)
        assert process.returncode == 130 and "Traceback" not in said


def test_eval_prints_saves_and_compares(place: Path) -> None:
    run(place, "ingest")
    cases = place / "cases.jsonl"
    rows = [{"question": "年假有几天", "source": "leave.md"}, {"question": "比特币的价格", "answerable": False}]
    cases.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    first, second = run(place, "eval", "cases.jsonl"), run(place, "eval", "cases.jsonl")
    assert first.returncode == 0 and re.search(r"^hit at 1\t1\.000$", first.stdout, re.MULTILINE)
    assert "last time" not in first.stdout and "last time" in second.stdout
    refused = run(place, "eval", "cases.jsonl", "--calibrate")
    assert refused.returncode == 1 and "at least 5 questions" in refused.stderr


def test_watch_ingests_again_when_a_file_changes(place: Path) -> None:
    pytest.importorskip("watchfiles", reason="the extra watch is not installed")
    process = subprocess.Popen(
        [*COMMAND, "ingest", "--watch"], cwd=place, env=environment(), stdout=subprocess.PIPE, text=True
    )
    lines: Queue[str] = Queue()
    assert process.stdout is not None
    reader = threading.Thread(target=lambda: [lines.put(line) for line in process.stdout or ()], daemon=True)
    reader.start()
    try:
        wait_for(lines, "watching")
        change_until(lines, "4 documents", place / "knowledge" / "canteen.md", seconds=3.0)
    finally:
        process.kill()
        process.wait()
        reader.join()
        process.stdout.close()


def change_until(lines: "Queue[str]", words: str, file: Path, *, seconds: float) -> None:
    """The watch may need a moment after its line: the file is changed until an ingest says `words`."""
    for attempt in range(20):
        file.write_text(f"# 食堂\n\n第 {attempt} 版。\n", encoding="utf-8")
        if wait_for(lines, words, seconds=seconds, required=False):
            return
    pytest.fail("no ingest after the change")


def wait_for(lines: "Queue[str]", words: str, *, seconds: float = DEADLINE_S, required: bool = True) -> bool:
    try:
        while words not in lines.get(timeout=seconds):
            pass
    except Empty:
        assert not required, f"no line with {words}"
        return False
    return True


def test_eval_says_how_reliable_the_confidence_is_and_draws_it(place: Path) -> None:
    run(place, "ingest")
    rows = [{"question": "年假有几天", "source": "leave.md"}, {"question": "比特币的价格", "answerable": False}]
    (place / "cases.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    told = run(place, "eval", "cases.jsonl", "--plot", "reliability.png")
    assert told.returncode == 0 and re.search(r"^Brier score\t0\.\d{3}$", told.stdout, re.MULTILINE)
    assert "refused by the floor" in told.stdout and "Confidence that a right passage is in front" in told.stdout
    assert (place / "reliability.png").read_bytes().startswith(b"\x89PNG")
    (place / "matplotlib.py").write_text("raise ModuleNotFoundError('matplotlib')", encoding="utf-8")
    missing = subprocess.run(
        [*COMMAND, "eval", "cases.jsonl", "--plot", "other.png"],
        cwd=place,
        env={**environment(), "PYTHONPATH": os.pathsep.join((str(place), environment()["PYTHONPATH"]))},
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert missing.returncode != 0 and "feishu-rag[plots]" in missing.stderr and "Traceback" not in missing.stderr
    assert "Brier score" in missing.stdout and not (place / "other.png").exists()
