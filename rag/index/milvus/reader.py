"""An index in Milvus as a search sees it: the same parts, with the same methods, as the folder of files has."""

import math
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any

from rag.documents import Chunk
from rag.errors import IndexCorrupt, IndexMissing
from rag.index.base.manifest import Manifest, manifest_of
from rag.index.base.types import Key, Known
from rag.index.milvus.client import EVERY_COLLECTION, MilvusStore, hashed
from rag.text.synonyms import WEIGHT as SYNONYM_WEIGHT
from rag.text.synonyms import matches
from rag.text.tokenizer import question_terms

WEIGHT_STEPS = 4
"""Milvus takes no weights of terms, but one that stands so many times in a query counts so many times."""


class MilvusChunks:
    """What `rag.index.local.chunk_store.SqliteChunks` gives, out of Milvus."""

    def __init__(self, store: MilvusStore, name: str) -> None:
        self._store = store
        self._name = name

    def get(self, ids: Sequence[int]) -> dict[int, Chunk]:
        """The chunks with these ids."""
        return self._store.chunks(self._name, ids)

    def ids_in(self, collections: frozenset[str] | None, language: str | None = None) -> Any:
        """What `MilvusVectors.search` takes to stay within collections and a language: their names."""
        return collections, language

    def sample(self, language: str, limit: int) -> list[int]:
        """Ids of some chunks of a language."""
        return self._store.sample(self._name, language, limit)

    def collections(self) -> tuple[str, ...]:
        """The names of the collections that hold chunks, sorted."""
        return tuple(sorted({key[0] for key, (_, ids) in self._store.documents(self._name).items() if ids}))

    def documents(self) -> dict[Key, Known]:
        """Everything known of the documents."""
        return {key: known for key, (known, _) in self._store.documents(self._name).items()}

    def document(self, key: Key) -> Known | None:
        """What is known of one document; None for an unknown one."""
        return self._store.document(self._name, key)

    def of_document(self, key: Key, limit: int) -> list[Chunk]:
        """The chunks of one document, at most `limit`."""
        return list(islice(self._store.chunks_of(self._name, key), limit))

    def count(self) -> int:
        """How many chunks there are."""
        return self._store.count(self._name)

    def all(self, collections: frozenset[str] | None = None) -> Iterator[Chunk]:
        """Every chunk (of these collections)."""
        return self._store.every_chunk(self._name, collections)

    def close(self) -> None:
        """Close the connection, for all parts."""
        self._store.close()


class MilvusKeywords:
    """What `rag.index.local.bm25.TantivyIndex` gives, out of Milvus."""

    def __init__(self, store: MilvusStore, name: str, chunks: int) -> None:
        self._store = store
        self._name = name
        self.count = chunks
        self._frequencies = store.frequencies(name)

    def search(self, text: str, limit: int, collections: frozenset[str] | None = None) -> list[tuple[int, float]]:
        """The best chunks as (id, BM25 score above 0), best first. No terms, no hits.

        Other words for the question's (`rag.text.synonyms`) are a search of their own: Milvus knows neither weights nor
        a choice of the best of several, so that each of their terms counts.
        """
        wanted = [
            word
            for term, weight in question_terms(text).items()
            for word in [hashed(term)] * max(1, round(weight * WEIGHT_STEPS))
        ]
        if not wanted or limit < 1 or not self.count or (collections is not None and not collections):
            return []
        scores = {chunk_id: score / WEIGHT_STEPS for chunk_id, score in self._hits(wanted, limit, collections)}
        others = list(dict.fromkeys(hashed(term) for match in matches(text) for form in match.others for term in form))
        for chunk_id, score in self._hits(others, limit, collections):
            scores[chunk_id] = scores.get(chunk_id, 0.0) + SYNONYM_WEIGHT * score
        return sorted(scores.items(), key=lambda item: -item[1])[:limit]

    def _hits(self, words: list[str], limit: int, collections: frozenset[str] | None) -> list[tuple[int, float]]:
        """Chunks with these terms, each as often as it stands here; their BM25 scores are above 0."""
        if not words:
            return []
        hits = self._store.search(self._name, "sparse", " ".join(words), limit, collections)
        return [(chunk_id, abs(distance)) for chunk_id, distance in hits]

    def idf(self, term: str, collections: frozenset[str] | None = None) -> float:
        """Inverse document frequency of a term among the chunks of these collections (None: all); what is not listed is
        rare."""
        return self._idf(hashed(term), collections)

    def character_idf(self, character: str, collections: frozenset[str] | None = None) -> float:
        """The same for one CJK character."""
        return self._idf(f"c{character}", collections)

    def _idf(self, key: str, collections: frozenset[str] | None) -> float:
        wanted = None if collections is None else collections | {EVERY_COLLECTION}
        known = [each for name, each in self._frequencies.items() if wanted is None or name in wanted]
        count = sum(each.chunks for each in known) or self.count
        frequency = min(sum(each.terms.get(key, 0) for each in known) or 1, count)
        return math.log1p((count - frequency + 0.5) / (frequency + 0.5))


class MilvusVectors:
    """What `rag.index.local.faiss.FaissIndex` gives, out of Milvus."""

    def __init__(self, store: MilvusStore, name: str, dimension: int, chunks: int) -> None:
        self._store = store
        self._name = name
        self.dimension = dimension
        self.count = chunks

    def vectors(self, ids: Sequence[int]) -> list[list[float]]:
        """The vectors of these chunks."""
        return list(self._store.vectors(self._name, ids).values())

    def search(self, vector: Any, limit: int, ids: Any = None) -> list[tuple[int, float]]:
        """The nearest as (id, cosine), best first; `ids` is what `MilvusChunks.ids_in` gave."""
        within, language = (None, None) if ids is None else ids
        if limit < 1 or not self.count or (within is not None and not within):
            return []
        return self._store.search(self._name, "dense", [float(value) for value in vector], limit, within, language)


def read_state(state: dict[str, Any]) -> tuple[str, Manifest]:
    """The collection in use and its manifest. Raises IndexMissing and IndexCorrupt."""
    if not state.get("collection"):
        raise IndexMissing("There is no index in Milvus yet; build it: feishu-rag ingest")
    try:
        return str(state["collection"]), manifest_of(state["manifest"])
    except (KeyError, TypeError, ValueError) as error:
        raise IndexCorrupt("What Milvus holds is of another version; run feishu-rag ingest --rebuild") from error


def state_of(name: str, manifest: Manifest) -> dict[str, Any]:
    """A manifest row; `stamp` differs each time, so that bots notice."""
    return {"collection": name, "manifest": asdict(manifest), "stamp": secrets.token_hex(8)}
