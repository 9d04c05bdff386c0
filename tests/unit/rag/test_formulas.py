"""Formulas that were saved without a value: computed where that is certain, and said where it is not."""

import time

import pytest

from rag.ingestion.readers.formula_syntax import Unknown, evaluate
from rag.ingestion.readers.sheets import read_xlsx
from tests.support.spreadsheets import number_cell, on_first, raw_row, raw_xlsx, text_cell, xlsx

NOTE = "without a stored value in the sheet 表1: open the file in Excel or WPS and save it"


def nothing(_sheet: str, _bounds: object) -> object:
    raise AssertionError


def test_sums_and_shares_are_computed_and_shown_by_their_format() -> None:
    rows = [
        ("科目", "数"),
        ("甲", 1),
        ("乙", 2.5),
        ("合计", "=SUM(B2:B3)"),
        ("占比", "=B2/B4"),
        ("均值", "=AVERAGE(B2:B3)*2"),
    ]

    def change(sheet: object) -> None:
        sheet["B5"].number_format = "0.0%"  # type: ignore[index]

    parsed = read_xlsx(xlsx(rows, change=on_first(change)))
    assert [line.rpartition("：")[2] for line in parsed.text.strip().split("\n")[2:]] == [
        "1",
        "2.5",
        "3.5",
        "28.6%",
        "3.5",
    ]
    assert parsed.notes == ()


def test_other_sheets_are_looked_up_also_hidden_ones() -> None:
    first = [("名", "数"), ("甲", "='表2'!B1+表2!B2"), ("乙", "=SUM(表2!B:B)")]
    content = xlsx(
        first, [("x", 3), ("y", "=B1*2")], change=lambda book: setattr(book.worksheets[1], "sheet_state", "hidden")
    )
    assert "- 名：甲；数：9\n- 名：乙；数：9" in read_xlsx(content).text


def test_what_is_not_certain_is_named_and_never_shown_as_a_formula() -> None:
    rows = [
        ("名", "数"),
        ("甲", "=VLOOKUP(1,A1:B2,2)"),
        ("乙", "=TODAY()"),
        ("环", "=B5"),
        ("环", "=B4"),
        ("己", "=B6"),
        ("庚", '="x"+1'),
    ]
    parsed = read_xlsx(xlsx(rows))
    assert "=" not in parsed.text and "VLOOKUP" not in parsed.text
    assert parsed.notes == (f"6 formulas {NOTE}",)


def test_a_stored_value_is_believed_unless_the_book_asks_to_be_computed_and_it_is_nought() -> None:
    cells = [
        '<c r="B2"><f>1+1</f><v>7</v></c>',
        '<c r="B3"><f>1+1</f><v>0</v></c>',
        '<c r="B4" t="str"><f>""</f><v></v></c>',
    ]
    rows = "".join(raw_row(number, text_cell(f"A{number}", "甲"), cell) for number, cell in enumerate(cells, 2))
    head = raw_row(1, text_cell("A1", "名"), text_cell("B1", "数"))
    assert "数：7\n- 名：甲；数：0\n- 名：甲\n" in read_xlsx(raw_xlsx(head + rows)).text
    again = read_xlsx(raw_xlsx(head + rows, book='<calcPr fullCalcOnLoad="1"/>'))
    assert "数：7\n- 名：甲；数：2\n- 名：甲\n" in again.text and again.notes == ()


def test_shared_formulas_move_with_their_cells() -> None:
    rows = raw_row(1, number_cell("A1", 1), '<c r="B1"><f t="shared" ref="B1:B3" si="0">A1*10+$A$1</f></c>')
    rows += "".join(raw_row(n, number_cell(f"A{n}", n), f'<c r="B{n}"><f t="shared" si="0"/></c>') for n in (2, 3))
    assert read_xlsx(raw_xlsx(rows)).text.strip().split("\n")[2:] == ["- 1; 11", "- 2; 21", "- 3; 31"]


@pytest.mark.parametrize("step", [-1, 1])
def test_long_chains_and_circles_cost_little(step: int) -> None:
    head = raw_row(1, text_cell("A1", "名"), text_cell("B1", "数")) + raw_row(2, number_cell("B2", 1))
    cells = "".join(
        raw_row(n, text_cell(f"A{n}", "x"), f'<c r="B{n}"><f>B{n + step}+1</f></c>') for n in range(3, 1000)
    )
    began = time.process_time()
    parsed = read_xlsx(raw_xlsx(head + cells))
    assert "数：997" in parsed.text and parsed.notes == ()
    circle = "".join(
        raw_row(n, text_cell(f"A{n}", "x"), f'<c r="B{n}"><f>SUM(B1:B3000)</f></c>') for n in range(3, 1000)
    )
    assert read_xlsx(raw_xlsx(head + circle)).notes == (f"997 formulas {NOTE}",)
    assert time.process_time() - began < 20


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("=1+2*3", 7.0),
        ("=(1+2)*3", 9.0),
        ("=-2^2", 4.0),
        ("=50%*4", 2.0),
        ("=--3", 3.0),
        ("=1/0", "#DIV/0!"),
        ('="a"&1.50&"b"', "a1.5b"),
        ("=ROUND(2.675,2)", 2.68),
        ("=ABS(-3)", 3.0),
        ("=SUM(1,2,3)", 6.0),
        ("=MAX()", 0.0),
        ('=HYPERLINK("https://a.example","说明")', "说明"),
    ],
)
def test_what_is_certain(text: str, value: object) -> None:
    assert evaluate(text, "S", nothing) == value  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    ["", "=", "=1+", "=(1", "=1)", "=IF(1,2,3)", "=NAME", '="a"*2', "=1E308*10", "=" + "(" * 5000, "=" + "9" * 3000,
     "=2^99999", "=[1]S!A1", "=#REF!", "=A1:B2:C3", "={1,2}", "=(-8)^0.5",
     "=A1B", "=SUM(\"a\")", "=ROUND(1,2,3)", "=1 2"],
)  # fmt: skip
def test_what_is_not(text: str) -> None:
    with pytest.raises(Unknown):
        evaluate(text, "S", nothing)  # type: ignore[arg-type]
