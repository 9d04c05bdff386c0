"""Reads pictures: by the model where it sees (`rag.llm.vision`), by the extra `ocr` otherwise."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import structlog

from rag.errors import RagError, Unreadable
from rag.ingestion.readers import image_text, picture_url
from rag.ingestion.readers.ocr import can_ocr
from rag.ingestion.readers.pictures import can_show
from rag.settings import ReadingSettings

log = structlog.get_logger(__name__)


class Sees(Protocol):
    """What this needs of `rag.knowledge_base.KnowledgeBase`."""

    @property
    def can_look(self) -> bool: ...

    async def look(self, pictures: Sequence[str]) -> str: ...


class ImageText:
    """Gives the words of pictures."""

    def __init__(self, library: Sees, settings: ReadingSettings) -> None:
        self._library = library
        self._settings = settings

    @property
    def can_read(self) -> bool:
        """Whether anything here reads pictures."""
        return self._sees or can_ocr()

    @property
    def _sees(self) -> bool:
        return self._library.can_look and can_show()

    async def read(self, pictures: Sequence[bytes]) -> str:
        """What they say, and with a model that sees also what they show; "" for nothing.

        A model that fails leaves them to `ocr` where that is there. Raises Unreadable for a picture that cannot be
        opened (`too_large` for too many pixels), RagError where the model failed and nothing else reads.
        """
        if self._sees:
            urls = [await asyncio.to_thread(picture_url, content, self._settings) for content in pictures]
            try:
                return await self._library.look(urls)
            except RagError as error:
                if not can_ocr():
                    raise
                log.warning("model_read_no_image", kind=type(error).__name__, reason=str(error))
        found = [await asyncio.to_thread(image_text, content, self._settings) for content in pictures]
        return "\n".join(filter(None, found))


__all__ = ["ImageText", "Sees", "Unreadable"]
