"""Only regular files are opened, by a path without a link, and only so far."""

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from rag.errors import Unreadable
from rag.ingestion.file_access import LINK, NOT_REGULAR, read_regular

MOST_BYTES = 1_000_000


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "open").mkdir()
    (tmp_path / "closed").mkdir()
    (tmp_path / "open/a.md").write_bytes(b"open")
    (tmp_path / "closed/a.md").write_bytes(b"closed")
    return tmp_path.resolve()


def refused(file: Path) -> str:
    with pytest.raises(Unreadable) as caught:
        read_regular(file, "a.md", MOST_BYTES)
    return caught.value.reason


def test_a_regular_file_is_read(place: Path) -> None:
    assert read_regular(place / "open/a.md", "a.md", 4) == b"open"
    with pytest.raises(Unreadable, match=r"larger than .*max_file_mb"):
        read_regular(place / "open/a.md", "a.md", 3)


@pytest.mark.parametrize("target", ["closed/a.md", "/etc/passwd", "/dev/zero", "nowhere.md"])
def test_a_link_is_not_followed(place: Path, target: str) -> None:
    (place / "open/link.md").symlink_to(place / target)
    assert refused(place / "open/link.md") == LINK


def test_a_folder_that_is_a_link_is_not_followed(place: Path) -> None:
    (place / "open/inner").symlink_to(place / "closed")
    assert refused(place / "open/inner/a.md") == LINK
    (place / "open/more").symlink_to(place)
    assert refused(place / "open/more/closed/a.md") == LINK


def test_pipes_devices_sockets_and_folders_are_not_opened(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(place / "pipe.md")
    monkeypatch.chdir(place)  # the name of a socket may not be long
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.md")
        opened = _recorded(monkeypatch)
        for file in (place / "pipe.md", place / "socket.md", place / "open", Path("/dev/zero"), Path("/dev/tty")):
            assert refused(file) == NOT_REGULAR, file
        assert not {"pipe.md", "socket.md", "zero", "tty"} & set(opened)


def _recorded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []
    really = os.open

    def recording(path: Any, *rest: Any, **more: Any) -> int:
        names.append(str(path))
        return really(path, *rest, **more)

    monkeypatch.setattr(os, "open", recording)
    return names


@pytest.mark.parametrize("becomes", ["link", "pipe"])
def test_what_is_exchanged_between_the_look_and_the_opening_is_not_read(
    place: Path, monkeypatch: pytest.MonkeyPatch, becomes: str
) -> None:
    file = place / "open/a.md"
    really = os.stat

    def look(path: Any, **more: Any) -> os.stat_result:
        found = really(path, **more)
        if path == "a.md":
            file.unlink()
            os.mkfifo(file) if becomes == "pipe" else file.symlink_to(place / "closed/a.md")
        return found

    monkeypatch.setattr(os, "stat", look)
    assert refused(file) == (NOT_REGULAR if becomes == "pipe" else LINK)


def test_what_is_read_is_what_was_opened(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    really = os.fstat

    def look(descriptor: int) -> os.stat_result:
        (place / "open/a.md").unlink(missing_ok=True)
        (place / "open/a.md").symlink_to(place / "closed/a.md")
        return really(descriptor)

    monkeypatch.setattr(os, "fstat", look)
    assert read_regular(place / "open/a.md", "a.md", MOST_BYTES) == b"open"


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="no files without a size here")
def test_a_file_that_does_not_tell_its_size_is_bounded() -> None:
    file = Path(f"/proc/{os.getpid()}/maps")
    assert file.stat().st_size == 0
    with pytest.raises(Unreadable, match="larger"):
        read_regular(file, "maps", 100)


def test_no_descriptor_stays_open(place: Path) -> None:
    (place / "open/link.md").symlink_to(place / "closed/a.md")
    before = len(os.listdir("/dev/fd"))
    for name in ("a.md", "link.md", "gone.md", "gone/a.md"):
        for _ in range(5):
            try:
                read_regular(place / "open" / name, name, 2)
            except Unreadable:
                continue
    assert len(os.listdir("/dev/fd")) == before
