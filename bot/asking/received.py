"""Readers of images, files and merged forwards, each within limits of size and type."""

import asyncio
from typing import Any
from weakref import WeakValueDictionary

import orjson
import structlog

from bot.asking.asked import Asked, Unseen
from bot.asking.eyes import Eyes
from bot.asking.reading import conversation_of
from bot.inbox.jobs import Job
from bot.records.attachments import MB, Attachments, OverQuota
from bot.texts import Texts
from bot.watch.metrics import Metrics
from feishu.errors import ApiError, FeishuError
from feishu.events import MessageReceived
from feishu.message_text import plain_content
from feishu.messages import Messages
from rag.errors import RagError, Unreadable
from rag.readers.ocr import MOST_PIXELS

log = structlog.get_logger(__name__)

MOST_FILE_BYTES = 20_000_000
MOST_IMAGE_BYTES = 10_000_000
LIMIT = MOST_PIXELS // 10_000
MOST_CHILDREN = 50
MOST_IMAGES = 3


class FileReader:
    """A file in a private chat: read, kept for the conversation, answered about from then on."""

    def __init__(self, messages: Messages, attachments: Attachments, metrics: Metrics) -> None:
        self._messages = messages
        self._attachments = attachments
        self._metrics = metrics
        self._fetching: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def read(self, job: Job, message: MessageReceived, text: str, wording: Texts) -> Asked | str:
        """Words that tell what became of the file."""
        content = _object(message.content)
        name, key = str(content.get("file_name") or "file")[:200], str(content.get("file_key") or "")
        if message.chat_type != "p2p":
            return wording.kind_file_group
        if not self._attachments.can_read(name):
            return wording.file_unsupported.format(name=name)
        # One of a person's after the other: each has to count before the next asks what is left of the day.
        async with self._fetching.setdefault(message.sender_open_id, asyncio.Lock()):
            return await self._fetch(job, message, name, key, wording)

    async def _fetch(self, job: Job, message: MessageReceived, name: str, key: str, wording: Texts) -> str:
        left = await self._attachments.left_today(job.app_id, message.sender_open_id)
        is_short = left is not None and left < MOST_FILE_BYTES
        if left == 0:
            return self._over_day(name, wording)
        try:
            most = left if is_short and left else MOST_FILE_BYTES
            got = await self._messages.download(message.message_id, key, "file", most_bytes=most)
        except ApiError as error:
            log.info("file_not_downloaded", reason=str(error))
            return wording.file_gone
        if got is None and is_short:
            return self._over_day(name, wording)
        if got is None:
            return wording.file_too_large.format(name=name, limit=MOST_FILE_BYTES // MB)
        if not got:
            return wording.file_empty.format(name=name)
        await self._attachments.received(job.app_id, message.message_id, message.sender_open_id, len(got))
        return await self._keep(job, message, name, got, wording)

    def _over_day(self, name: str, wording: Texts) -> str:
        self._metrics.refused("file", "file_mb_per_day")
        return wording.file_over_day.format(name=name, limit=_megabytes(self._attachments.quota.bytes_per_day))

    async def _keep(self, job: Job, message: MessageReceived, name: str, got: bytes, wording: Texts) -> str:
        try:
            read = await self._attachments.read(name, got)
        except Unreadable as error:
            log.info("file_unreadable", reason=error.reason)
            return wording.file_unreadable.format(name=name)
        where, sender = conversation_of(message), message.sender_open_id
        try:
            gone = await self._attachments.keep(job.app_id, where, message.message_id, sender, name, read)
        except OverQuota:
            self._metrics.refused("file", "file_mb_kept")
            return wording.file_over_kept.format(name=name, limit=_megabytes(self._attachments.quota.bytes_kept))
        said = wording.file_read.format(name=name)
        return f"{said}\n{wording.file_made_room.format(count=gone)}" if gone else said


class Pictures:
    """The pictures of a message, downloaded and read."""

    def __init__(self, messages: Messages, eyes: Eyes) -> None:
        self._messages = messages
        self._eyes = eyes

    def can_look(self, message: MessageReceived) -> bool:
        """Whether there are pictures to read in a message, and something here reads them. Costs nothing."""
        return bool(_image_keys(message)) and self._eyes.can_read

    def obstacle(self, message: MessageReceived, wording: Texts) -> str:
        """Why nobody can look."""
        return wording.image_no_reader if _image_keys(message) else wording.image_no_text

    async def words_in(self, message: MessageReceived, wording: Texts) -> tuple[str, Unseen | None]:
        """What its first pictures say ("" for nothing), and what stood in the way where that is nothing."""
        if not self.can_look(message):
            return "", Unseen(self.obstacle(message, wording))
        keys = _image_keys(message)[:MOST_IMAGES]
        got = [await self._download(message.message_id, key, wording) for key in keys]
        found = [each for each in got if isinstance(each, bytes)]
        trouble = next((each for each in got if isinstance(each, str)), "")
        if not found:
            return "", Unseen(trouble)
        try:
            words = (await self._eyes.read(found)).strip()
        except Unreadable as error:
            log.info("image_unreadable", reason=error.reason)
            said = wording.image_too_large.format(limit=LIMIT) if error.too_large else wording.image_unreadable
            return "", Unseen(said)
        except RagError as error:
            log.warning("image_not_read", kind=type(error).__name__, reason=str(error))
            return "", Unseen(wording.image_not_now, by_us=True)
        return words, None if words else Unseen(trouble or wording.image_no_text)

    async def _download(self, message_id: str, key: str, wording: Texts) -> bytes | str:
        try:
            got = await self._messages.download(message_id, key, "image", most_bytes=MOST_IMAGE_BYTES)
        except ApiError as error:
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
        return Asked(text) if text else self._pictures.obstacle(message, wording)

    async def look(self, message: MessageReceived, text: str, wording: Texts) -> Asked | Unseen:
        """What is asked; or why nothing is. Downloads and reads, so it may take long."""
        words, trouble = await self._pictures.words_in(message, wording)
        return trouble if trouble and not text else Asked(text or words, words)


class ForwardReader:
    """Merged forwards: the children's words with their authors' names, as one question."""

    def __init__(self, messages: Messages, names: Any) -> None:
        self._messages = messages
        self._names = names

    async def read(self, job: Job, message: MessageReceived, text: str, wording: Texts) -> Asked | str:
        """What was forwarded, flattened."""
        try:
            words = await self.words_of(message.message_id)
        except FeishuError as error:
            log.info("forward_not_fetched", reason=str(error))
            return wording.forwarded_gone
        return Asked(words, words) if words else wording.forwarded_nothing

    async def words_of(self, message_id: str) -> str:
        """The words of the messages in it, a line each. Raises `FeishuError`."""
        items = (await self._messages.fetch(message_id)).get("items")
        children = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
        lines = [await self._line(child) for child in children[: MOST_CHILDREN + 1] if child.get("upper_message_id")]
        return "\n".join(filter(None, lines))

    async def _line(self, child: dict[str, Any]) -> str:
        body = child.get("body")
        raw = str(body.get("content", "")) if isinstance(body, dict) else ""
        words = plain_content(str(child.get("msg_type", "")), raw).strip()
        sender = child.get("sender")
        who = str(sender.get("id", "")) if isinstance(sender, dict) else ""
        name = await self._names.of(who) if words and who.startswith("ou_") else ""
        return f"{name}: {words}" if name else words


def _image_keys(message: MessageReceived) -> list[str]:
    """Of an image, or of the images in a rich text."""
    found: list[str] = []
    level: list[Any] = [_object(message.content)]
    for _ in range(8):
        inner: list[Any] = []
        for node in level:
            if isinstance(node, dict):
                if isinstance(key := node.get("image_key"), str) and node.get("tag", "img") == "img":
                    found.append(key)
                inner += node.values()
            elif isinstance(node, list):
                inner += node
        level = inner
    return list(dict.fromkeys(found))


def _megabytes(size: int) -> str:
    return f"{size / MB:g}"


def _object(raw: str) -> dict[str, Any]:
    try:
        found = orjson.loads(raw)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
