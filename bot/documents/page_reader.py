"""A page on Feishu as one text with places and notes: its pieces put together, its files and pictures read."""

import asyncio
import csv
import io
from collections.abc import Coroutine
from pathlib import PurePath
from typing import Any, Protocol, TypeVar

from bot.documents.pictures import NO_READER, PictureReader, Vision
from feishu.api.client import FeishuClient
from feishu.documents.listing import Page
from feishu.documents.page_pieces import PagePieces
from feishu.documents.parts import Anchor, Attached, Part, Pieces, Records, SheetGrid, Text
from feishu.documents.refusals import reason_of
from feishu.errors import ApiError, FeishuError
from rag.documents import Place
from rag.errors import RagError, Unreadable
from rag.ingestion.files import why_not_read
from rag.ingestion.readers import Readers
from rag.ingestion.readers.file_kinds import PICTURES
from rag.ingestion.readers.parsed import Parsed, labelled
from rag.settings import RagSettings, ReadingSettings

READING = 1
"""Raised when the same page is read otherwise than before, so that pages are read again."""
MB = 1_000_000

T = TypeVar("T")


class PieceSource(Protocol):
    """What this needs of `feishu.documents.page_pieces.PagePieces`."""

    async def content(self, page: Page) -> Pieces: ...

    async def download(self, attached: Attached, *, most_bytes: int) -> bytes | None: ...


class PageReader:
    """Reads pages in threads that are not the loop's: calls go through `loop`, files through the reading process."""

    def __init__(
        self, contents: PieceSource, pictures: PictureReader, settings: ReadingSettings, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._contents = contents
        self._pictures = pictures
        self._settings = settings
        self._loop = loop
        self.done: list[Page] = []
        """What was read by now."""

    @property
    def mark(self) -> str:
        """What reads, and how."""
        return f"{READING} {self._pictures.mark} {'hidden' if self._settings.include_hidden else ''}".strip()

    def read(self, page: Page, readers: Readers) -> Parsed:
        """The page's text. Blocking. Raises Unreadable: `temporary` where it may be had later."""
        try:
            content = self._run(self._contents.content(page))
        except FeishuError as error:
            raise _unreadable(page.title or page.token, error) from error
        parsed = self._assembled(content, readers)
        self.done.append(page)
        return parsed

    def _assembled(self, content: Pieces, readers: Readers) -> Parsed:
        if len(content.parts) == 1 and isinstance(content.parts[0], Attached) and content.parts[0].home != "media":
            return self._whole_file(content.parts[0], content.notes, readers)
        text = _Assembly(content.notes)
        for part in content.parts:
            self._add(text, part, readers)
        return text.parsed()

    def _whole_file(self, file: Attached, notes: tuple[str, ...], readers: Readers) -> Parsed:
        """A page that is one file."""
        try:
            parsed = self._parsed(file, readers)
        except FeishuError as error:
            raise _unreadable(file.name, error) from error
        places = tuple((offset, _with_id(place, file.sheets)) for offset, place in parsed.places)
        return Parsed(parsed.text, parsed.title, parsed.link, places, (*notes, *parsed.notes))

    def _add(self, text: "_Assembly", part: Part, readers: Readers) -> None:
        match part:
            case Text():
                text.add(part.text, part.anchor)
            case Records():
                _add_records(text, part)
            case SheetGrid():
                parsed = readers.read(_as_csv(part), ".csv", part.name)
                text.add(_titled(part.name, part.anchor, parsed.text), part.anchor)
                text.notes += [f"{part.name}: {note}" for note in parsed.notes]
            case Attached():
                self._add_attached(text, part, readers)

    def _add_attached(self, text: "_Assembly", part: Attached, readers: Readers) -> None:
        """A file or picture in a document: its words, or why there are none; the rest of the document stands."""
        try:
            parsed = self._parsed(part, readers)
        except Unreadable as error:
            return text.note_unread(part, error.reason)
        except ApiError as error:
            reason = reason_of(error)
            return text.note_unread(part, reason or str(error), is_passing=reason is None)
        except (FeishuError, RagError) as error:
            return text.note_unread(part, str(error), is_passing=True)
        if parsed.text.strip():
            heading = f"# {part.title}\n\n" if part.title else ""
            text.add(heading + parsed.text.strip() + "\n\n", part.anchor)
        text.notes += [f"{part.name}: {note}" for note in parsed.notes]

    def _parsed(self, file: Attached, readers: Readers) -> Parsed:
        """Raises Unreadable, FeishuError, and RagError where the model that sees failed."""
        suffix = PurePath(file.name).suffix.lower()
        is_picture = file.kind == "picture" or suffix in PICTURES
        if is_picture and not self._pictures.mark:
            raise Unreadable(file.name, NO_READER)
        reason = "" if is_picture else why_not_read(file.name)
        if reason != "":
            raise Unreadable(file.name, reason or f"is a {suffix or 'file without a suffix'}, which is not read")
        most = self._settings.max_file_mb
        content = self._run(self._contents.download(file, most_bytes=most * MB))
        if content is None:
            raise Unreadable(file.name, f"is larger than {most} MB (rag.reading.max_file_mb)")
        if is_picture:
            return Parsed(self._pictures.words(content, file.name, readers))
        return readers.read(content, suffix, file.name)

    def _run(self, call: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(call, self._loop).result()


def page_reader(client: FeishuClient, settings: RagSettings, library: Vision | None) -> PageReader:
    """One that calls through the running loop."""
    loop = asyncio.get_running_loop()
    contents = PagePieces(client, include_hidden=settings.reading.include_hidden)
    return PageReader(contents, PictureReader(library, loop), settings.reading, loop)


class _Assembly:
    """Pieces one after the other, with where each begins."""

    def __init__(self, notes: tuple[str, ...]) -> None:
        self.notes = list(notes)
        self._texts: list[str] = []
        self._length = 0
        self._places: list[tuple[int, Place]] = []
        self._unread: dict[str, int] = {}
        self._is_partial = False

    def add(self, text: str, anchor: Anchor | None) -> None:
        """The next piece."""
        if anchor is not None:
            self._places.append((self._length, place_of(anchor)))
        self._texts.append(text)
        self._length += len(text)

    def note_unread(self, part: Attached, reason: str, *, is_passing: bool = False) -> None:
        """Pictures are counted by the reason, files have names."""
        self._is_partial = self._is_partial or is_passing
        if part.kind == "picture":
            self._unread[reason] = self._unread.get(reason, 0) + 1
        else:
            self.notes.append(f"the attachment {part.name} was not read: {reason}")

    def parsed(self) -> Parsed:
        """All of it."""
        counted = [f"{count} picture{'' if count == 1 else 's'} not read: {why}" for why, count in self._unread.items()]
        notes = tuple(dict.fromkeys([*self.notes, *counted]))
        return Parsed("".join(self._texts), places=tuple(self._places), notes=notes, is_partial=self._is_partial)


def place_of(anchor: Anchor) -> Place:
    """The position as the index keeps it."""
    return Place(anchor.kind, anchor.name, anchor.id, anchor.link)


def _add_records(text: _Assembly, table: Records) -> None:
    text.add(_titled(table.name, table.anchor, ""), table.anchor)
    for anchor, pairs in table.rows:
        names, values = zip(*pairs, strict=True)
        text.add(f"- {labelled(names, values)}\n", anchor)
    text.add("\n", table.anchor)


def _titled(name: str, anchor: Anchor | None, body: str) -> str:
    """Under a heading where it stands alone; inside a document a heading would take what follows."""
    is_alone = anchor is not None and anchor.kind in ("sheet", "table")
    title = f"## {name}\n\n" if is_alone and name else f"{name}\n\n" if name else ""
    return title + (body.strip() + "\n\n" if body else "")


def _as_csv(grid: SheetGrid) -> bytes:
    written = io.StringIO()
    written.write("sep=,\n")
    csv.writer(written, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(grid.rows)
    return written.getvalue().encode("utf-8", "replace")


def _with_id(place: Place, sheets: dict[str, str]) -> Place:
    return Place(place.kind, place.name, sheets.get(place.name, "")) if place.kind == "sheet" and sheets else place


def _unreadable(name: str, error: FeishuError) -> Unreadable:
    reason = reason_of(error) if isinstance(error, ApiError) else None
    return Unreadable(name, reason or str(error), temporary=reason is None)
