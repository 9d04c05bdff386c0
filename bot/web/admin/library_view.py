"""What /admin shows of the documents: the list with its states, the passages of one, and where files can be put."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from bot.documents.catalogue import FilesNow, Listed, Wanted, documents_of, files_now, page_of
from bot.models import ON_FEISHU
from bot.repositories.citations import Citations
from bot.repositories.owner_decisions import OwnerDecision, OwnerDecisions
from bot.settings import Settings
from feishu.clock import Clock
from rag.documents import Chunk
from rag.errors import FileRefused, IndexUnusable
from rag.index.base.types import Key
from rag.index.outline import DocumentState
from rag.ingestion.folder_changes import FilePart, is_writable, put_part, remove_file
from rag.ingestion.selection import collection_folders, find_original
from rag.scope import EVERYTHING, Scope

KEPT_S = 5.0
"""Looking through large folders takes a second: whoever types into a search field does not have it done each time."""
PASSAGES_ON_PAGE = 20
MB = 1_000_000


class ListedLibrary(Protocol):
    """What this needs of `rag.knowledge_base.KnowledgeBase`."""

    async def documents(self, scope: Scope) -> tuple[DocumentState, ...]: ...

    async def passage_counts(self) -> dict[Key, int]: ...

    async def chunks_of(self, collection: str, source: str) -> tuple[Chunk, ...]: ...


@dataclass(slots=True)
class LibraryView:
    """Answers an admin, who may see every document. Raises `StoreError`, `RagError`."""

    settings: Settings
    library: ListedLibrary
    citations: Citations
    clock: Clock
    decisions: OwnerDecisions
    _kept: tuple[float, FilesNow] | None = field(default=None, init=False)

    async def page(self, wanted: Wanted, days: int) -> dict[str, Any]:
        """One page of the list, and why it may not be whole (`trouble`). Files that somebody sent in a chat are in no
        folder and no index, and so in no list."""
        now = await self._files()
        states, passages, trouble = await self._indexed()
        cited, obsolete = await self.citations.of_documents(days), await self.decisions.obsolete()
        found = await asyncio.to_thread(lambda: page_of(documents_of(states, now, passages, cited), wanted))
        return {
            **{name: getattr(found, name) for name in ("count", "page", "pages", "states")},
            "documents": [_row(row, obsolete.get((row.collection, row.source))) for row in found.documents],
            "trouble": [said for said in (trouble, now.trouble) if said],
        }

    async def collections(self) -> list[dict[str, Any]]:
        """Each collection of the settings: the folders that take files, and the links to Feishu."""
        folders = await asyncio.to_thread(self._folders)
        links = list(self.settings.links())
        return [
            {
                "name": name,
                "folders": [{"number": number, **told} for number, told in enumerate(places)],
                "links": [link for collection, link in links if collection == name],
            }
            for name, places in folders.items()
        ]

    async def passages(self, collection: str, source: str, page: int) -> dict[str, Any]:
        """The passages of a document as the index has them, in its order, `PASSAGES_ON_PAGE` at a time."""
        chunks = await self.library.chunks_of(collection, source)
        pages = max(1, -(-len(chunks) // PASSAGES_ON_PAGE))
        page = min(page, pages)
        first = (page - 1) * PASSAGES_ON_PAGE
        shown = chunks[first : first + PASSAGES_ON_PAGE]
        return {
            "title": chunks[0].title if chunks else "",
            "count": len(chunks),
            "page": page,
            "pages": pages,
            "passages": [{"number": first + at, **passage_body(chunk)} for at, chunk in enumerate(shown, start=1)],
        }

    async def put(self, collection: str, folder: int, part: FilePart) -> str:
        """Takes a piece of a file; its name once it is whole, else "". Raises `FileRefused`."""
        name = await asyncio.to_thread(self._put, collection, folder, part)
        self._kept = None if name else self._kept
        return name

    async def remove(self, collection: str, source: str) -> None:
        """Removes the file of a document. Raises `FileRefused`."""
        if source.startswith(ON_FEISHU):
            raise FileRefused("elsewhere", "A document on Feishu is removed there, or by its link in rag.links")
        await asyncio.to_thread(self._remove, collection, source)
        self._kept = None

    def _put(self, collection: str, folder: int, part: FilePart) -> str:
        most_bytes = self.settings.rag.reading.max_file_mb * MB
        return put_part(self._folder(collection, folder), part, most_bytes=most_bytes)

    def _folder(self, collection: str, number: int) -> Path:
        folders = collection_folders(self.settings.rag).get(collection, [])
        if not 0 <= number < len(folders):
            raise FileRefused("folder", f"The collection {collection} has no such folder; see rag.collections")
        return folders[number]

    def _remove(self, collection: str, source: str) -> None:
        found = find_original(self.settings.rag, collection, source)
        if found is None:
            raise FileRefused("missing", f"There is no file {source} in the folders of {collection}")
        remove_file(found.file, collection_folders(self.settings.rag).get(collection, []))

    def _folders(self) -> Mapping[str, list[dict[str, Any]]]:
        return {
            name: [{"name": folder.name, "path": str(folder), "writable": is_writable(folder)} for folder in folders]
            for name, folders in collection_folders(self.settings.rag).items()
        }

    async def _files(self) -> FilesNow:
        now = self.clock.monotonic()
        if self._kept is None or now - self._kept[0] > KEPT_S:
            self._kept = now, await asyncio.to_thread(files_now, self.settings)
        return self._kept[1]

    async def _indexed(self) -> tuple[Sequence[DocumentState], Mapping[Key, int], str]:
        try:
            return await self.library.documents(EVERYTHING), await self.library.passage_counts(), ""
        except IndexUnusable as error:
            return (), {}, str(error)


def passage_body(chunk: Chunk) -> dict[str, Any]:
    """A passage, and where it stands."""
    return {
        "headings": chunk.heading_path,
        "text": chunk.text,
        "place": {"kind": chunk.place.kind, "name": chunk.place.name} if chunk.place else None,
        "link": chunk.link_at_place or "",
    }


def _row(row: Listed, obsolete: OwnerDecision | None) -> dict[str, Any]:
    """`obsolete` is who calls it so, and since when (epoch seconds)."""
    called = {"by": obsolete.by.name, "at": obsolete.at} if obsolete else None
    may = {"may_be_removed": row.may_be_removed, "may_be_read": row.state != "left_out"}
    return {**asdict(row), **may, "obsolete": called}
