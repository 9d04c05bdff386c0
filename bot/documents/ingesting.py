"""Everything that is to be known, brought together for one ingest: folders, and Feishu documents through the client."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bot.documents.library_sources import (
    PREFIX,
    LinkFound,
    Listing,
    document_of,
    known_page,
    listed,
    subscribe_to,
)
from bot.documents.page_reader import PageReader, page_reader
from bot.documents.pictures import Vision
from bot.documents.rights_reading import rights_of
from bot.errors import StoreError
from bot.settings import Settings
from feishu.api.client import FeishuClient
from feishu.documents.listing import READABLE, Documents, Page
from feishu.documents.rights import Rights
from feishu.errors import FeishuError
from rag.errors import IngestError
from rag.index.base.types import Key
from rag.index.outline import DocumentState
from rag.ingestion.pipeline import IngestReport, Progress, ingest
from rag.ingestion.selection import collection_folders, find_original
from rag.ingestion.sources import RemoteDocument

COUNTS = ("documents", "chunks", "new", "changed", "gone", "unchanged", "embedded", "reused", "embedding", "index")
MOST_TOLD = 500
"""Files that a report names; more of them are counted."""
KeepRights = Callable[[Mapping[str, tuple[Page, Rights]]], Awaitable[object]]
"""Stores who may read which document, by its source."""


@dataclass(frozen=True, slots=True)
class Ingested:
    """What an ingest did, and what each link of the settings led to (none where the links were not looked at)."""

    report: IngestReport
    links: tuple[LinkFound, ...] = ()

    def body(self) -> dict[str, Any]:
        """For the store and the page."""
        report = self.report
        files = {"skipped": report.skipped, "notes": report.notes}
        return {
            **{name: getattr(report, name) for name in COUNTS},
            **{
                name: [{"source": each.source, "reason": each.reason} for each in those[:MOST_TOLD]]
                for name, those in files.items()
            },
            "skipped_count": len(report.skipped),
            "seconds": round(report.seconds, 2),
            "links": [asdict(each) for each in self.links],
        }


@dataclass(frozen=True, slots=True)
class Ingesting:
    """Ingests what the settings name. Everything raises `RagError`; `FeishuError` where the platform does not answer.
    Who may read a document is known before it is searched (`keep`)."""

    settings: Settings
    client: FeishuClient
    vision: Vision | None
    keep: KeepRights

    async def everything(
        self,
        progress: Progress | None = None,
        *,
        rebuild: bool = False,
        prune: bool = False,
        reread: Collection[Key] = (),
    ) -> Ingested:
        """Folders and links. Documents of `reread` are read also where they did not change."""
        options: dict[str, Any] = {"rebuild": rebuild, "prune": prune, "reread": reread}
        if not any(self.settings.links()):
            return Ingested(await ingested(self.settings, progress, **options))
        reader = page_reader(self.client, self.settings.rag, self.vision)
        listing = await self._listed(reader, progress)
        await self._mirror_rights(listing.pages)
        report = await ingested(self.settings, progress, remote=listing.remote, **options)
        await subscribe_to(reader.done, self.client, self.settings)
        return Ingested(report, tuple(listing.links))

    async def again(self, documents: Sequence[DocumentState], progress: Progress | None = None) -> Ingested:
        """These documents, also where they did not change; all others stay as they are. Where one is not found where it
        was, everything is looked through for it."""
        keys, there = {(each.collection, each.source) for each in documents}, _Found()
        for state in documents:
            await self._find(state, there)
        if there.missing:
            return await self.everything(progress, reread=keys)
        options: dict[str, Any] = {"paths": there.files, "remote": there.remote, "reread": keys}
        return Ingested(await ingested(self.settings, progress, **options))

    async def _listed(self, reader: PageReader, progress: Progress | None) -> Listing:
        if progress is not None:
            progress("listing", 0, 0)
        return await listed(self.settings, Documents(self.client), reader)

    async def _find(self, state: DocumentState, there: "_Found") -> None:
        if not state.source.startswith(PREFIX):
            file = await asyncio.to_thread(find_original, self.settings.rag, state.collection, state.source)
            inside = file is not None and await asyncio.to_thread(self._is_inside, file.file)
            there.missing = there.missing or not inside
            there.files += [file.file] if file is not None and inside else []
            return
        token = state.source.removeprefix(PREFIX)
        metas, _codes = await Documents(self.client).metas([(token, kind) for kind in READABLE])
        meta = metas.get(token, {})
        kind = next((each for each in READABLE if each == meta.get("doc_type")), None)
        there.missing = there.missing or kind is None
        if kind is not None:
            reader = page_reader(self.client, self.settings.rag, self.vision)
            there.remote.append(document_of(known_page(state, kind, meta), state.collection, reader))

    def _is_inside(self, file: Path) -> bool:
        """Whether a file lies in a folder of the settings. One that only a link leads to must not be given to an ingest
        by itself: it would be remembered as a place of its own, in the default collection. Blocking."""
        folders = (folder for each in collection_folders(self.settings.rag).values() for folder in each)
        return any(file.resolve().is_relative_to(folder.resolve()) for folder in folders)

    async def _mirror_rights(self, pages: Sequence[Page]) -> None:
        if self.settings.bot.access.rights != "mirror":
            return
        try:
            looked = await rights_of(pages, self.settings, self.client)
            await self.keep(looked.found)
        except (FeishuError, StoreError) as error:
            raise IngestError(f"The rights of documents cannot be mirrored: {error}") from error


@dataclass(slots=True)
class _Found:
    """Documents by what they are read from. `missing`: not every one was found."""

    files: list[Path] = field(default_factory=list)
    remote: list[RemoteDocument] = field(default_factory=list)
    missing: bool = False


async def ingested(settings: Settings, progress: Progress | None = None, **options: Any) -> IngestReport:
    """`rag.ingestion.pipeline.ingest` in a thread, with its options. Whatever ends the wait for it, a stop or a
    shutdown, ends the thread with the next document: the index stays as it was."""
    ended = threading.Event()

    def tell(stage: str, done: int, total: int) -> None:
        if ended.is_set():
            raise IngestError("The ingest was broken off")
        if progress is not None:
            progress(stage, done, total)

    try:
        return await asyncio.to_thread(lambda: ingest(settings.rag, progress=tell, **options))
    finally:
        ended.set()
