"""CSV and TSV: which sign separates the columns is found out by trying; values stay as they are written."""

import csv
import io
import re
from collections import Counter
from itertools import islice
from typing import Literal

from rag.ingestion.readers.encoding import decode
from rag.ingestion.readers.parsed import MOST_CHARS, CannotRead, Parsed
from rag.ingestion.readers.tables import table_lines
from rag.ingestion.readers.visible_cells import Row
from rag.ingestion.readers.worksheet import LAST_COLUMN, Cell

MOST_ROWS = 100_000
_SAMPLE_CHARS, _SAMPLE_ROWS = 65_536, 60
_FEWEST_ROWS = 3
_DELIMITERS = ",\t;|，"
_NAMED = re.compile(r"sep=(.)\n")
_KEPT_AS_TEXT = re.compile(r'="(.*)"', re.DOTALL)

Quoting = Literal[0, 3]


def read_csv(content: bytes, fallback: str = ",") -> Parsed:
    """Columns separated by commas, semicolons, tabs or bars, in any Chinese encoding; `fallback` is the sign where that
    cannot be told.

    Raises CannotRead, Unreadable.
    """
    text = decode(content, "table").removeprefix("\ufeff")
    named = _NAMED.match(text)
    if named:
        text = text[named.end() :]
    delimiter = named[1] if named else _delimiter(text, fallback)
    csv.field_size_limit(MOST_CHARS)
    notes = []
    rows: list[Row] = []
    is_wide = False
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=_quoting(text, delimiter))
        for values in islice(reader, MOST_ROWS):
            rows.append(_row(values[:LAST_COLUMN]))
            is_wide = is_wide or len(values) > LAST_COLUMN
        if is_wide:
            notes.append(f"only the first {LAST_COLUMN} columns were read")
        if next(reader, None) is not None:
            notes.append(f"only the first {MOST_ROWS} rows were read")
    except csv.Error as error:
        raise CannotRead("is not a table that can be read") from error
    return Parsed("\n".join(table_lines(rows)), notes=tuple(notes))


def _row(values: list[str]) -> Row:
    cells = {}
    for column, value in enumerate(values, 1):
        text = value.strip()
        if text.startswith("=") and (kept := _KEPT_AS_TEXT.fullmatch(text)):
            text = kept[1]
        if text:
            cells[column] = Cell(text)
    return cells


def _quoting(text: str, delimiter: str) -> Quoting:
    """Whether quotes hold a field together; not where one is never closed, which would swallow all that follows."""
    try:
        for _ in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True):
            pass
    except csv.Error as error:
        return csv.QUOTE_NONE if "unexpected end" in str(error) else csv.QUOTE_MINIMAL
    return csv.QUOTE_MINIMAL


def _delimiter(text: str, fallback: str) -> str:
    """The sign that cuts most rows into the same number of columns, two or more."""
    sample = text[:_SAMPLE_CHARS]
    if len(text) > _SAMPLE_CHARS:
        sample = sample[: sample.rfind("\n") + 1] or sample
    best, most = fallback, 0.0
    for delimiter in sorted(_DELIMITERS, key=lambda each: each != fallback):
        score = _score(sample, delimiter)
        if score > most:
            best, most = delimiter, score
    return best


def _score(sample: str, delimiter: str) -> float:
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
    try:
        widths = [len(row) for row in islice(reader, _SAMPLE_ROWS) if any(row)]
    except csv.Error:
        return 0
    cut = Counter(width for width in widths if width > 1)
    if not cut:
        return 0
    width, count = max(cut.items(), key=lambda item: (item[1], item[0]))
    if delimiter == "，" and (count < len(widths) or count < _FEWEST_ROWS or "。\n" in sample):
        return 0  # sentences have them, too
    return count / len(widths) + min(width, 10) / 1000
