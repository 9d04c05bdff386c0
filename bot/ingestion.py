"""Everything that is to be known, brought together for one ingest: folders, and Feishu documents through the client."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path

from bot.documents.library_sources import PREFIX, Listed, links_of, listed
from bot.documents.page_reader import page_reader
from bot.settings import Settings
from feishu.api.client import FeishuClient
from feishu.documents.listing import Documents
from rag.ingestion.pipeline import IngestReport, ingest
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
    async with contextlib.AsyncExitStack() as cleanup:
        found = Listed()
        if paths is None and any(links_of(settings)):
            found = await _listed(settings, cleanup)
        if paths is not None and not prune:
            collections = (DEFAULT_COLLECTION, *settings.rag.collections)
            found.remote += [Unlisted(name, PREFIX, "", keeps=True) for name in collections]
        return await asyncio.to_thread(
            lambda: ingest(
                settings.rag, paths=paths, remote=found.remote, progress=progress, rebuild=rebuild, prune=prune
            )
        )


async def _listed(settings: Settings, cleanup: contextlib.AsyncExitStack) -> Listed:
    """What the links lead to, by a client that is closed with `cleanup`."""
    client = FeishuClient(settings.feishu)
    cleanup.push_async_callback(client.aclose)
    library = None
    if settings.rag.llm.vision:
        library = await KnowledgeBase.open(settings.rag)
        cleanup.push_async_callback(library.aclose)
    return await listed(settings, Documents(client), page_reader(client, settings.rag, library))
