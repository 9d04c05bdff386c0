"""Files put into a folder of documents in parts, and taken out of it: whole or not at all, and nowhere else."""

import os
import stat
import unicodedata
from pathlib import Path

import pytest

from rag.errors import FileRefused
from rag.ingestion.folder_changes import FilePart, checked_name, is_writable, put_part, remove_file

TOKEN = "0123456789abcdef"
MOST = 1_000


def put(folder: Path, name: str, *pieces: bytes, replaces: bool = False, size: int = -1, token: str = TOKEN) -> str:
    """Sends the pieces in order; what the last one gave."""
    whole, offset, kept = size if size >= 0 else sum(map(len, pieces)), 0, ""
    for piece in pieces:
        kept = put_part(folder, FilePart(name, token, whole, offset, piece, replaces), most_bytes=MOST)
        offset += len(piece)
    return kept


def why(folder: Path, name: str, *pieces: bytes, replaces: bool = False, size: int = -1, token: str = TOKEN) -> str:
    with pytest.raises(FileRefused) as refused:
        put(folder, name, *pieces, replaces=replaces, size=size, token=token)
    return refused.value.why


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "name"),
        (" ", "name"),
        ("..", "name"),
        ("../up.md", "name"),
        ("in/side.md", "name"),
        ("in\\side.md", "name"),
        (".hidden.md", "name"),
        ("~$open.docx", "name"),
        ("nul\0.md", "name"),
        ("line\nbreak.md", "name"),
        ("turned\u202edm.md", "name"),
        ("unseen\u200b.md", "name"),
        ("half\ud800.md", "name"),
        ("长" * 80 + ".md", "name"),
        ("program.exe", "kind"),
        ("none", "kind"),
        ("sheet.numbers", "kind"),
    ],
)
def test_a_name_that_leads_away_hides_or_is_read_by_nothing_is_refused(name: str, reason: str) -> None:
    with pytest.raises(FileRefused) as refused:
        checked_name(name)
    assert refused.value.why == reason


def test_a_name_is_kept_in_composed_form() -> None:
    name = unicodedata.normalize("NFC", "Café 报告.PDF")
    assert checked_name(f" {unicodedata.normalize('NFD', name)} ") == name
    for kept in ("2024 (v2) 差旅.md", "規程⚠️ & Co.—𠮷.docx"):
        assert checked_name(kept) == kept


def test_a_file_is_there_once_its_last_part_came(tmp_path: Path) -> None:
    assert put_part(tmp_path, FilePart("a.md", TOKEN, 6, 0, b"one"), most_bytes=MOST) == ""
    assert [each for each in tmp_path.iterdir() if not each.name.startswith(".")] == []
    assert put_part(tmp_path, FilePart("a.md", TOKEN, 6, 3, b"two"), most_bytes=MOST) == "a.md"
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == {"a.md": b"onetwo"}
    assert (tmp_path / "a.md").stat().st_nlink == 1


def test_a_file_of_the_same_name_stays_unless_it_may_go(tmp_path: Path) -> None:
    old = tmp_path / "a.md"
    old.write_bytes(b"old")
    old.chmod(0o640)
    assert why(tmp_path, "a.md", b"new") == "exists"
    assert old.read_bytes() == b"old"
    assert put(tmp_path, "a.md", b"new", replaces=True) == "a.md"
    assert old.read_bytes() == b"new" and stat.S_IMODE(old.stat().st_mode) == 0o640
    composed = tmp_path / unicodedata.normalize("NFD", "é.md")
    composed.write_bytes(b"old")
    assert why(tmp_path, unicodedata.normalize("NFC", "é.md"), b"new") == "exists"
    assert put(tmp_path, "é.md", b"new", replaces=True) == composed.name
    assert composed.read_bytes() == b"new" and len(list(tmp_path.iterdir())) == 2


def test_a_name_that_was_taken_meanwhile_is_left_alone(tmp_path: Path) -> None:
    put_part(tmp_path, FilePart("a.md", TOKEN, 6, 0, b"one"), most_bytes=MOST)
    (tmp_path / "a.md").write_bytes(b"somebody's")
    with pytest.raises(FileRefused, match="already"):
        put_part(tmp_path, FilePart("a.md", TOKEN, 6, 3, b"two"), most_bytes=MOST)
    assert (tmp_path / "a.md").read_bytes() == b"somebody's"


def test_parts_that_do_not_fit_together_make_no_file(tmp_path: Path) -> None:
    assert why(tmp_path, "a.md", b"x" * (MOST + 1)) == "size"
    assert why(tmp_path, "a.md", b"") == "empty"
    assert why(tmp_path, "a.md", b"more than said", size=3) == "order"
    assert why(tmp_path, "a.md", b"x", token="../../etc/passwd") == "order"
    with pytest.raises(FileRefused):  # no beginning
        put_part(tmp_path, FilePart("a.md", TOKEN, 6, 3, b"two"), most_bytes=MOST)
    put_part(tmp_path, FilePart("a.md", TOKEN, 9, 0, b"one"), most_bytes=MOST)
    with pytest.raises(FileRefused):  # a gap
        put_part(tmp_path, FilePart("a.md", TOKEN, 9, 6, b"six"), most_bytes=MOST)
    with pytest.raises(FileRefused):  # after that the whole is begun anew
        put_part(tmp_path, FilePart("a.md", TOKEN, 9, 3, b"two"), most_bytes=MOST)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_through_a_link_or_over_a_folder(tmp_path: Path) -> None:
    folder, outside = tmp_path / "folder", tmp_path / "outside.md"
    folder.mkdir()
    outside.write_bytes(b"outside")
    (folder / "link.md").symlink_to(outside)
    (folder / "sub.md").mkdir()
    (folder / f".upload-{TOKEN}").symlink_to(outside)
    assert why(folder, "link.md", b"x", replaces=True) == "elsewhere"
    assert why(folder, "sub.md", b"x", replaces=True) == "elsewhere"
    assert why(folder, "a.md", b"x") == "order", "not even the hidden name leads out"
    (tmp_path / "way").symlink_to(folder)
    assert why(tmp_path / "way", "a.md", b"x") == "folder"
    assert why(tmp_path / "none", "a.md", b"x") == "folder"
    assert outside.read_bytes() == b"outside"


def test_what_was_broken_off_long_ago_is_removed_with_the_next_upload(tmp_path: Path) -> None:
    old, young = tmp_path / ".upload-aaaaaaaaaaaaaaaa", tmp_path / ".upload-bbbbbbbbbbbbbbbb"
    old.write_bytes(b"x")
    young.write_bytes(b"x")
    os.utime(old, (1, 1))
    put(tmp_path, "a.md", b"x")
    assert not old.exists() and young.exists()


def test_only_regular_files_of_its_own_folders_are_removed(tmp_path: Path) -> None:
    folder, outside = tmp_path / "folder", tmp_path / "outside.md"
    folder.mkdir()
    outside.write_bytes(b"outside")
    mine = folder / "mine.md"
    mine.write_bytes(b"mine")
    (folder / "link.md").symlink_to(outside)
    for file, reason in ((outside, "elsewhere"), (folder / "link.md", "elsewhere"), (folder / "none.md", "missing")):
        with pytest.raises(FileRefused) as refused:
            remove_file(file, [folder])
        assert refused.value.why == reason
    remove_file(mine, [folder])
    assert outside.exists() and not mine.exists() and (folder / "link.md").is_symlink()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert why(tmp_path, "a.md", b"x") == "read_only" and not is_writable(tmp_path)


def test_a_disk_that_is_full_or_read_only_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    for number, reason in ((errno.ENOSPC, "full"), (errno.EROFS, "read_only"), (errno.EACCES, "read_only")):

        def refuse(*_arguments: object, number: int = number, **_named: object) -> None:
            raise OSError(number, os.strerror(number))

        with monkeypatch.context() as patched:
            patched.setattr("rag.ingestion.folder_changes._append", refuse)
            assert why(tmp_path, "a.md", b"x") == reason
    assert list(tmp_path.iterdir()) == []
