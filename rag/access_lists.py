"""Who may read which document: what a search keeps to beside collections, where documents have rights of their own.

The rule is `AccessLists.shows`, and nothing else: whatever filters faster has to come to the same.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from rag.scope import Audience, Principal

NOBODY: frozenset[Principal] = frozenset()
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class AccessLists:
    """One snapshot of who may read which document, by `Document.source`. It does not change, nor does `readers`: other
    rights are another snapshot. Give the same object as long as they are the same: what is built for it is kept.

    `controlled` is what the sources of documents with rights of their own begin with; of these, one that is not in
    `readers`, or whose readers are empty, is read by nobody. The other documents are controlled by their collections
    alone, and so are all where it is None. `version` names the snapshot in logs.
    """

    readers: Mapping[str, frozenset[Principal]]
    controlled: str | None = field(kw_only=True)
    version: str = field(kw_only=True)

    def shows(self, audience: Audience, source: str) -> bool:
        """Whether all of an audience may read a document."""
        if not audience or not self.controls(source):
            return True
        readers = self.readers.get(source, NOBODY)
        return all(not readers.isdisjoint(member) for member in audience)

    def controls(self, source: str) -> bool:
        """Whether a document has rights of its own."""
        return self.controlled is not None and source.startswith(self.controlled)


UNCONTROLLED = AccessLists({}, controlled=None, version="")
"""No document has rights of its own."""
AccessListsSource = Callable[[], AccessLists]
"""Gives the newest snapshot. It is asked on the event loop for every question, and once more before its answer is
written, so that it has to be cheap. Where it raises, no document with rights of its own is shown to an audience."""


class NewestLists:
    """The newest snapshot of a source; while that fails, one in which nobody may read what has rights of its own."""

    def __init__(self, source: AccessListsSource) -> None:
        self._source = source
        self._controlled = ""
        self._closed: AccessLists | None = None

    def __call__(self) -> AccessLists:
        """Never raises. The first failure of several in a row is logged."""
        try:
            lists = self._source()
        except Exception as error:
            return self._closed or self._close(error)
        self._closed = None
        if lists.controlled is not None:
            self._controlled = lists.controlled
        return lists

    def _close(self, error: Exception) -> AccessLists:
        # Before the first snapshot it is not known which documents have rights: then all of them count as such.
        kind = type(error).__name__
        logger.error("Who may read which document is not known (%s): documents with rights are shown to nobody", kind)
        self._closed = AccessLists({}, controlled=self._controlled, version="unknown")
        return self._closed
