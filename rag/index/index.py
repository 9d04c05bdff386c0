"""An opened index (chunks, words, and vectors where there are any), which one the settings name, and when it changed.

Blocking.
"""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import IndexCorrupt
from rag.index.base.manifest import FIX, Manifest, pointer_stamp, read_current
from rag.index.base.protocols import Chunks, KeywordIndex, VectorIndex
from rag.index.base.types import CHUNKS, DENSE, LEXICAL
from rag.index.calibration import FILE, Calibration, read_calibration
from rag.index.local.chunk_store import SqliteChunks
from rag.settings import RagSettings

if TYPE_CHECKING:
    from rag.index.milvus.client import MilvusStore

LOOK_EVERY_S = 10.0
"""How often a bot asks Milvus whether somebody ingested; what is written there is found at once all the same."""


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """What a search needs. Kept alive by whoever searches; a newer version is a new Index."""

    manifest: Manifest
    chunks: Chunks
    lexical: KeywordIndex
    dense: VectorIndex | None
    calibration: Calibration | None = None
    store: "MilvusStore | None" = None
    stamp: str = ""

    @classmethod
    def open(cls, index_dir: Path) -> "Index":
        """Open the current version. Raises IndexMissing or IndexCorrupt."""
        folder, manifest = read_current(index_dir)
        index = cls.of_folder(folder, manifest, read_calibration(index_dir))
        index._check_counts(folder)
        return index

    @classmethod
    def of_folder(cls, folder: Path, manifest: Manifest, calibration: Calibration | None = None) -> "Index":
        """Open a version, published or not. Raises IndexCorrupt."""
        from rag.index.local.bm25 import TantivyIndex

        chunks = SqliteChunks(folder / CHUNKS)
        lexical = TantivyIndex(folder / LEXICAL)
        dense = None
        if manifest.embedding is not None:
            from rag.index.local.faiss import FaissIndex

            dense = FaissIndex.open(folder / DENSE)
        return cls(manifest, chunks, lexical, dense, calibration)

    def _check_counts(self, folder: Path) -> None:
        counts = {self.chunks.count(), self.lexical.count, self.manifest.chunks}
        if self.dense is not None:
            counts.add(self.dense.count)
        if len(counts) > 1:
            raise IndexCorrupt(f"The parts of the index in {folder} do not hold the same chunks; {FIX}")


def index_stamp(index_dir: Path) -> tuple[int, ...] | None:
    """Changes when there is a new version or a new calibration; None when there is no index."""
    pointer = pointer_stamp(index_dir)
    if pointer is None:
        return None
    try:
        return *pointer, (index_dir / FILE).stat().st_mtime_ns
    except OSError:
        return pointer


def current_stamp(settings: RagSettings) -> tuple[int, ...] | None:
    """Changes when it is time to look for another index; None when there is none. Cheap, asked for every question."""
    if settings.store == "milvus":
        return (int(time.monotonic() / LOOK_EVERY_S),)
    return index_stamp(settings.index_dir)


def open_index(settings: RagSettings, current: Index | None) -> Index:
    """The index in use; `current` itself when that is still the one. Blocking. Raises IndexUnusable."""
    if settings.store == "faiss":
        return Index.open(settings.index_dir)
    from rag.index.milvus.client import MilvusStore

    store = current.store if current is not None and current.store is not None else MilvusStore(settings.milvus)
    state = store.state()
    calibration = read_calibration(settings.index_dir)
    if current is not None and (state.get("stamp"), calibration) == (current.stamp, current.calibration):
        return current
    return _of_milvus(settings, store, state)


def _of_milvus(settings: RagSettings, store: "MilvusStore", state: dict[str, object]) -> Index:
    from rag.index.milvus.reader import read_state

    name, manifest = read_state(state)
    return replace(
        in_milvus(store, name, manifest),
        calibration=read_calibration(settings.index_dir),
        store=store,
        stamp=str(state.get("stamp", "")),
    )


def in_milvus(store: "MilvusStore", name: str, manifest: Manifest) -> Index:
    """A collection in Milvus, in use or still written to."""
    from rag.index.milvus.reader import MilvusChunks, MilvusKeywords, MilvusVectors

    store.load(name)
    mark = manifest.embedding
    return Index(
        manifest=manifest,
        chunks=MilvusChunks(store, name),
        lexical=MilvusKeywords(store, name, manifest.chunks),
        dense=None if mark is None else MilvusVectors(store, name, mark.dimension, manifest.chunks),
    )
