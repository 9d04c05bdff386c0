"""In how many of the chunks that an audience may see a term stands: where it stands is asked of the index once, for
every audience, and then counted under each choice in microseconds."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from rag.index.base.visible import DocumentTable, VisibleChunks

MOST_BYTES = 64_000_000
_BITS_FROM = 32
"""A term in more than one of so many chunks is kept as one bit for each chunk, a rarer one as its places."""


class Postings:
    """The chunks of terms, of one index; the terms asked for last stay in memory. Safe for several threads."""

    def __init__(self, ids_of: Callable[[str, str], Sequence[int]], *, most_bytes: int = MOST_BYTES) -> None:
        self._ids_of = ids_of
        self._most_bytes = most_bytes
        self._bytes = 0
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], NDArray[np.uint8] | NDArray[np.int32]] = OrderedDict()

    def count(self, field: str, term: str, visible: VisibleChunks) -> int:
        """Of the visible chunks, how many have the term in a field."""
        known = self._known((field, term), visible.table)
        if known.dtype == np.uint8:
            bits = visible.kept("bits", lambda: np.packbits(visible.shown))
            return int(np.bitwise_count(known & bits).sum())
        return int(visible.shown_at(known.astype(np.int64)).sum())

    def _known(self, key: tuple[str, str], table: DocumentTable) -> NDArray[np.uint8] | NDArray[np.int32]:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        return self._keep(key, _packed(self._ids_of(*key), table))

    def _keep(
        self, key: tuple[str, str], found: NDArray[np.uint8] | NDArray[np.int32]
    ) -> NDArray[np.uint8] | NDArray[np.int32]:
        with self._lock:
            if key not in self._kept:
                self._bytes += found.nbytes
                self._kept[key] = found
            while self._bytes > self._most_bytes and len(self._kept) > 1:
                self._bytes -= self._kept.popitem(last=False)[1].nbytes
        return found


def _packed(ids: Sequence[int], table: DocumentTable) -> NDArray[np.uint8] | NDArray[np.int32]:
    rising = np.sort(np.asarray(ids, dtype=np.int64))  # they are looked up much faster in order
    if len(ids) * _BITS_FROM > len(table.ids):
        return np.packbits(table.marked(rising))
    return table.places(rising).astype(np.int32)
