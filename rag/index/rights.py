"""What each audience may see of an opened index, by one snapshot of access lists (`rag.access_lists`).

Documents that have the same readers are decided together: for each principal it is kept which of the different lists of
readers it stands in, so that an audience costs as much as its members have principals, and not as there are documents.
Blocking; built when the first audience asks, and kept as long as index and snapshot are the same.
"""

import threading
from collections import OrderedDict, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rag.access_lists import NOBODY, AccessLists
from rag.index.base.protocols import Chunks, Within
from rag.index.base.visible import DocumentTable, VisibleChunks
from rag.scope import Audience, Principal, Scope

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

KEPT_AUDIENCES = 64
"""Of so many audiences it is kept what they may see: a byte for each chunk, and what the stores make of it."""
_NOBODY, _EVERYBODY = 0, 1
"""The numbers of the lists of those documents that nobody may read, and of those without rights of their own."""


class VisibleDocuments:
    """Of one index and one snapshot. Safe for several threads."""

    def __init__(self, chunks: Chunks, lists: AccessLists) -> None:
        self.lists = lists
        self._chunks = chunks
        self._lock = threading.Lock()
        self._readers: _Readers | None = None
        self._kept: OrderedDict[Scope, Within] = OrderedDict()

    def within(self, scope: Scope) -> Within:
        """What a search for this scope keeps to. Where rights hide nothing, these are its collections."""
        if not scope.audience or self.lists.controlled is None:
            return scope.names
        with self._lock:  # also while it is chosen: two questions of one audience wait for one choice
            if scope not in self._kept:
                self._kept[scope] = self._chosen(scope)
            self._kept.move_to_end(scope)
            while len(self._kept) > KEPT_AUDIENCES:
                self._kept.popitem(last=False)
            return self._kept[scope]

    def _chosen(self, scope: Scope) -> Within:
        if self._readers is None:
            self._readers = _Readers.of(self._chunks.table(), self.lists)
        table, shown = self._readers.table, self._readers.shown(scope.audience)
        if shown.all():
            return scope.names
        if scope.names is not None:
            shown &= [collection in scope.names for collection, _ in table.keys]
        return VisibleChunks(table, shown[table.owners])


@dataclass(frozen=True, slots=True, eq=False)
class _Readers:
    """The documents of an index by the different lists of their readers (`list_of`, number by number of the table), and
    for each principal the numbers of the lists that it stands in."""

    table: DocumentTable
    list_of: "NDArray[np.int32]"
    lists_with: dict[Principal, "NDArray[np.int32]"]
    count: int

    @classmethod
    def of(cls, table: DocumentTable, lists: AccessLists) -> "_Readers":
        import numpy as np

        numbers = {NOBODY: _NOBODY}
        list_of = np.full(len(table.keys), _EVERYBODY, dtype=np.int32)
        for at, (_, source) in enumerate(table.keys):
            if lists.controls(source):
                readers = lists.readers.get(source, NOBODY)
                list_of[at] = numbers.setdefault(readers, len(numbers) + 1)
        found: dict[Principal, list[int]] = defaultdict(list)
        for readers, number in numbers.items():
            for principal in readers:
                found[principal].append(number)
        lists_with = {principal: np.array(those, dtype=np.int32) for principal, those in found.items()}
        return cls(table, list_of, lists_with, len(numbers) + 1)

    def shown(self, audience: Audience) -> "NDArray[np.bool_]":
        """For each document whether every member of an audience is among its readers."""
        shared = frozenset.intersection(*audience)
        sure = self._lists(shared)
        possible = ~sure
        for member in audience:
            possible &= self._lists(member - shared)
            if not possible.any():
                break
        shown = sure | possible
        shown[_EVERYBODY] = True
        return shown[self.list_of]

    def _lists(self, principals: frozenset[Principal]) -> "NDArray[np.bool_]":
        """For each list whether one of these principals stands in it."""
        import numpy as np

        marks = np.zeros(self.count, dtype=np.bool_)
        for principal in principals:
            if (those := self.lists_with.get(principal)) is not None:
                marks[those] = True
        return marks
