"""Messages that are more than words: each kind finds its reader, within limits of size and type, or a sentence."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from weakref import WeakValueDictionary

import structlog

from bot.intake.forwarded import file_name
from bot.intake.image_text import ImageText
from bot.intake.intake import conversation_of
from bot.intake.replies import Replier
from bot.intake.results import Asked, ImageUnreadable, Linked, NoQuestion
from bot.job import Job
from bot.models import LeftOut
from bot.observability.metrics import Metrics
from bot.repositories.attachments import MB, Attachments, OverQuota
from bot.texts import Texts
from feishu.api.availability import is_outage
from feishu.api.messages import Messages
from feishu.errors import ApiError
from feishu.events.text import content_of, image_keys
from feishu.events.types import MessageReceived
from rag.errors import RagError, Unreadable
from rag.ingestion.readers.ocr import MOST_PIXELS

log = structlog.get_logger(__name__)

MOST_FILE_BYTES = 20_000_000
MOST_IMAGE_BYTES = 10_000_000
LIMIT = MOST_PIXELS // 10_000
MOST_IMAGES = 3


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file whose text is kept; or why it is not (`why_<why>` of `bot.texts`). `removed` earlier files of the same
    person made room for it."""

    name: str
    why: str = ""
    removed: int = 0


class FileReader:
    """A file in a private chat: read, kept for the conversation, answered about from then on."""

    def __init__(self, messages: Messages, attachments: Attachments, metrics: Metrics) -> None:
        self._messages = messages
        self._attachments = attachments
        self._metrics = metrics
        self._fetching: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def can_read(self, message: MessageReceived) -> bool:
        """Whether there is a loader for a file of this name. Costs nothing."""
        return self._attachments.can_read(file_name(message))

    async def read(self, job: Job, message: MessageReceived, text: str, wording: Texts) -> Asked | str:
        """Words that tell what became of the file."""
        if message.chat_type != "p2p":
            return wording.kind_file_group
        kept = await self.read_for(job, conversation_of(message), message, asker=message.sender_open_id)
        return self.sentence_on(kept, wording)

    async def read_for(self, job: Job, conversation: str, message: MessageReceived, *, asker: str) -> ReadFile:
        """Reads the message's file and keeps its text for a conversation, as belonging to who asks about it: it counts
        against their quota. Raises `FeishuError` for an outage of the platform alone."""
        name = file_name(message)
        if not self._attachments.can_read(name):
            return ReadFile(name, why="format")
        # One of a person's after the other: each has to count before the next asks what is left of the day.
        async with self._fetching.setdefault(asker, asyncio.Lock()):
            got = await self._downloaded(job, message, asker)
        if isinstance(got, str):
            return ReadFile(name, why=got)
        try:
            text = await self._attachments.read(name, got)
            removed = await self._attachments.keep(job.app_id, conversation, message.message_id, asker, name, text)
        except Unreadable as error:
            log.info("file_unreadable", reason=error.reason)
            return ReadFile(name, why="not_readable")
        except OverQuota:
            self._metrics.refused("file", "file_mb_kept")
            return ReadFile(name, why="over_kept")
        return ReadFile(name, removed=removed)

    async def _downloaded(self, job: Job, message: MessageReceived, asker: str) -> bytes | str:
        """The file's bytes, counted against the day's quota; or why there are none."""
        left = await self._attachments.left_today(job.app_id, asker)
        if left == 0:
            return self._over_day()
        most = MOST_FILE_BYTES if left is None else min(left, MOST_FILE_BYTES)
        key = str(content_of(message.content).get("file_key") or "")
        try:
            got = await self._messages.download(message.message_id, key, "file", most_bytes=most)
        except ApiError as error:
            if is_outage(error):
                raise
            log.info("file_not_downloaded", reason=str(error))
            return "gone"
        if got is None:
            return self._over_day() if most < MOST_FILE_BYTES else "too_large"
        if not got:
            return "empty"
        await self._attachments.received(job.app_id, message.message_id, asker, len(got))
        return got

    def _over_day(self) -> str:
        self._metrics.refused("file", "file_mb_per_day")
        return "over_day"

    def sentence_on(self, found: ReadFile, wording: Texts) -> str:
        """What became of a file, for who sent it."""
        quota = self._attachments.quota
        said, limit = {
            "": (wording.file_read, 0),
            "format": (wording.file_unsupported, 0),
            "gone": (wording.file_gone, 0),
            "too_large": (wording.file_too_large, MOST_FILE_BYTES),
            "empty": (wording.file_empty, 0),
            "over_day": (wording.file_over_day, quota.bytes_per_day),
            "over_kept": (wording.file_over_kept, quota.bytes_kept),
        }.get(found.why, (wording.file_unreadable, 0))
        lines = [said.format(name=found.name, limit=f"{limit / MB:g}")]
        if found.removed:
            lines.append(wording.file_made_room.format(count=found.removed))
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the first pictures of a message say ("" for nothing), what stood in the way where that is nothing, and how
    many beside could not be downloaded."""

    words: str = ""
    trouble: ImageUnreadable | None = None
    missing: int = 0


class Pictures:
    """The pictures of a message, downloaded and read."""

    def __init__(self, messages: Messages, eyes: ImageText) -> None:
        self._messages = messages
        self._eyes = eyes

    def can_look(self, message: MessageReceived) -> bool:
        """Whether there are pictures to read in a message, and something here reads them. Costs nothing."""
        return bool(image_keys(message)) and self._eyes.can_read

    def obstacle(self, message: MessageReceived, wording: Texts) -> str:
        """Why nobody can look."""
        return wording.image_no_reader if image_keys(message) else wording.image_no_text

    async def look(self, message: MessageReceived, wording: Texts) -> Seen:
        """Downloads and reads, so it may take long."""
        if not self.can_look(message):
            return Seen(trouble=ImageUnreadable(self.obstacle(message, wording), why="no_reader"))
        keys = image_keys(message)[:MOST_IMAGES]
        got = [await self._download(message.message_id, key, wording) for key in keys]
        found = [each for each in got if isinstance(each, bytes)]
        trouble = next((each for each in got if isinstance(each, str)), "")
        if not found:
            return Seen(trouble=ImageUnreadable(trouble, why="gone" if trouble == wording.file_gone else "too_large"))
        try:
            words = (await self._eyes.read(found)).strip()
        except Unreadable as error:
            log.info("image_unreadable", reason=error.reason)
            said = wording.image_too_large.format(limit=LIMIT) if error.too_large else wording.image_unreadable
            return Seen(trouble=ImageUnreadable(said, why="too_large" if error.too_large else "not_readable"))
        except RagError as error:
            log.warning("image_not_read", kind=type(error).__name__, reason=str(error))
            return Seen(trouble=ImageUnreadable(wording.image_not_now, by_us=True, why="not_now"))
        if not words:
            return Seen(trouble=ImageUnreadable(trouble or wording.image_no_text, why="no_words"))
        return Seen(words, missing=len(keys) - len(found))

    def left_out(self, message: MessageReceived, seen: Seen) -> tuple[LeftOut, ...]:
        """What of its pictures was not read: all of them after a trouble, else what is missing or beyond the first."""
        count = len(image_keys(message))
        if seen.trouble:
            return (LeftOut("picture", seen.trouble.why, count=count),) if count else ()
        found = (LeftOut("picture", "gone", count=seen.missing),) if seen.missing else ()
        return (*found, LeftOut("picture", "too_many", count=count - MOST_IMAGES)) if count > MOST_IMAGES else found

    async def _download(self, message_id: str, key: str, wording: Texts) -> bytes | str:
        try:
            got = await self._messages.download(message_id, key, "image", most_bytes=MOST_IMAGE_BYTES)
        except ApiError as error:
            if is_outage(error):
                raise
            log.info("image_not_downloaded", reason=str(error))
            return wording.file_gone
        return wording.image_too_large.format(limit=LIMIT) if got is None else got


class ImageReader:
    """An image, alone or beside words: what is found in it becomes part of the question, and is shown."""

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures

    async def read(self, job: Job, message: MessageReceived, text: str, wording: Texts) -> Asked | str:
        """What is asked, as far as that is known without a look; or words that say why nothing is."""
        if self._pictures.can_look(message):
            return Asked(text or wording.picture_title, unread=True)
        obstacle = ImageUnreadable(self._pictures.obstacle(message, wording), why="no_reader")
        if not text:
            return obstacle.said
        return Asked(text, left_out=self._pictures.left_out(message, Seen(trouble=obstacle)))

    async def look(self, message: MessageReceived, text: str, wording: Texts) -> Asked | ImageUnreadable:
        """What is asked; or why nothing is. Downloads and reads, so it may take long."""
        seen = await self._pictures.look(message, wording)
        if seen.trouble and not text:
            return seen.trouble
        return Asked(text or seen.words, seen.words, left_out=self._pictures.left_out(message, seen))


class Reader(Protocol):
    """Reads one kind of message."""

    async def read(self, job: Job, message: MessageReceived, text: str, wording: Texts) -> "Asked | str": ...


class Looker(Protocol):
    """Reads what takes long."""

    async def look(self, message: MessageReceived, text: str, wording: Texts) -> "Asked | ImageUnreadable": ...


class Links(Protocol):
    """Reads the documents that a message links to."""

    def links_in(self, text: str) -> Sequence[object]: ...

    def asks(self, text: str) -> bool: ...

    async def read(self, job: Job, message: MessageReceived, text: str, wording: Texts) -> Linked: ...


class KindReaders:
    """Readers by message type. What has none gets a sentence that names what works."""

    def __init__(self, voice: Replier, readers: dict[str, Reader], looker: Looker, links: Links) -> None:
        self._voice = voice
        self._readers = readers
        self._looker = looker
        self._links = links

    def has_links(self, text: str) -> bool:
        """Whether there are links to documents among the words of a message. Costs nothing."""
        return bool(self._links.links_in(text))

    async def read_links(self, job: Job, message: MessageReceived, text: str, wording: Texts) -> Linked:
        """What the documents are that a message links to; they are kept. Takes long. Raises `FeishuError`."""
        return await self._links.read(job, message, text, wording)

    async def read_links_alone(
        self, job: Job, message: MessageReceived, text: str, wording: Texts
    ) -> NoQuestion | None:
        """Reads the links of a message that asks nothing, and says what became of them; None for a question."""
        if self._links.asks(text):
            return None
        linked = await self._links.read(job, message, text, wording)
        lines = [wording.link_read.format(name=title) for title in linked.titles]
        lines += [wording.link_partly] if linked.partly else []
        await self._voice.reply(job, message, "\n".join([*lines, *linked.said]))
        return NoQuestion("documents to ask about")

    async def read(self, job: Job, message: MessageReceived, text: str, wording: Texts) -> Asked | NoQuestion:
        """What is asked; a sentence was said where nothing is."""
        reader = self._readers.get(message.message_type)
        said = await reader.read(job, message, text, wording) if reader else sentence(message.message_type, wording)
        if isinstance(said, Asked):
            return said
        await self._voice.reply(job, message, said)
        return NoQuestion("a kind without a question")

    async def look(self, message: MessageReceived, text: str, wording: Texts) -> Asked | ImageUnreadable:
        """The whole of what a reader left unread."""
        return await self._looker.look(message, text, wording)


def sentence(kind: str, wording: Texts) -> str:
    """For kinds that nobody reads."""
    if kind in ("audio", "media"):
        return wording.kind_audio
    return wording.kind_sticker if kind == "sticker" else wording.kind_other
