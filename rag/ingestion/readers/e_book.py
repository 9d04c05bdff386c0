"""E-books (.epub): their chapters in the order of reading, each read like a web page."""

import posixpath
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from rag.ingestion.readers.html import read_html
from rag.ingestion.readers.office_package import Package, attribute, child, children, local
from rag.ingestion.readers.parsed import MOST_CHARS, CannotRead, Parsed, one_line, require

MOST_CHAPTERS = 5000
_PAGES = frozenset({"application/xhtml+xml", "text/html", "application/x-dtbook+xml"})
_FONTS = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
"""Ways to hide fonts, which need no key."""


def read_epub(content: bytes) -> Parsed:
    """All chapters. Raises CannotRead."""
    require("docs", "bs4", "lxml", "markdownify")
    package = Package(content)
    book = _book(package)
    if any(name in _locked(package) for name in book.chapters):
        raise CannotRead("is an e-book with copy protection (DRM); it cannot be read")
    texts: list[str] = []
    notes: dict[str, int] = {}
    damaged = length = 0
    for name in book.chapters[:MOST_CHAPTERS]:
        page = package.content(name)
        if page is None:
            damaged += 1
            continue
        try:
            parsed = read_html(page)
        except CannotRead:  # a chapter that shows nothing, as a cover does
            continue
        texts.append(parsed.text.strip())
        notes |= {note: notes.get(note, 0) + 1 for note in parsed.notes}
        length += len(parsed.text)
        if length > MOST_CHARS:
            raise CannotRead(f"holds more than {MOST_CHARS // 1_000_000} million characters")
    said = [f"{note} (in {count} chapters)" if count > 1 else note for note, count in notes.items()]
    said += [f"{damaged} damaged chapters were not read"] if damaged else []
    return Parsed("\n\n".join(filter(None, texts)), book.title, notes=tuple(said))


@dataclass(frozen=True, slots=True)
class _Book:
    title: str
    chapters: list[str]


def _book(package: Package) -> _Book:
    """The title and the names of the parts with text, in the order of the book's spine."""
    container = package.parsed("META-INF/container.xml")
    files = list(container.iter("{*}rootfile")) if container is not None else []
    name = attribute(files[0], "full-path") if files else ""
    root = package.parsed(name)
    if root is None:
        raise CannotRead("is damaged: its main part is missing or cannot be read")
    folder = posixpath.dirname(name)
    parts = {attribute(each, "id"): each for each in children(child(root, "manifest"), "item")}
    chapters = []
    for each in children(child(root, "spine"), "itemref"):
        part = parts.get(attribute(each, "idref"))
        if part is not None and attribute(part, "media-type") in _PAGES and not _is_contents(part):
            chapters.append(posixpath.normpath(posixpath.join(folder, unquote(attribute(part, "href")))))
    return _Book(_title(root), chapters)


def _title(root: Any) -> str:
    found = (
        (each for each in child(root, "metadata") if local(each) == "title")
        if child(root, "metadata") is not None
        else ()
    )
    return one_line(next((each.text for each in found if each.text), ""))


def _is_contents(part: Any) -> bool:
    """Whether a part is the table of contents alone."""
    return "nav" in attribute(part, "properties").split()


def _locked(package: Package) -> set[str]:
    """The parts that need a key."""
    root = package.parsed("META-INF/encryption.xml")
    found = set()
    for each in root.iter("{*}EncryptedData") if root is not None else ():
        method = next(each.iter("{*}EncryptionMethod"), None)
        target = next(each.iter("{*}CipherReference"), None)
        if target is not None and (method is None or attribute(method, "Algorithm") not in _FONTS):
            found.add(unquote(attribute(target, "URI")))
    return found
