"""Tables of web pages as Markdown in which each row stands alone: spans are filled, headers of several rows joined."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rag.ingestion.readers.parsed import labelled, markdown_table, one_line

MOST_SPAN = 1000
MOST_FILLED = 200_000
"""Cells of one table that spans may fill, and a fifth of the characters of a page."""
_MARK = re.compile("\ue0d8(\\d+)\ue0d8")
_HEADINGS = ["h1", "h2", "h3", "h4", "h5", "h6"]


@dataclass(frozen=True, slots=True)
class _Table:
    title: str
    header: list[str]
    rows: list[list[str]]
    has_names: bool
    """Whether the page itself marks the header."""

    def markdown(self) -> str:
        """Below its title."""
        return "\n\n".join(filter(None, (self.title, markdown_table([self.header, *self.rows]))))

    def in_a_cell(self) -> str:
        """On one line, for a cell of another table."""
        if self.has_names and self.rows:
            lines = [labelled(self.header, row) for row in self.rows]
        else:
            lines = [" ".join(filter(None, row)) for row in (self.header, *self.rows)]
        return "；".join(filter(None, (self.title, *lines)))


@dataclass(slots=True)
class _Cell:
    text: str
    width: int
    height: int
    is_header: bool


@dataclass(slots=True)
class HtmlTables:
    """Takes the tables out of a page, innermost first, and puts them back as Markdown when it has been converted."""

    converted: Callable[[Any], str]
    """An element's content as Markdown."""
    notes: list[str] = field(default_factory=list)
    _tables: list[_Table] = field(default_factory=list)
    _filled: int = 0

    def take(self, soup: Any) -> None:
        """Every table of the page becomes a mark; a table that only arranges the page becomes its parts."""
        for table in reversed(soup.find_all("table")):
            rows = [(row, row.find_all(["td", "th"])) for row in table.find_all("tr")]
            while rows and not rows[0][1]:
                rows.pop(0)
            if not rows or _is_layout(table, [cells for _, cells in rows]):
                _dissolve(table)
                continue
            mark = soup.new_tag("p")
            mark.string = f"\ue0d8{len(self._tables)}\ue0d8"
            self._tables.append(self._read(table, rows))
            table.replace_with(mark)

    def put_back(self, text: str) -> str:
        """The page's Markdown with its tables in place of their marks."""
        return _MARK.sub(lambda match: f"\n\n{self._tables[int(match.group(1))].markdown()}\n\n", text)

    def _read(self, table: Any, rows: list[tuple[Any, list[Any]]]) -> _Table:
        caption = table.find("caption")
        title = [self._text(caption)] if caption else []
        read = [[self._cell(cell) for cell in cells] for _, cells in rows]
        groups = [id(row.parent) for row, _ in rows]
        self._without_huge_spans(read)
        grid = self._grid(read, groups)
        columns = max(map(len, grid))
        while len(grid) > 1 and columns > 1 and len(read[0]) == 1 and read[0][0].width >= columns:
            title.append(read.pop(0)[0].text)  # one cell across the table, above its header
            grid.pop(0)
            rows.pop(0)
        for cells, line in zip(read, grid, strict=True):
            if len(cells) == 1 and cells[0].width > 1 and cells[0].width >= columns:
                line[1:] = [""] * (len(line) - 1)
        depth, has_names = _header_rows(rows, read)
        header = [_joined(column) for column in _columns(grid[:depth], columns)]
        return _Table(" ".join(filter(None, title)), header, grid[depth:], has_names)

    def _cell(self, cell: Any) -> _Cell:
        return _Cell(self._text(cell), _span(cell, "colspan"), _span(cell, "rowspan"), cell.name == "th")

    def _text(self, element: Any) -> str:
        element.name = "div"
        text = _MARK.sub(lambda match: self._tables[int(match.group(1))].in_a_cell(), self.converted(element))
        return one_line(text)

    def _grid(self, rows: list[list[_Cell]], groups: list[int]) -> list[list[str]]:
        """Rows of equal meaning: what spans several places stands in each of them. A span ends with its group."""
        grid: list[list[str]] = []
        open_spans: dict[int, tuple[int, str]] = {}
        for number, cells in enumerate(rows):
            if number and groups[number] != groups[number - 1]:
                open_spans.clear()
            line: list[str] = []
            for cell in cells:
                self._from_above(line, open_spans)
                for _ in range(cell.width):
                    if cell.height > 1:
                        open_spans[len(line)] = (cell.height - 1, cell.text)
                    line.append(cell.text)
            self._from_above(line, open_spans)
            grid.append(line)
        return grid

    def _from_above(self, line: list[str], open_spans: dict[int, tuple[int, str]]) -> None:
        while (column := len(line)) in open_spans:
            left, text = open_spans.pop(column)
            if left > 1:
                open_spans[column] = (left - 1, text)
            self._filled += len(text)
            line.append(text if self._filled <= 5 * MOST_FILLED else self._not_filled())

    def _without_huge_spans(self, rows: list[list[_Cell]]) -> None:
        """Spans that would make a table many times as large as it is are left as they stand."""
        area = sum(cell.width * min(cell.height, len(rows) - at) for at, cells in enumerate(rows) for cell in cells)
        width = max(sum(cell.width for cell in cells) for cells in rows)
        if max(area, width * len(rows)) > MOST_FILLED + 4 * sum(map(len, rows)):
            for cell in (cell for cells in rows for cell in cells):
                cell.width = cell.height = 1
            self._not_filled()

    def _not_filled(self) -> str:
        note = "has tables with merged cells that span too many places; some of these were left empty"
        if note not in self.notes:
            self.notes.append(note)
        return ""


def _span(cell: Any, name: str) -> int:
    """How many places a cell takes; `rowspan=0` is all that are left."""
    match = re.match(r"\s*(\d{1,6})", str(cell.get(name, "1")))
    number = int(match.group(1)) if match else 1
    if number == 0 and name == "rowspan":
        return 65_535
    return max(1, min(number, MOST_SPAN if name == "colspan" else 65_535))


def _is_layout(table: Any, rows: list[list[Any]]) -> bool:
    """Whether a table only arranges the page: marked so, or with headings or tables in a single row or column."""
    if str(table.get("role", "")).lower() in ("presentation", "none"):
        return True
    if table.find("th"):
        return False
    rows = list(filter(None, rows))
    if len(rows) == 1 or max(map(len, rows)) == 1:
        return bool(table.find([*_HEADINGS, "p", "ul", "ol", "pre", "div"])) or sum(map(len, rows)) == 1
    return bool(table.find(_HEADINGS)) or len(_MARK.findall(table.get_text())) * 2 >= len(rows)


def _dissolve(table: Any) -> None:
    for part in table.find_all(["tr", "td", "th", "tbody", "thead", "tfoot", "caption", "colgroup"]):
        part.name = "div"
    table.name = "div"


def _header_rows(rows: list[tuple[Any, list[Any]]], read: list[list[_Cell]]) -> tuple[int, bool]:
    """How many rows at the top name the columns, and whether the page says so."""
    depth = 0
    for (row, _), cells in zip(rows, read, strict=True):
        if row.parent.name != "thead" and not (cells and all(cell.is_header for cell in cells)):
            break
        depth += 1
    first = read[0]
    spanned = max(cell.height for cell in first)
    if any(cell.width > 1 for cell in first) and 1 < spanned < len(read) and spanned <= 4:
        return max(depth, spanned), True
    return (min(depth, len(read)), True) if depth else (1, False)


def _columns(rows: list[list[str]], count: int) -> list[list[str]]:
    return [[row[column] if column < len(row) else "" for row in rows] for column in range(count)]


def _joined(names: list[str]) -> str:
    return " / ".join(dict.fromkeys(filter(None, names)))
