"""Documents on Feishu brought up to date in a running bot: one that an event names, or all that changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, cast, get_args

from bot.documents.ingesting import Ingested, ingested
from bot.documents.library_sources import PREFIX, document_of, known_page, listed, subscribe_to
from bot.documents.page_reader import page_reader
from bot.documents.pictures import Vision
from bot.settings import Settings
from feishu.api.client import FeishuClient
from feishu.documents.listing import Documents, PageKind
from rag.errors import IndexUnusable
from rag.index.outline import DocumentState
from rag.ingestion.pipeline import IngestReport
from rag.ingestion.sources import Remote
from rag.scope import EVERYTHING, Scope


class Library(Vision, Protocol):
    """What this needs of `rag.knowledge_base.KnowledgeBase`."""

    async def documents(self, scope: Scope) -> Sequence[DocumentState]: ...


@dataclass(frozen=True, slots=True)
class Refresher:
    """Reads again what changed; files in folders are `feishu-rag ingest`'s. Everything raises `FeishuError` and
    `RagError`."""

    settings: Settings
    client: FeishuClient
    library: Library

    @property
    def has_links(self) -> bool:
        """Whether there is anything on Feishu to look after."""
        return any(self.settings.links())

    async def everything(self) -> Ingested | None:
        """Looks through all that the links lead to, and reads what was edited since; None while there is no index: the
        first one is not made of these documents alone."""
        if await self._known() is None:
            return None
        reader = page_reader(self.client, self.settings.rag, self.library)
        listing = await listed(self.settings, Documents(self.client), reader)
        report = await self._ingested(listing.remote, None)
        await subscribe_to(reader.done, self.client, self.settings)
        return Ingested(report, tuple(listing.links))

    async def one(self, token: str, kind: str) -> IngestReport | None:
        """Reads one document if it was edited, or drops it if it is gone; None for one that the index does not have."""
        source = f"{PREFIX}{token}"
        known = [state for state in await self._known() or () if state.source == source]
        if not known or kind not in get_args(PageKind):
            return None
        metas, _gone = await Documents(self.client).metas([(token, kind)])
        remote: list[Remote] = []
        if meta := metas.get(token):
            reader = page_reader(self.client, self.settings.rag, self.library)
            pages = ((known_page(state, cast(PageKind, kind), meta), state.collection) for state in known)
            remote += [document_of(page, collection, reader) for page, collection in pages]
        return await self._ingested(remote, source)

    async def _known(self) -> Sequence[DocumentState] | None:
        try:
            return await self.library.documents(EVERYTHING)
        except IndexUnusable:
            return None

    async def _ingested(self, remote: Sequence[Remote], source: str | None) -> IngestReport:
        """With `remote` as all that there is of this source, or of all pages on Feishu."""

        def answers_for(key: tuple[str, str]) -> bool:
            return key[1] == source if source else key[1].startswith(PREFIX)

        return await ingested(self.settings, paths=(), remote=remote, answers_for=answers_for)
