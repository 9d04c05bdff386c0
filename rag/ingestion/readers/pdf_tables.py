"""Ruled tables of a PDF page: where their lines are by pdfplumber, their words by the page's own characters."""

import io
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Any, NamedTuple

from rag.ingestion.readers.parsed import markdown_table
from rag.ingestion.readers.pdf_characters import Box, Character, Sheet
from rag.ingestion.readers.pdf_layout import text_in

LEAST_LINES = 4
MOST_LINES = 20_000
MOST_CELLS = 20_000
MOST_TABLES = 60
"""On a page."""
_MOST_LOOKS = 30_000_000


class RuledTable(NamedTuple):
    """A table as Markdown and where it stands."""

    box: Box
    text: str


class TableFinder:
    """Finds the tables of one file. Close it."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._plumber: Any = None
        self.failed = 0
        """Pages whose lines could not be looked at."""

    def close(self) -> None:
        """Give back what it holds."""
        if self._plumber is not None:
            self._plumber.close()

    def tables(self, page: Any, sheet: Sheet, number: int, characters: Sequence[Character]) -> list[RuledTable]:
        """The tables of a page, from the top; each cell that is merged fills its places."""
        lines = _count_lines(page)
        if lines < LEAST_LINES:
            return []
        if lines > MOST_LINES:
            self.failed += 1
            return []
        try:
            found = self._found(number, sheet)
        except Exception:  # pdfminer fails in many ways on what pdfium reads; the page's text is read all the same
            self.failed += 1
            return []
        if sum(len(row) for _, rows in found for row in rows) * len(characters) > _MOST_LOOKS:
            self.failed += 1
            return []
        tables = [RuledTable(box, markdown_table(_filled(cells, characters))) for box, cells in found]
        return sorted((table for table in tables if table.text), key=lambda table: table.box[1])

    def _found(self, number: int, sheet: Sheet) -> list[tuple[Box, list[list[Box | None]]]]:
        import pdfplumber

        if self._plumber is None:
            self._plumber = pdfplumber.open(io.BytesIO(self._content))
        page = self._plumber.pages[number - 1]
        try:
            shift_left, shift_top = page.bbox[0] + sheet.cut[0], page.bbox[1] + sheet.cut[1]
            found = []
            for table in page.find_tables():
                rows = [[_shifted(cell, shift_left, shift_top) for cell in row.cells] for row in table.rows]
                if len(rows) > 1 and max(map(len, rows)) > 1 and sum(map(len, rows)) <= MOST_CELLS:
                    box = _shifted(table.bbox, shift_left, shift_top)
                    found += [(box, rows)] if box is not None else []
            return found[:MOST_TABLES]
        finally:
            page.close()


def _shifted(box: Box | None, left: float, top: float) -> Box | None:
    return None if box is None else (box[0] - left, box[1] - top, box[2] - left, box[3] - top)


def _filled(rows: list[list[Box | None]], characters: Sequence[Character]) -> list[list[str]]:
    """The cells' words; a place that another cell covers has that one's."""
    boxes = [box for row in rows for box in row if box is not None]
    left, right = min(box[0] for box in boxes), max(box[2] for box in boxes)
    top, bottom = min(box[1] for box in boxes), max(box[3] for box in boxes)
    inside = [
        each for each in characters if left <= each.right and each.left <= right and top <= each.bottom <= bottom + 9
    ]
    by_height = sorted(((each.top + each.bottom) / 2, at) for at, each in enumerate(inside))
    texts: dict[Box, str] = {}
    for cell in boxes:
        near = by_height[bisect_left(by_height, (cell[1], 0)) : bisect_right(by_height, (cell[3], len(inside)))]
        texts[cell] = text_in([inside[at] for at in sorted(at for _, at in near)], cell)
    columns = _edges(rows)
    found: list[list[str]] = []
    for row in rows:
        heights = [box for box in row if box is not None]
        middle = min((box[1] + min(box[3], box[1] + 4)) / 2 for box in heights) if heights else None
        line = []
        for column, box in enumerate(row):
            if box is None and middle is not None and column in columns:
                place = columns[column]
                box = next((each for each in boxes if _holds(each, place, middle)), None)
            line.append("" if box is None else texts[box])
        found.append(line)
    return found


def _edges(rows: list[list[Box | None]]) -> dict[int, float]:
    """A place inside each column: just right of where the narrowest of its cells begins."""
    found: dict[int, float] = {}
    for column in range(max(map(len, rows))):
        cells = [box for row in rows if column < len(row) and (box := row[column]) is not None]
        if cells:
            found[column] = min(cells, key=lambda box: box[2] - box[0])[0] + 1
    return found


def _holds(box: Box, x: float, y: float) -> bool:
    return box[0] < x < box[2] and box[1] < y < box[3]


def _count_lines(page: Any) -> int:
    """How many vector paths there are, for the rules of a table."""
    import pypdfium2.raw as raw

    count = 0
    for count, _ in enumerate(page.get_objects(filter=[raw.FPDF_PAGEOBJ_PATH], max_depth=3), start=1):
        if count > MOST_LINES:
            break
    return count
