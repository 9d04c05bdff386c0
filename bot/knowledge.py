"""Everything that is to be known, brought together for one ingest: folders, and Feishu documents through the client."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from bot.settings import Settings
from rag.ingest import IngestReport, ingest
from rag.sources import Remote


async def ingest_all(
    settings: Settings,
    *,
    paths: Sequence[Path] | None = None,
    progress: Callable[[str, int, int], None] | None = None,
    rebuild: bool = False,
) -> IngestReport:
    """Ingest folders and, unless `paths` are given, the Feishu links of the settings. Raises `RagError`."""
    remote: list[Remote] = []
    return await asyncio.to_thread(
        lambda: ingest(settings.rag, paths=paths, remote=remote, progress=progress, rebuild=rebuild)
    )
