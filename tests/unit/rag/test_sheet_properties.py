"""Books that nobody thought of: what is visible is found after the name of its column, what is hidden is not."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rag.ingestion.readers.sheets import read_xlsx
from rag.ingestion.readers.tables import table_lines
from rag.ingestion.readers.visible_cells import Row
from rag.ingestion.readers.worksheet import Cell
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


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 3), min_size=1, max_size=4), st.integers(0, 2), st.integers(2, 4), st.booleans())
def test_names_of_two_rows_are_joined(parts: list[int], above: int, height: int, has_unit: bool) -> None:
    """Groups of one to three parts over `height` rows, below empty rows, perhaps a title with its unit."""
    names = [(f"组{group}", f"分{group}之{part}") for group, count in enumerate(parts) for part in range(count)]
    top = above + (1 if has_unit else 0) + 1

    def change(sheet: Any) -> None:
        sheet.merge_cells(start_row=top, end_row=top + 1, start_column=1, end_column=1)
        column = 2
        for count in parts:
            if count > 1:
                sheet.merge_cells(start_row=top, end_row=top, start_column=column, end_column=column + count - 1)
            column += count

    groups = [name if at == 0 or names[at - 1][0] != name else None for at, (name, _) in enumerate(names)]
    body = [[f"货{row}", *(number(row, column) for column in range(len(names)))] for row in range(height)]
    title = [["某某一览", *[None] * len(names), "单位：元"]] if has_unit else []
    rows = [[]] * above + [*title, ["型号", *groups], [None, *(part for _, part in names)], *body]
    read = read_xlsx(xlsx(rows, change=on_first(change))).text.strip().split("\n")[2:]
    joined = [f"{group}·{part}" for group, part in names]
    expected = [
        f"- 型号：货{row}；" + "；".join(f"{name}：{number(row, column)}" for column, name in enumerate(joined))
        for row in range(height)
    ]
    assert read == [*(["某某一览", "单位：元"] if has_unit else []), *expected]


WORDS = (
    "姓名",
    "项目",
    "地址",
    "说明：见",
    "单位：万元",
    "一、总",
    "问？",
    "完。",
    "600元",
    "2026年",
    "8001",
    "备注：x",
    "x",
)
PLANNED_ROWS = st.lists(st.lists(st.one_of(st.none(), st.none(), st.sampled_from(WORDS)), max_size=7), max_size=9)
SPANS = st.lists(st.tuples(st.integers(0, 8), st.integers(1, 7), st.integers(0, 2), st.integers(0, 3)), max_size=3)


@settings(max_examples=150, deadline=None)
@given(PLANNED_ROWS, SPANS)
def test_whatever_a_sheet_is_like_all_of_its_words_are_read(
    words: list[list[str | None]], spans: list[tuple[int, int, int, int]]
) -> None:
    grid: list[dict[int, Cell]] = [
        {
            at: Cell(word if word[-1] in "？。元年1" else f"{word}{10 * row + at}q")
            for at, word in enumerate(each, 1)
            if word
        }
        for row, each in enumerate(words)
    ]
    for top, left, more, wider in spans:
        if top < len(grid) and left in grid[top]:
            cell = grid[top][left]
            for row in grid[top : top + more + 1]:
                row.update(dict.fromkeys(range(left, left + wider + 1), cell))
    rows: list[Row] = [dict(sorted(row.items())) for row in grid]
    read = "\n".join(table_lines(rows))
    assert [cell.text for row in rows for cell in row.values() if cell.text.rstrip("：") not in read] == []
