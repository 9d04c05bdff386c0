"""The whole tables of a document, put together again from its chunks, which tile its text. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rag.documents import Chunk, Place
from rag.tables.cells import amount_of
from rag.tables.lines import Line, Rows, is_bar_row, is_row, rows_of
from rag.tables.table import Table, columns_of, divided

MOST_CAPTION_CHARS = 60
MOST_COLUMNS = 200
_UNIT = re.compile(r"(?:单位|unit|currency)s?\s*[:：]\s*([^\s,，;；()（）]{1,8})", re.IGNORECASE)


@dataclass(slots=True)
class _Part:
    """Neighbouring rows, with the lines above them."""

    chunk: Chunk
    lines: list[Line] = field(default_factory=list)
    above: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Found:
    """A table in the making; `captions` are those of its parts, by row."""

    part: _Part
    rows: Rows
    captions: list[str]
    is_first: bool
    """Whether nothing stands before it on its page."""


def tables_of(chunks: Sequence[Chunk], cut: str = "") -> tuple[Table, ...]:
    """The tables of a document, in order. `chunks` are all of it; `cut` says which rows were not read."""
    found: list[_Found] = []
    for texts in _segments(sorted(chunks, key=lambda chunk: chunk.start)):
        is_first = True
        for part in _parts(texts):
            for rows in rows_of(part.lines):
                _add(found, _Found(part, rows, [_caption(part.above)] * len(rows.cells), is_first))
                is_first = False
            is_first = False
    tables = [_table(each, cut) for each in found]
    return tuple(table for table in tables if table is not None)


def _segments(chunks: Sequence[Chunk]) -> Iterator[list[Chunk]]:
    """Chunks under the same headings, on the same page or sheet."""
    same: list[Chunk] = []
    for chunk in chunks:
        if same and _where(chunk) != _where(same[-1]):
            yield same
            same = []
        same.append(chunk)
    if same:
        yield same


def _where(chunk: Chunk) -> tuple[tuple[str, ...], Place | None]:
    """What a table does not go beyond. Records are places, too, and each a row of one table."""
    is_paged = chunk.place is not None and chunk.place.kind in ("page", "slide", "sheet")
    return chunk.headings, chunk.place if is_paged else None


def _parts(chunks: Sequence[Chunk]) -> Iterator[_Part]:
    """Runs of rows, each with the lines since the one before."""
    above: list[str] = []
    part: _Part | None = None
    for chunk, at, line in _lines(chunks):
        body = line.strip()
        if not body:
            continue
        if not is_row(body):
            if part is not None:
                yield part
                part, above = None, []
            above.append(body)
            continue
        if part is not None and is_bar_row(part.lines[-1][1]) != is_bar_row(body):
            yield part
            part, above = None, []
        if part is None:
            part = _Part(chunk, above=above)
        part.lines.append((at, body))
    if part is not None:
        yield part


def _lines(chunks: Sequence[Chunk]) -> Iterator[tuple[Chunk, int, str]]:
    """The lines of chunks without what they overlap, each with its chunk and its place in the document."""
    pending: tuple[Chunk, int, str] | None = None
    end = 0
    for chunk in chunks:
        overlap = max(0, end - chunk.start) if pending is not None else 0
        text = chunk.text[overlap:]
        if not text:
            continue
        at = chunk.start + overlap
        goes_on = pending is not None and _goes_on(pending[2], text, at - end)
        end = max(end, chunk.end)
        for number, line in enumerate(text.split("\n")):
            if number == 0 and goes_on and pending is not None:
                joint = " " if chunk.start + overlap > pending[1] + len(pending[2]) else ""
                pending = (pending[0], pending[1], pending[2] + joint + line)
            else:
                if pending is not None:
                    yield pending
                pending = (chunk, at, line)
            at += len(line) + 1
    if pending is not None:
        yield pending


def _goes_on(last: str, text: str, gap: int) -> bool:
    """Whether a chunk goes on in the middle of a row that was too long for the one before. What was between them was
    space, and is gone: a line's end, unless the next begins as no row does."""
    if gap <= 0:
        return not last.endswith("\n") and not (is_row(text.split("\n", 1)[0].strip()) and last.endswith("|"))
    return gap == 1 and last.startswith(("- ", "|")) and not text.startswith(("- ", "|"))


def _add(found: list[_Found], new: _Found) -> None:
    """A table, or more rows of the one before: under a line of their own, or on the next page."""
    last = found[-1] if found else None
    if last is None or last.rows.names != new.rows.names or not _follows(last, new):
        found.append(new)
        return
    rows = Rows(last.rows.names, last.rows.cells + new.rows.cells, last.rows.places + new.rows.places)
    found[-1] = _Found(last.part, rows, last.captions + new.captions, last.is_first)


def _follows(last: _Found, new: _Found) -> bool:
    one, other = last.part.chunk, new.part.chunk
    if _where(one) == _where(other):
        return True
    is_page = one.place is not None and one.place.kind == "page" and other.place is not None
    return is_page and new.is_first and not new.part.above


def _caption(above: Sequence[str]) -> str:
    """The line above that names a table."""
    named = [line.lstrip("#*_ ").rstrip("*_ ") for line in above if not _UNIT.match(line.lstrip("(（"))]
    return named[-1] if named and len(named[-1]) <= MOST_CAPTION_CHARS else ""


def _table(found: _Found, cut: str) -> Table | None:
    names, cells = found.rows.names, found.rows.cells
    if len(names) > MOST_COLUMNS or 2 * sum(amount_of(name) is not None for name in names) > len(names):
        return None
    caption = found.captions[0]
    if len(set(found.captions)) > 1:  # the lines between its parts say something of the rows below them
        names = (*names, "")
        cells = tuple((*row, caption) for row, caption in zip(cells, found.captions, strict=True))
        caption = ""
    body, totals = divided(list(cells))
    unit = next((match[1] for line in reversed(found.part.above) if (match := _UNIT.search(line))), "")
    rows = tuple(body)
    return Table(
        first=found.part.chunk,
        caption=caption,
        names=names,
        rows=rows,
        totals=tuple(totals),
        start=found.rows.places[0],
        end=found.rows.places[-1],
        cut=cut,
        has_bars=is_bar_row(found.part.lines[0][1]),
        columns=columns_of(names, rows, unit),
    )
