"""CSV that a spreadsheet shows and does not run: the one way in which cells of people's words leave as CSV."""

import csv
import io
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

FORMULA = frozenset("=+-@−")
"""What begins a formula, also in its full-width and small forms, which spreadsheets fold (NFKC)."""
_UNSEEN = frozenset("CZM")
"""Major Unicode categories that a reader does not see and a spreadsheet may skip: controls, spaces, combining marks."""
_SPLITTING = ("\t", "\r", "\n")


def csv_text(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """RFC 4180 with every cell in quotation marks. None is an empty cell."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow([cell(name) for name in header])
    writer.writerows([cell(value) for value in row] for row in rows)
    return out.getvalue()


def cell(value: Any) -> Any:
    """The value; a text that a spreadsheet would take for a formula gets an apostrophe before it, which spreadsheets
    read as "this is text". Numbers stay numbers."""
    if not isinstance(value, str):
        return "" if value is None else value
    text = value.replace("\x00", "")
    return f"'{text}" if begins_formula(text) else text


def begins_formula(text: str) -> bool:
    """Whether the first character that is seen may begin a formula, or the text begins with what splits cells."""
    if text.startswith(_SPLITTING):
        return True
    seen = next((sign for sign in text if unicodedata.category(sign)[0] not in _UNSEEN), "")
    return bool(seen) and unicodedata.normalize("NFKC", seen)[:1] in FORMULA
