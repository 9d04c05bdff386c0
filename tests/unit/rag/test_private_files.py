"""Who may read what is written: the bot's own user, whatever the umask is and was."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.private_files import close_tree, make_private_file, make_private_folder


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def bits(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_is_made_is_private_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    make_private_folder(tmp_path / "store")
    make_private_file(tmp_path / "store" / "bot.db")
    assert bits(tmp_path / "store") == 0o700
    assert bits(tmp_path / "store" / "bot.db") == 0o600


def test_what_is_there_is_closed_and_nothing_is_opened(tmp_path: Path) -> None:
    for name, mode in {"a": 0o777, "b": 0o644, "c": 0o444}.items():
        (tmp_path / name).write_text("kept")
        (tmp_path / name).chmod(mode)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder").chmod(0o555)
    (tmp_path / "deep").mkdir(mode=0o755)
    (tmp_path / "deep" / "file").touch(0o644)
    tmp_path.chmod(0o755)
    close_tree(tmp_path)
    found = {path.relative_to(tmp_path).as_posix(): bits(path) for path in tmp_path.rglob("*")}
    assert found == {"a": 0o700, "b": 0o600, "c": 0o400, "folder": 0o500, "deep": 0o700, "deep/file": 0o600}
    assert bits(tmp_path) == 0o700
    make_private_file(tmp_path / "a")
    assert (tmp_path / "a").read_text() == "kept"


def test_links_are_not_followed(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign"
    foreign.touch()
    foreign.chmod(0o644)
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / "link").symlink_to(foreign)
    close_tree(tmp_path / "index")
    assert bits(foreign) == 0o644


def test_folders_that_serve_more_than_the_bot_stay_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared, home, work = tmp_path / "shared", tmp_path / "home", tmp_path / "place" / "work"
    for folder in (shared, home, work):
        folder.mkdir(parents=True)
        folder.chmod(0o755)
    shared.chmod(0o1777)
    work.parent.chmod(0o755)
    monkeypatch.chdir(work)
    monkeypatch.setenv("HOME", str(home))
    for folder in (shared, home, work, work.parent):
        before = bits(folder)
        make_private_folder(folder)
        assert bits(folder) == before, folder
    monkeypatch.chdir(tmp_path)
    make_private_folder(work)
    assert bits(work) == 0o700


def test_what_belongs_to_somebody_else_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    file.touch()
    file.chmod(0o644)
    monkeypatch.setattr(os, "geteuid", lambda: file.stat().st_uid + 1)
    close_tree(tmp_path)
    assert bits(file) == 0o644
