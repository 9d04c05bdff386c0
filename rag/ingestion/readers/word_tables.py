"""Word's tables: which cells there are once changes are accepted, and rows that can each stand alone."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rag.ingestion.readers.left_out import LeftOut
from rag.ingestion.readers.office_package import attribute, child, is_on, local, value, whole
from rag.ingestion.readers.parsed import markdown_table, one_line
from rag.ingestion.readers.word_text import Story

MOST_COLUMNS = 63
"""Word's own limit."""
MOST_NESTED_CELLS = 20
"""A table in a cell that has more is read as a table of its own."""
_MOST_HEADER_ROWS = 3


@dataclass(slots=True)
class Cell:
    """A cell at its place; `is_below` goes on from the row above, `is_beside` from the cell before."""

    element: Any
    column: int
    span: int
    is_below: bool = False
    is_beside: bool = False
    text: str = ""


@dataclass(slots=True)
class Row:
    """A row, and whether it is said to be repeated on top of every page."""

    cells: list[Cell]
    is_header: bool


@dataclass(slots=True)
class Grid:
    """The rows of a table that are shown."""

    rows: list[Row]

    @property
    def columns(self) -> int:
        """How many there are."""
        return max((cell.column + cell.span for row in self.rows for cell in row.cells), default=0)


def grid(table: Any, story: Story, left: LeftOut, *, include_hidden: bool) -> Grid:
    """The rows and cells of a table, without those that changes delete."""
    rows = []
    for row in story.shown(table):
        if local(row) != "tr":
            continue
        properties = child(row, "trPr")
        if child(properties, "del") is not None:
            left.add("deleted")
        elif not include_hidden and _says(properties, "hidden"):
            left.add("rows")
        else:
            rows.append(Row(_cells(row, properties, story), _says(properties, "tblHeader")))
    return Grid([row for row in rows if row.cells])


def _says(properties: Any, name: str) -> bool:
    found = child(properties, name)
    return found is not None and is_on(attribute(found, "val", "1"))


def _cells(row: Any, properties: Any, story: Story) -> list[Cell]:
    column = min(max(whole(value(properties, "gridBefore")), 0), MOST_COLUMNS)
    cells = []
    for element in story.shown(row):
        own = child(element, "tcPr")
        if local(element) != "tc" or child(own, "cellDel") is not None:
            continue
        span = min(max(whole(value(own, "gridSpan"), 1), 1), MOST_COLUMNS)
        below, beside = child(own, "vMerge"), child(own, "hMerge")
        cells.append(Cell(element, column, span, _goes_on(below), _goes_on(beside)))
        column += span
    return cells


def _goes_on(merge: Any) -> bool:
    return merge is not None and attribute(merge, "val", "continue") == "continue"


def fill(table: Grid, read: Callable[[Any], str]) -> None:
    """Read every cell that is shown, in order; one that is merged away has the text of where its merge begins."""
    above: dict[int, Cell] = {}
    for row in table.rows:
        before: Cell | None = None
        here: dict[int, Cell] = {}
        for cell in row.cells:
            origin = above.get(cell.column) if cell.is_below else before if cell.is_beside else None
            cell.text = one_line(read(cell.element)) if origin is None else origin.text
            cell.is_below, cell.is_beside = cell.is_below and origin is not None, cell.is_beside and origin is not None
            before = here[cell.column] = cell
        above = here


def table_text(table: Grid) -> str:
    """A filled table as Markdown; rows over the whole width above it stand before it as lines."""
    columns = table.columns
    rows = list(table.rows)
    captions = []
    while len(rows) > 1 and _is_whole(rows[0], columns):
        captions.append(rows.pop(0).cells[0].text)
    depth = _header_depth(rows, columns)
    header = [_joined([_texts(row, columns)[at] for row in rows[:depth]]) for at in range(columns)]
    body = [_texts(row, columns) for row in rows[depth:]]
    return "\n\n".join(filter(None, [*captions, markdown_table([header, *body])]))


def flat_text(table: Grid) -> str:
    """A filled table in a cell of another, on one line."""
    rows = [" ".join(cell.text for cell in row.cells if cell.text and not cell.is_beside) for row in table.rows]
    return "；".join(filter(None, rows))


def _is_whole(row: Row, columns: int) -> bool:
    """Whether a row is one cell over the whole width."""
    begin = [cell for cell in row.cells if not cell.is_beside]
    return columns > 1 and len(begin) == 1 and sum(cell.span for cell in row.cells) >= columns


def _texts(row: Row, columns: int) -> list[str]:
    texts = [""] * columns
    if _is_whole(row, columns):
        return [row.cells[0].text, *texts[1:]]
    for cell in row.cells:
        for at in range(cell.column, min(cell.column + cell.span, columns)):
            texts[at] = cell.text
    return texts


def _joined(texts: list[str]) -> str:
    found: list[str] = []
    for text in texts:
        if text and text not in found:
            found.append(text)
    return " ".join(found)


def _header_depth(rows: list[Row], columns: int) -> int:
    """How many rows name the columns: those that say so, or two where the first one has names over several columns."""
    said = 0
    while said < len(rows) and rows[said].is_header:
        said += 1
    if said:
        return said if said < len(rows) else 1
    if len(rows) < 3 or not any(cell.span > 1 for cell in rows[0].cells) or _is_whole(rows[0], columns):
        return 1
    depth = 1
    while depth < min(len(rows) - 1, _MOST_HEADER_ROWS) and _names_columns(rows[0], rows[depth]):
        depth += 1
    return depth


def _names_columns(first: Row, row: Row) -> bool:
    """Whether a row only divides the wide cells of the first: all others go on from above, or are empty."""
    wide = {at for cell in first.cells if cell.span > 1 for at in range(cell.column, cell.column + cell.span)}
    others = [cell for cell in row.cells if cell.column not in wide]
    return bool(others) and all(cell.is_below or not cell.text for cell in others)
