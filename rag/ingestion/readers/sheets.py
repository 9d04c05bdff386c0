"""Excel and CSV: each row as one line in which every value stands after the name of its column."""

import csv
import datetime
import io
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from rag.documents import Place
from rag.ingestion.readers.encoding import decode
from rag.ingestion.readers.parsed import CannotRead, Pages, Parsed, labelled_rows, require

MOST_ROWS = 100_000


def read_xlsx(content: bytes) -> Parsed:
    """All visible sheets. Raises CannotRead."""
    require("docs", "openpyxl")
    import zipfile

    import openpyxl

    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    except (KeyError, ValueError, OSError, zipfile.BadZipFile) as error:
        raise CannotRead("is not an Excel file that can be opened") from error
    pages = Pages()
    notes = []
    for sheet in book.worksheets:
        if sheet.sheet_state != "visible":
            continue
        lines = labelled_rows(_values(sheet))
        if (sheet.max_row or 0) > MOST_ROWS:
            notes.append(f"only the first {MOST_ROWS} rows of the sheet {sheet.title} were read")
        if lines:
            pages.add(f"## {sheet.title}\n\n" + "\n".join(lines), Place("sheet", sheet.title))
    book.close()
    return pages.parsed(notes=notes)


def read_csv(content: bytes, fallback: str = "excel") -> Parsed:
    """Comma, semicolon or tab separated, in any Chinese encoding; `fallback` is the dialect where that cannot be told.

    Raises CannotRead, Unreadable.
    """
    text = decode(content, "table")
    try:
        dialect: Any = csv.Sniffer().sniff(text[:8192], delimiters=",;\t|，")
    except csv.Error:
        dialect = fallback
    try:
        rows = list(islice(csv.reader(io.StringIO(text), dialect), MOST_ROWS))
    except csv.Error as error:
        raise CannotRead("is not a table that can be read") from error
    return Parsed("\n".join(labelled_rows(rows)))


def _values(sheet: Any) -> Iterator[Sequence[object]]:
    for row in islice(sheet.iter_rows(values_only=True), MOST_ROWS):
        yield [_value(value) for value in row]


def _value(value: object) -> object:
    if isinstance(value, datetime.datetime):
        is_day = (value.hour, value.minute, value.second) == (0, 0, 0)
        return value.date().isoformat() if is_day else value.isoformat(" ", "minutes")
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, float):
        return f"{value:.10g}"
    return value
