"""Bytes to documents: which kinds of files are known, and what reads them. Parsing happens in the reading process
(`rag.ingestion.readers`), whatever the kind."""

import importlib.util
import re
from collections import Counter
from pathlib import PurePath
from typing import TYPE_CHECKING

from rag.documents import Document
from rag.errors import Unreadable
from rag.ingestion.readers.file_kinds import NOT_READ, PICTURES, VARIANTS
from rag.ingestion.readers.ocr import can_ocr

if TYPE_CHECKING:
    from rag.ingestion.readers import Readers
    from rag.ingestion.readers.parsed import Parsed

READING = 5
"""Raised when readers give other text than before for the same file, so that files are read again."""
KINDS = frozenset(
    {
        *(".md", ".markdown", ".txt", ".html", ".htm", ".pdf", ".docx", ".pptx", ".xlsx", ".csv", ".tsv", *VARIANTS),
        *(".odt", ".ods", ".odp", ".epub", ".rtf"),
    }
)
OLD_FORMATS = frozenset({".doc", ".ppt", ".xls", ".wps", ".et", ".dps"})
"""Opened all the same: programs write web pages, tables and new formats under these names."""
SUFFIXES = KINDS | OLD_FORMATS
MOST_TITLE_CHARS = 200
_TABLE_RULE = re.compile(r"^\|(?:\s*:?-+:?\s*\|)+\s*$", re.MULTILINE)
_EMPTY = "is empty (0 bytes) and holds no text; if it should not be, copy or download it again"
_LIBRARIES = {
    ".html": ("bs4", "lxml", "markdownify"),
    ".pdf": ("pypdfium2", "pdfplumber", "rapidocr"),
    ".docx": ("lxml",),
    ".pptx": ("lxml",),
    ".xlsx": ("lxml",),
    ".odt": ("lxml",),
    ".ods": ("lxml",),
    ".odp": ("lxml",),
    ".epub": ("bs4", "lxml", "markdownify"),
}
_CAN_HIDE = frozenset({".docx", ".pptx", ".xlsx", ".odt", ".ods", ".odp", ".rtf"})


def reader_mark(suffix: str, *, include_hidden: bool = False) -> str:
    """What would read a file of this kind: changes with our readers and with the libraries that are installed, and with
    `include_hidden` for kinds that can hide something."""
    kind = {".htm": ".html", **VARIANTS}.get(suffix.lower(), suffix.lower())
    if kind in PICTURES:
        return f"{READING} rapidocr"
    there = [name for name in _LIBRARIES.get(kind, ()) if importlib.util.find_spec(name) is not None]
    hidden = ["hidden"] if include_hidden and kind in _CAN_HIDE else []
    return f"{READING} {' '.join([*there, *hidden])}"


def why_not_read(name: str) -> str | None:
    """The sentence on a file that nothing here reads, by its name: what it is and what helps. "" for one that is read,
    None for one that is no document."""
    suffix = PurePath(name).suffix.lower()
    if suffix in SUFFIXES or (suffix in PICTURES and can_ocr()):
        return ""
    return (
        "is a picture; pip install 'feishu-rag[ocr]' to read its words" if suffix in PICTURES else NOT_READ.get(suffix)
    )


def to_document(content: bytes, source: str, collection: str, readers: "Readers") -> Document:
    """Read a file's bytes by what `source` ends in; an unknown suffix is plain text. Raises Unreadable."""
    suffix = PurePath(source).suffix.lower()
    try:
        parsed = readers.read(content, suffix, source)
    except Unreadable as error:
        raise error if content else Unreadable(source, _EMPTY) from error
    if not parsed.text.strip():
        raise Unreadable(source, "holds no text" if content else _EMPTY)
    title = parsed.title[:MOST_TITLE_CHARS] or PurePath(source).stem
    link, read = _web_link(parsed.link), content_of(parsed)
    return Document(source, title, parsed.text, link, collection, parsed.places, parsed.notes, read)


def content_of(parsed: "Parsed") -> str:
    """What was read, in numbers: "12 pages, 3 tables, 8 400 characters"."""
    kinds = Counter(place.kind for _, place in parsed.places)
    counts = [(kind, kinds[kind]) for kind in ("page", "sheet", "slide") if kinds[kind]]
    counts += [(name, count) for name, count in [("table", len(_TABLE_RULE.findall(parsed.text)))] if count]
    counts.append(("character", len(parsed.text)))
    return ", ".join(f"{count:_} {name}{'' if count == 1 else 's'}".replace("_", " ") for name, count in counts)


def _web_link(link: str) -> str | None:
    """Only web addresses become links: a document must not smuggle `javascript:` onto a page."""
    return link if link.lower().startswith(("https://", "http://")) else None
