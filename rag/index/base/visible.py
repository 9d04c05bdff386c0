"""What of an index an audience may see: its documents by number, and a choice among their chunks.

Rights change while documents stay as they are, so that they are no part of an index: the choice is made beside it. What
a store makes of a choice (bits for its vectors, frequencies of terms) is kept with it. numpy is imported where it is
needed, which without rights is nowhere.
"""

import math
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from rag.index.base.types import Hits, Key

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_KEPT = 5_000
"""Things that are kept with one choice: nearly all are frequencies of terms."""
SPARE, GROWTH = 1.5, 4
"""How many more hits than expected are fetched, so that enough of them may be seen; and how many times more again."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class DocumentTable:
    """Which chunk belongs to which document: `ids` of all chunks, rising, and beside each the number of its document in
    `keys`."""

    keys: tuple[Key, ...]
    ids: "NDArray[np.int64]"
    owners: "NDArray[np.int32]"

    @classmethod
    def of(cls, rows: Iterable[tuple[int, str, str]]) -> "DocumentTable":
        """Of chunks as (id, collection, source)."""
        import numpy as np

        numbers: dict[Key, int] = {}
        pairs = [(chunk_id, numbers.setdefault((name, source), len(numbers))) for chunk_id, name, source in rows]
        ids = np.fromiter((chunk_id for chunk_id, _ in pairs), np.int64, len(pairs))
        owners = np.fromiter((number for _, number in pairs), np.int32, len(pairs))
        order = np.argsort(ids)
        return cls(tuple(numbers), ids[order], owners[order])

    def counts(self) -> dict[Key, int]:
        """How many chunks each document has."""
        import numpy as np

        return dict(zip(self.keys, np.bincount(self.owners, minlength=len(self.keys)).tolist(), strict=True))

    def places(self, ids: "Sequence[int] | NDArray[np.int64]") -> "NDArray[np.int64]":
        """Where these chunks stand in `ids`; -1 for one that does not."""
        import numpy as np

        wanted = np.asarray(ids, dtype=np.int64)
        if not len(self.ids):
            return np.full(len(wanted), -1)
        found = np.minimum(np.searchsorted(self.ids, wanted), len(self.ids) - 1)
        return np.where(self.ids[found] == wanted, found, -1)

    def marked(self, ids: "Sequence[int] | NDArray[np.int64]") -> "NDArray[np.bool_]":
        """For each place whether its chunk is one of these; unknown ones do no harm."""
        import numpy as np

        marks = np.zeros(len(self.ids), dtype=np.bool_)
        places = self.places(ids)
        marks[places[places >= 0]] = True
        return marks


class VisibleChunks:
    """Chunks of an index, chosen by the places of its table. Not to be changed; safe for several threads."""

    def __init__(self, table: DocumentTable, shown: "NDArray[np.bool_]") -> None:
        self.table = table
        self.shown = shown
        self.count = int(shown.sum())
        self._kept: dict[Hashable, Any] = {}

    @property
    def ids(self) -> "NDArray[np.int64]":
        """Of these chunks, rising."""
        return self.table.ids[self.shown]

    def in_parts(self, size: int) -> Iterator[list[int]]:
        """The ids, at most so many at a time."""
        ids = self.ids
        for at in range(0, self.count, size):
            yield ids[at : at + size].tolist()

    def of(self, hits: Hits) -> Hits:
        """Those of the hits that are among these chunks."""
        places = self.table.places([chunk_id for chunk_id, _ in hits])
        shown = self.shown_at(places)
        return [hit for hit, is_shown in zip(hits, shown.tolist(), strict=True) if is_shown]

    def shown_at(self, places: "NDArray[np.int64]") -> "NDArray[np.bool_]":
        """Whether the chunks at these places are among these; nothing is at -1."""
        if not self.count:
            return places < -1
        return self.shown[places] & (places >= 0)

    def among(self, marks: "NDArray[np.bool_]") -> "VisibleChunks":
        """Those of these chunks that are marked, too."""
        return VisibleChunks(self.table, self.shown & marks)

    def kept(self, name: Hashable, make: Callable[[], T]) -> T:
        """What was made of these chunks under a name; made now where it was not yet."""
        kept: dict[Hashable, T] = self._kept
        if name in kept:
            return kept[name]
        if len(kept) >= MOST_KEPT:
            self._kept = {}
        return self._kept.setdefault(name, make())  # type: ignore[no-any-return]


def first_shown(fetch: Callable[[int], Hits], limit: int, visible: VisibleChunks, most: int) -> Hits | None:
    """The best `limit` hits that may be seen, of a search that gives as many as it is asked for, best first. None where
    more than `most` would have to be asked for: then the search itself has to be kept within what may be seen."""
    if not visible.count:
        return []
    wanted = math.ceil(limit * max(1.0, SPARE * len(visible.shown) / visible.count))
    while wanted <= most:
        hits = fetch(wanted)
        shown = visible.of(hits)
        if len(shown) >= limit or len(hits) < wanted:
            return shown[:limit]
        wanted *= GROWTH
    return None
