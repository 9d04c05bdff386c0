"""What is found in folders, and what is left out with its reason."""

import os
from pathlib import Path

import pytest

from rag.ingestion.file_access import NOT_REGULAR
from rag.ingestion.file_discovery import LINK, Found, FoundFile, LeftOut, find_files


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for name in ("docs/a.md", "docs/sub/b.md", "other/c.md", "other/deep/d.md", "other/.hidden/e.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path.resolve()


def read(found: list[Found]) -> dict[str, Path]:
    return {item.source: item.file for item in found if isinstance(item, FoundFile)}


def reasons(found: list[Found]) -> dict[str, str]:
    return {item.source: item.reason for item in found if isinstance(item, LeftOut)}


def test_links_and_what_is_no_file_are_left_out_and_named(place: Path) -> None:
    docs = place / "docs"
    for name, target in {
        "passwd.md": "/etc/passwd",
        "zero.md": "/dev/zero",
        "loop.md": "loop.md",
        "nowhere.md": "nowhere",
        "sub/up": "..",
        "sub/other": "../../other",
        "beside.md": "a.md",
        ".hidden.md": "/etc/passwd",
        "noise.so": "/etc/passwd",
    }.items():
        (docs / name).symlink_to(target)
    os.mkfifo(docs / "pipe.md")
    found = find_files([docs])
    assert read(found) == {"a.md": docs / "a.md", "sub/b.md": docs / "sub/b.md"}
    linked = ["beside.md", "loop.md", "nowhere.md", "passwd.md", "sub/other/", "sub/up/", "zero.md"]
    assert reasons(found) == {**dict.fromkeys(linked, LINK), "pipe.md": NOT_REGULAR}


def test_named_targets_are_followed_and_no_others(place: Path) -> None:
    docs = place / "docs"
    (docs / "c.md").symlink_to("../other/c.md")
    (docs / "deep").symlink_to("../other/deep")
    (docs / "e.md").symlink_to(place / "other/.hidden/e.md")
    (docs / "passwd.md").symlink_to("/etc/passwd")
    found = find_files([docs], allowed=[place / "other"])
    assert read(found) == {
        "a.md": docs / "a.md",
        "c.md": place / "other/c.md",
        "e.md": place / "other/.hidden/e.md",
        "sub/b.md": docs / "sub/b.md",
        "deep/d.md": place / "other/deep/d.md",
    }
    assert reasons(found) == {"passwd.md": LINK}


def test_links_that_lead_around_come_to_an_end(place: Path) -> None:
    (place / "docs/here").symlink_to(".")
    (place / "docs/sub/root").symlink_to(place)
    (place / "docs/one").symlink_to(place / "other")
    (place / "other/deep/back").symlink_to(place / "docs")
    found = find_files([place / "docs"], allowed=[place])
    assert set(read(found)) >= {"a.md", "sub/b.md", "one/c.md", "one/deep/d.md"}
    assert len(found) < 20


def test_a_folder_that_is_a_link_itself_was_named_so(place: Path) -> None:
    (place / "knowledge").symlink_to("docs")
    assert read(find_files([place / "knowledge"])) == {"a.md": place / "docs/a.md", "sub/b.md": place / "docs/sub/b.md"}


@pytest.mark.parametrize("folder", ["docs/sub", "docs"])
def test_a_folder_that_cannot_be_listed_is_named_and_keeps_what_is_known(
    place: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    really = os.scandir

    def refusing(path: Path) -> object:
        if Path(path) == place / folder:
            raise PermissionError(13, "Permission denied")
        return really(path)

    monkeypatch.setattr(os, "scandir", refusing)
    (left,) = [item for item in find_files([place / "docs"]) if isinstance(item, LeftOut)]
    assert left.keeps and left.source == ("sub/" if folder == "docs/sub" else "")
    assert left.reason == f"{place / folder} cannot be listed (Permission denied)"
