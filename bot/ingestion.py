"""Everything that is to be known, brought together for one ingest: folders, and Feishu documents through the client."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from bot.composition import document_rights
from bot.documents.library_sources import PREFIX, listed, subscribe_to
from bot.documents.page_reader import PageReader, page_reader
from bot.documents.rights_reading import rights_of
from bot.errors import StoreError
from bot.settings import Settings
from bot.storage.database import Database
from feishu.api.client import FeishuClient
from feishu.clock import SystemClock
from feishu.documents.listing import Documents, Page
from feishu.errors import FeishuError
from rag.errors import IngestError
from rag.ingestion.pipeline import IngestReport, ingest
from rag.ingestion.sources import Remote, Unlisted
from rag.knowledge_base import KnowledgeBase
from rag.scope import DEFAULT_COLLECTION


async def ingest_all(
    settings: Settings,
    *,
    paths: Sequence[Path] | None = None,
    progress: Callable[[str, int, int], None] | None = None,
    rebuild: bool = False,
    prune: bool = False,
) -> IngestReport:
    """Ingest folders and, unless `paths` are given, the Feishu links of the settings. Raises `RagError`."""
    if paths is not None:
        collections = () if prune else (DEFAULT_COLLECTION, *settings.rag.collections)
        kept = [Unlisted(name, PREFIX, "", keeps=True) for name in collections]
        return await _ingested(settings, kept, paths, progress, rebuild=rebuild, prune=prune)
    if not any(settings.links()):
        return await _ingested(settings, (), None, progress, rebuild=rebuild, prune=prune)
    async with _reading(settings) as (client, reader):
        pages: list[Page] = []
        remote = await listed(settings, Documents(client), reader, seen=pages)
        await _mirror_rights(settings, pages, client)
        report = await _ingested(settings, remote, None, progress, rebuild=rebuild, prune=prune)
        await subscribe_to(reader.done, client, settings)
        return report


async def _mirror_rights(settings: Settings, pages: Sequence[Page], client: FeishuClient) -> None:
    """Before documents are searched, who may read them is known. Raises `IngestError`."""
    if settings.bot.access.rights != "mirror":
        return
    try:
        looked = await rights_of(pages, settings, client)
        database = Database(settings.bot.database_url)
        try:
            await asyncio.to_thread(database.migrate)
            await document_rights(settings, database, SystemClock()).keep(looked.found)
        finally:
            await asyncio.to_thread(database.close)
    except (FeishuError, StoreError) as error:
        raise IngestError(f"The rights of documents cannot be mirrored: {error}") from error


async def _ingested(
    settings: Settings,
    remote: Sequence[Remote],
    paths: Sequence[Path] | None,
    progress: Callable[[str, int, int], None] | None,
    *,
    rebuild: bool,
    prune: bool,
) -> IngestReport:
    return await asyncio.to_thread(
        lambda: ingest(settings.rag, paths=paths, remote=remote, progress=progress, rebuild=rebuild, prune=prune)
    )


@contextlib.asynccontextmanager
async def _reading(settings: Settings) -> AsyncIterator[tuple[FeishuClient, PageReader]]:
    """A client and a reader of documents; pictures are read by the model where it sees."""
    async with contextlib.AsyncExitStack() as cleanup:
        client = FeishuClient(settings.feishu)
        cleanup.push_async_callback(client.aclose)
        library = None
        if settings.rag.llm.vision:
            library = await KnowledgeBase.open(settings.rag)
            cleanup.push_async_callback(library.aclose)
        yield client, page_reader(client, settings.rag, library)
