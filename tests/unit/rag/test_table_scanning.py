"""Whole tables out of the chunks of a document."""

from dataclasses import replace

from rag.documents import Chunk, Document, Place
from rag.tables.scanning import tables_of
from rag.text.chunking import split
from tests.support.tables import ORDERS, SUPPLIERS, listed, table, tables


def test_a_long_table_is_whole_again_whatever_it_was_cut_into() -> None:
    rows = [("编号", "城市", "说明"), *((f"N{at:03}", "深圳", "很长的说明" * 8) for at in range(200))]
    for barred in (False, True):
        found = table(rows, barred=barred)
        assert found.rows == tuple(rows[1:])
        assert found.names == rows[0]


def test_totals_are_set_apart_and_columns_typed() -> None:
    found = table(SUPPLIERS)
    assert len(found.rows) == 5 and [row[0] for row in found.totals] == ["合计"]
    kinds = {column.bare: column.kind for column in found.columns}
    assert (kinds["城市"], kinds["合作日期"], kinds["注册资本"]) == ("text", "date", "number")
    assert found.columns[5].unit == "万元" and found.columns[5].amounts[3] is None
    assert [column.is_key for column in found.columns[:2]] == [True, False]


def test_values_may_hold_semicolons_and_colons() -> None:
    rows = [("名称", "备注", "数量"), *((f"甲{at}", "先付：现金；不退", str(at)) for at in range(4))]
    assert table(rows).rows[0] == ("甲0", "先付：现金；不退", "0")


def test_lines_between_parts_of_a_table_become_a_column() -> None:
    text = f"一月\n{listed(ORDERS[:3])}\n二月\n{listed([ORDERS[0], *ORDERS[3:5]])}"
    [found] = tables(text)
    assert [row[-1] for row in found.rows] == ["一月", "一月", "二月", "二月"]


def test_tables_of_other_columns_stay_apart_and_lists_are_none() -> None:
    text = f"{listed(SUPPLIERS)}\n{listed(ORDERS)}\n\n- 注意：一\n- 提醒：二\n- 只有文字"
    assert [found.names[0] for found in tables(text)] == ["供应商名称", "Order ID"]


def test_amounts_in_yuan_and_in_ten_thousands_are_made_one_unit() -> None:
    found = table([("项目", "金额"), ("甲", "3000元"), ("乙", "1.5万元"), ("丙", "20元")])
    assert [amount and int(amount.number) for amount in found.columns[1].amounts] == [3000, 15000, 20]
    assert found.columns[1].unit == "元" and not found.columns[1].is_mixed
    mixed = table([("项目", "用时"), ("甲", "3天"), ("乙", "5小时"), ("丙", "2天")])
    assert mixed.columns[1].is_mixed


def test_a_unit_above_a_table_holds_for_it() -> None:
    [found] = tables("单位：万元\n" + listed([("部门", "预算"), ("研发部", "80"), ("市场部", "20")]))
    assert found.columns[1].unit == "万元" and found.caption == ""


def test_rows_on_the_next_page_of_a_pdf_belong_to_the_table_before() -> None:
    def page(number: int, rows: str, start: int) -> Chunk:
        place = Place("page", str(number))
        return Chunk(number, "a.pdf", "a", (), rows, start, start + len(rows), place=place)

    header = "| 编号 | 数量 |\n| --- | --- |\n"
    first, second = header + "| A1 | 3 |\n| A2 | 4 |", header + "| A3 | 5 |"
    [found] = tables_of([page(1, first, 0), page(2, second, len(first) + 2)])
    assert [row[0] for row in found.rows] == ["A1", "A2", "A3"]


def test_records_that_are_places_of_their_own_are_rows_of_one_table() -> None:
    rows = [("编号", "城市", "说明"), *((f"N{at:03}", "深圳", "说明" * 30) for at in range(40))]
    text = listed(rows)
    starts = [0, *(at + 1 for at, character in enumerate(text) if character == "\n")]
    places = tuple((start, Place("record", f"{at}", f"tbl/rec{at}")) for at, start in enumerate(starts))
    document = replace(Document("base", "base", text), places=places)
    [found] = tables_of(split(document))
    assert len(found.rows) == 40
