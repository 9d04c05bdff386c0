"""What of a sheet is seen: merged cells fill their span, and what is hidden is taken out and counted."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rag.ingestion.readers.worksheet import Cell, Range, Worksheet

MOST_FILLED = 300_000
_TALL = 200

Row = Mapping[int, Cell]


@dataclass(slots=True)
class Visible:
    """Rows in order, an empty one for each gap; columns are numbered without the hidden ones. `notes` begin with a
    count and say what is left out."""

    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def visible_cells(sheet: Worksheet, *, include_hidden: bool = False) -> Visible:
    """The cells that are seen, or all of them. Changes `sheet`."""
    seen = Visible()
    filled = {(row, column) for row, cells in sheet.rows.items() for column, cell in cells.items() if cell.text.strip()}
    if not _fill(sheet):
        seen.notes.append(f"merged cells beyond {MOST_FILLED} were not filled")
    hidden_rows = set() if include_hidden else sheet.hidden_rows
    hidden_columns = set() if include_hidden else sheet.hidden_columns
    if include_hidden:
        _show_numbers(sheet)
    else:
        _count_hidden(sheet, filled, seen.notes)
    numbers = _numbers({column for cells in sheet.rows.values() for column in cells}, hidden_columns)
    last = 0
    hidden_in_order = sorted(hidden_rows)
    for row in sorted(sheet.rows.keys() - hidden_rows):
        cells = {
            numbers[at]: cell for at, cell in sorted(sheet.rows[row].items()) if at in numbers and cell.text.strip()
        }
        if not cells:
            continue
        if seen.rows and row - last - 1 > _count_between(hidden_in_order, last, row):
            seen.rows.append({})
        seen.rows.append(cells)
        last = row
    return seen


def _count_hidden(sheet: Worksheet, filled: set[tuple[int, int]], notes: list[str]) -> None:
    rows = {row for row, _ in filled if row in sheet.hidden_rows}
    columns = {column for _, column in filled if column in sheet.hidden_columns}
    numbers = sum(not cell.text and cell.number is not None for cells in sheet.rows.values() for cell in cells.values())
    notes += [counted(len(rows), "hidden row")] if rows else []
    notes += [counted(len(columns), "hidden column")] if columns else []
    notes += [counted(numbers, "number") + " that the format hides"] if numbers else []


def counted(count: int, what: str) -> str:
    """1 row, 2 rows."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _show_numbers(sheet: Worksheet) -> None:
    for cells in sheet.rows.values():
        for cell in cells.values():
            if not cell.text and cell.number is not None:
                cell.text = f"{cell.number:f}"


def _numbers(columns: set[int], hidden: set[int]) -> dict[int, int]:
    """New numbers of the columns that are seen, so that a hidden one leaves no gap."""
    in_order = sorted(hidden)
    return {column: column - _count_between(in_order, 0, column) for column in columns - hidden}


def _count_between(in_order: list[int], low: int, high: int) -> int:
    return bisect_left(in_order, high) - bisect_right(in_order, low)


def _fill(sheet: Worksheet) -> bool:
    """Put each merged cell into all of its span, as far as the sheet is used; False where there is too much of it."""
    if not sheet.merges or not sheet.rows:
        return True
    last_row, last_column = max(sheet.rows), max(max(cells, default=1) for cells in sheet.rows.values())
    left = MOST_FILLED
    for top, first, bottom, last in sheet.merges:
        if first > last_column or top > last_row:
            continue
        anchor = sheet.rows.get(top, {}).get(first)
        # a row that is merged over more columns than are used keeps what makes it a row of its own: two of them
        span = (top, first, min(bottom, last_row), min(last, max(last_column, first + 1)))
        rows = _rows(sheet, span)
        left -= len(rows) * (span[3] - first + 1)
        if left < 0:
            return False
        for row in rows:
            _fill_row(sheet, row, range(first, span[3] + 1), anchor)
    return True


def _rows(sheet: Worksheet, span: Range) -> Sequence[int]:
    top, _, bottom, _ = span
    if bottom - top < _TALL:
        return range(top, bottom + 1)
    return [row for row in sheet.rows if top <= row <= bottom]


def _fill_row(sheet: Worksheet, row: int, columns: range, anchor: Cell | None) -> None:
    cells = sheet.rows.setdefault(row, {})
    for column in columns:
        if anchor is not None:
            cells[column] = anchor
        else:
            cells.pop(column, None)  # what is left there from before the merge is not seen
