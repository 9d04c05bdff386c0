"""Books that nobody thought of: what is visible is found after the name of its column, what is hidden is not."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rag.ingestion.readers.sheets import read_xlsx
from tests.support.spreadsheets import on_first, xlsx

FORMATS = {
    "General": "{}",
    "0.00": "{}.00",
    '0"件"': "{}件",
    "000000": "{:06d}",
    "#,##0": "{:,}",
    "0%": "{}00%",
    "@": "{}",
}

Plan = tuple[int, int, set[int], set[int], list[tuple[int, int, int]], list[str]]


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Rows, columns, the hidden ones (numbers from 1; row 1 is the header), vertical merges and a format a column."""
    height, width = draw(st.integers(3, 8)), draw(st.integers(3, 6))
    rows = draw(st.sets(st.integers(2, height + 1), max_size=height - 2))
    columns = draw(st.sets(st.integers(2, width), max_size=width - 2))
    spans = []
    for column in range(2, width + 1):
        top = draw(st.integers(2, height + 1))
        spans.append((column, top, draw(st.integers(top, min(top + 2, height + 1)))))
    return (
        height,
        width,
        rows,
        columns,
        spans,
        draw(st.lists(st.sampled_from(sorted(FORMATS)), min_size=width, max_size=width)),
    )


def number(row: int, column: int) -> int:
    return 7000 + 100 * row + column


@settings(max_examples=60, deadline=None)
@given(plans())
def test_what_is_visible_is_found_and_what_is_hidden_is_not(plan: Plan) -> None:
    height, width, hidden_rows, hidden_columns, spans, formats = plan
    shown = {
        (row, column): FORMATS[formats[column - 1]].format(number(row, column))
        for row in range(2, height + 2)
        for column in range(2, width + 1)
    }

    def change(sheet: Any) -> None:
        for (row, column), _ in shown.items():
            sheet.cell(row, column).number_format = formats[column - 1]
        for row in hidden_rows:
            sheet.row_dimensions[row].hidden = True
        for column in hidden_columns:
            sheet.column_dimensions["ABCDEFGH"[column - 1]].hidden = True
        for column, top, bottom in spans:
            sheet.merge_cells(start_row=top, end_row=bottom, start_column=column, end_column=column)

    for column, top, bottom in spans:
        shown.update({(row, column): shown[top, column] for row in range(top, bottom + 1)})
    rows = [
        ["型号", *(f"列{column}" for column in range(2, width + 1))],
        *([f"货{row}", *(number(row, column) for column in range(2, width + 1))] for row in range(2, height + 2)),
    ]
    read = read_xlsx(xlsx(rows, change=on_first(change)))
    expected = [
        f"- 型号：货{row}；"
        + "；".join(f"列{at}：{shown[row, at]}" for at in range(2, width + 1) if at not in hidden_columns)
        for row in range(2, height + 2)
        if row not in hidden_rows
    ]
    assert read.text.strip().split("\n")[2:] == expected
    assert bool(read.notes) == bool(hidden_rows or hidden_columns)
