"""Word's tables: merged cells, several header rows, tables in tables."""

import pytest

from rag.ingestion.readers.word import read_docx
from tests.support.office_xml import cell, numbered, paragraph, row, table, word_file

pytest.importorskip("lxml")
DOWN, ON = '<w:vMerge w:val="restart"/>', "<w:vMerge/>"


def lines_of(*blocks: str, numbering: str = "") -> list[str]:
    lines = read_docx(word_file("".join(blocks), numbering=numbering)).text.splitlines()
    return [line for line in lines if line and not line.startswith("| ---")]


def wide(text: str, span: int, more: str = "") -> str:
    return cell(text, properties=f'<w:gridSpan w:val="{span}"/>{more}')


def test_every_row_has_what_is_merged_over_it() -> None:
    rows = [
        row("地区", "职级", "上限"),
        row(cell("西北", properties=DOWN), "经理", "520"),
        row(cell("", properties=ON), "员工", "360"),
        row(wide("东部", 2), "480"),
    ]
    assert lines_of(table(*rows)) == [
        "| 地区 | 职级 | 上限 |",
        "| 西北 | 经理 | 520 |",
        "| 西北 | 员工 | 360 |",
        "| 东部 | 东部 | 480 |",
    ]


def test_old_horizontal_merges_and_rows_that_begin_later() -> None:
    merged = [cell("合并", properties='<w:hMerge w:val="restart"/>'), cell("", properties="<w:hMerge/>"), "尾"]
    rows = [row("一", "二", "三"), row(*merged), row("迟", "到", properties='<w:gridBefore w:val="1"/>')]
    assert lines_of(table(*rows)) == ["| 一 | 二 | 三 |", "| 合并 | 合并 | 尾 |", "|  | 迟 | 到 |"]


def test_header_rows_are_joined() -> None:
    tied = [
        row(cell("地区", properties=DOWN), wide("住宿", 2)),
        row(cell("", properties=ON), "旺季", "淡季"),
        row("西北", "360", "300"),
    ]
    said = [row("甲", "乙", properties="<w:tblHeader/>"), row("丙", "乙", properties="<w:tblHeader/>"), row("丁", "戊")]
    assert lines_of(table(*tied)) == ["| 地区 | 住宿 旺季 | 住宿 淡季 |", "| 西北 | 360 | 300 |"]
    assert lines_of(table(*said)) == ["| 甲 丙 | 乙 |", "| 丁 | 戊 |"]


def test_rows_over_the_whole_width_are_said_once() -> None:
    rows = [row(wide("二〇二六年标准", 2)), row("项目", "金额"), row(wide("一、交通", 2)), row("打车", "50")]
    assert lines_of(table(*rows)) == ["二〇二六年标准", "| 项目 | 金额 |", "| 一、交通 |  |", "| 打车 | 50 |"]


def test_tables_in_cells() -> None:
    inner = table(row("室外", "三百元"), row("室内", "二百元"))
    assert lines_of(table(row("项目", "标准"), row("津贴", cell("见下", inner, paragraph())))) == [
        "| 项目 | 标准 |",
        "| 津贴 | 见下 室外 三百元；室内 二百元 |",
    ]


def test_tables_that_only_arrange_are_read_cell_by_cell() -> None:
    heading = paragraph("节", properties='<w:outlineLvl w:val="0"/>')
    large = table(*(row(f"名{at}", f"值{at}") for at in range(12)))
    assert lines_of(table(row(cell(heading, "框内")), row("第二"))) == ["# 节", "框内", "第二"]
    assert lines_of(table(row(cell("左", large), "右")))[:2] == ["左", "| 名0 | 值0 |"]
    assert lines_of(table(row(cell("左", large), "右")))[-1] == "右"


def test_a_column_of_automatic_numbers_is_read() -> None:
    numbering = (
        '<w:abstractNum w:abstractNumId="1"><w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/>'
        '<w:lvlText w:val="%1"/></w:lvl></w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="1"/></w:num>'
    )
    rows = [row("序号", "姓名"), *(row(cell(numbered("")), name) for name in ("王芳", "李雷"))]
    assert lines_of(table(*rows), numbering=numbering) == ["| 序号 | 姓名 |", "| 1 | 王芳 |", "| 2 | 李雷 |"]


def test_absurd_spans_end() -> None:
    assert len(lines_of(table(row(wide("宽", 10**9), "尾"), row("一", "二")))) == 2
