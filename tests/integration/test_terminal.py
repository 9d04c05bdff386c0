"""What the command line prints: on any terminal, into a pipe, and what it refuses."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.cli.terminal import prepare_streams, show

REPOSITORY = Path(__file__).parents[2]


def run(folder: Path, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[bytes]":
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), **variables}
    command = [sys.executable, "-m", "bot.cli", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=120, check=False)


@pytest.mark.parametrize("encoding", ["gbk", "ascii", "utf-8"])
def test_a_sign_that_the_terminal_lacks_is_no_crash(encoding: str, tmp_path: Path) -> None:
    ended = run(tmp_path, "ask", "年假有几天？", PYTHONIOENCODING=encoding, BOT__LANGUAGE="zh")
    told = ended.stderr.decode(encoding)
    assert ended.returncode == 1 and "Traceback" not in told and "feishu-rag ingest" in told
    assert encoding == "ascii" or "知识库" in told


def test_a_question_without_words_is_an_error_that_says_so(tmp_path: Path) -> None:
    ended = run(tmp_path, "ask", "  ")
    assert ended.returncode == 2 and b"QUESTION" in ended.stderr and b"empty" in ended.stderr


def test_it_tells_its_version(tmp_path: Path) -> None:
    ended = run(tmp_path, "--version")
    assert ended.returncode == 0 and ended.stdout.startswith(b"feishu-rag 0.")


def test_help_needs_nothing_that_is_slow_to_import(tmp_path: Path) -> None:
    names = ("rich", "pydantic", "httpx", "sqlalchemy", "asyncio", "numpy")
    code = (
        "import sys, contextlib\nfrom bot.cli.commands import app\n"
        "with contextlib.suppress(SystemExit):\n    app(['--help'])\n"
        f"sys.exit(str([name for name in {names} if name in sys.modules]) if set({names}) & set(sys.modules) else 0)"
    )
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    ended = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr
    assert b"serve" in ended.stdout


def test_a_table_in_a_pipe_is_a_line_a_row_and_an_empty_one_is_nothing() -> None:
    out = Console(file=io.StringIO(), width=20)
    table = Table("name", "note", title="Rows")
    show(table, out)
    table.add_row(Text("a long name that no column holds"), Text("two\nlines [x]"))
    show(table, out)
    assert isinstance(out.file, io.StringIO)
    assert out.file.getvalue() == "Rows\nname\tnote\na long name that no column holds\ttwo lines [x]\n"


def test_streams_that_cannot_be_changed_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    prepare_streams()
    assert sys.stdout is None
