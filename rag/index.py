"""The dense leg: exact inner-product search over unit vectors. The only module that imports faiss.

Exact search is right to some ten thousand chunks on one core (9 ms at 100 000 of 512 dimensions); approximate indexes
that looked perfect at 100 000 lost half of the hits at a million, so there is none without a measured recall gate.
"""

from collections.abc import Sequence
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from rag.errors import IndexCorrupt

# With two OpenMP threads on a busy machine single queries rose from 9 to 40 ms.
faiss.omp_set_num_threads(1)


class DenseIndex:
    """Vectors under chunk ids. Blocking (faiss lets go of the GIL in a search); not to be changed while searched."""

    def __init__(self, index: faiss.Index) -> None:
        self._index = index

    @classmethod
    def empty(cls, dimension: int) -> "DenseIndex":
        """An index to fill."""
        return cls(faiss.IndexIDMap2(faiss.IndexFlatIP(dimension)))

    @classmethod
    def open(cls, file: Path) -> "DenseIndex":
        """Read a saved index. Raises IndexCorrupt."""
        try:
            return cls(faiss.read_index(str(file)))
        except RuntimeError as error:
            raise IndexCorrupt(f"{file} cannot be opened; build the index again: feishu-rag ingest") from error

    @property
    def dimension(self) -> int:
        """Length of the vectors."""
        return int(self._index.d)

    @property
    def count(self) -> int:
        """How many vectors there are."""
        return int(self._index.ntotal)

    def add(self, ids: Sequence[int], vectors: NDArray[np.float32]) -> None:
        """Add unit vectors, shape (len(ids), dimension)."""
        if len(ids):
            self._index.add_with_ids(np.ascontiguousarray(vectors, dtype=np.float32), np.asarray(ids, dtype=np.int64))

    def save(self, file: Path) -> None:
        """Write to a file."""
        faiss.write_index(self._index, str(file))

    def search(
        self, vector: NDArray[np.float32], limit: int, ids: Sequence[int] | None = None
    ) -> list[tuple[int, float]]:
        """The nearest as (id, cosine), best first; with `ids`, only among these."""
        if limit < 1 or self.count == 0 or (ids is not None and not len(ids)):
            return []
        query = np.ascontiguousarray(vector.reshape(1, -1), dtype=np.float32)
        params = None
        if ids is not None:
            params = faiss.SearchParameters(  # type: ignore[call-arg]
                sel=faiss.IDSelectorBatch(np.asarray(ids, dtype=np.int64))
            )
        scores, found = self._index.search(query, min(limit, self.count), params=params)
        pairs = zip(found[0].tolist(), scores[0].tolist(), strict=True)
        return [(int(chunk_id), float(score)) for chunk_id, score in pairs if chunk_id >= 0]
