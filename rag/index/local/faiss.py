"""The dense leg: exact inner-product search over unit vectors. The only module that imports faiss.

Exact search all the way: in full floats while it is small, in half floats from 50 000 chunks on (half the memory and
time, the same hits; 4 ms at 100 000 of 512 dimensions). Approximate indexes that looked perfect at 100 000 lost half of
the hits at a million, so there is none without a measured recall gate.
"""

from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from rag.errors import IndexCorrupt
from rag.index.base.types import Hits
from rag.index.base.visible import VisibleChunks

HALF_FLOATS_FROM = 50_000
_SLICE = 10_000
MOST_KEPT = 64
# With two OpenMP threads on a busy machine single queries rose from 9 to 40 ms.
faiss.omp_set_num_threads(1)


class FaissIndex:
    """Vectors under chunk ids. Blocking (faiss lets go of the GIL in a search); not to be changed while searched."""

    def __init__(self, index: faiss.Index) -> None:
        self._index = index
        self._kept: dict[int, tuple[Sequence[int], faiss.SearchParameters]] = {}

    @classmethod
    def empty(cls, dimension: int) -> "FaissIndex":
        """An index to fill."""
        return cls(faiss.IndexIDMap2(faiss.IndexFlatIP(dimension)))

    @classmethod
    def open(cls, file: Path) -> "FaissIndex":
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
        if self.count > HALF_FLOATS_FROM and not self.has_half_floats:
            self._halve()

    def vectors(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """The vectors of these chunks, shape (len(ids), dimension)."""
        rows = [self._index.reconstruct(int(chunk_id)) for chunk_id in ids]
        return np.array(rows, dtype=np.float32).reshape(len(ids), self.dimension)

    def remove(self, ids: Iterable[int]) -> None:
        """Take vectors out; unknown ids do no harm."""
        self._index.remove_ids(np.fromiter(ids, dtype=np.int64))  # type: ignore[arg-type]

    @property
    def has_half_floats(self) -> bool:
        """Whether vectors are kept in 16 bits a number."""
        return isinstance(self._vectors(), faiss.IndexScalarQuantizer)

    def _vectors(self) -> faiss.Index:
        return faiss.downcast_index(self._index.index)  # type: ignore[attr-defined]

    def _halve(self) -> None:
        """Move everything into half floats, a slice at a time."""
        flat = self._vectors()
        ids = faiss.vector_to_array(self._index.id_map)  # type: ignore[attr-defined]
        halved = faiss.IndexIDMap2(
            faiss.IndexScalarQuantizer(self.dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
        )
        for at in range(0, self.count, _SLICE):
            some = flat.reconstruct_n(at, min(_SLICE, self.count - at))
            halved.add_with_ids(some, ids[at : at + _SLICE])
        self._index = halved

    def save(self, file: Path) -> None:
        """Write to a file."""
        faiss.write_index(self._index, str(file))

    def search(self, vector: NDArray[np.float32], limit: int, ids: Sequence[int] | VisibleChunks | None = None) -> Hits:
        """The nearest as (id, cosine), best first; with `ids`, only among these."""
        if isinstance(ids, VisibleChunks):
            return self._search_shown(vector, limit, ids)
        if limit < 1 or self.count == 0 or (ids is not None and not len(ids)):
            return []
        query = np.ascontiguousarray(vector.reshape(1, -1), dtype=np.float32)
        params = None if ids is None else self._within(ids)
        scores, found = self._index.search(query, min(limit, self.count), params=params)
        pairs = zip(found[0].tolist(), scores[0].tolist(), strict=True)
        return [(int(chunk_id), float(score)) for chunk_id, score in pairs if chunk_id >= 0]

    def _search_shown(self, vector: NDArray[np.float32], limit: int, visible: VisibleChunks) -> Hits:
        """The nearest of these. The vectors are searched by their places: a bit for each is read faster than an id is
        looked up."""
        most = min(limit, visible.count, self.count)
        if most < 1:
            return []
        query = np.ascontiguousarray(vector.reshape(1, -1), dtype=np.float32)
        _, params = visible.kept("vectors", lambda: self._bits(visible))
        scores, found = self._vectors().search(query, most, params=params)
        pairs = zip(found[0].tolist(), scores[0].tolist(), strict=True)
        return [(int(self._ids[place]), float(score)) for place, score in pairs if place >= 0]

    def _bits(self, visible: VisibleChunks) -> tuple[NDArray[np.uint8], faiss.SearchParameters]:
        """What keeps a search among these chunks, with the bits that it reads and does not own."""
        bits = np.packbits(visible.shown_at(visible.table.places(self._ids)), bitorder="little")
        return bits, faiss.SearchParameters(sel=faiss.IDSelectorBitmap(bits))  # type: ignore[call-arg,arg-type]

    @cached_property
    def _ids(self) -> NDArray[np.int64]:
        """Of the vectors, in their order."""
        return faiss.vector_to_array(self._index.id_map)  # type: ignore[attr-defined]

    def _within(self, ids: Sequence[int]) -> faiss.SearchParameters:
        """What keeps a search among these ids. Making it costs more than the search: a tuple has it kept."""
        kept = self._kept.get(id(ids))
        if kept is not None and kept[0] is ids:
            return kept[1]
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        selector = faiss.IDSelectorBatch(np.asarray(ids, dtype=np.int64))
        params = faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]
        if isinstance(ids, tuple):
            self._kept[id(ids)] = (ids, params)
        return params
