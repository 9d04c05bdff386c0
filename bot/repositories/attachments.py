"""Files that somebody sent in a private chat, and documents whose links were pasted: read by the same loaders, kept as
text for that conversation only."""

import asyncio
import contextlib
import json
import secrets
import shutil
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass
from pathlib import Path, PurePath
from typing import Protocol

import structlog
from sqlalchemy import Connection, delete, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from bot.access.rules import FILES
from bot.models import Turn, quoted_by
from bot.settings.people import PeopleSettings
from bot.storage.database import Database
from bot.storage.tables import attachments, beginnings, received_files, turns
from feishu.clock import Clock, SystemClock
from rag.documents import Place
from rag.errors import RagError, Unreadable
from rag.events import Question
from rag.ingestion.files import SUFFIXES, to_document
from rag.ingestion.pipeline import ingest
from rag.ingestion.readers import Readers
from rag.ingestion.readers.parsed import Parsed
from rag.ingestion.sources import RemoteDocument
from rag.knowledge_base import KnowledgeBase
from rag.retrieval.retriever import SearchResult
from rag.scope import Scope
from rag.settings import EmbeddingSettings, RagSettings

log = structlog.get_logger(__name__)

MOST_FILES = 5
MOST_CHARS = 2_000_000
MOST_OPEN = 10
MOST_READ_AT_ONCE = 3
MOST_ANCESTORS = 10
DAY_S = 86_400.0
MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Quota:
    """What a person may send and have kept; 0 is any number. `kept_s` is how long a file is used, and kept."""

    bytes_per_day: int
    bytes_kept: int
    kept_s: float

    @classmethod
    def of(cls, people: PeopleSettings) -> "Quota":
        """By the settings."""
        kept_s = min(people.memory_h, people.file_kept_h) * 3600
        return cls(int(people.file_mb_per_day * MB), int(people.file_mb_kept * MB), kept_s)


class OverQuota(Exception):
    """One file holds more text than is kept for a person."""


class Searched(Protocol):
    """What is needed of `rag.knowledge_base.KnowledgeBase`."""

    async def search(self, text: str, scope: Scope) -> SearchResult: ...


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file's text; with link, places and time of a document that was linked to by `message_id`."""

    id: str
    name: str
    text: str
    link: str = ""
    places: tuple[tuple[int, Place], ...] = ()
    message_id: str = ""
    edited_at: int = 0


@dataclass(frozen=True, slots=True)
class Belongs:
    """Whose a file is, and where it is used: the person counts it against their quota."""

    app_id: str
    conversation: str
    message_id: str
    sender: str


class Attachments:
    """The files of conversations, each conversation with a small library of its own while it is used."""

    def __init__(
        self,
        database: Database,
        settings: RagSettings,
        documents: Searched,
        *,
        quota: Quota,
        clock: Clock | None = None,
    ) -> None:
        """`documents` are the team's, which may know better than a file."""
        self._database = database
        self._settings = settings
        self._documents = documents
        self.quota = quota
        self._clock = clock or SystemClock()
        self._insert = sqlite.insert if database.is_sqlite else postgresql.insert
        self._open: dict[tuple[str, ...], tuple[KnowledgeBase, Path]] = {}
        self._opening = asyncio.Lock()
        # Threads of its own: files that take their whole time limit keep nobody but other files waiting.
        self._executor = ThreadPoolExecutor(MOST_READ_AT_ONCE, thread_name_prefix="attachments")

    def can_read(self, name: str) -> bool:
        """Whether there is a loader for files of this name."""
        return PurePath(name).suffix.lower() in SUFFIXES

    async def read(self, name: str, content: bytes) -> str:
        """The file's text, read in a process of its own, which ends when this is cancelled. Raises `Unreadable`."""
        with contextlib.closing(Readers(self._settings.reading)) as readers:
            reading = asyncio.get_running_loop().run_in_executor(self._executor, _text_of, name, content, readers)
            return (await reading)[:MOST_CHARS]

    async def read_by(self, read: Callable[[Readers], Parsed]) -> Parsed:
        """What `read` makes of something with a reading process of its own, which ends when this is cancelled. Raises
        `Unreadable`."""
        with contextlib.closing(Readers(self._settings.reading)) as readers:
            return await asyncio.get_running_loop().run_in_executor(self._executor, read, readers)

    async def left_today(self, app_id: str, sender: str) -> int | None:
        """Bytes that a person may still send in these 24 hours; None for any number."""
        if not self.quota.bytes_per_day:
            return None
        mine = (received_files.c.app_id == app_id) & (received_files.c.sender == sender)
        since = self._clock.time() - DAY_S
        statement = select(func.sum(received_files.c.size)).where(mine, received_files.c.at > since)
        sent = await self._database.read(lambda connection: connection.scalar(statement) or 0)
        return max(0, self.quota.bytes_per_day - int(sent))

    async def received(self, app_id: str, message_id: str, sender: str, size: int) -> None:
        """Counts a file that was downloaded, once however often its job runs, whatever becomes of it."""
        values = {"app_id": app_id, "message_id": message_id, "sender": sender, "size": size}
        statement = self._insert(received_files).values(**values, at=self._clock.time()).on_conflict_do_nothing()
        await self._database.write(lambda connection: connection.execute(statement) and None)

    async def keep(self, app_id: str, conversation: str, message_id: str, sender: str, name: str, text: str) -> int:
        """Stores a file's text for its conversation; the person's oldest files make room for it. Gives how many went.
        Raises `OverQuota` where the file alone is too much."""
        return await self.keep_linked(Belongs(app_id, conversation, message_id, sender), name, Parsed(text), "")

    async def keep_linked(self, whose: Belongs, name: str, parsed: Parsed, link: str, *, edited_at: int = 0) -> int:
        """Like `keep`, for a document with a link and places, last edited at `edited_at` (epoch seconds)."""
        text = parsed.text[:MOST_CHARS].replace("\0", " ")
        size, most = len(text.encode()), self.quota.bytes_kept
        if most and size > most:
            raise OverQuota
        same = {"app_id": whose.app_id, "conversation": whose.conversation, "message_id": whose.message_id}
        same |= {"sender": whose.sender, "link": link}
        values = {**same, "id": "f" + secrets.token_hex(12), "name": name, "text": text, "edited_at": edited_at}
        places = json.dumps([(offset, *astuple(place)) for offset, place in parsed.places])
        statement = insert(attachments).values(created_at=self._clock.time(), size=size, places=places, **values)

        def work(connection: Connection) -> int:
            is_same = [attachments.c[key] == value for key, value in same.items()]
            connection.execute(delete(attachments).where(*is_same))  # its job runs again
            gone = _too_many(connection, whose.app_id, whose.sender, most - size) if most else []
            connection.execute(delete(attachments).where(attachments.c.id.in_(gone)))
            connection.execute(statement)
            return len(gone)

        return await self._database.write(work)

    async def forget_unused(self) -> int:
        """Deletes the files that are used no more; gives their number."""
        now = self._clock.time()
        unused = delete(attachments).where(attachments.c.created_at < now - self.quota.kept_s)
        uncounted = delete(received_files).where(received_files.c.at < now - DAY_S)

        def work(connection: Connection) -> int:
            connection.execute(uncounted)
            return connection.execute(unused).rowcount

        return await self._database.write(work)

    async def library_for(self, turn: Turn, question: Question) -> KnowledgeBase | None:
        """The library of the conversation's files, where they answer the question better than the documents do; of a
        file that the question quotes, where it answers at all; of documents that it links to in any case."""
        is_private = turn.chat_type == "p2p"
        kept = await self._kept(turn.app_id, [turn.conversation] if is_private else await self._shared_with(turn))
        if not kept:
            return None
        linked = [each for each in kept if each.link and each.message_id == turn.question_message_id]
        try:
            if linked:
                return await self._library(linked)
            library = await self._library(kept)
            for text in dict.fromkeys((question.text, turn.question)):
                found = await library.search(text, question.scope)
                if found.is_evidence and not is_private:
                    return library
                if await self._knows_better(found, text, question.scope):
                    return library
        except RagError as error:
            log.warning("attachments_unusable", reason=str(error))
        return None

    async def _knows_better(self, found: SearchResult, text: str, scope: Scope) -> bool:
        """Whether a finding in the files is strong, or at least as good as what the documents have."""
        if found.evidence != "weak":
            return found.evidence == "strong"
        try:
            other = await self._documents.search(text, scope)
        except RagError:
            return True
        return not other.is_evidence or found.confidence >= other.confidence

    async def _shared_with(self, turn: Turn) -> list[str]:
        """In a group: what the question quotes or links to, and what it follows up on; in a topic, the topic's too."""

        def work(connection: Connection) -> list[str]:
            found, parent = [quoted_by(turn.question_message_id)], turn.parent_turn
            while parent and len(found) <= MOST_ANCESTORS:
                columns = (turns.c.question_message_id, turns.c.parent_turn)
                row = connection.execute(select(*columns).where(turns.c.id == parent)).one_or_none()
                if row is None:
                    break
                found.append(quoted_by(row.question_message_id))
                parent = row.parent_turn
            return [*found, turn.conversation] if turn.conversation.startswith(f"{turn.chat_id}/") else found

        return await self._database.read(work)

    async def _kept(self, app_id: str, conversations: Sequence[str]) -> list[Attachment]:
        mine = (attachments.c.app_id == app_id) & attachments.c.conversation.in_(conversations)
        began = select(func.max(beginnings.c.at)).where(
            beginnings.c.app_id == app_id, beginnings.c.conversation.in_(conversations)
        )
        columns = [attachments.c[name] for name in ("id", "name", "text", "link", "places", "message_id", "edited_at")]

        def work(connection: Connection) -> list[Attachment]:
            since = max(connection.scalar(began) or 0.0, self._clock.time() - self.quota.kept_s)
            newest = select(*columns).where(mine, attachments.c.created_at > since)
            rows = connection.execute(newest.order_by(attachments.c.created_at.desc()).limit(MOST_FILES))
            return [Attachment(row[0], row[1], row[2], row[3], _places(row[4]), *row[5:]) for row in rows]

        return await self._database.read(work)

    async def _library(self, kept: Sequence[Attachment]) -> KnowledgeBase:
        key = tuple(each.id for each in kept)
        async with self._opening:
            if key not in self._open:
                while len(self._open) >= MOST_OPEN:
                    await self._close(next(iter(self._open)))
                folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="feishu-rag-"))
                settings = self._settings.model_copy(
                    update={
                        "knowledge": [],
                        "links": [],
                        "collections": {},
                        "store": "faiss",
                        "index_dir": folder,
                        "embedding": EmbeddingSettings(provider="none"),
                    }
                )
                await asyncio.to_thread(ingest, settings, remote=_documents(kept))
                self._open[key] = (await KnowledgeBase.open(settings, threads=1), folder)
            return self._open[key][0]

    async def _close(self, key: tuple[str, ...]) -> None:
        library, folder = self._open.pop(key)
        await library.aclose()
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def aclose(self) -> None:
        """Closes the libraries and removes their files."""
        for key in list(self._open):
            await self._close(key)
        self._executor.shutdown(wait=False, cancel_futures=True)


def _text_of(name: str, content: bytes, readers: Readers) -> str:
    with contextlib.closing(readers):
        return to_document(content, name, "default", readers).text


def _documents(kept: Sequence[Attachment]) -> list[RemoteDocument]:
    """Their texts were made by readers and are not parsed again."""
    titles = [" ".join(each.name.split()) or "file" for each in kept]
    return [
        RemoteDocument(f"{number}.md", title, each.link or None, each.id, _reading(each, title), FILES, each.edited_at)
        for number, (each, title) in enumerate(zip(kept, titles, strict=True))
    ]


def _reading(kept: Attachment, title: str) -> Callable[[Readers], Parsed]:
    """Gives the text under its title, with the places moved by as much."""
    heading = f"# {title}\n\n"
    places = tuple((offset + len(heading), place) for offset, place in kept.places)
    return lambda _readers: Parsed(heading + kept.text, title, places=places)


def _places(stored: str) -> tuple[tuple[int, Place], ...]:
    return tuple((int(offset), Place(*fields)) for offset, *fields in json.loads(stored))


def _too_many(connection: Connection, app_id: str, sender: str, room: int) -> list[str]:
    """Ids of a person's files, all but the newest that fit into `room` bytes."""
    mine = (attachments.c.app_id == app_id) & (attachments.c.sender == sender)
    newest = select(attachments.c.id, attachments.c.size).where(mine)
    gone = []
    for row in connection.execute(newest.order_by(attachments.c.created_at.desc(), attachments.c.id.desc())):
        room -= row.size
        if room < 0:
            gone.append(row.id)
    return gone


__all__ = ["Attachment", "Attachments", "Belongs", "Unreadable"]
