"""An index in Milvus as a search sees it: the same parts, with the same methods, as the folder of files has."""

import hashlib
import math
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any

from rag.documents import Chunk
from rag.errors import IndexCorrupt, IndexMissing
from rag.index.base.manifest import Manifest, manifest_of
from rag.index.base.protocols import Within
from rag.index.base.types import Hits, Key, Known
from rag.index.base.visible import DocumentTable, VisibleChunks, first_shown
from rag.index.milvus.client import EVERY_COLLECTION, Frequencies, MilvusStore, frequencies_in, hashed
from rag.text.synonyms import WEIGHT as SYNONYM_WEIGHT
from rag.text.synonyms import matches
from rag.text.tokenizer import question_terms

WEIGHT_STEPS = 4
"""Milvus takes no weights of terms, but one that stands so many times in a query counts so many times."""
MOST_HITS = 16_384
"""Milvus gives no more hits of one search (its documentation, "Milvus Limits": top K)."""
HITS_FOR_AN_ID = 4
"""To fetch so many hits costs no more than to name one more id in a condition."""
IDS_A_CALL = 5_000
COUNTED = 2_000
"""Of so many chunks that an audience may see, all if there are no more, the terms are counted. Ids are hashes, so that
the lowest are as good as drawn by chance."""
KEPT_COUNTS = 32
"""Different choices of chunks whose terms are kept: a quarter of a megabyte each."""


class MilvusChunks:
    """What `rag.index.local.chunk_store.SqliteChunks` gives, out of Milvus."""

    def __init__(self, store: MilvusStore, name: str) -> None:
        self._store = store
        self._name = name
        self._table: DocumentTable | None = None
        self._reading = threading.Lock()

    def get(self, ids: Sequence[int]) -> dict[int, Chunk]:
        """The chunks with these ids."""
        return self._store.chunks(self._name, ids)

    def table(self) -> DocumentTable:
        """Which chunk belongs to which document, as their records say; read once and kept. What is written later is
        in no choice among its chunks until the index is opened again."""
        with self._reading:
            if self._table is None:
                documents = self._store.documents(self._name)
                self._table = DocumentTable.of((at, *key) for key, (_, ids) in documents.items() for at in ids)
            return self._table

    def ids_in(self, within: Within, language: str | None = None) -> Any:
        """What `MilvusVectors.search` takes to stay within these and a language: themselves."""
        return within, language

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

    def all(self, within: Within = None) -> Iterator[Chunk]:
        """Every chunk (of these)."""
        if not isinstance(within, VisibleChunks):
            return self._store.every_chunk(self._name, within)
        return self._store.chunks_in_parts(self._name, within.ids.tolist())

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
        self._counted: OrderedDict[bytes, list[Frequencies]] = OrderedDict()
        self._counting = threading.Lock()

    def search(self, text: str, limit: int, within: Within = None) -> Hits:
        """The best chunks as (id, BM25 score above 0), best first. No terms, no hits.

        Other words for the question's (`rag.text.synonyms`) are a search of their own: Milvus knows neither weights nor
        a choice of the best of several, so that each of their terms counts.
        """
        wanted = [
            word
            for term, weight in question_terms(text).items()
            for word in [hashed(term)] * max(1, round(weight * WEIGHT_STEPS))
        ]
        if not wanted or limit < 1 or not self.count:
            return []
        scores = {chunk_id: score / WEIGHT_STEPS for chunk_id, score in self._hits(wanted, limit, within)}
        others = list(dict.fromkeys(hashed(term) for match in matches(text) for form in match.others for term in form))
        for chunk_id, score in self._hits(others, limit, within):
            scores[chunk_id] = scores.get(chunk_id, 0.0) + SYNONYM_WEIGHT * score
        return sorted(scores.items(), key=lambda item: -item[1])[:limit]

    def _hits(self, words: list[str], limit: int, within: Within) -> Hits:
        """Chunks with these terms, each as often as it stands here; their BM25 scores are above 0."""
        if not words:
            return []

        def ask(most: int, ids: list[int] | None, names: frozenset[str] | None) -> Hits:
            hits = self._store.search(self._name, "sparse", " ".join(words), most, names, ids=ids)
            return [(chunk_id, abs(distance)) for chunk_id, distance in hits]

        return _best(ask, limit, within)

    def idf(self, term: str, within: Within = None) -> float:
        """Inverse document frequency of a term among these chunks (None: all); what is not listed is rare."""
        return self._idf(hashed(term), within)

    def character_idf(self, character: str, within: Within = None) -> float:
        """The same for one CJK character."""
        return self._idf(f"c{character}", within)

    def visible(self, within: Within = None) -> int:
        """How many of these chunks there are."""
        return self._chunks_of(self._known(within), within)

    def _chunks_of(self, known: list[Frequencies], within: Within) -> int:
        count = sum(each.chunks for each in known)
        return self.count if not count and not isinstance(within, VisibleChunks) else count

    def _idf(self, key: str, within: Within) -> float:
        known = self._known(within)
        count = self._chunks_of(known, within)
        frequency = min(sum(each.terms.get(key, 0) for each in known) or 1, count)
        return math.log1p((count - frequency + 0.5) / (frequency + 0.5))

    def _known(self, within: Within) -> list[Frequencies]:
        """The lists of common terms of these chunks."""
        if isinstance(within, VisibleChunks):
            return within.kept("frequencies", lambda: self._counts(within))
        wanted = None if within is None else within | {EVERY_COLLECTION}
        return [each for name, each in self._frequencies.items() if wanted is None or name in wanted]

    def _counts(self, visible: VisibleChunks) -> list[Frequencies]:
        """Those of single chunks are counted in their texts; the lists that ingest wrote count what is not seen, too.
        Kept by the chunks that were counted: rights of others may change meanwhile."""
        ids = visible.ids[:COUNTED]
        mark = hashlib.blake2b(ids.tobytes(), digest_size=16).digest()
        with self._counting:  # also while it is counted: two questions wait for one count
            if mark not in self._counted:
                read = self._store.chunks_in_parts(self._name, ids.tolist())
                self._counted[mark] = list(frequencies_in(read).values())
            self._counted.move_to_end(mark)
            while len(self._counted) > KEPT_COUNTS:
                self._counted.popitem(last=False)
            counted = self._counted[mark]
        share = visible.count / max(len(ids), 1)
        return counted if share == 1 else [_times(share, each) for each in counted]


def _times(share: float, counted: Frequencies) -> Frequencies:
    """What was counted in some of the chunks, for all of them."""
    terms = {term: round(share * count) for term, count in counted.terms.items()}
    return Frequencies(round(share * counted.chunks), terms)


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

    def search(self, vector: Any, limit: int, ids: Any = None) -> Hits:
        """The nearest as (id, cosine), best first; `ids` is what `MilvusChunks.ids_in` gave."""
        within, language = (None, None) if ids is None else ids
        if limit < 1 or not self.count:
            return []
        query = [float(value) for value in vector]

        def ask(most: int, of: list[int] | None, names: frozenset[str] | None) -> Hits:
            return self._store.search(self._name, "dense", query, most, names, language, of)

        return _best(ask, limit, within)


def _best(ask: Callable[[int, list[int] | None, frozenset[str] | None], Hits], limit: int, within: Within) -> Hits:
    """The best `limit` hits. `ask` gives so many of some ids, or of some collections, best first."""
    if not isinstance(within, VisibleChunks):
        return [] if within is not None and not within else ask(limit, None, within)
    most = min(MOST_HITS, HITS_FOR_AN_ID * within.count)
    hits = first_shown(lambda wanted: ask(wanted, None, None), limit, within, most)
    if hits is not None:
        return hits
    found = [hit for ids in within.in_parts(IDS_A_CALL) for hit in ask(limit, ids, None)]
    return sorted(found, key=lambda hit: -hit[1])[:limit]


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
