"""One opened version of the index: chunks, lexical leg, and the dense leg when there are vectors. Blocking."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import IndexCorrupt
from rag.index.base.manifest import FIX, Manifest, pointer_stamp, read_current
from rag.index.base.protocols import Chunks, KeywordIndex, VectorIndex
from rag.index.base.types import CHUNKS, DENSE, LEXICAL
from rag.index.calibration import FILE, Calibration, read_calibration
from rag.index.local.chunk_store import SqliteChunks

if TYPE_CHECKING:
    from rag.index.milvus.client import MilvusStore


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
