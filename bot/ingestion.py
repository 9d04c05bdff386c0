"""An ingest in a process of its own: with a client, a store and a model that sees, which end with it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path

from bot.composition import document_rights
from bot.documents.ingesting import Ingesting, ingested
from bot.documents.library_sources import PREFIX
from bot.settings import Settings
from bot.storage.database import Database
from feishu.api.client import FeishuClient
from feishu.clock import SystemClock
from feishu.documents.listing import Page
from feishu.documents.rights import Rights
from rag.ingestion.pipeline import IngestReport
from rag.ingestion.sources import Unlisted
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
        return await ingested(settings, progress, paths=paths, remote=kept, rebuild=rebuild, prune=prune)
    if not any(settings.links()):
        return await ingested(settings, progress, rebuild=rebuild, prune=prune)
    async with _ingesting(settings) as ingesting:
        return (await ingesting.everything(progress, rebuild=rebuild, prune=prune)).report


@contextlib.asynccontextmanager
async def _ingesting(settings: Settings) -> AsyncIterator[Ingesting]:
    """Pictures are read by the model where it sees."""

    async def keep(found: Mapping[str, tuple[Page, Rights]]) -> None:
        database = Database(settings.bot.database_url)
        try:
            await asyncio.to_thread(database.migrate)
            await document_rights(settings, database, SystemClock()).keep(found)
        finally:
            await asyncio.to_thread(database.close)

    async with contextlib.AsyncExitStack() as cleanup:
        client = FeishuClient(settings.feishu)
        cleanup.push_async_callback(client.aclose)
        library = None
        if settings.rag.llm.vision:
            library = await KnowledgeBase.open(settings.rag)
            cleanup.push_async_callback(library.aclose)
        yield Ingesting(settings, client, library, keep)
