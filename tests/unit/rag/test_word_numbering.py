"""The numbers in front of Word's paragraphs, from the definitions of numberings."""

import pytest

from rag.ingestion.readers.numbering_formats import formatted
from rag.ingestion.readers.word import read_docx
from tests.support.office_xml import level, numbered, paragraph, word_file

pytest.importorskip("lxml")


def lines_of(body: str, numbering: str, styles: str = "") -> list[str]:
    text = read_docx(word_file(body, numbering=numbering, styles=styles)).text
    return [line for line in text.splitlines() if line]


def definition(*levels: str, identity: int = 1, more: str = "") -> str:
    return f'<w:abstractNum w:abstractNumId="{identity}">{more}{"".join(levels)}</w:abstractNum>'


def used(number: int = 1, abstract: int = 1, more: str = "") -> str:
    return f'<w:num w:numId="{number}"><w:abstractNumId w:val="{abstract}"/>{more}</w:num>'


def style(name: str, properties: str, based: str = "", kind: str = "paragraph") -> str:
    on = f'<w:basedOn w:val="{based}"/>' if based else ""
    return (
        f'<w:style w:type="{kind}" w:styleId="{name}"><w:name w:val="{name}"/>{on}<w:pPr>{properties}</w:pPr></w:style>'
    )


LEGAL = definition(
    level(0, "chineseCountingThousand", "第%1章"),
    level(1, "chineseCountingThousand", "第%2条"),
    level(2, "decimal", "%1.%2.%3", "<w:isLgl/>"),
    level(3, "lowerLetter", "(%4)"),
)


def test_levels_count_for_themselves_and_begin_anew_below() -> None:
    order = [0, 1, 1, 2, 2, 3, 1, 2, 0, 1, 3]
    lines = lines_of("".join(numbered(f"文{at}", at=at) for at in order), LEGAL + used())
    marks = " ".join(line.split()[0] for line in lines)
    assert marks == "第一章 第一条 第二条 1.2.1 1.2.2 (a) 第三条 1.3.1 第二章 第一条 (a)"


def test_levels_that_are_passed_over_count_as_begun() -> None:
    numbering = definition(*(level(at, "decimal", "".join(f"%{n}." for n in range(1, at + 2))) for at in range(3)))
    body = "".join(numbered("x", at=at) for at in (1, 0, 2, 1))
    assert [line.split()[0] for line in lines_of(body, numbering + used())] == ["1.1.", "2.", "2.1.1.", "2.2."]


def test_starts_restarts_and_gaps() -> None:
    levels = definition(
        level(0, "decimal", "%1)", start=5),
        level(1, "upperRoman", "%2、", '<w:lvlRestart w:val="0"/><w:suff w:val="nothing"/>'),
    )
    body = numbered("a") + numbered("b", at=1) + numbered("c") + numbered("d", at=1)
    assert lines_of(body, levels + used()) == ["5) a", "I、b", "6) c", "II、d"]


def test_overrides_begin_anew_and_others_go_on() -> None:
    begin = '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="1"/></w:lvlOverride>'
    other = f'<w:lvlOverride w:ilvl="0">{level(0, "lowerLetter", "%1.")}</w:lvlOverride>'
    numbering = definition(level(0, "decimal", "%1.")) + used() + used(2) + used(3, more=begin) + used(4, more=other)
    body = "".join(numbered("x", number) for number in (1, 1, 2, 3, 3, 4))
    assert [line.split()[0] for line in lines_of(body, numbering)] == ["1.", "2.", "3.", "1.", "2.", "c."]


def test_numbers_come_from_styles_and_what_they_are_based_on() -> None:
    numbering = definition(
        level(0, "decimal", "%1", '<w:pStyle w:val="章"/>'), level(1, "decimal", "%1.%2", '<w:pStyle w:val="节"/>')
    )
    styles = style("章", '<w:numPr><w:numId w:val="1"/></w:numPr><w:outlineLvl w:val="0"/>')
    styles += style("节", '<w:numPr><w:ilvl w:val="1"/></w:numPr><w:outlineLvl w:val="1"/>', "章") + style(
        "别", "", "节"
    )
    styles += style("无", '<w:numPr><w:numId w:val="0"/></w:numPr>', "节")
    body = "".join(paragraph(name, properties=f'<w:pStyle w:val="{name}"/>') for name in "章节别无章节")
    body += paragraph("免", properties='<w:pStyle w:val="节"/><w:numPr><w:numId w:val="0"/></w:numPr>')
    expected = ["# 1 章", "## 1.1 节", "## 1.2 别", "## 无", "# 2 章", "## 2.1 节", "## 免"]
    assert lines_of(body, numbering + used(), styles) == expected


def test_numberings_that_are_kept_in_a_style() -> None:
    link = definition(identity=2, more='<w:numStyleLink w:val="表"/>')
    numbering = (
        definition(level(0, "chineseCounting", "%1、"), more='<w:styleLink w:val="表"/>') + link + used() + used(2, 2)
    )
    styles = style("表", '<w:numPr><w:numId w:val="1"/></w:numPr>', kind="numbering")
    assert lines_of(numbered("甲", 2) + numbered("乙", 2), numbering, styles) == ["一、 甲", "二、 乙"]


def test_circles_end() -> None:
    numbering = "".join(
        definition(identity=at, more=f'<w:numStyleLink w:val="s{at}"/>') + used(at, at) for at in (1, 2)
    )
    styles = style("s1", '<w:numPr><w:numId w:val="2"/></w:numPr>', "s2", "numbering")
    styles += style("s2", '<w:numPr><w:numId w:val="1"/></w:numPr>', "s1", "numbering")
    assert lines_of(numbered("甲"), numbering, styles) == ["甲"]


def test_what_is_deleted_or_hidden_is_not_counted() -> None:
    one = '<w:numPr><w:numId w:val="1"/></w:numPr>'
    gone = paragraph("<w:del><w:r><w:delText>旧</w:delText></w:r></w:del>", properties=f"{one}<w:rPr><w:del/></w:rPr>")
    hidden = paragraph(
        "<w:r><w:rPr><w:vanish/></w:rPr><w:t>密</w:t></w:r>", properties=f"{one}<w:rPr><w:vanish/></w:rPr>"
    )
    changed = paragraph("乙", properties=f"<w:pPrChange><w:pPr>{one}</w:pPr></w:pPrChange>")
    body = numbered("甲") + gone + hidden + changed + numbered("丙")
    numbering = definition(level(0, "decimal", "%1.")) + used()
    assert lines_of(body, numbering) == ["1. 甲", "乙", "2. 丙"]


def test_bullets_and_custom_formats() -> None:
    custom = (
        '<w:lvl w:ilvl="0"><w:start w:val="7"/><mc:AlternateContent><mc:Choice Requires="w14"><w:numFmt w:val="custom"'
        ' w:format="001, 002, 003, ..."/></mc:Choice><mc:Fallback><w:numFmt w:val="decimal"/></mc:Fallback>'
        '</mc:AlternateContent><w:lvlText w:val="A-%1"/></w:lvl>'
    )
    numbering = definition(level(0, "bullet", "•")) + definition(custom, identity=2) + used() + used(2, 2)
    numbering += definition(level(0, "none", "附件"), identity=3) + used(3, 3)
    assert lines_of(numbered("点") + numbered("号", 2) + numbered("文", 3), numbering) == [
        "- 点",
        "A-007 号",
        "附件 文",
    ]


@pytest.mark.parametrize(
    ("kind", "numbers", "written"),
    [
        ("decimalZero", (3, 12), "03 12"),
        ("upperRoman", (4, 19, 2026), "IV XIX MMXXVI"),
        ("lowerLetter", (1, 26, 27), "a z aa"),
        ("chineseCounting", (10, 11, 20, 99), "十 十一 二十 九十九"),
        ("chineseCountingThousand", (101, 110, 1010), "一百零一 一百一十 一千零一十"),
        ("japaneseCounting", (10, 101, 1000), "十 百一 千"),
        ("ideographDigital", (10, 26), "一〇 二六"),
        ("chineseLegalSimplified", (1, 12), "壹 壹拾贰"),
        ("ideographTraditional", (1, 10), "甲 癸"),
        ("decimalEnclosedCircle", (1, 21, 36), "① ㉑ ㊱"),
        ("decimalFullWidth", (12,), "１２"),
        ("ordinal", (1, 12, 22), "1st 12th 22nd"),
        ("cardinalText", (21,), "Twenty-one"),
        ("ordinalText", (1, 12, 30), "First Twelfth Thirtieth"),
        ("unheardOf", (5,), "5"),
    ],
)
def test_formats(kind: str, numbers: tuple[int, ...], written: str) -> None:
    assert " ".join(formatted(number, kind) for number in numbers) == written
