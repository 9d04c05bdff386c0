"""One sheet of an Excel file: its cells as they are seen, what is merged, what is hidden, which formulas have no value.

Rows and cells are taken as they come; what the sheet declares about its size is not looked at.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from rag.ingestion.readers.date_formats import serial_of
from rag.ingestion.readers.number_formats import exact
from rag.ingestion.readers.office_package import local
from rag.ingestion.readers.workbook import SheetPart, Style, Workbook, is_true, string_of, unescaped

LAST_ROW, LAST_COLUMN = 1_048_576, 16_384
_DAYS_TO_1904 = 1462
_CELL = re.compile(r"\$?([A-Za-z]{1,3})\$?([1-9]\d{0,6})")
_ERROR = re.compile(r"#[A-Z0-9/_]+[!?]?")

Kind = Literal["text", "number", "date", "truth", "error"]
Range = tuple[int, int, int, int]
"""First row, first column, last row, last column, all from 1."""


@dataclass(eq=False, slots=True)
class Cell:
    """What is seen in a cell; a merged one is the same object in all of its span."""

    text: str
    kind: Kind = "text"
    is_bold: bool = False
    number: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula without a stored value, and how far it is moved from where its text was written."""

    text: str
    style: Style
    down: int = 0
    right: int = 0


@dataclass(slots=True)
class Worksheet:
    """All that is in a sheet, hidden or not."""

    rows: dict[int, dict[int, Cell]] = field(default_factory=dict)
    formulas: dict[tuple[int, int], Formula] = field(default_factory=dict)
    merges: list[Range] = field(default_factory=list)
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    was_cut: bool = False

    def cells(self) -> int:
        """How many there are."""
        return sum(map(len, self.rows.values()))


def read_worksheet(book: Workbook, part: SheetPart, *, most_rows: int, most_cells: int) -> Worksheet:
    """A sheet's cells, rows with none left out. Raises CannotRead."""
    return _Reading(book, most_rows, most_cells).read(part)


def shown_cell(number: Decimal, style: Style, *, is_1904: bool, shows_all: bool = False) -> Cell:
    """A number as its format shows it; with `shows_all` also where the format hides it."""
    text = style.format.show(number, is_1904=is_1904)
    if not text and shows_all:
        text = f"{number:f}"
    return Cell(text, "date" if style.format.is_date else "number", style.is_bold, number)


def column_number(letters: str) -> int:
    """A → 1, AA → 27."""
    number = 0
    for letter in letters.upper():
        number = 26 * number + ord(letter) - 64
    return number


def range_of(reference: str) -> Range | None:
    """A1:C3, or one cell, in numbers; None for what is no range."""
    first, _, last = reference.replace(" ", "").partition(":")
    start, end = _CELL.fullmatch(first), _CELL.fullmatch(last or first)
    if start is None or end is None:
        return None
    rows, columns = sorted((int(start[2]), int(end[2]))), sorted((column_number(start[1]), column_number(end[1])))
    return rows[0], columns[0], rows[1], columns[1]


class _Reading:
    def __init__(self, book: Workbook, most_rows: int, most_cells: int) -> None:
        self._book, self._most_rows, self._cells_left = book, most_rows, most_cells
        self._sheet = Worksheet()
        self._shared: dict[str, tuple[str, int, int]] = {}
        self._row = 0
        self._columns: dict[str, int] = {}
        self._has_no_columns = False

    def read(self, part: SheetPart) -> Worksheet:
        sheet = self._sheet
        for element in self._book.elements(part.path, "row", "cols", "mergeCell", "sheetFormatPr"):
            tag = local(element)
            if tag == "row":
                self._read_row(element)
            elif tag == "mergeCell":
                if (found := range_of(element.get("ref") or "")) is not None:
                    sheet.merges.append(found)
            elif tag == "cols":
                self._read_columns(element)
            elif _is_zero(element.get("defaultColWidth")):
                self._has_no_columns = True
        if self._has_no_columns and not sheet.hidden_columns:
            sheet.hidden_columns = set(range(1, LAST_COLUMN + 1))
        return sheet

    def _read_columns(self, element: Any) -> None:
        hidden = self._sheet.hidden_columns
        if self._has_no_columns:
            hidden.update(range(1, LAST_COLUMN + 1))
        for column in element:
            first, last = _int(column.get("min")), min(_int(column.get("max")), LAST_COLUMN)
            if is_true(column.get("hidden")) or _is_zero(column.get("width")):
                hidden.update(range(first, last + 1))
            elif self._has_no_columns:
                hidden.difference_update(range(first, last + 1))

    def _read_row(self, element: Any) -> None:
        self._row = _int(element.get("r")) or self._row + 1
        if self._row > LAST_ROW:
            return
        if is_true(element.get("hidden")) or _is_zero(element.get("ht")):
            self._sheet.hidden_rows.add(self._row)
        row: dict[int, Cell] = {}
        for column, cell in self._read_cells(element):
            row[column] = cell
        if not row:
            return
        if len(self._sheet.rows) >= self._most_rows or self._cells_left < len(row):
            self._sheet.was_cut = True
            return
        self._cells_left -= len(row)
        self._sheet.rows[self._row] = row

    def _read_cells(self, element: Any) -> Iterator[tuple[int, Cell]]:
        column = 0
        for child in element:
            if not len(child):
                if child.get("r") is None:
                    column += 1
                continue  # a cell that has a style only
            column = self._column(child.get("r")) or column + 1
            if column > LAST_COLUMN:
                continue
            cell = self._cell(child, column)
            if cell is not None and (cell.text or cell.number is not None):
                yield column, cell

    def _column(self, reference: str | None) -> int:
        letters = (reference or "").rstrip("0123456789")
        if letters not in self._columns:
            self._columns[letters] = column_number(letters) if letters.isascii() and letters.isalpha() else 0
        return self._columns[letters]

    def _cell(self, element: Any, column: int) -> Cell | None:
        kind, style = element.get("t") or "n", self._style(element.get("s"))
        raw = formula = text = None
        for child in element:
            tag = local(child)
            if tag == "v":
                raw = child.text
            elif tag == "f":
                formula = child
            elif tag == "is":
                text = string_of(child)
        if formula is not None and self._keeps_formula(formula, column, kind, raw, style):
            return None
        if text is not None:
            return Cell(style.format.show_text(text), "text", style.is_bold)
        return None if raw is None else self._value(kind, raw, style)

    def _value(self, kind: str, raw: str, style: Style) -> Cell:
        if kind == "s":
            index = _int(raw)
            raw = self._book.strings[index] if index < len(self._book.strings) else ""
            return Cell(style.format.show_text(raw), "text", style.is_bold)
        if kind == "b":
            return Cell("TRUE" if is_true(raw.strip()) else "FALSE", "truth", style.is_bold)
        if kind == "e":
            return Cell(raw.strip(), "error", style.is_bold)
        if kind in ("str", "inlineStr"):
            return Cell(style.format.show_text(unescaped(raw)), "text", style.is_bold)
        if kind == "d":
            number = serial_of(raw)
            if number is None or not style.format.is_date:
                return Cell(raw.strip().replace("T00:00:00", ""), "date", style.is_bold, number)
            number -= _DAYS_TO_1904 if self._book.is_1904 else 0
        else:
            number = exact(raw)
        if number is None:
            return Cell(raw.strip(), "error" if _ERROR.fullmatch(raw.strip()) else "text", style.is_bold)
        return shown_cell(number, style, is_1904=self._book.is_1904)

    def _keeps_formula(self, element: Any, column: int, kind: str, raw: str | None, style: Style) -> bool:
        """Whether a formula has no stored value that can be believed; it is remembered then.

        Libraries that cannot compute store nothing, or 0 and the wish that everything be computed when it is opened.
        """
        text, group = element.text or "", element.get("si")
        down = right = 0
        if element.get("t") == "shared" and group is not None:
            if text:
                self._shared.setdefault(group, (text, self._row, column))
            elif group in self._shared:
                text, row, first = self._shared[group]
                down, right = self._row - row, column - first
        is_stored = kind == "str" if not raw else not (self._book.recalculates and raw == "0")
        if is_stored:
            return False
        if element.get("t") in ("array", "dataTable"):
            text = ""
        self._sheet.formulas[self._row, column] = Formula(text, style, down, right)
        return True

    def _style(self, index: str | None) -> Style:
        number = _int(index)
        styles = self._book.styles
        return styles[number] if number < len(styles) else styles[0]


def _int(value: str | None) -> int:
    text = (value or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _is_zero(width: str | None) -> bool:
    try:
        return width is not None and float(width) == 0
    except ValueError:
        return False
