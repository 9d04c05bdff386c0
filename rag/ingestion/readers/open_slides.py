"""OpenDocument presentations (.odp): each slide with its title, its texts in the order of reading, and its notes."""

import re
from collections.abc import Iterator
from typing import Any

from rag.documents import Place
from rag.ingestion.readers.left_out import LeftOut
from rag.ingestion.readers.office_package import attribute, child, local
from rag.ingestion.readers.open_document import OpenDocument, OpenTexts, count_frame, paragraphs, table_markdown
from rag.ingestion.readers.parsed import Pages, Parsed, limited_depth, one_line, require
from rag.ingestion.readers.slide_text import Box, reading_order

_TITLES = frozenset({"title"})
_REPEATED = frozenset({"header", "footer", "date-time", "page-number"})
_NOT_SHAPES = frozenset({"notes", "animations", "par", "forms", "event-listeners", "glue-point"})
_LENGTH = re.compile(r"(-?[\d.]+)(cm|mm|in|pt|px)?")
_PER_UNIT = {"cm": 1000.0, "mm": 100.0, "in": 2540.0, "pt": 35.28, "px": 26.46}


def read_odp(content: bytes, *, include_hidden: bool = False) -> Parsed:
    """All slides that are shown. Raises CannotRead."""
    require("docs", "lxml")
    with limited_depth():
        return _Reading(OpenDocument(content, "presentation"), include_hidden=include_hidden).parsed()


class _Reading:
    def __init__(self, document: OpenDocument, *, include_hidden: bool) -> None:
        self._document, self._include_hidden = document, include_hidden
        self._left = LeftOut()
        self._texts = OpenTexts(document.styles, self._left, include_hidden=include_hidden)

    def parsed(self) -> Parsed:
        pages = Pages()
        slides = [page for page in self._document.body if local(page) == "page"]
        for number, page in enumerate(slides, start=1):
            if not self._include_hidden and self._is_hidden(page):
                self._left.add("slides")
                continue
            title, texts = self._slide(page)
            notes = self._notes(child(page, "notes"))
            pages.add("\n\n".join(filter(None, [f"## {title or number}", *texts, notes])), Place("slide", str(number)))
        return pages.parsed(self._document.title, self._left.notes())

    def _is_hidden(self, page: Any) -> bool:
        style = attribute(page, "style-name")
        return self._document.styles.property("drawing-page", style, "visibility") == "hidden"

    def _slide(self, page: Any) -> tuple[str, list[str]]:
        title = ""
        boxes = []
        for shape in page:
            kind = attribute(shape, "class")
            if local(shape) == "annotation":
                self._left.add("comments")
            elif kind in _REPEATED:
                self._left.add("footers", bool(self._texts.plain(shape)))
            elif kind in _TITLES and not title:
                title = self._texts.plain(shape)
            elif local(shape) not in _NOT_SHAPES and local(shape) and attribute(shape, "placeholder") != "true":
                boxes.append(_box(shape))
        return title, [text for box in reading_order(boxes) for text in self._shape(box.element) if text]

    def _shape(self, shape: Any) -> Iterator[str]:
        if local(shape) == "g":
            for box in reading_order([_box(each) for each in shape if local(each)]):
                yield from self._shape(box.element)
            return
        table = child(shape, "table")
        if table is not None:
            yield table_markdown(table, self._texts.plain)
            return
        count_frame(shape, self._left)
        lines = []
        for paragraph in paragraphs(shape):
            line = self._texts.line(paragraph)
            lines += [one_line(line.text), *map(self._texts.plain, line.frames)]
        lines = list(filter(None, lines))
        yield "\n".join(f"- {line}" for line in lines) if len(lines) > 1 else "".join(lines)

    def _notes(self, notes: Any) -> str:
        if notes is None:
            return ""
        frames = [frame for frame in notes if attribute(frame, "class") == "notes"]
        shown = [frame for frame in frames if attribute(frame, "placeholder") != "true"]
        return "\n".join(filter(None, map(self._texts.plain, shown)))


def _box(shape: Any) -> Box:
    top, left, height = (_length(attribute(shape, name)) for name in ("y", "x", "height"))
    if not top and local(shape) == "g":
        inner = [_box(each) for each in shape if attribute(each, "y")]
        return Box(shape, min((box.top for box in inner), default=0), min((box.left for box in inner), default=0))
    return Box(shape, top, left, height)


def _length(text: str) -> int:
    """A length in hundredths of a millimetre times ten; 0 where none is written."""
    match = _LENGTH.match(text)
    try:
        return int(float(match[1]) * _PER_UNIT.get(match[2] or "", 1.0)) if match else 0
    except ValueError:
        return 0
