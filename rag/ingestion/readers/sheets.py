"""Excel: every sheet as a person sees it, each row as a line in which every value stands after the name of its column.

Values are shown by their formats, merged cells fill their span, and what is hidden is left out and said.
"""

from collections import Counter

from rag.documents import Place
from rag.ingestion.readers.drawings import Drawn, drawn_on
from rag.ingestion.readers.formulas import Calculator
from rag.ingestion.readers.parsed import Pages, Parsed, require
from rag.ingestion.readers.tables import table_lines
from rag.ingestion.readers.visible_cells import counted, visible_cells
from rag.ingestion.readers.workbook import SheetPart, Workbook
from rag.ingestion.readers.worksheet import Worksheet, read_worksheet

MOST_ROWS = 100_000
MOST_CELLS = 1_500_000
_MOST_NAMES = 10


def read_xlsx(content: bytes, *, include_hidden: bool = False) -> Parsed:
    """All visible sheets, or all of them. Raises CannotRead."""
    require("docs", "lxml")
    return _Reading(Workbook(content), include_hidden=include_hidden).parsed()


class _Reading:
    def __init__(self, book: Workbook, *, include_hidden: bool) -> None:
        self._book, self._include_hidden = book, include_hidden
        self._sheets: dict[str, Worksheet] = {}
        self._cells_left = MOST_CELLS
        self._calculator = Calculator(self._sheet_named, is_1904=book.is_1904)
        self._notes: list[str] = []

    def parsed(self) -> Parsed:
        pages = Pages()
        hidden = [part.name for part in self._book.sheets if part.is_hidden]
        for part in self._book.sheets:
            if part.has_grid and (self._include_hidden or not part.is_hidden):
                self._sheet(part)
        for part in self._book.sheets:
            if self._include_hidden or not part.is_hidden:
                lines = self._lines(part)
                if lines:
                    pages.add(f"## {part.name}\n\n" + "\n".join(lines), Place("sheet", part.name))
        if hidden and not self._include_hidden:
            self._notes.append(f"{counted(len(hidden), 'hidden sheet')} left out: {_named(hidden)}")
        return pages.parsed(notes=self._notes)

    def _lines(self, part: SheetPart) -> list[str]:
        drawn = drawn_on(self._book, part.path)
        lines: list[str] = []
        if part.has_grid:
            sheet = self._sheet(part)
            self._calculator.fill(part.name, sheet)
            lines = self._grid_lines(part.name, sheet)
        self._note_drawn(part.name, drawn)
        return lines + list(drawn.texts)

    def _grid_lines(self, name: str, sheet: Worksheet) -> list[str]:
        if sheet.was_cut:
            self._notes.append(f"only the first {len(sheet.rows)} rows of the sheet {name} were read")
        hidden = not self._include_hidden
        waiting = [
            at
            for at in sheet.formulas
            if not (hidden and (at[0] in sheet.hidden_rows or at[1] in sheet.hidden_columns))
        ]
        seen = visible_cells(sheet, include_hidden=self._include_hidden)
        if seen.notes:
            self._notes.append(f"left out in the sheet {name}: {', '.join(seen.notes)}")
        if waiting:
            what = f"{counted(len(waiting), 'formula')} without a stored value in the sheet {name}"
            self._notes.append(f"{what}: open the file in Excel or WPS and save it")
        return table_lines(seen.rows)

    def _note_drawn(self, name: str, drawn: Drawn) -> None:
        if drawn.comments:
            self._notes.append(f"{counted(drawn.comments, 'comment')} left out in the sheet {name}")
        if drawn.pictures:
            self._notes.append(f"{counted(drawn.pictures, 'picture')} left out in the sheet {name}")
        if drawn.charts:
            titles = _named([title or "without a title" for title in drawn.charts])
            self._notes.append(f"{counted(len(drawn.charts), 'chart')} left out in the sheet {name}: {titles}")

    def _sheet(self, part: SheetPart) -> Worksheet:
        if part.name not in self._sheets:
            sheet = read_worksheet(self._book, part, most_rows=MOST_ROWS, most_cells=self._cells_left)
            self._cells_left -= sheet.cells()
            self._sheets[part.name] = sheet
        return self._sheets[part.name]

    def _sheet_named(self, name: str) -> Worksheet | None:
        """For formulas that refer to another sheet."""
        found = [part for part in self._book.sheets if part.name.lower() == name.lower() and part.has_grid]
        return self._sheet(found[0]) if found else None


def _named(names: list[str]) -> str:
    """The names, the first of them if there are many."""
    shown = [f"{name} ({count})" if count > 1 else name for name, count in Counter(names).items()]
    more = len(shown) - _MOST_NAMES
    return ", ".join(shown[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
