"""OpenDocument texts (.odt): what LibreOffice shows with all changes accepted, each thing once."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from rag.ingestion.readers.left_out import LeftOut
from rag.ingestion.readers.numbering_formats import formatted
from rag.ingestion.readers.office_package import attribute, child, local, whole
from rag.ingestion.readers.open_document import (
    OpenDocument,
    OpenTexts,
    count_frame,
    is_numbered,
    paragraphs,
    table_markdown,
)
from rag.ingestion.readers.parsed import Parsed, limited_depth, one_line, require, unlinked
from rag.ingestion.readers.word_blocks import MOST_HEADING_CHARS

_FORMATS = {
    "1": "decimal", "a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman",
    "一": "chineseCountingThousand", "壹": "chineseLegalSimplified", "甲": "ideographTraditional",
    "子": "ideographZodiac", "①": "decimalEnclosedCircle",
}  # fmt: skip
_INDEXES = frozenset({"table-of-content", "illustration-index", "table-index", "object-index", "user-index"})
_THROUGH = frozenset({"section", "index-body", "alphabetical-index", "bibliography", "text-box", "index-title"})
_HEADERS = ("header", "header-first", "header-left")
_FOOTERS = ("footer", "footer-first", "footer-left")


def read_odt(content: bytes, *, include_hidden: bool = False) -> Parsed:
    """The whole document. Raises CannotRead."""
    require("docs", "lxml")
    with limited_depth():
        return _Reading(OpenDocument(content, "text"), include_hidden=include_hidden).parsed()


@dataclass
class _List:
    """A list that is being read: its style, and the number that each of its levels has come to."""

    style: str
    counts: dict[int, int] = field(default_factory=dict)


class _Reading:
    def __init__(self, document: OpenDocument, *, include_hidden: bool) -> None:
        self._document = document
        self._styles = document.styles
        self._include_hidden = include_hidden
        self._left = LeftOut()
        self._texts = OpenTexts(document.styles, self._left, include_hidden=include_hidden)
        self._outline: dict[int, int] = {}
        self._lists: dict[str, _List] = {}
        self._notes: list[tuple[int, Any]] = []
        self._title = ""

    def parsed(self) -> Parsed:
        parts = [*self._repeated(_HEADERS), *self._blocks(self._document.body), *self._repeated(_FOOTERS)]
        text = "\n\n".join(part.strip() for part in parts if part.strip())
        return Parsed(text, self._document.title or self._title, notes=self._left.notes())

    def _repeated(self, kinds: tuple[str, ...]) -> list[str]:
        """Headers or footers of the kinds of pages that the text uses, each once."""
        found: dict[str, None] = {}
        for master in self._document.masters if self._document.masters is not None else ():
            for each in master:
                if local(each) in kinds and attribute(each, "display", "true") != "false":
                    for paragraph in paragraphs(each):
                        text = one_line(self._texts.line(paragraph).text)
                        if any(sign.isalpha() for sign in text):
                            found[text] = None
        return list(found)

    def _blocks(self, container: Any) -> Iterator[str]:
        for block in container:
            name = local(block)
            if name in ("p", "h"):
                yield from self._paragraph(block)
            elif name == "list":
                yield "\n".join(self._items(block, 1, None))
                yield from self._read_notes()
            elif name == "table":
                yield table_markdown(block, self._cell)
                yield from self._read_notes()
            elif name in _INDEXES:
                self._left.add("contents")
            elif name in _THROUGH and (
                self._include_hidden or attribute(block, "display") not in ("none", "condition")
            ):
                yield from self._blocks(block)
            elif name in _THROUGH:
                self._left.add("hidden")
            elif name in ("frame", "g", "custom-shape", "rect", "ellipse"):
                yield from self._frame(block)

    def _paragraph(self, block: Any) -> Iterator[str]:
        line = self._texts.line(block)
        style = attribute(block, "style-name")
        text = line.text
        if text and "Title" in self._styles.names("paragraph", style):
            self._title = self._title or one_line(text)
            text = f"# {one_line(text)}"
        elif text and local(block) == "h":
            level = min(max(whole(attribute(block, "outline-level"), 1), 1), 10)
            is_counted = attribute(block, "is-list-header") != "true"
            heading = one_line(f"{self._outline_number(level) if is_counted else ''}{unlinked(text)}")
            self._title = self._title or heading
            text = f"{'#' * min(level, 6)} {heading}" if len(heading) <= MOST_HEADING_CHARS else heading
        yield text
        for frame in line.frames:
            yield from self._frame(frame)
        self._notes += line.notes
        yield from self._read_notes()

    def _outline_number(self, level: int) -> str:
        self._outline = {at: count for at, count in self._outline.items() if at <= level}
        model = self._styles.outline.get(level)
        self._outline[level] = (
            self._outline.get(level, whole(attribute(model, "start-value"), 1) - 1 if model is not None else 0) + 1
        )
        return _number(model, self._outline, self._styles.outline)

    def _items(self, block: Any, level: int, above: _List | None) -> Iterator[str]:
        """The items of a list, each on a line; their numbers as they are shown."""
        counted = above or self._list(block)
        if above is not None:
            counted.counts = {at: count for at, count in counted.counts.items() if at < level}
        for item in block:
            is_header = local(item) == "list-header"
            if local(item) != "list-item" and not is_header:
                continue
            yield from self._item(item, level, counted, is_header=is_header)

    def _list(self, block: Any) -> _List:
        name = attribute(block, "style-name")
        continued = attribute(block, "continue-list")
        found = self._lists.get(continued) if continued else None
        if found is None and attribute(block, "continue-numbering") == "true":
            found = self._lists.get(name)
        found = found or _List(name)
        self._lists[name] = found
        if identity := next((value for key, value in block.items() if key.endswith("}id")), ""):
            self._lists[str(identity)] = found
        return found

    def _item(self, item: Any, level: int, counted: _List, *, is_header: bool) -> Iterator[str]:
        is_first = True
        for each in item:
            name = local(each)
            if name in ("p", "h"):
                line = self._texts.line(each)
                mark = self._mark(each, item, level, counted) if is_first and not is_header else ""
                is_first = False
                heading = "#" * min(whole(attribute(each, "outline-level"), 1), 6) + " " if name == "h" else ""
                mark = mark if not heading or mark != "- " else ""
                text = f"{mark}{one_line(line.text)}"
                yield f"\n{heading}{text}\n" if heading else text if line.text else ""
                for frame in line.frames:
                    yield from self._frame(frame)
                self._notes += line.notes
            elif name == "list":
                yield from self._items(each, level + 1, counted)

    def _mark(self, paragraph: Any, item: Any, level: int, counted: _List) -> str:
        levels = self._styles.levels(counted.style or self._styles.list_of(attribute(paragraph, "style-name")))
        model = levels.get(level)
        start = (
            whole(attribute(item, "start-value")) or whole(attribute(model, "start-value"), 1)
            if model is not None
            else 1
        )
        has_start = bool(attribute(item, "start-value"))
        counted.counts[level] = start if has_start or level not in counted.counts else counted.counts[level] + 1
        return _number(model, counted.counts, levels) if is_numbered(model) else "- "

    def _frame(self, frame: Any) -> Iterator[str]:
        """The text of a box, a shape or a group; what else it shows is counted."""
        count_frame(frame, self._left)
        if local(frame) == "frame":
            for box in frame:
                if local(box) == "text-box":
                    yield from self._blocks(box)
                elif local(box) == "table":
                    yield table_markdown(box, self._cell)
        else:
            yield from self._blocks(frame)

    def _cell(self, cell: Any) -> str:
        texts = []
        for block in cell:
            if local(block) == "table":
                texts.append(one_line(" ".join(self._texts.plain(block).split("\n"))))
            elif local(block) == "list":
                texts += self._items(block, 1, None)
            elif local(block) in ("p", "h"):
                line = self._texts.line(block)
                self._notes += line.notes
                texts += [line.text, *(part for frame in line.frames for part in self._frame(frame))]
        return one_line(" ".join(filter(None, texts)))

    def _read_notes(self) -> Iterator[str]:
        waiting, self._notes = self._notes, []
        for number, body in waiting:
            text = self._texts.plain(body) if body is not None else ""
            yield f"[^{number}]: {text}" if text else ""


def _number(model: Any, counts: dict[int, int], levels: dict[int, Any]) -> str:
    """The number before an item: as many of the levels above as its level shows."""
    if not is_numbered(model):
        return ""
    level = whole(attribute(model, "level"), 1)
    shown = max(whole(attribute(model, "display-levels"), 1), 1)
    parts = []
    for at in range(max(1, level - shown + 1), level + 1):
        kind = attribute(levels.get(at, model), "num-format") or "1"
        parts.append(formatted(counts.get(at, 1), _FORMATS.get(kind[:1], "decimal")))
    return f"{attribute(model, 'num-prefix')}{'.'.join(parts)}{attribute(model, 'num-suffix').rstrip()} "


def has_body(element: Any) -> bool:
    """Whether a text has anything in it."""
    return child(element, "p") is not None
