"""The tables of a sheet: found between empty rows and columns, with the lines above them, each row to stand alone.

A row becomes `- column：value；column：value`. A header of several rows is joined (住宿上限·旺季).
"""

from collections.abc import Iterator, Sequence

from rag.ingestion.readers.parsed import labelled, one_line
from rag.ingestion.readers.row_kinds import (
    distinct,
    is_line,
    is_lone_line,
    is_text,
    is_value,
    kind_of,
    names_attributes,
    names_columns,
    names_itself,
)
from rag.ingestion.readers.table_shapes import Header, body_lines, has_values, header_of, pairs_of, records_of, repeats
from rag.ingestion.readers.visible_cells import Row
from rag.ingestion.readers.worksheet import Cell

_SAMPLE = 40
_MOST_TITLE_CHARS = 40


def table_lines(rows: Sequence[Row]) -> list[str]:
    """All tables and lines of a sheet; an empty row ends a table unless what follows goes on with it."""
    sheet = _Sheet()
    for block in _blocks(rows):
        sheet.add(block)
    return sheet.lines


class _Sheet:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self._header = Header({})
        self._kinds: dict[int, set[str]] = {}
        self._texts: set[tuple[int, str]] = set()
        self._has_body = False
        self._last: Cell | None = None

    def add(self, block: Sequence[Row]) -> None:
        """The rows between two gaps."""
        while block:
            block = self._add_first(block)

    def _add_first(self, block: Sequence[Row]) -> Sequence[Row]:
        """The first table of a block; what is left of it."""
        start = _lines_above(block)
        self._add_lines(block[:start])
        rest = block[start:]
        if not rest:
            return ()
        if self._header.names and self._goes_on(rest, is_titled=start > 0):
            self._add_body(rest[1:] if repeats(self._header, rest[0]) else rest)
            return ()
        self._header, self._kinds, self._texts, self._has_body = Header({}), {}, set(), False
        if _width(rest) == 1:
            self.lines += _single(rest)
        elif (end := _end_of_form(rest)) and (lines := pairs_of(rest[:end])):
            self.lines += lines
            return rest[end:]
        elif (lines := pairs_of(rest) or records_of(rest)) is not None:
            self.lines += lines
        else:
            header = header_of(rest)
            end = _end_of(header, rest)
            self._add_table(header, rest[:end])
            return rest[end:]
        return ()

    def _add_table(self, header: Header, rows: Sequence[Row]) -> None:
        below = rows[header.rows :]
        if header.rows and not any(has_values(header, row) for row in below):  # none, at least so far
            self.lines.append("- " + labelled([], list(dict.fromkeys(header.names.values()))))
        self._header = header
        self._add_body(below)

    def _add_unused(self, names: dict[int, str]) -> None:
        """Names without a value below them; among them may be a remark beside the table."""
        remarks = [name for at, name in names.items() if at - 1 not in self._header.names or names_itself(name)]
        others = [name for name in names.values() if name and name not in remarks]
        self.lines += [each for each in [*remarks, labelled([], others)] if each]

    def _add_body(self, rows: Sequence[Row]) -> None:
        valued = [row for row in rows if has_values(self._header, row)]
        if not self._has_body and self._header.names and valued:
            self._drop_bare_header()
            below = {column for row in valued for column in row}
            self._add_unused({at: name for at, name in self._header.names.items() if at not in below})
        self._has_body = self._has_body or bool(valued)
        self.lines += body_lines(self._header, rows)
        for row in rows[:_SAMPLE]:
            for column, cell in row.items():
                self._kinds.setdefault(column, set()).add(kind_of(cell))
                self._texts.add((column, cell.text))

    def _drop_bare_header(self) -> None:
        bare = "- " + labelled([], list(dict.fromkeys(self._header.names.values())))
        if self.lines[-1:] == [bare]:
            self.lines.pop()

    def _add_lines(self, rows: Sequence[Row]) -> None:
        for row in rows:
            for cell in distinct(row):
                if cell is not self._last:
                    self.lines.append(one_line(cell.text))
                self._last = cell

    def _goes_on(self, rows: Sequence[Row], *, is_titled: bool) -> bool:
        """Whether rows after a gap belong to the table before it: they have no header of their own."""
        first, columns = rows[0], {column for row in rows for column in row}
        known = columns & set(self._header.names)
        if not names_columns(first):
            return 2 * len(known) > len(columns) and not _are_attributes(rows, columns)
        if known < columns:
            return False
        if repeats(self._header, first) or not self._has_body:
            return True
        if self._header.is_bold:
            return not all(cell.is_bold for cell in first.values())
        if is_titled or any(self._kinds.get(column) == {"value"} for column in first):
            return False
        return len(rows) == 1 or any((column, cell.text) in self._texts for column, cell in first.items())


def _blocks(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Rows between empty ones, and of those the parts beside each other."""
    block: list[Row] = []
    for row in [*rows, {}]:
        if row:
            block.append(row)
        elif block:
            yield from _beside(block)
            block = []


def _beside(block: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """The tables that stand beside each other, with an empty column between them; lines above all of them first."""
    start = next((index for index, row in enumerate(block) if len(distinct(row)) > 1), len(block))
    parts = _parts(block[start:])
    if len(parts) < 2:
        yield block
        return
    if start:
        yield block[:start]
    for first, last in parts:
        cut = [{column: cell for column, cell in row.items() if first <= column <= last} for row in block[start:]]
        yield from _blocks(cut)


def _parts(rows: Sequence[Row]) -> list[tuple[int, int]]:
    """First and last columns of what an empty column separates, if each part could be a table."""
    columns = sorted({column for row in rows for column in row})
    parts: list[tuple[int, int]] = []
    for column in columns:
        if parts and column == parts[-1][1] + 1:
            parts[-1] = (parts[-1][0], column)
        else:
            parts.append((column, column))
    for first, last in parts:
        inside = [row for row in rows if any(first <= column <= last for column in row)]
        if first == last or len(inside) < 2:
            return []
    return parts


def _lines_above(block: Sequence[Row]) -> int:
    """How many rows stand above a table: titles, units, and the like."""
    if _width(block) == 1:
        return 0
    for index, row in enumerate(block):
        cells = distinct(row)
        below = len(distinct(block[index + 1])) if index + 1 < len(block) else 0
        if len(cells) > 1 and not (is_line(row) and below >= len(cells)) and not _is_title(row, block[index + 1 :]):
            return index
    return len(block)


def _is_title(row: Row, below: Sequence[Row]) -> bool:
    """Whether a row of a few cells stands above a full header, as a title with a date at its right does."""
    if len(below) < 2 or 2 * len(row) > len(below[0]) or not names_columns(below[0]):
        return False
    texts = [cell.text for cell in distinct(below[0])]
    return len(set(texts)) == len(texts)


def _end_of(header: Header, rows: Sequence[Row]) -> int:
    """Where a line with another header below it begins the next table, without an empty row before it."""
    kinds: dict[int, set[str]] = {}
    for index in range(header.rows, len(rows) - 2 if header.names else 0):
        row, below, after = rows[index : index + 3]
        if index > header.rows and is_lone_line(row) and names_columns(below):
            columns = [
                at for at in below if kinds.get(at) == {"value"} and at in after and kind_of(after[at]) == "value"
            ]
            if columns and not any(is_value(below[at]) for at in columns):
                return index
        if len(row) > 1:
            for column, cell in row.items():
                kinds.setdefault(column, set()).add(kind_of(cell))
    return len(rows)


def _end_of_form(rows: Sequence[Row]) -> int:
    """Where what may be a form ends, because a line or a wider header follows; 0 where nothing does."""
    width = len(rows[0])
    for index, row in enumerate(rows[: _SAMPLE * 2]):
        if index > 1 and (is_lone_line(row) or (width == 2 < len(row) and names_columns(row))):
            return index
    return 0


def _are_attributes(rows: Sequence[Row], columns: set[int]) -> bool:
    """Whether they are the pairs of a form, such as 电话 and a number, rather than rows of a table."""
    first = min(columns)
    return len(columns) == 2 and names_attributes(row[first] for row in rows if first in row)


def _width(rows: Sequence[Row]) -> int:
    return len({column for row in rows for column in row})


def _single(rows: Sequence[Row]) -> list[str]:
    """One column: a list with a name above it, or lines."""
    cells = [next(iter(row.values())) for row in rows]
    texts = [one_line(cell.text) for cell in cells]
    below = cells[1:]
    is_named = len(cells) > 1 and is_text(cells[0]) and len(texts[0]) <= _MOST_TITLE_CHARS
    is_list = bool(below) and all(kind_of(cell) == "value" for cell in below)
    if is_named and (is_list or (cells[0].is_bold and not any(cell.is_bold for cell in below))):
        return ["- " + labelled([texts[0]], [text]) for text in texts[1:]]
    return texts
