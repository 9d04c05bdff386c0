"""Excel as a person sees it: values, merged cells, what is hidden, what a file says wrongly of itself."""

import datetime
import time
from typing import Any

import pytest

from rag.ingestion.readers.parsed import CannotRead
from rag.ingestion.readers.sheets import read_xlsx
from tests.support.spreadsheets import MAIN, number_cell, on_first, raw_row, raw_xlsx, relations, text_cell, xlsx

STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
HEAD = raw_row(1, text_cell("A1", "名称"), text_cell("B1", "数量"))


def lines(content: bytes, *, include_hidden: bool = False) -> list[str]:
    """What is read of the first sheet, below its name."""
    return read_xlsx(content, include_hidden=include_hidden).text.strip().split("\n")[2:]


def notes(content: bytes) -> str:
    return "; ".join(read_xlsx(content).notes)


def test_values_are_shown_by_their_formats() -> None:
    def change(sheet: Any) -> None:
        for cell, code in (("B2", "0.0%"), ("C2", "¥#,##0.00"), ("D2", "000000"), ("E2", 'yyyy"年"m"月"d"日"')):
            sheet[cell].number_format = code

    rows = [("产品", "返点", "保证金", "编号", "日期"), ("星河", 0.125, 30000, 482, datetime.date(2026, 3, 5))]
    assert lines(xlsx(rows, change=on_first(change))) == [
        "- 产品：星河；返点：12.5%；保证金：¥30,000.00；编号：000482；日期：2026年3月5日"
    ]


def test_numbers_texts_truths_and_errors_are_as_they_stand() -> None:
    rows = [
        ("名", "手机", "身份证", "金额", "和", "是否", "错"),
        ("王", 13800001111, "110101199003071234", 1234567890123.45, 0.1 + 0.2, True, "#N/A"),
    ]
    assert lines(xlsx(rows)) == [
        "- 名：王；手机：13800001111；身份证：110101199003071234；金额：1234567890123.45；和：0.3；是否：TRUE；错：#N/A"
    ]


def test_formats_that_have_a_number_only_are_those_of_chinese() -> None:
    formats = "".join(f'<xf numFmtId="{number}"/>' for number in (0, 14, 31, 57, 44))
    row = "".join(number_cell(f"{letter}2", 46086, style) for style, letter in enumerate("ABCDE"))
    head = "".join(text_cell(f"{letter}1", name) for letter, name in zip("ABCDE", "甲乙丙丁戊", strict=True))
    content = raw_xlsx(raw_row(1, head) + raw_row(2, row), styles=f"<cellXfs>{formats}</cellXfs>")
    assert lines(content) == ["- 甲：46086；乙：2026/3/5；丙：2026年3月5日；丁：2026年3月；戊：¥46,086.00"]


def test_rich_text_links_and_signs_are_text() -> None:
    rich = "<is><r><t>住宿</t></r><r><t>上限</t></r><rPh sb='0' eb='1'><t>不读</t></rPh></is>"
    cells = f'<c r="A2" t="inlineStr">{rich}</c><c r="B2" t="str"><f>HYPERLINK("x","见表")</f><v>见表_x000D_二</v></c>'
    assert lines(raw_xlsx(HEAD + raw_row(2, cells))) == ["- 名称：住宿上限；数量：见表 二"]


def test_days_are_counted_from_1904_where_the_book_says_so() -> None:
    styles = '<cellXfs><xf numFmtId="0"/><xf numFmtId="31"/></cellXfs>'
    rows = HEAD + raw_row(2, text_cell("A2", "甲"), number_cell("B2", 44624, 1))
    content = raw_xlsx(rows, styles=styles, book='<workbookPr date1904="1"/>')
    assert lines(content) == ["- 名称：甲；数量：2026年3月5日"]


@pytest.mark.parametrize("main", [MAIN, STRICT])
def test_the_declared_size_is_not_believed(main: str) -> None:
    rows = HEAD + raw_row(2, text_cell("A2", "八层"), '<c r="B2" t="d"><v>2026-03-05T00:00:00</v></c>')
    content = raw_xlsx(rows, before='<dimension ref="A1"/>', main=main)
    assert lines(content) == ["- 名称：八层；数量：2026-03-05"]


def test_cells_and_rows_need_no_reference() -> None:
    row = '<row><c t="inlineStr"><is><t>{}</t></is></c><c/><c><v>{}</v></c></row>'
    assert lines(raw_xlsx(row.format("甲", 1) + row.format("乙", 2))) == ["- 甲：1", "- 乙：2"]


def test_merged_cells_fill_their_span_also_where_they_begin_in_a_hidden_row() -> None:
    def change(sheet: Any) -> None:
        sheet.merge_cells("A2:A4")
        sheet.merge_cells("B4:C4")
        sheet.row_dimensions[2].hidden = True

    rows = [("地区", "旺季", "淡季"), ("华东", 1, 2), (None, 3, 4), (None, 5, None)]
    content = xlsx(rows, change=on_first(change))
    assert lines(content) == ["- 地区：华东；旺季：3；淡季：4", "- 地区：华东；旺季：5；淡季：5"]


def test_what_is_left_under_a_merged_cell_is_not_seen() -> None:
    rows = HEAD + raw_row(2, text_cell("A2", "甲"), number_cell("B2", 1)) + raw_row(3, text_cell("A3", "旧"))
    rows += raw_row(4, text_cell("A4", "丙"), number_cell("B4", 3))
    content = raw_xlsx(rows, after='<mergeCells><mergeCell ref="A2:A3"/></mergeCells>')
    assert "旧" not in read_xlsx(content).text


def hide(book: Any) -> None:
    sheet = book.worksheets[0]
    sheet.row_dimensions[3].hidden = True
    sheet.row_dimensions.group(4, 4, hidden=True)
    sheet.column_dimensions.group("C", "D", hidden=True)
    sheet["E2"].number_format = ";;;"
    book.worksheets[1].sheet_state = "hidden"
    book.worksheets[2].sheet_state = "veryHidden"


HIDING = (
    [
        ("项目", "数值", "密一", "密二", "备"),
        ("人数", 42, "c2", "d2", 7),
        ("成本", 990000),
        ("折叠", 1),
        ("负责人", "王工"),
    ],
    [("姓名", "月薪"), ("赵六", 31000)],
    [("姓名", "月薪"), ("钱七", 41000)],
)


def test_what_is_hidden_is_left_out_and_said() -> None:
    parsed = read_xlsx(xlsx(*HIDING, change=hide))
    assert parsed.text.strip().split("\n")[2:] == ["备", "- 项目：人数；数值：42", "- 项目：负责人；数值：王工"]
    assert parsed.notes == (
        "left out in the sheet 表1: 2 hidden rows, 2 hidden columns, 1 number that the format hides",
        "2 hidden sheets left out: 表2, 表3",
    )


def test_what_is_hidden_is_read_where_the_setting_says_so() -> None:
    parsed = read_xlsx(xlsx(*HIDING, change=hide), include_hidden=True)
    assert "- 项目：人数；数值：42；密一：c2；密二：d2；备：7" in parsed.text
    assert all(word in parsed.text for word in ("990000", "折叠", "赵六", "钱七"))
    assert parsed.notes == ()


def test_rows_and_columns_without_height_or_width_are_hidden() -> None:
    rows = (
        HEAD + f'<row r="2" ht="0" customHeight="1">{text_cell("A2", "甲")}</row>' + raw_row(3, text_cell("A3", "乙"))
    )
    content = raw_xlsx(rows, before='<cols><col min="2" max="2" width="0" customWidth="1"/></cols>')
    assert lines(content) == ["名称", "乙"] and notes(content).endswith("1 hidden row, 1 hidden column")


def test_hidden_columns_and_rows_leave_no_gap_between_tables() -> None:
    def change(sheet: Any) -> None:
        sheet.column_dimensions["C"].hidden = True
        sheet.row_dimensions[3].hidden = True

    rows = [("甲", "乙", None, "丙", "丁"), ("x", "y", None, "z", "w"), (), ("u", "v", None, "s", "t")]
    assert lines(xlsx(rows, change=on_first(change)))[0] == "- 甲：x；乙：y；丙：z；丁：w"


def test_comments_charts_and_pictures_are_said_and_text_boxes_read() -> None:
    drawing = (
        '<d:wsDr xmlns:d="d" xmlns:a="a" xmlns:c="c" xmlns:r="http://r"><d:twoCellAnchor><d:sp><d:txBody><a:p><a:r><a:t>'
        "图例说明</a:t></a:r></a:p></d:txBody></d:sp></d:twoCellAnchor><d:oneCellAnchor><d:pic/></d:oneCellAnchor>"
        '<d:twoCellAnchor><c:chart r:id="r1"/></d:twoCellAnchor></d:wsDr>'
    )
    chart = '<c:chart xmlns:c="c" xmlns:a="a"><c:title><a:t>销售</a:t><a:t>趋势</a:t></c:title></c:chart>'
    parts = (
        ("xl/worksheets/_rels/sheet1.xml.rels", relations(("drawing", "../d.xml"), ("comments", "../c.xml"))),
        ("xl/d.xml", drawing),
        ("xl/_rels/d.xml.rels", relations(("chart", "chart.xml"))),
        ("xl/chart.xml", chart),
        ("xl/c.xml", "<comments><commentList><comment/><comment/></commentList></comments>"),
    )
    content = raw_xlsx(HEAD + raw_row(2, text_cell("A2", "甲"), number_cell("B2", 1)), parts=parts)
    assert lines(content) == ["- 名称：甲；数量：1", "图例说明"]
    assert read_xlsx(content).notes == (
        "2 comments left out in the sheet 表1",
        "1 picture left out in the sheet 表1",
        "1 chart left out in the sheet 表1: 销售趋势",
    )


def test_rows_beyond_the_limit_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.ingestion.readers.sheets.MOST_ROWS", 3)
    content = xlsx([("名称", "数量"), *((f"n{number}", number) for number in range(9))])
    assert len(lines(content)) == 2 and "only the first 3 rows of the sheet 表1 were read" in notes(content)


def test_cells_beyond_the_limit_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.ingestion.readers.sheets.MOST_CELLS", 8)
    content = xlsx([("名称", "数量"), *((f"n{number}", number) for number in range(9))])
    assert len(lines(content)) == 3 and "only the first 4 rows" in notes(content)


HOSTILE = {
    "formats to the last row": raw_xlsx(
        HEAD + "".join(f'<row r="{number}" s="1"><c r="A{number}" s="1"/></row>' for number in range(2, 100_000))
    ),
    "a merge of everything": raw_xlsx(
        HEAD + raw_row(1_048_576, text_cell("XFD1048576", "x")),
        after='<mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells>',
    ),
    "many merges": raw_xlsx(
        HEAD + raw_row(5000, text_cell("Z5000", "x")),
        after="<mergeCells>" + '<mergeCell ref="A2:Z5000"/>' * 20_000 + "</mergeCells>",
    ),
    "columns without end": raw_xlsx(HEAD, before='<cols><col min="1" max="999999999" hidden="1"/></cols>'),
    "odd numbers": raw_xlsx(
        '<row r="0"/><row r="x"/><row r="-1"><c r="1A" s="9"/><c r="ZZZZ1"><v>1e999999</v></c></row>'
        '<row r="99999999"><c r="A1" t="s"><v>77</v></c><c t="b"><v/></c><c t="e"><v>x</v></c></row>'
    ),
    "entities": raw_xlsx(HEAD.replace("名称", "&amp;")),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_costs_little(name: str) -> None:
    began = time.process_time()
    assert len(read_xlsx(HOSTILE[name]).text) < 10_000
    assert time.process_time() - began < 10


def test_the_limit_of_filled_cells_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.ingestion.readers.visible_cells.MOST_FILLED", 1)
    content = xlsx([("名称", "数量"), ("甲", 1), (None, 2)], change=on_first(lambda sheet: sheet.merge_cells("A2:B3")))
    assert "merged cells beyond 1 were not filled" in notes(content)


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip", xlsx([("a", "b")])[:-30]])
def test_what_is_no_book_is_refused(content: bytes) -> None:
    with pytest.raises(CannotRead):
        read_xlsx(content)


def test_a_book_with_a_damaged_sheet_is_refused() -> None:
    with pytest.raises(CannotRead, match="damaged"):
        read_xlsx(raw_xlsx("<row><c>"))
