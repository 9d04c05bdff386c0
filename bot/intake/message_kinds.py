"""Messages that are more than words; here each kind finds its reader, or its kind sentence."""

from typing import Protocol

from bot.inbox.queue import Job
from bot.intake.replies import Replier
from bot.intake.results import Asked, ImageUnreadable, NoQuestion
from bot.texts import Texts
from feishu.events.types import MessageReceived


class Reader(Protocol):
    """Reads one kind of message."""

    async def read(self, job: Job, message: MessageReceived, text: str, wording: Texts) -> "Asked | str": ...


class Looker(Protocol):
    """Reads what takes long."""

    async def look(self, message: MessageReceived, text: str, wording: Texts) -> "Asked | ImageUnreadable": ...


class KindReaders:
    """Readers by message type. What has none gets a sentence that names what works."""

    def __init__(self, voice: Replier, readers: dict[str, Reader], looker: Looker) -> None:
        self._voice = voice
        self._readers = readers
        self._looker = looker

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
