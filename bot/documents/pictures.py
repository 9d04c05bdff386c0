"""Pictures in documents: read by the model where it sees (`rag.llm.vision`), by the extra `ocr` otherwise."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import structlog

from rag.errors import RagError
from rag.ingestion.readers import Readers
from rag.ingestion.readers.ocr import can_ocr
from rag.ingestion.readers.pictures import can_show

log = structlog.get_logger(__name__)

NO_READER = "pip install 'feishu-rag[ocr]', or set rag.llm.vision with a model that sees"


class Vision(Protocol):
    """What this needs of `rag.knowledge_base.KnowledgeBase`."""

    @property
    def can_look(self) -> bool: ...

    async def look(self, pictures: Sequence[str]) -> str: ...


class PictureReader:
    """Gives the words of pictures to a thread; the model is asked on `loop`."""

    def __init__(self, library: Vision | None, loop: asyncio.AbstractEventLoop) -> None:
        self._library = library
        self._loop = loop

    @property
    def mark(self) -> str:
        """What reads: documents with pictures are read again when it changes."""
        return "model" if self._sees else "ocr" if can_ocr() else ""

    @property
    def _sees(self) -> bool:
        return self._library is not None and self._library.can_look and can_show()

    def words(self, content: bytes, name: str, readers: Readers) -> str:
        """What a picture says; "" for nothing. Blocking. A model that fails leaves it to `ocr` where that is there.
        Raises Unreadable, and RagError where the model failed and nothing else reads."""
        if self._library is not None and self._sees:
            url = readers.read(content, ".picture", name).text
            try:
                return asyncio.run_coroutine_threadsafe(self._library.look([url]), self._loop).result()
            except RagError as error:
                if not can_ocr():
                    raise
                log.warning("model_read_no_image", kind=type(error).__name__, reason=str(error))
        return readers.read(content, ".image", name).text.strip()
