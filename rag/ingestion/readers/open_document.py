"""What the readers of OpenDocument files share: the package, styles, and the text of paragraphs as it is seen."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from rag.ingestion.readers.left_out import LeftOut
from rag.ingestion.readers.office_package import Package, attribute, child, children, local, whole
from rag.ingestion.readers.parsed import CannotRead, linked, one_line
from rag.ingestion.readers.word_tables import Cell, Grid, Row, table_text

MOST_COLUMNS = 1000
MOST_REPEATED = 100
"""Times that a row with text in it is written down."""
_MOST_SPACES = 100
_HIDDEN_FIELDS = frozenset({"hidden-text", "hidden-paragraph"})
_LEFT_OUT = frozenset({"tracked-changes", "ruby-text", "sequence-decls", "title", "desc", "forms", "event-listeners"})
_OBJECTS = frozenset({"object", "object-ole", "plugin", "applet", "floating-frame"})
_LEVELS = frozenset({"list-level-style-number", "outline-level-style"})


class OpenDocument:
    """An OpenDocument file. Raises CannotRead where it is none or is encrypted."""

    def __init__(self, content: bytes, kind: str) -> None:
        package = Package(content)
        root = package.parsed("content.xml")
        if root is None:
            manifest = package.parsed("META-INF/manifest.xml")
            if manifest is not None and any(True for _ in manifest.iter("{*}encryption-data")):
                raise CannotRead("is a password-protected OpenDocument file; remove the password and save it again")
            raise CannotRead("is damaged: its main part is missing or cannot be read")
        self.body = child(root, "body", kind)
        if self.body is None:
            raise CannotRead("is not the kind of OpenDocument file that its name says")
        styles, meta = package.parsed("styles.xml"), package.parsed("meta.xml")
        self.styles = OpenStyles([each for each in (styles, root) if each is not None])
        self.masters = child(styles, "master-styles")
        title = next(meta.iter("{http://purl.org/dc/elements/1.1/}title"), None) if meta is not None else None
        self.title = one_line(title.text) if title is not None else ""


class OpenStyles:
    """Styles by name, those of the text itself before those of the document."""

    def __init__(self, roots: list[Any]) -> None:
        self._styles: dict[tuple[str, str], Any] = {}
        self._lists: dict[str, dict[int, Any]] = {}
        self.outline: dict[int, Any] = {}
        for root in roots:
            for style in root.iter("{*}style"):
                self._styles[attribute(style, "family"), attribute(style, "name")] = style
            for style in root.iter("{*}list-style"):
                self._lists[attribute(style, "name")] = _levels(style)
            for style in root.iter("{*}outline-style"):
                self.outline = _levels(style)

    def property(self, family: str, name: str, wanted: str) -> str:
        """A property of a style, or of those that it is made from; "" where none says it."""
        for style in self._line(family, name):
            for properties in style:
                if value := attribute(properties, wanted):
                    return value
        return ""

    def names(self, family: str, name: str) -> list[str]:
        """A style's name and those of the styles that it is made from."""
        return [attribute(style, "name") for style in self._line(family, name)]

    def levels(self, name: str) -> dict[int, Any]:
        """The levels of a list style, from 1."""
        return self._lists.get(name, {})

    def list_of(self, name: str) -> str:
        """The list style that a paragraph's style names."""
        return next(filter(None, (attribute(style, "list-style-name") for style in self._line("paragraph", name))), "")

    def _line(self, family: str, name: str) -> Iterator[Any]:
        for _ in range(20):
            style = self._styles.get((family, name))
            if style is None:
                return
            yield style
            name = attribute(style, "parent-style-name")


def _levels(style: Any) -> dict[int, Any]:
    return {
        whole(attribute(level, "level")): level for level in style if local(level).startswith(("list-", "outline-"))
    }


def is_numbered(level: Any) -> bool:
    """Whether items of a level have numbers, not bullets or nothing."""
    return level is not None and local(level) in _LEVELS and bool(attribute(level, "num-format"))


@dataclass
class Line:
    """The text of one paragraph, and what hangs on it: frames, and notes by their numbers."""

    text: str = ""
    frames: list[Any] = field(default_factory=list)
    notes: list[Any] = field(default_factory=list)


class OpenTexts:
    """Reads paragraphs of one file."""

    def __init__(self, styles: OpenStyles, left: LeftOut, *, include_hidden: bool) -> None:
        self._styles = styles
        self._left = left
        self._include_hidden = include_hidden
        self._notes = 0

    def line(self, paragraph: Any) -> Line:
        """A paragraph's text without hidden parts, comments and what tracked changes delete."""
        found = Line()
        parts: list[str] = []
        self._add(paragraph, parts, found)
        found.text = "".join(parts).strip()
        return found

    def plain(self, element: Any) -> str:
        """All paragraphs below an element on one line, frames among them."""
        texts = []
        for paragraph in paragraphs(element):
            line = self.line(paragraph)
            texts += [line.text, *map(self.plain, line.frames)]
        return one_line(" ".join(filter(None, texts)))

    def _add(self, element: Any, parts: list[str], found: Line) -> None:
        if self._is_hidden(element):
            self._left.add("hidden")
            return
        parts.append(_written(element.text))
        for each in element:
            self._add_child(each, parts, found)
            parts.append(_written(each.tail))

    def _add_child(self, each: Any, parts: list[str], found: Line) -> None:
        name = local(each)
        if name == "s":
            parts.append(" " * min(whole(attribute(each, "c"), 1), _MOST_SPACES))
        elif name in ("tab", "line-break"):
            parts.append("\t" if name == "tab" else "\n")
        elif name == "note":
            self._notes += 1
            parts.append(f"[^{self._notes}]")
            found.notes.append((self._notes, child(each, "note-body")))
        elif name == "a":
            inner: list[str] = []
            self._add(each, inner, found)
            parts.append(linked("".join(inner), attribute(each, "href")))
        elif name == "annotation":
            self._left.add("comments")
        elif name == "frame" or name in ("g", "custom-shape", "rect", "ellipse", "text-box"):
            found.frames.append(each)
        elif name == "image":
            self._left.add("pictures")
        elif name in _HIDDEN_FIELDS:
            self._left.add("hidden")
        elif name not in _LEFT_OUT and name:
            self._add(each, parts, found)

    def _is_hidden(self, element: Any) -> bool:
        if self._include_hidden:
            return False
        family = "paragraph" if local(element) in ("p", "h") else "text"
        name = attribute(element, "style-name")
        return bool(name) and self._styles.property(family, name, "display") == "none"


def _written(text: str | None) -> str:
    """Text of a file, in which line ends and several spaces mean one space."""
    if not text:
        return ""
    start, end = text[:1].isspace(), text[-1:].isspace()
    return (" " if start else "") + " ".join(text.split()) + (" " if end and text.strip() else "")


def paragraphs(element: Any) -> Iterator[Any]:
    """Paragraphs and headings below an element, without those of notes, comments and frames inside of them."""
    for each in element:
        name = local(each)
        if name in ("p", "h"):
            yield each
        elif name not in ("annotation", "notes", *_LEFT_OUT):
            yield from paragraphs(each)


def rows_of(table: Any) -> Iterator[tuple[Any, bool]]:
    """The rows of a table, and whether they name its columns."""
    for each in table:
        name = local(each)
        if name == "table-row":
            yield each, False
        elif name == "table-header-rows":
            yield from ((row, True) for row, _ in rows_of(each))
        elif name in ("table-rows", "table-row-group"):
            yield from rows_of(each)


def cells_of(row: Any) -> list[Any]:
    """The cells of a row, also those that others cover."""
    return [each for each in row if local(each) in ("table-cell", "covered-table-cell")]


def table_markdown(table: Any, read: Callable[[Any], str]) -> str:
    """A table in a text or on a slide: each merged cell stands in all rows that it covers."""
    rows: list[Row] = []
    below: dict[int, tuple[int, Cell]] = {}
    for row, is_header in rows_of(table):
        cells: list[Cell] = []
        column = 0
        for element in cells_of(row)[:MOST_COLUMNS]:
            if column in below:
                left, origin = below.pop(column)
                cells.append(Cell(element, column, origin.span, is_below=True, text=origin.text))
                if left > 1:
                    below[column] = (left - 1, origin)
            elif local(element) == "table-cell":
                span = min(max(whole(attribute(element, "number-columns-spanned"), 1), 1), MOST_COLUMNS)
                cells.append(Cell(element, column, span, text=read(element)))
                if (tall := whole(attribute(element, "number-rows-spanned"), 1)) > 1:
                    below[column] = (tall - 1, cells[-1])
            column += min(max(whole(attribute(element, "number-columns-repeated"), 1), 1), MOST_COLUMNS)
        rows.append(Row(cells, is_header))
    return table_text(Grid([row for row in rows if row.cells])) if rows else ""


def count_frame(frame: Any, left: LeftOut) -> None:
    """Count what a frame shows that is not read."""
    names = {local(each) for each in frame}
    if names & _OBJECTS:
        left.add("objects")
    elif "image" in names:
        left.add("pictures")


def hangs_on(element: Any) -> list[Any]:
    """Frames that stand beside paragraphs, not in them."""
    return [each for each in element if local(each) in ("frame", "g", "custom-shape", "rect", "ellipse")]


def has_children(element: Any, name: str) -> bool:
    """Whether there is a child of this name."""
    return bool(children(element, name))
