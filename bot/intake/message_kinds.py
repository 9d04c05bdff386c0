"""Messages that are more than words; here each kind finds its reader, or its kind sentence."""

from collections.abc import Sequence
from typing import Protocol

from bot.inbox.queue import Job
from bot.intake.replies import Replier
from bot.intake.results import Asked, ImageUnreadable, Linked, NoQuestion
from bot.texts import Texts
from feishu.events.types import MessageReceived


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
