"""What lies on a sheet of an Excel file rather than in its cells: text boxes, charts, pictures, comments."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from rag.ingestion.readers.office_package import local, reference
from rag.ingestion.readers.parsed import CannotRead, one_line
from rag.ingestion.readers.workbook import Workbook

_MOST_COUNTED = 1000


@dataclass(slots=True)
class Drawn:
    """Texts that are read; the titles of charts ("" for one without), and how many pictures and comments there are."""

    texts: list[str] = field(default_factory=list)
    charts: list[str] = field(default_factory=list)
    pictures: int = 0
    comments: int = 0


def drawn_on(book: Workbook, path: str) -> Drawn:
    """What lies on the sheet with this path. A damaged drawing is as good as none."""
    drawn = Drawn()
    threads = 0
    try:
        for kind, part in book.related(path).values():
            if kind == "comments":
                drawn.comments += sum(1 for _ in book.elements(part, "comment"))
            elif kind == "threadedComment":
                threads += sum(1 for _ in book.elements(part, "threadedComment"))
            elif kind == "drawing":
                _read_drawing(book, part, drawn)
    except CannotRead:
        pass
    drawn.comments = max(drawn.comments, threads)
    return drawn


def _read_drawing(book: Workbook, path: str, drawn: Drawn) -> None:
    related = book.related(path)
    for anchor in book.elements(path, "twoCellAnchor", "oneCellAnchor", "absoluteAnchor"):
        for element in anchor.iter():
            tag = local(element)
            if tag == "txBody":
                drawn.texts += _paragraphs(element)
            elif tag == "pic":
                drawn.pictures += 1
            elif tag == "chart" and len(drawn.charts) < _MOST_COUNTED:
                kind, part = related.get(reference(element), ("", ""))
                drawn.charts += [_title(book, part)] if kind.startswith("chart") else []


def _paragraphs(body: Any) -> Iterator[str]:
    for paragraph in body.iter("{*}p"):
        text = one_line("".join(part.text or "" for part in paragraph.iter("{*}t")))
        if text:
            yield text


def _title(book: Workbook, path: str) -> str:
    """The title of a chart; those of its axes are further down."""
    for element in book.elements(path, "title", "plotArea"):
        if local(element) == "plotArea":
            return ""
        return one_line("".join(part.text or "" for part in element.iter("{*}t", "{*}v")))
    return ""
