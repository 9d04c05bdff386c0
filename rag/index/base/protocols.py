"""The parts of an index as a search sees them, whichever store holds them. All methods block, and may be called from
several threads."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from rag.documents import Chunk
from rag.index.base.types import Hits, Key, Known
from rag.index.base.visible import DocumentTable, VisibleChunks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Within = frozenset[str] | VisibleChunks | None
"""What a search keeps to: some collections, or single chunks where documents have rights of their own; None is all."""


class Chunks(Protocol):
    """The chunks and documents of an index."""

    def get(self, ids: Sequence[int]) -> dict[int, Chunk]:
        """The chunks with these ids, by id; unknown ids are left out."""

    def ids_in(self, within: Within, language: str | None = None) -> Any:
        """What `VectorIndex.search` of the same store takes to stay within these and a language (None: any)."""

    def table(self) -> DocumentTable:
        """Which chunk belongs to which document; read once and kept."""

    def sample(self, language: str, limit: int) -> list[int]:
        """Ids of some chunks of a language."""

    def documents(self) -> dict[Key, Known]:
        """Everything known of the documents, those that could not be read included."""

    def document(self, key: Key) -> Known | None:
        """What is known of one document; None for an unknown one."""

    def collections(self) -> tuple[str, ...]:
        """The names of the collections that hold chunks, sorted."""

    def of_document(self, key: Key, limit: int) -> list[Chunk]:
        """The chunks of one document, in no order that means anything, at most `limit`."""

    def count(self) -> int:
        """How many chunks there are."""

    def all(self, within: Within = None) -> Iterator[Chunk]:
        """Every chunk (of these), in no order that means anything."""

    def close(self) -> None:
        """Close the connection."""


class KeywordIndex(Protocol):
    """A search by words."""

    @property
    def count(self) -> int:
        """How many chunks there are."""

    def search(self, text: str, limit: int, within: Within = None) -> Hits:
        """The best chunks as (id, BM25 score above 0), best first. No terms, no hits."""

    def visible(self, within: Within = None) -> int:
        """How many of these chunks there are (None: all)."""

    def idf(self, term: str, within: Within = None) -> float:
        """Inverse document frequency of a term among these chunks (None: all); above 0."""

    def character_idf(self, character: str, within: Within = None) -> float:
        """The same for one CJK character."""


class VectorIndex(Protocol):
    """A search by vectors of unit length."""

    @property
    def dimension(self) -> int:
        """Length of the vectors."""

    @property
    def count(self) -> int:
        """How many vectors there are."""

    def vectors(self, ids: Sequence[int]) -> "Sequence[Sequence[float]] | NDArray[np.float32]":
        """The vectors of these chunks, shape (len(ids), dimension)."""

    def search(self, vector: "NDArray[np.float32]", limit: int, ids: Any = None) -> Hits:
        """The nearest as (id, cosine), best first; `ids` is what `ids_in` of the same store's chunks gave."""
