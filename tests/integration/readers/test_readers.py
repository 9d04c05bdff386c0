"""Real files of every kind, read in the process of their own; bad ones cost themselves only."""

import contextlib
import importlib.util
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.documents import Place
from rag.errors import Unreadable
from rag.ingestion.file_discovery import find_files
from rag.ingestion.files import reader_mark, to_document
from rag.ingestion.readers import Readers
from rag.ingestion.readers.parsed import CannotRead
from rag.ingestion.readers.pdf import read_pdf
from rag.settings import ReadingSettings
from rag.text.chunking import split
from tests.support.office_files import write_docx, write_pdf, write_picture_pdf, write_pptx, write_xlsx

pytestmark = pytest.mark.skipif(
    any(
        importlib.util.find_spec(name) is None
        for name in ("pypdfium2", "pdfplumber", "docx", "pptx", "openpyxl", "bs4")
    ),
    reason="the extra docs is not installed",
)
TABLE = (("城市", "每晚上限"), ("北京", "600 元"), ("成都", "420 元"))


@pytest.fixture(scope="module")
def readers() -> Iterator[Readers]:
    with contextlib.closing(Readers(ReadingSettings())) as readers:
        yield readers


def test_a_chinese_pdf_gives_pages_headings_joined_lines_and_tables(readers: Readers, tmp_path: Path) -> None:
    first = [
        "差旅制度",
        "员工出差结束后应当在十五个工作日之内向财务部门提交全部的",
        "报销单据，逾期不予受理。",
        "第二段。",
    ]
    file = write_pdf(
        tmp_path / "a.pdf",
        [first, ["住宿标准"]],
        table=TABLE,
        title="差旅手册",
        outline=[("差旅制度", 0), ("住宿标准", 1)],
    )
    document = to_document(file.read_bytes(), "a.pdf", "default", readers)
    assert document.title == "差旅手册"
    assert "# 差旅制度" in document.text and "# 住宿标准" in document.text
    assert "提交全部的报销单据，逾期不予受理。\n第二段。" in document.text
    assert "| 城市 | 每晚上限 |\n| --- | --- |\n| 北京 | 600 元 |\n| 成都 | 420 元 |" in document.text
    assert document.text.count("600 元") == 1
    assert document.text.index("420 元") < document.text.index("表后一行。")
    by_text = {chunk.text[:4]: chunk.place for chunk in split(document)}
    assert by_text["员工出差"] == Place("page", "1")
    assert by_text["| 城市"] == Place("page", "2")


def test_a_pdf_of_pictures_names_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("rag.ingestion.readers.pdf.can_ocr", lambda: False)
    with pytest.raises(CannotRead, match=r"1 of 1 pages hold pictures only.*ocr"):
        read_pdf(write_picture_pdf(tmp_path / "scan.pdf").read_bytes())


def test_word_keeps_headings_lists_and_tables_in_order(readers: Readers, tmp_path: Path) -> None:
    document = to_document(write_docx(tmp_path / "a.docx").read_bytes(), "a.docx", "default", readers)
    assert document.title == "采购制度"
    assert document.text == (
        "# 采购流程\n\n一万元以上的采购需要三家比价。\n\n1. 先填申请单\n2. 再由部门负责人审批\n\n## 审批权限\n\n"
        "| 金额 | 审批人 | 时限 |\n| --- | --- | --- |\n| 一万元以下 | 经理 | 2 天 |\n| 一万元以上 | 总监 | 总监 |\n\n"
        "表后说明。"
    )


def test_every_row_of_a_sheet_names_its_columns(readers: Readers, tmp_path: Path) -> None:
    document = to_document(write_xlsx(tmp_path / "价目.xlsx").read_bytes(), "价目.xlsx", "default", readers)
    assert document.text.split("\n")[:5] == [
        "## 价目表",
        "",
        "2026 年价目",
        "- 型号：X100；单价：1280.5；上架日：2026-03-01",
        "- 型号：X200；单价：1999；上架日：2026-04-15 09:30",
    ]
    assert "- 姓名：王芳；电话：8001" in document.text and "不应出现" not in document.text
    assert {chunk.place for chunk in split(document)} == {Place("sheet", "价目表"), Place("sheet", "联系人")}


def test_slides_come_with_their_notes_and_numbers(readers: Readers, tmp_path: Path) -> None:
    document = to_document(write_pptx(tmp_path / "a.pptx").read_bytes(), "a.pptx", "default", readers)
    chunks = split(document)
    assert [(chunk.headings, chunk.place) for chunk in chunks] == [
        (("发布计划",), Place("slide", "1")),
        (("分工",), Place("slide", "2")),
    ]
    assert chunks[0].text == "- 三月内测\n- 四月公测\n\n公测前要完成安全评审。"
    assert chunks[1].text == "| 角色 | 人 |\n| --- | --- |\n| 测试 | 李雷 |"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "big5"])
def test_tables_of_text_in_any_encoding(readers: Readers, tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(("姓名,部門,電話\n" + "王芳,研發部,8001\n李雷,財務部,8002\n" * 8).encode(encoding))
    assert "- 姓名：王芳；部門：研發部；電話：8001" in to_document(file.read_bytes(), "a.csv", "default", readers).text


def test_web_pages_lose_what_is_not_content(readers: Readers, tmp_path: Path) -> None:
    page = """<html><head><meta charset=gb2312><title>休假 说明</title><link rel=canonical href="https://a.example/x">
    <script>alert(1)</script></head><body><nav>首页 关于</nav><main><h1>休假</h1><p>年假<b>五天</b>。</p>
    <table><tr><th>工龄</th><th>天数</th></tr><tr><td>十年</td><td>10</td></tr></table></main><footer>版权</footer>"""
    file = tmp_path / "a.html"
    file.write_bytes(page.encode("gb18030"))
    document = to_document(file.read_bytes(), "a.html", "default", readers)
    assert (document.title, document.link) == ("休假 说明", "https://a.example/x")
    assert "# 休假" in document.text and "年假**五天**。" in document.text and "| 十年 | 10 |" in document.text
    assert not any(word in document.text for word in ("首页", "版权", "alert"))


def test_bad_files_are_named_and_the_next_is_read(readers: Readers, tmp_path: Path) -> None:
    for name in ("a.pdf", "a.docx", "a.xlsx", "a.pptx"):
        (tmp_path / name).write_bytes(b"not what the name says" * 9)
        with pytest.raises(Unreadable):
            to_document((tmp_path / name).read_bytes(), name, "default", readers)
    with pytest.raises(Unreadable, match=r"old format, Word .* save it as \.docx"):
        to_document(b"old", "old.doc", "default", readers)
    assert to_document(write_docx(tmp_path / "b.docx").read_bytes(), "b.docx", "default", readers).title == "采购制度"


def test_a_bomb_is_not_unpacked(readers: Readers, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.docx", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("word/document.xml", bytes(600_000_000))
    with pytest.raises(Unreadable, match="unpacks to more than"):
        to_document((tmp_path / "a.docx").read_bytes(), "a.docx", "default", readers)


def test_old_formats_are_listed_and_office_locks_are_not(tmp_path: Path) -> None:
    for name in ("a.doc", "~$a.docx", "b.pdf", "c.exe", ".hidden.md"):
        (tmp_path / name).write_bytes(b"x")
    assert [found.source for found in find_files([tmp_path])] == ["a.doc", "b.pdf"]


def test_a_library_that_comes_later_makes_files_new(monkeypatch: pytest.MonkeyPatch) -> None:
    before = reader_mark(".PDF")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert reader_mark(".pdf") != before
