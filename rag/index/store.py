"""Where an index is kept while it is changed: a folder of versions, or Milvus. One ingest at a time."""

import contextlib
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from rag.documents import Document
from rag.embedding import Embedder
from rag.errors import IndexUnusable
from rag.index.base.manifest import EmbeddingFingerprint, Manifest, publish, read_current, writing
from rag.index.base.types import CHUNKS, Key, Known
from rag.index.index import Index, in_milvus
from rag.index.local.chunk_store import SqliteChunks
from rag.index.local.writer import LocalWriter
from rag.settings import RagSettings
from rag.text.tokenizer import VERSION, embeddable

if TYPE_CHECKING:
    from rag.index.milvus.client import MilvusStore


class Writer(Protocol):
    """Changes documents; `close` gives the counts."""

    embedded: int
    refused: dict[Key, str]

    def put(self, document: Document, fingerprint: str) -> None: ...

    def fail(self, key: Key, fingerprint: str, reason: str) -> None: ...

    def drop(self, key: Key) -> None: ...

    def close(self) -> Manifest: ...


class IndexStore(Protocol):
    """An index that may be changed. `fresh` means: from nothing, the one in use serves until `publish`."""

    def current(self) -> tuple[str, Manifest] | None:
        """Name and manifest of the index in use; None when there is none that is whole."""

    def known(self, mark: EmbeddingFingerprint | None, *, fresh: bool) -> dict[Key, Known]:
        """What need not be read again. `mark` names the model that a fresh index is for."""

    def writer(self, embedder: Embedder | None, batch_size: int, *, fresh: bool) -> Writer:
        """Begin to write."""

    def draft(self, manifest: Manifest) -> contextlib.AbstractContextManager[Index]:
        """What was written, closed and not yet published, to be searched."""

    def publish(self, manifest: Manifest) -> str:
        """Make what was written the index in use; gives its name."""

    def texts(self) -> Iterator[str]:
        """What is embedded of each chunk, without instructions, in no order; after `publish`."""


@contextlib.contextmanager
def opened_store(settings: RagSettings) -> Iterator[IndexStore]:
    """The shelf that the settings name, locked against other ingests on this machine."""
    with contextlib.ExitStack() as cleanup:
        folder = cleanup.enter_context(writing(settings.index_dir))
        if settings.store == "faiss":
            yield _Folder(settings.index_dir, folder)
            return
        from rag.index.milvus.client import MilvusStore

        store = MilvusStore(settings.milvus)
        cleanup.callback(store.close)
        yield _Milvus(store)


class _Folder:
    """Versions in a folder."""

    def __init__(self, index_dir: Path, draft: Path) -> None:
        self._index_dir = index_dir
        self._draft = draft
        self._published = draft
        self._before: Path | None = None

    def current(self) -> tuple[str, Manifest] | None:
        try:
            self._before, manifest = read_current(self._index_dir)
        except IndexUnusable:
            return None
        return self._before.name, manifest

    def known(self, mark: EmbeddingFingerprint | None, *, fresh: bool) -> dict[Key, Known]:
        if fresh or self._before is None:
            return {}
        with contextlib.closing(SqliteChunks(self._before / CHUNKS)) as store:
            return store.documents()

    def writer(self, embedder: Embedder | None, batch_size: int, *, fresh: bool) -> Writer:
        return LocalWriter(self._draft, embedder, batch_size=batch_size, before=None if fresh else self._before)

    @contextlib.contextmanager
    def draft(self, manifest: Manifest) -> Iterator[Index]:
        index = Index.of_folder(self._draft, manifest)
        with contextlib.closing(index.chunks):
            yield index

    def publish(self, manifest: Manifest) -> str:
        name = publish(self._index_dir, self._draft, manifest)
        self._published = self._index_dir / name
        return name

    def texts(self) -> Iterator[str]:
        with contextlib.closing(SqliteChunks(self._published / CHUNKS)) as store:
            yield from (embeddable(chunk.embedded_text) for chunk in store.all())


class _Milvus:
    """Collections in Milvus. A fresh one that was broken off is gone on with when it was for the same model."""

    def __init__(self, store: "MilvusStore") -> None:
        self._store = store
        self._state = store.state()
        self._name = ""

    def current(self) -> tuple[str, Manifest] | None:
        from rag.index.milvus.reader import read_state

        try:
            self._name, manifest = read_state(self._state)
        except IndexUnusable:
            return None
        return self._name, manifest

    def known(self, mark: EmbeddingFingerprint | None, *, fresh: bool) -> dict[Key, Known]:
        self._name = self._building(mark) if fresh else self._name
        if not self._name:
            return {}
        self._store.load(self._name)
        return {key: known for key, (known, _) in self._store.documents(self._name).items()}

    def writer(self, embedder: Embedder | None, batch_size: int, *, fresh: bool) -> Writer:
        from rag.index.milvus.writer import MilvusWriter

        if fresh and not self._name:
            self._name = self._store.create(embedder.dimension if embedder is not None else None)
            self._store.write_state({**self._state, "building": self._name, "building_for": self._mark})
        return MilvusWriter(self._store, self._name, embedder, batch_size=batch_size)

    @contextlib.contextmanager
    def draft(self, manifest: Manifest) -> Iterator[Index]:
        yield in_milvus(self._store, self._name, manifest)

    def publish(self, manifest: Manifest) -> str:
        from rag.index.milvus.reader import state_of

        self._store.write_state(state_of(self._name, manifest))
        before = self._state.get("collection")
        if before and before != self._name:
            self._store.drop(before)
        return self._name

    def texts(self) -> Iterator[str]:
        return (embeddable(chunk.embedded_text) for chunk in self._store.every_chunk(self._name))

    def _building(self, mark: EmbeddingFingerprint | None) -> str:
        """The name of a collection that was begun for the same model and terms; one for others is dropped."""
        self._mark = {"model": None if mark is None else asdict(replace(mark, probe=(), reads={})), "terms": VERSION}
        begun = str(self._state.get("building") or "")
        if begun and self._state.get("building_for") == self._mark:
            return begun
        if begun:
            self._store.drop(begun)
        return ""
