"""Word's paragraphs and tables, in the order of reading, as Markdown."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from rag.ingestion.readers.left_out import LeftOut
from rag.ingestion.readers.office_package import Part, attribute, child, children, local
from rag.ingestion.readers.parsed import one_line, unlinked
from rag.ingestion.readers.word_numbering import Numbering
from rag.ingestion.readers.word_styles import Styles
from rag.ingestion.readers.word_tables import MOST_NESTED_CELLS, Grid, fill, flat_text, grid, table_text
from rag.ingestion.readers.word_text import Line, Story

MOST_HEADING_CHARS = 150
"""What is longer is text, whatever its outline level."""
_NOTE_MARK = re.compile(r"\[\^\d+\]")


@dataclass
class Reading:
    """What all parts of one document share."""

    main: Part
    styles: Styles
    numbering: Numbering
    left: LeftOut
    include_hidden: bool
    title: str = ""
    """The first paragraph with the style of titles."""
    note_numbers: dict[tuple[str, str], int] = field(default_factory=dict)
    found_notes: dict[str, dict[str, tuple[Part, Any]]] = field(default_factory=dict)
    read_notes: set[tuple[str, str]] = field(default_factory=set)

    def blocks(self, part: Part, dropped: frozenset[str] = frozenset()) -> "Blocks":
        """The reader of one part; results of the `dropped` fields are not read."""
        return Blocks(self, Story(part, self.styles, self.left, dropped=dropped, include_hidden=self.include_hidden))


class Blocks:
    """Reads one part."""

    def __init__(self, reading: Reading, story: Story) -> None:
        self._reading = reading
        self.story = story
        story.note_mark = self._note_mark
        self._notes: list[tuple[str, str]] = []

    def parts(self, container: Any, *, is_plain: bool = False) -> Iterator[str]:
        """Paragraphs and tables, each followed by its text boxes and notes; plain ones are no headings."""
        carried = Line()
        for block in self.story.shown(container):
            name = local(block)
            if name == "p":
                line = _after(carried, self.story.line(block))
                carried = line if self.story.is_gone(block) else Line()
                if carried is line:
                    continue
                yield self._paragraph(block, line, is_plain=is_plain)
                yield from self._hanging(line)
            elif name == "tbl":
                yield carried.text.strip()
                yield from self._hanging(carried)
                carried = Line()
                yield from self._table(block, is_plain=is_plain)
                yield from self._read_notes()
            elif name == "altChunk":
                self._reading.left.add("documents")
        yield carried.text.strip()
        yield from self._hanging(carried)

    def _hanging(self, line: Line) -> Iterator[str]:
        for box in line.boxes:
            if isinstance(box, str):
                yield box
            else:
                yield from self.parts(box, is_plain=True)
        self._notes += line.notes
        yield from self._read_notes()

    def _paragraph(self, block: Any, line: Line, *, is_plain: bool) -> str:
        mark = self._reading.numbering.mark(block)
        text = line.text.strip()
        if not text:
            return ""
        styles = self._reading.styles
        if not is_plain:
            heading = one_line(f"{mark.text}{unlinked(_NOTE_MARK.sub('', text))}")
            if styles.is_title(block):
                self._reading.title = self._reading.title or heading
                return f"# {heading}"
            if (level := styles.level(block)) and len(heading) <= MOST_HEADING_CHARS:
                return f"{'#' * min(level, 6)} {heading}"
        if mark.text:
            return f"{mark.text}{text}"
        return f"- {one_line(text)}" if mark.is_bullet or styles.is_list(block) else text

    def _table(self, element: Any, *, is_plain: bool) -> Iterator[str]:
        reading = self._reading
        table = grid(element, self.story, reading.left, include_hidden=reading.include_hidden)
        if _is_layout(table):
            for row in table.rows:
                for cell in row.cells:
                    if not cell.is_below and not cell.is_beside:
                        yield from self.parts(cell.element, is_plain=is_plain)
            return
        fill(table, self._cell)
        yield table_text(table)

    def _cell(self, element: Any) -> str:
        """A cell's paragraphs, boxes and tables on one line; a number without text is a text here."""
        texts = []
        carried = Line()
        for block in self.story.shown(element):
            if local(block) == "tbl":
                texts += [carried.text, *self._boxes(carried), self._nested(block)]
                carried = Line()
            elif local(block) == "p":
                line = _after(carried, self.story.line(block))
                carried = line if self.story.is_gone(block) else Line()
                if carried is not line:
                    texts.append(self._reading.numbering.mark(block).text + one_line(line.text))
                    texts += self._boxes(line)
        texts.append(carried.text)
        texts += self._boxes(carried)
        return one_line(" ".join(texts))

    def _boxes(self, line: Line) -> Iterator[str]:
        self._notes += line.notes
        for box in line.boxes:
            yield box if isinstance(box, str) else self._cell(box)

    def _nested(self, element: Any) -> str:
        table = grid(element, self.story, self._reading.left, include_hidden=self._reading.include_hidden)
        fill(table, self._cell)
        return flat_text(table)

    def _note_mark(self, kind: str, identity: str) -> str:
        if self._note(kind, identity) is None:
            return ""
        numbers = self._reading.note_numbers
        return f"[^{numbers.setdefault((kind, identity), len(numbers) + 1)}]"

    def _note(self, kind: str, identity: str) -> tuple[Part, Any] | None:
        found = self._reading.found_notes.get(kind)
        if found is None:
            part = self._reading.main.first(f"{kind}s")
            found = self._reading.found_notes[kind] = {}
            for each in children(part.root if part is not None else None, kind):
                if part is not None:
                    found.setdefault(attribute(each, "id"), (part, each))
        return found.get(identity)

    def _read_notes(self) -> Iterator[str]:
        """The notes that were referred to since they were last asked for, each once."""
        referred, self._notes = list(dict.fromkeys(self._notes)), []
        for kind, identity in referred:
            found = self._note(kind, identity)
            number = self._reading.note_numbers.get((kind, identity))
            if found is None or number is None or (kind, identity) in self._reading.read_notes:
                continue
            self._reading.read_notes.add((kind, identity))
            text = " ".join(filter(None, self._reading.blocks(found[0]).parts(found[1], is_plain=True)))
            yield f"[^{number}]: {one_line(text)}"


def _after(carried: Line, line: Line) -> Line:
    return Line(carried.text + line.text, carried.boxes + line.boxes, carried.notes + line.notes)


def _is_layout(table: Grid) -> bool:
    """Whether a table only arranges its contents: one column, or with large tables in its cells."""
    if table.columns < 2:
        return True
    nested = (inner for row in table.rows for cell in row.cells for inner in cell.element.iter("{*}tbl"))
    return any(sum(1 for _ in inner.iter("{*}tc")) > MOST_NESTED_CELLS for inner in nested)


def section_properties(block: Any) -> Any:
    """Where a section ends at this block, what it says of its pages."""
    return block if local(block) == "sectPr" else child(block, "pPr", "sectPr")
