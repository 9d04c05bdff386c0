"""Where documents come from: files below folders, and whatever else can say what it holds and give its text.

An item is cheap to list and to fingerprint; it is read only when its fingerprint is new.
"""

import hashlib
import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Protocol

from rag.documents import Document
from rag.errors import Unreadable
from rag.index.base.types import Key
from rag.ingestion.file_access import read_regular
from rag.ingestion.files import content_of, reader_mark, to_document
from rag.ingestion.readers import Readers
from rag.ingestion.readers.parsed import Parsed

REMOTE = "3"
"""Raised when the same pages are read otherwise than before, so that they are read again."""


class Item(Protocol):
    """One document that may be read."""

    @property
    def key(self) -> Key:
        """Collection and source."""

    def fingerprint(self) -> str:
        """Changes when the document does. Raises Unreadable."""

    def load(self, readers: Readers) -> Document:
        """Read it. Raises Unreadable."""


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file by its resolved path; its fingerprint is that of its content and of what would read it, and how."""

    file: Path
    source: str
    collection: str
    most_bytes: int = 20_000_000
    include_hidden: bool = False

    @property
    def key(self) -> Key:
        return self.collection, self.source

    def fingerprint(self) -> str:
        key = reader_mark(PurePath(self.source).suffix, include_hidden=self.include_hidden).encode()
        return hashlib.blake2b(self.content(), digest_size=16, key=key).hexdigest()

    def load(self, readers: Readers) -> Document:
        return to_document(self.content(), self.source, self.collection, readers)

    def content(self) -> bytes:
        """Its bytes. Raises Unreadable."""
        return read_regular(self.file, self.source, self.most_bytes)


@dataclass(frozen=True, slots=True)
class RemoteDocument:
    """A page elsewhere. `edited` changes when it does; `edited_at` is when that was (epoch seconds), 0 for unknown.

    `read` gives its Markdown, where its places begin, and what was left out; it may raise Unreadable, and has a reading
    process for what is in files.
    """

    source: str
    title: str
    link: str | None
    edited: str
    read: Callable[[Readers], Parsed]
    collection: str = "default"
    edited_at: int = 0

    @property
    def key(self) -> Key:
        return self.collection, self.source

    def fingerprint(self) -> str:
        content = "\x00".join((self.title, self.link or "", self.edited, REMOTE)).encode("utf-8", "replace")
        return hashlib.blake2b(content, digest_size=16).hexdigest()

    def load(self, readers: Readers) -> Document:
        parsed = _plain(self.read(readers))
        if not parsed.text.strip():
            raise Unreadable(self.source, "holds no text")
        title, read = self.title or self.source, content_of(parsed)
        found = Document(self.source, title, parsed.text, self.link, self.collection, parsed.places, parsed.notes, read)
        return replace(found, edited_at=self.edited_at, is_partial=parsed.is_partial)


@dataclass(frozen=True, slots=True)
class Unlisted:
    """A place whose documents could not be listed, and why.

    With `keeps` the index keeps what it has from there (a network failure); otherwise that goes (access was lost).
    Without a reason it was not looked at this time, and no report speaks of it.
    """

    collection: str
    prefix: str
    reason: str
    keeps: bool = False


Remote = RemoteDocument | Unlisted


def _plain(parsed: Parsed) -> Parsed:
    """With one kind of line ends and without NUL; its places stay where they are in the text."""
    if "\r\n" not in parsed.text and "\x00" not in parsed.text:
        return parsed
    parts, places, length = [], [], 0
    bounds = [0, *(offset for offset, _ in parsed.places), len(parsed.text)]
    for at, (start, stop) in enumerate(itertools.pairwise(bounds)):
        if at:
            places.append((length, parsed.places[at - 1][1]))
        parts.append(parsed.text[start:stop].replace("\r\n", "\n").replace("\x00", ""))
        length += len(parts[-1])
    return replace(parsed, text="".join(parts), places=tuple(places))


def remote_items(remote: Iterable[Remote]) -> tuple[list[RemoteDocument], list[Unlisted]]:
    """Documents, each once, and what could not be listed."""
    documents: dict[Key, RemoteDocument] = {}
    unlisted: list[Unlisted] = []
    for item in remote:
        if isinstance(item, Unlisted):
            unlisted.append(item)
        else:
            documents.setdefault(item.key, item)
    return list(documents.values()), unlisted
