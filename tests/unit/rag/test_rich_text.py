"""RTF: what Word shows of it, in the encodings of old programs."""

import pytest

from rag.ingestion.readers.parsed import CannotRead, Parsed
from rag.ingestion.readers.worker import parse
from tests.support.open_documents import rtf


def read(body: str, **more: str) -> Parsed:
    return parse(".rtf", rtf(body, **more))


def test_paragraphs_signs_and_escapes() -> None:
    text = read(r"\pard 一\par {\b 二} A\'e9\{\}\\ B\~C\emdash D\tab E\line F\par", head=r"\ansi").text
    assert text == "一\n\n二 Aé{}\\ B C—D\tE\nF"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (rb"\f0 \'d6\'d0\'ce\'c4", "中文"),
        (rb"\f2 \'a4\'a4\'a4\'e5", "中文"),
        (rb"\u20013\'d6\'d0\u25991\'ce\'c4", "中文"),
        (rb"{\uc0\u20013\u25991}", "中文"),
        (rb"{\uc1\u20013 ?\u-10179 ?\u-8704 ?}", "中😀"),
        (rb"\f1 caf\'e9", "café"),
    ],
)
def test_chinese_in_the_ways_that_programs_write_it(body: bytes, words: str) -> None:
    fonts = rb"{\fonttbl{\f0\fcharset134 SimSun;}{\f1\fcharset0 Arial;}{\f2\fcharset136 MingLiU;}}"
    skip = rb"\uc2" if rb"\u20013\'" in body else b""
    assert parse(".rtf", rb"{\rtf1\ansi\ansicpg1252" + fonts + skip + body + rb"\par}").text == words


def test_tables_headings_notes_and_headers() -> None:
    body = r"{\header 文号\par}\pard\outlinelevel0 标题\par\pard 见注{\super 1{\footnote 脚注}}。\par"
    body += r"\trowd\pard\intbl 角色\cell 人\cell\row\trowd\intbl 测试\cell 李雷\cell\row\pard 后\par"
    assert read(body).text.split("\n\n") == [
        "文号", "# 标题", "见注1[^1]。", "[^1]: 脚注", "| 角色 | 人 |\n| --- | --- |\n| 测试 | 李雷 |", "后",
    ]  # fmt: skip


def test_what_is_hidden_deleted_or_no_text_is_left_out_and_said() -> None:
    body = r"甲{\v 密}{\deleted 旧}乙{\*\unknown 丙}{\pict\bin4 }}}}}{\*\annotation 批}"
    body += r"{\field{\*\fldinst HYPERLINK}{\fldrslt 链}}\par"
    parsed = read(body)
    assert parsed.text == "甲乙链"
    assert set(parsed.notes) == {
        "hidden text was left out", "text that tracked changes delete was left out", "1 picture was not read",
        "1 comment was left out",
    }  # fmt: skip
    assert parse(".rtf", rtf(body), include_hidden=True).text == "甲密乙链"


def test_other_bytes_and_deep_groups_are_named() -> None:
    with pytest.raises(CannotRead, match="not an RTF"):
        parse(".rtf", b"plain")
    with pytest.raises(CannotRead, match="nested too deeply"):
        read("{" * 1000 + "深" + "}" * 1000)
    assert read(r"未完{\b 文").text == "未完文"
    assert parse(".doc", rtf("甲")).notes == ("is an RTF document, whatever its name says; read as that",)
