"""Word: what a person reads in Word with all changes accepted, each thing once and in the order of reading."""

import re
from collections.abc import Iterator
from typing import Any

from rag.ingestion.readers.left_out import LeftOut
from rag.ingestion.readers.office_package import Package, Part, attribute, child, children, is_on
from rag.ingestion.readers.parsed import CannotRead, Parsed, limited_depth, require
from rag.ingestion.readers.word_blocks import Reading, section_properties
from rag.ingestion.readers.word_fields import PAGE_NUMBERS, REPEATS
from rag.ingestion.readers.word_numbering import Numbering
from rag.ingestion.readers.word_styles import Styles

_ITEM = r"(?:-|\d{1,9}[.)]) "
_ITEMS = re.compile(rf"(?m)^({_ITEM}.*)\n\n(?={_ITEM})")
_PAGE_WORDS = re.compile(r"(?i)第\s*[页頁]|[共总總]\s*[页頁]|\bpage\b(?:\s*of\b)?|(?<!\w)of(?!\w)|页码[:：]?")
_SAYS_NOTHING = re.compile(r"[\W_]*|\W*\d{1,4}\W*")


def read_docx(content: bytes, *, include_hidden: bool = False) -> Parsed:
    """The whole document. Raises CannotRead."""
    require("docs", "lxml")
    with limited_depth():
        return _read(Package(content), include_hidden=include_hidden)


def _read(package: Package, *, include_hidden: bool) -> Parsed:
    main = package.main("word/document.xml")
    body = child(main.root, "body")
    if body is None:
        raise CannotRead("is not a Word document")
    styles, left = Styles(_root(main.first("styles"))), LeftOut()
    numbering = Numbering(_root(main.first("numbering")), styles)
    reading = Reading(main, styles, numbering, left, include_hidden)
    text = "\n\n".join(part.strip() for part in _parts(reading, body) if part.strip())
    left.add("comments", len(children(_root(main.first("comments")), "comment")))
    left.add("parts", len(package.broken))
    first = re.search(r"^# (.+)$", text, re.MULTILINE)
    title = package.title() or reading.title or (first.group(1) if first else "")
    return Parsed(_ITEMS.sub(r"\1\n", text), title, notes=left.notes())


def _root(part: Part | None) -> Any:
    return part.root if part is not None else None


def _parts(reading: Reading, body: Any) -> Iterator[str]:
    """Section by section: its headers, its text, its footers."""
    blocks = reading.blocks(reading.main)
    sections: list[tuple[list[Any], Any]] = [([], None)]
    for block in blocks.story.shown(body):
        sections[-1][0].append(block)
        properties = section_properties(block)
        if properties is not None:
            sections[-1] = (sections[-1][0], properties)
            sections.append(([], None))
    repeated = _Repeated(reading)
    for contents, properties in sections:
        yield from repeated.texts(properties, "header")
        yield from blocks.parts(contents)
        yield from repeated.texts(properties, "footer")


class _Repeated:
    """Headers and footers: what stands in several of them is read once, page numbers never."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._seen: set[str] = set()
        even = child(_root(reading.main.first("settings")), "evenAndOddHeaders")
        self._has_even = even is not None and is_on(attribute(even, "val", "1"))

    def texts(self, properties: Any, kind: str) -> Iterator[str]:
        """The headers or the footers of a section, that of the first page before the others."""
        found = {}
        for each in children(properties, f"{kind}Reference"):
            found[attribute(each, "type", "default")] = attribute(each, "id")
        for page in ("first", "default", "even"):
            part = self._reading.main.related(found.get(page))
            if part is not None and part.root is not None:
                if self._is_shown(page, properties):
                    yield from self._new(part)
                elif any((each.text or "").strip() for each in part.root.iter("{*}t")):
                    self._reading.left.add("headers")

    def _is_shown(self, page: str, properties: Any) -> bool:
        first = child(properties, "titlePg")
        has_first = first is not None and is_on(attribute(first, "val", "1"))
        return {"first": has_first, "even": self._has_even}.get(page, True)

    def _new(self, part: Part) -> Iterator[str]:
        blocks = self._reading.blocks(part, PAGE_NUMBERS | REPEATS)
        for text in blocks.parts(part.root, is_plain=True):
            if blocks.story.fields.has_dropped & PAGE_NUMBERS:
                text = _PAGE_WORDS.sub("", text)
            if not _SAYS_NOTHING.fullmatch(text) and text not in self._seen:
                self._seen.add(text)
                yield text
