"""The zip that a Word or PowerPoint file is: its parts as XML, and the relationships between them.

Our own, because other libraries refuse files that Word opens: those with a relationship that leads nowhere, and those
in the strict form of the format, whose names are turned into the usual ones here. Entities are never expanded.
"""

import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import unquote

from rag.ingestion.readers.parsed import CannotRead, one_line

_STRICT = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w+)/(\w+)")
_UNREADABLE = (
    *(ValueError, SyntaxError, OSError, NotImplementedError, RuntimeError, EOFError, zipfile.BadZipFile, zlib.error),
)
_CORE = "{http://purl.org/dc/elements/1.1/}title"


@dataclass(frozen=True, slots=True)
class Relation:
    """What a part points at: the last word of its type, and the part's name, or an address outside of the file."""

    kind: str
    target: str
    is_outside: bool


class Package:
    """An office file. Raises CannotRead where it is none."""

    def __init__(self, content: bytes) -> None:
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(content))
        except (zipfile.BadZipFile, OSError, ValueError) as error:
            raise CannotRead("is damaged, or not what its name says") from error
        self._entries = {_key(entry.filename): entry for entry in self._archive.infolist()}
        self._parts: dict[str, Part] = {}
        self.broken: set[str] = set()
        """Names of parts that are there and cannot be read."""

    def main(self, fallback: str) -> "Part":
        """The part that the file is about. Raises CannotRead."""
        part = self.part("").first("officeDocument") or self.part(fallback)
        if part.root is None:
            raise CannotRead("is damaged: its main part is missing or cannot be read")
        return part

    def title(self) -> str:
        """The title in the file's properties."""
        part = self.part("").first("core-properties") or self.part("docProps/core.xml")
        return one_line(part.root.findtext(_CORE)) if part.root is not None else ""

    def part(self, name: str) -> "Part":
        """The part of this name, parsed once however often it is asked for; the package itself is ""."""
        return self._parts.setdefault(name, Part(self, name))

    def holds(self, name: str) -> bool:
        """Whether there is such a part."""
        return _key(name) in self._entries

    def content(self, name: str) -> bytes | None:
        """The bytes of a part; None where it is missing or broken."""
        entry = self._entries.get(_key(name))
        if entry is None:
            return None
        try:
            return self._archive.read(entry)
        except _UNREADABLE:
            self.broken.add(name)
            return None

    def parsed(self, name: str) -> Any:
        """The root element of a part; None where it is missing or broken."""
        content = self.content(name)
        try:
            return _root(content) if content is not None else None
        except _UNREADABLE:
            self.broken.add(name)
            return None


class Part:
    """One part of an office file."""

    def __init__(self, package: Package, name: str) -> None:
        self.package = package
        self.name = name

    @cached_property
    def root(self) -> Any:
        """Its XML; None where it is missing or broken."""
        return self.package.parsed(self.name)

    @cached_property
    def relations(self) -> dict[str, Relation]:
        """What it points at, by id."""
        folder, name = posixpath.split(self.name)
        root = self.package.parsed(posixpath.join(folder, "_rels", f"{name}.rels"))
        found = {}
        for each in root.iter("{*}Relationship") if root is not None else ():
            target, is_outside = each.get("Target", ""), each.get("TargetMode") == "External"
            inside = posixpath.normpath(posixpath.join("/", folder, unquote(target))).lstrip("/")
            kind = each.get("Type", "").rpartition("/")[2]
            found[each.get("Id", "")] = Relation(kind, target if is_outside else inside, is_outside)
        return found

    def related(self, relation: str | None) -> "Part | None":
        """The part with this id; None where it is missing."""
        found = self.relations.get(relation or "")
        if found is None or found.is_outside or not self.package.holds(found.target):
            return None
        return self.package.part(found.target)

    def all(self, *kinds: str) -> "Iterator[Part]":
        """The parts of these kinds."""
        for name, relation in self.relations.items():
            if relation.kind in kinds and (part := self.related(name)) is not None:
                yield part

    def first(self, *kinds: str) -> "Part | None":
        """The first part of these kinds."""
        return next(self.all(*kinds), None)


def local(element: Any) -> str:
    """An element's name without its namespace; "" for what is no element."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def attribute(element: Any, name: str, default: str = "") -> str:
    """An attribute by its name without namespace."""
    value = element.get(name)
    if value is not None:
        return str(value)
    return next((str(value) for key, value in element.items() if key.rpartition("}")[2] == name), default)


def reference(element: Any) -> str:
    """The id of the relationship that an element names (`r:id`); "" where it names none."""
    return next((str(value) for key, value in element.items() if key.endswith("}id")), "")


def child(element: Any, *path: str) -> Any:
    """The first child by names without namespace, and its child, and so on; None where there is none."""
    for name in path:
        element = next(element.iterchildren("{*}" + name), None) if element is not None else None
    return element


def children(element: Any, name: str) -> list[Any]:
    """The children of this name; none of what is not there."""
    return list(element.iterchildren("{*}" + name)) if element is not None else []


def value(element: Any, *path: str) -> str:
    """The attribute `val` of a child; "" where there is none."""
    found = child(element, *path)
    return attribute(found, "val") if found is not None else ""


def whole(text: str | None, default: int = 0) -> int:
    """A whole number out of a file."""
    try:
        return int(float(text)) if text else default
    except (ValueError, OverflowError):
        return default


def is_on(text: str) -> bool:
    """Whether an attribute says yes; one that is not written says so too."""
    return text.lower() not in ("0", "false", "off", "none")


def _root(content: bytes) -> Any:
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
    root = etree.fromstring(_STRICT.sub(rb"http://schemas.openxmlformats.org/\1/2006/\2", content), parser)
    if root.getroottree().docinfo.doctype:
        raise ValueError("a part of an office file has no document type")
    return root


def _key(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").lower()
