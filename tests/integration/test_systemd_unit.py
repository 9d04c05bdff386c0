"""`deploy/feishu-rag.service`, as systemd reads it."""

import getpass
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bot.server import GRACE_S
from bot.settings import BotSettings
from tests.support.bot_process import REPOSITORY

UNIT = REPOSITORY / "deploy" / "feishu-rag.service"
MOST_EXPOSURE = 25
"""In tenths, of systemd's scale from 0 (safe) to 10."""


def keys() -> dict[str, list[str]]:
    rows = [line.partition("=") for line in UNIT.read_text("utf-8").splitlines() if re.match(r"[A-Z]\w+=", line)]
    found: dict[str, list[str]] = {}
    for name, _, value in rows:
        found.setdefault(name, []).append(value)
    return found


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed (Debian: systemd)")
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False, timeout=120)


def test_the_bot_gets_time_to_stop() -> None:
    [stop_s] = keys()["TimeoutStopSec"]
    assert int(stop_s) > BotSettings().drain_s + 2 * GRACE_S
    assert keys()["KillMode"] == ["mixed"], "the processes that read files must not get the signal first"


def test_what_the_reading_process_shuts_itself_in_with_is_allowed() -> None:
    source = (REPOSITORY / "rag/ingestion/readers/isolation.py").read_text("utf-8")
    kinds = {each.lower().removeprefix("new") for each in re.findall(r"_CLONE_(NEW\w+)", source)}
    assert set(keys()["RestrictNamespaces"][0].split()) == kinds
    assert {"unshare", "seccomp", "landlock_restrict_self"} <= set(" ".join(keys()["SystemCallFilter"]).split())


def test_systemd_reads_the_unit_without_a_word(tmp_path: Path) -> None:
    """With a program and a user that exist on this machine: it looks for them."""
    user = f"User={getpass.getuser()}"
    text = UNIT.read_text("utf-8").replace("/opt/feishu-rag/bin/feishu-rag serve", f"{sys.executable} -V")
    text = text.replace("User=feishu-rag", user).replace("Group=feishu-rag\n", "")
    (tmp_path / UNIT.name).write_text(text, "utf-8")
    checked = analyze("verify", "--man=no", str(tmp_path / UNIT.name))
    assert checked.returncode == 0 and checked.stderr == ""


def test_systemd_calls_the_service_little_exposed() -> None:
    checked = analyze("security", "--offline=true", f"--threshold={MOST_EXPOSURE}", "--no-pager", str(UNIT))
    assert checked.returncode == 0, checked.stdout[-2000:] + checked.stderr
