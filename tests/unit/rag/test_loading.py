"""Files to documents."""

from pathlib import Path
from typing import cast

import pytest

from rag.documents import Document
from rag.errors import IngestError, Unreadable
from rag.ingestion.file_access import read_regular
from rag.ingestion.file_discovery import find_files
from rag.ingestion.files import to_document
from rag.ingestion.readers import Readers
from rag.ingestion.readers.parsed import CannotRead, Parsed
from rag.ingestion.readers.text import first_heading
from rag.ingestion.readers.worker import READERS, read_text

TEXT = "员工出差结束后十五个工作日内提交报销单，逾期需部门负责人特批。发票抬头必须为公司全称，住宿标准见附表。\n"


class Here:
    """Readers without their process: what they make of harmless files is the same."""

    def read(self, content: bytes, kind: str, source: str) -> Parsed:
        try:
            return READERS.get(kind, read_text)(content)
        except CannotRead as error:
            raise Unreadable(source, str(error)) from error


def load(file: Path, source: str) -> Document:
    return to_document(file.read_bytes(), source, "default", cast(Readers, Here()))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-32"])
def test_chinese_encodings_are_read(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(TEXT.encode(encoding))
    assert load(file, "a.txt").text == TEXT


def test_big5_is_read(tmp_path: Path) -> None:
    text = "員工出差結束後十五個工作日內提交報銷單，逾期需部門負責人特批。發票抬頭必須為公司全稱，住宿標準見附表。" * 3
    file = tmp_path / "a.txt"
    file.write_bytes(text.encode("big5"))
    assert load(file, "a.txt").text == text


def test_line_ends_become_newlines(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"one\r\ntwo\rthree\n")
    assert load(file, "a.txt").text == "one\ntwo\nthree\n"


def test_title_and_link_come_from_front_matter(tmp_path: Path) -> None:
    file = tmp_path / "a.md"
    file.write_text("---\ntitle: 报销\nurl: https://wiki.example.com/a\n---\n# Other\ntext\n", encoding="utf-8")
    document = load(file, "a.md")
    assert (document.title, document.link) == ("报销", "https://wiki.example.com/a")
    assert document.text == "# Other\ntext\n"


def test_a_link_that_is_no_web_address_is_dropped(tmp_path: Path) -> None:
    file = tmp_path / "a.md"
    file.write_text("---\nlink: javascript:alert(1)\n---\ntext\n", encoding="utf-8")
    assert load(file, "a.md").link is None


@pytest.mark.parametrize("front", ["---\n: : [\n---\n", "---\njust words\n---\n", "---\nno end\n"])
def test_front_matter_that_is_none_is_text(tmp_path: Path, front: str) -> None:
    file = tmp_path / "a.md"
    file.write_text(front + "body\n", encoding="utf-8")
    assert load(file, "a.md").text == front + "body\n"


def test_title_falls_back_to_heading_then_file_name(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("```\n# code\n```\n## 年假 ##\ntext\n", encoding="utf-8")
    (tmp_path / "b.txt").write_text("# not a heading in text\n", encoding="utf-8")
    assert load(tmp_path / "a.md", "a.md").title == "年假"
    assert load(tmp_path / "b.txt", "sub/b.txt").title == "b"
    assert first_heading("no heading") == ""


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", r"is empty \(0 bytes\)"),
        (b" \n\n", "no text"),
        (b"a\x00b", "not a text file"),
        (b"\xef\xbb\xbf\xff\xfe", "encoding"),
    ],
)
def test_a_bad_file_says_why(tmp_path: Path, content: bytes, reason: str) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(content)
    with pytest.raises(Unreadable, match=reason):
        load(file, "a.txt")


def test_a_huge_or_vanished_file_is_unreadable(tmp_path: Path) -> None:
    huge = tmp_path / "a.txt"
    with huge.open("wb") as file:
        file.truncate(2_000_001)
    with pytest.raises(Unreadable, match="larger than 2 MB") as caught:
        read_regular(huge, "a.txt", 2_000_000)
    assert caught.value.source == "a.txt"
    with pytest.raises(Unreadable, match="cannot be read"):
        read_regular(tmp_path / "gone.txt", "gone.txt", 100)


def test_files_are_found_sorted_without_hidden_ones(tmp_path: Path) -> None:
    for name in ("b.md", "a/c.TXT", ".hidden.md", ".git/x.md", "pic.png", "d.markdown"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("x")
    assert [found.source for found in find_files([tmp_path])] == ["b.md", "d.markdown", "pic.png", "a/c.TXT"]


def test_the_same_name_in_two_folders_stays_two_sources(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.md").write_text("x")
    found = find_files([tmp_path / "one", tmp_path / "two"])
    assert [each.source for each in found] == ["a.md", "two/a.md"]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(IngestError, match=r"gone does not exist.*RAG__KNOWLEDGE"):
        find_files([tmp_path / "gone"])


@pytest.mark.parametrize("name", ["a.pdf", "a.md", "a.xls"])
def test_an_empty_file_is_named_as_empty(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(Unreadable, match=r"is empty \(0 bytes\)"):
        load(tmp_path / name, name)
