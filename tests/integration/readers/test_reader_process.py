"""Whatever a reader does costs its file alone, and it can reach nothing of the bot's."""

import contextlib
import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.errors import ReadersUnavailable, Unreadable
from rag.ingestion.readers import Readers
from rag.ingestion.readers.isolation import has_own_user
from rag.ingestion.readers.parsed import Parsed
from rag.settings import ReadingSettings

CRASH = "made its reader crash"


@pytest.fixture(scope="module")
def readers() -> Iterator[Readers]:
    """Real processes whose readers misbehave, with little memory and time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rag.ingestion.readers.WORKER", "tests.support.misbehaving_reader")
        patch.setenv("FEISHU__APP_SECRET", "hunter2")
        with contextlib.closing(Readers(ReadingSettings(timeout_s=2.0, memory_mb=1024))) as readers:
            yield readers


@pytest.mark.parametrize(
    ("kind", "content", "reason"),
    [
        (".hangs", b"", "took longer than 2 s"),
        (".never-ends", b"x" * 1_000_000, "took longer than 2 s"),
        (".dies", b"", CRASH),
        (".exits", b"", r"SystemExit"),
        (".recurses", b"", r"RecursionError"),
        (".eats-memory", b"", "needs more memory than rag.reading.memory_mb"),
        (".fails-oddly", b"", r"cannot be read \(ValueError\)"),
        (".floods", b"", CRASH),
        (".says-nonsense", b"not JSON", CRASH),
        (".says-nonsense", b"[" * 100_000, CRASH),
        (".says-nonsense", b'{"text": 1, "title": "", "link": "", "places": [], "notes": []}', "nonsense"),
        (".says-nonsense", b'{"text": "no title"}', "nonsense"),
        (".odd-places", b"", "nonsense"),
        (".swells", b"", "more than 20 million characters"),
    ],
    ids=lambda value: value[:20].decode() if isinstance(value, bytes) else None,
)
def test_what_a_reader_does_costs_its_file_alone(readers: Readers, kind: str, content: bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason) as caught:
        readers.read(content, kind, "bad")
    assert caught.value.source == "bad" and len(caught.value.reason) < 600
    assert readers.read(b"a,b\n1,2\n", ".csv", "good.csv") == Parsed("- a: 1; b: 2")


def test_a_file_does_not_pay_for_the_one_before(readers: Readers) -> None:
    assert readers.read(b"", ".dies-later", "bad").text == "fine so far"
    assert readers.read(b"a,b\n1,2\n", ".csv", "good.csv") == Parsed("- a: 1; b: 2")


def test_it_inherits_neither_secrets_nor_descriptors(
    readers: Readers, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "zipfile.py").write_text("raise SystemExit", encoding="utf-8")
    monkeypatch.chdir(tmp_path)  # a folder of somebody's documents may hold modules, too
    with open(os.devnull) as file:
        inherited = fcntl.fcntl(file, fcntl.F_DUPFD, 100)
        os.set_inheritable(inherited, True)
        try:
            readers.end_process()
            told = json.loads(readers.read(b"", ".tells", "a").text)
        finally:
            os.close(inherited)
    assert not [name for name in told["environment"] if name.startswith(("FEISHU", "RAG", "BOT"))]
    assert told["descriptors"] and max(told["descriptors"]) < 100


@pytest.mark.skipif(sys.platform != "linux", reason="only the limits hold elsewhere")
def test_it_reaches_neither_network_nor_files_nor_its_parent() -> None:
    with contextlib.closing(Readers(ReadingSettings())) as readers:
        held = readers.isolation()
    if not held["files"]:
        pytest.skip("this kernel has no Landlock")
    assert held == {"network": True, "environment": True, "files": True, "programs": True, "user": held["user"]}


OWN_USER = """
import os, socket, sys
from rag.ingestion.readers import isolation
isolation._is_readable_by_all = lambda place: True  # Python may lie where only root can read
isolation.isolate(2048)
print(os.getppid(), flush=True)
sys.stdin.read()
"""


def may_change_users() -> bool:
    """Root, and not that of a container that has few users."""
    return (
        sys.platform == "linux"
        and os.geteuid() == 0
        and int(Path("/proc/self/uid_map").read_text().split()[2]) > 65_536
    )


def test_libraries_of_another_environment_can_be_imported(tmp_path: Path) -> None:
    """As a `.pth` file or PYTHONPATH gives them; what lies in a folder of the path without packages stays closed."""
    installed, plain = tmp_path / "elsewhere", tmp_path / "plain"
    for folder in (installed, plain):
        folder.mkdir()
        (folder / f"of_{folder.name}.py").write_text("")
    (installed / "some-1.0.dist-info").mkdir()
    code = """
import sys
from rag.ingestion.readers.isolation import isolate
isolate(2048)
import of_elsewhere
try:
    import of_plain
except (ImportError, PermissionError):
    print("closed")
"""
    path = os.pathsep.join([str(installed), str(plain), str(Path(__file__).parents[3])])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    with contextlib.closing(Readers(ReadingSettings())) as readers:
        is_kept_from_files = readers.isolation()["files"]  # not where the kernel has no Landlock
    assert done.stdout.strip() == ("closed" if is_kept_from_files else "")


@pytest.mark.skipif(not may_change_users(), reason="only root can give a process another user")
def test_started_as_root_it_has_a_user_of_its_own() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWN_USER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        assert process.stdout.readline().strip() == str(os.getpid())
        told = dict(line.split(":\t", 1) for line in Path(f"/proc/{process.pid}/status").read_text().splitlines())
        process.stdin.close()
    users = {*told["Uid"].split(), *told["Gid"].split()}
    assert len(users) == 1 and has_own_user(int(users.pop())) and told["Groups"].strip() == ""
    assert told["NoNewPrivs"] == "1" and {told[name] for name in ("CapEff", "CapPrm", "CapInh")} == {"0" * 16}


REFUSING = """
import ctypes, os, sys
from unittest.mock import MagicMock
from rag.ingestion.readers import isolation, kernel_rules
how = sys.argv[1]
refusing = MagicMock()
for name in ("unshare", "prctl", "capset", "syscall"):
    getattr(refusing, name).return_value = -1
if how == "macOS":
    sys.platform = "darwin"
if how == "refused":
    ctypes.CDLL = lambda *_, **__: refusing
if how == "no libc":
    ctypes.CDLL = MagicMock(side_effect=OSError)
if how == "another machine":
    kernel_rules.platform.machine = lambda: "riscv64"
isolation._is_readable_by_all = lambda place: False
isolation.isolate(2048)
print(isolation.isolation(os.getppid(), "/nowhere")["programs"])
"""


@pytest.mark.parametrize("how", ["macOS", "refused", "no libc", "another machine"])
def test_what_the_system_refuses_does_not_keep_it_from_reading(how: str) -> None:
    done = subprocess.run([sys.executable, "-c", REFUSING, how], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("False", "")


def test_what_holds_is_found_out_and_not_claimed() -> None:
    with contextlib.closing(Readers(ReadingSettings(isolate=False))) as readers:
        assert readers.isolation() == dict.fromkeys(("network", "environment", "files", "programs", "user"), False)


def test_a_process_that_cannot_start_is_no_fault_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.ingestion.readers.WORKER", "rag.ingestion.readers.there_is_no_such_module")
    with contextlib.closing(Readers(ReadingSettings())) as readers, pytest.raises(ReadersUnavailable, match="doctor"):
        readers.read(b"x", ".md", "a.md")
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with contextlib.closing(Readers(ReadingSettings())) as readers, pytest.raises(ReadersUnavailable, match="No such"):
        readers.read(b"x", ".md", "a.md")
