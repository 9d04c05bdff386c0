"""OpenDocument spreadsheets (.ods): the texts that the cells show, through the same rules as Excel's."""

from dataclasses import replace
from typing import Any

from rag.documents import Place
from rag.ingestion.readers.left_out import LeftOut
from rag.ingestion.readers.office_package import attribute, local, whole
from rag.ingestion.readers.open_document import (
    MOST_COLUMNS,
    MOST_REPEATED,
    OpenDocument,
    OpenTexts,
    cells_of,
    count_frame,
    hangs_on,
    rows_of,
)
from rag.ingestion.readers.parsed import Pages, Parsed, limited_depth, require
from rag.ingestion.readers.tables import table_lines
from rag.ingestion.readers.visible_cells import counted, visible_cells
from rag.ingestion.readers.worksheet import Cell, Kind, Worksheet

MOST_ROWS = 100_000
MOST_CELLS = 1_500_000
_KINDS: dict[str, Kind] = {
    "float": "number", "currency": "number", "percentage": "number", "date": "date", "time": "date", "boolean": "truth",
}  # fmt: skip
_HIDDEN = frozenset({"collapse", "filter"})


def read_ods(content: bytes, *, include_hidden: bool = False) -> Parsed:
    """All visible sheets, or all of them. Raises CannotRead."""
    require("docs", "lxml")
    with limited_depth():
        return _Reading(OpenDocument(content, "spreadsheet"), include_hidden=include_hidden).parsed()


class _Reading:
    def __init__(self, document: OpenDocument, *, include_hidden: bool) -> None:
        self._document, self._include_hidden = document, include_hidden
        self._left = LeftOut()
        self._texts = OpenTexts(document.styles, self._left, include_hidden=include_hidden)
        self._cells_left = MOST_CELLS
        self._notes: list[str] = []

    def parsed(self) -> Parsed:
        pages = Pages()
        hidden = []
        for table in self._document.body:
            if local(table) != "table":
                continue
            name = attribute(table, "name")
            if not self._include_hidden and self._is_hidden(table):
                hidden.append(name)
            elif lines := self._lines(table, name):
                pages.add(f"## {name}\n\n" + "\n".join(lines), Place("sheet", name))
        if hidden:
            names = "、".join(hidden[:10]) + (" …" if len(hidden) > 10 else "")
            self._notes.append(f"{counted(len(hidden), 'hidden sheet')} left out: {names}")
        return pages.parsed(self._document.title, [*self._notes, *self._left.notes()])

    def _is_hidden(self, table: Any) -> bool:
        return self._document.styles.property("table", attribute(table, "style-name"), "display") == "false"

    def _lines(self, table: Any, name: str) -> list[str]:
        sheet = self._sheet(table)
        if sheet.was_cut:
            self._notes.append(f"only the first {len(sheet.rows)} rows of the sheet {name} were read")
        seen = visible_cells(sheet, include_hidden=self._include_hidden)
        if seen.notes:
            self._notes.append(f"left out in the sheet {name}: {', '.join(seen.notes)}")
        return table_lines(seen.rows) + self._drawn(table)

    def _drawn(self, table: Any) -> list[str]:
        """OpenTexts of shapes that lie on the sheet, not in a cell."""
        shapes = [each for part in table if local(part) == "shapes" for each in hangs_on(part)]
        for shape in shapes:
            count_frame(shape, self._left)
        return [text for shape in shapes if (text := self._texts.plain(shape))]

    def _sheet(self, table: Any) -> Worksheet:
        sheet = Worksheet(hidden_columns=_hidden_columns(table))
        number = 0
        for row, _ in rows_of(table):
            times = max(whole(attribute(row, "number-rows-repeated"), 1), 1)
            cells = self._row(row, sheet, number + 1)
            for at in range(number + 1, number + 1 + min(times, MOST_REPEATED if cells else 0)):
                if len(sheet.rows) >= MOST_ROWS or self._cells_left < 0:
                    sheet.was_cut = True
                    return sheet
                sheet.rows[at] = {column: replace(cell) for column, cell in cells.items()}  # one object is one cell
                self._cells_left -= len(cells)
                if attribute(row, "visibility") in _HIDDEN:
                    sheet.hidden_rows.add(at)
            number += times
        return sheet

    def _row(self, row: Any, sheet: Worksheet, number: int) -> dict[int, Cell]:
        found: dict[int, Cell] = {}
        column = 1
        for element in cells_of(row):
            times = max(whole(attribute(element, "number-columns-repeated"), 1), 1)
            cell = self._cell(element)
            if cell is not None and local(element) == "table-cell":
                found |= dict.fromkeys(range(column, column + min(times, MOST_COLUMNS)), cell)
            wide = whole(attribute(element, "number-columns-spanned"), 1)
            tall = whole(attribute(element, "number-rows-spanned"), 1)
            if wide > 1 or tall > 1:
                sheet.merges.append((number, column, number + tall - 1, column + wide - 1))
            column += times
        return found

    def _cell(self, element: Any) -> Cell | None:
        for frame in hangs_on(element):
            count_frame(frame, self._left)
        self._left.add("comments", sum(local(each) == "annotation" for each in element))
        text = self._texts.plain(element)
        if not text:
            return None
        weight = self._document.styles.property("table-cell", attribute(element, "style-name"), "font-weight")
        return Cell(text, _KINDS.get(attribute(element, "value-type"), "text"), weight == "bold")


def _hidden_columns(table: Any) -> set[int]:
    found: set[int] = set()
    number = 1
    for column in table.iter("{*}table-column"):
        times = max(whole(attribute(column, "number-columns-repeated"), 1), 1)
        if attribute(column, "visibility") in _HIDDEN:
            found.update(range(number, number + min(times, MOST_COLUMNS)))
        number += times
    return found
