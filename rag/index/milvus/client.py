"""Vectors and text in Milvus: one server for any number of bots and millions of chunks. The only door to pymilvus.

Both searches run in Milvus, vectors by inner product and words by its BM25 over our own terms. They are fused here and
not by its RRFRanker, because a passage has to say why it is there, and a dense leg that cannot read has no voice. Terms
are stored hashed, each as one ASCII word, so that no analyser of the server can cut them otherwise than we do.

`NAME_meta` holds what there is: the manifest with the name of the collection in use, a record for each document, and
the frequencies of common terms. A new model means a new collection beside the old one; one written row switches over.
BM25 distances of milvus-lite are negative: order is by rank, never by sign.
"""

import hashlib
import json
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pymilvus import DataType, Function, FunctionType, MilvusClient
from pymilvus.exceptions import MilvusException

from rag.documents import Chunk, Place
from rag.errors import IndexUnusable
from rag.index.base.types import Hits, Key, Known, storable
from rag.settings import MilvusSettings
from rag.text.tokenizer import characters, language_of, terms

BATCH = 256
MOST_TERMS = 3000
COMMON_FROM = 0.002
"""Terms in a smaller share of the chunks than this count as rare and are not listed."""
FREQUENCIES_A_ROW = 1500
EVERY_COLLECTION = "*"
_MANIFEST = "manifest"
_NO_VECTOR = [0.0, 1.0]


@dataclass(frozen=True, slots=True)
class Frequencies:
    """Of one collection: its chunks, and in how many of them each common term is."""

    chunks: int
    terms: dict[str, int]


class MilvusStore:
    """One connection. Blocking; every failure is an IndexUnusable that names the setting."""

    def __init__(self, settings: MilvusSettings) -> None:
        self._settings = settings
        self._meta = f"{settings.collection}_meta"
        try:
            self._client = MilvusClient(
                uri=settings.uri, token=settings.token.get_secret_value(), timeout=settings.timeout_s
            )
            if not self._client.has_collection(self._meta):
                self._create_meta()
            self._client.load_collection(self._meta)
        except (MilvusException, ValueError, OSError) as error:
            raise IndexUnusable(
                f"Milvus at {settings.uri} cannot be reached or refuses ({type(error).__name__}); "
                "check RAG__MILVUS__URI and RAG__MILVUS__TOKEN"
            ) from error

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def state(self) -> dict[str, Any]:
        """The manifest row: `collection` in use, `manifest`, `frequencies`, and `building` when that was broken off."""
        rows = self._rows(self._meta, f'key == "{_MANIFEST}"', ["record"])
        return dict(rows[0]["record"]) if rows else {}

    def write_state(self, state: dict[str, Any]) -> None:
        """Replace the manifest row: this is the switch."""
        self._call("upsert", self._meta, data=[_meta_row(_MANIFEST, "", state)])
        self._call("flush", self._meta)

    def create(self, dimension: int | None) -> str:
        """A new collection for chunks; gives its name."""
        name = f"{self._settings.collection}_{secrets.token_hex(4)}"
        schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("id", DataType.INT64, is_primary=True)
        schema.add_field("collection", DataType.VARCHAR, max_length=512)
        schema.add_field("document", DataType.VARCHAR, max_length=64)
        schema.add_field("language", DataType.VARCHAR, max_length=8)
        schema.add_field(
            "terms", DataType.VARCHAR, max_length=65535, enable_analyzer=True, analyzer_params={"tokenizer": "standard"}
        )
        schema.add_field("sparse", DataType.SPARSE_FLOAT_VECTOR)
        schema.add_field("dense", DataType.FLOAT_VECTOR, dim=dimension or len(_NO_VECTOR))
        schema.add_field("body", DataType.JSON)
        schema.add_function(
            Function(
                name="words",
                function_type=FunctionType.BM25,
                input_field_names=["terms"],
                output_field_names=["sparse"],
            )
        )
        indexes = MilvusClient.prepare_index_params()
        indexes.add_index("sparse", index_type="SPARSE_INVERTED_INDEX", metric_type="BM25")
        indexes.add_index("dense", index_type=self._settings.index, metric_type="IP")
        self._call("create_collection", name, schema=schema, index_params=indexes)
        return name

    def drop(self, name: str) -> None:
        """Remove a collection and what is recorded of its documents."""
        if self._call("has_collection", name):
            self._call("drop_collection", name)
        self._call("delete", self._meta, filter=f"owner == {json.dumps(name)}")

    def load(self, name: str) -> None:
        """Make a collection ready to be searched."""
        self._call("load_collection", name)

    def documents(self, name: str) -> dict[Key, tuple[Known, list[int]]]:
        """What is known of the documents of a collection, and the ids of their chunks."""
        return self._known(f"owner == {json.dumps(name)}")

    def document(self, name: str, key: Key) -> Known | None:
        """What is known of one document; None for an unknown one."""
        found = self._known(f"key == {json.dumps(f'{name}:{document_mark(key)}')}")
        return next((known for known, _ in found.values()), None)

    def _known(self, condition: str) -> dict[Key, tuple[Known, list[int]]]:
        found: dict[Key, tuple[Known, list[int]]] = {}
        for row in self._every(self._meta, condition, ["record"]):
            record = row["record"]
            if "source" in record:
                key = (record["collection"], record["source"])
                title, link = (str(record.get(name, "")) for name in ("title", "link"))
                read = Known(
                    record["fingerprint"],
                    record["failure"],
                    record.get("content", ""),
                    tuple(record.get("notes", ())),
                    title,
                    link,
                    int(record.get("edited_at", 0)),
                )
                found[key] = (read, list(map(int, record["ids"])))
        return found

    def remember(self, name: str, key: Key, known: Known, ids: Sequence[int]) -> None:
        """Keep what is known of a document."""
        record: dict[str, Any] = {"collection": key[0], "source": storable(key[1])}
        record["fingerprint"] = known.fingerprint
        record |= {
            "failure": storable(known.failure),
            "content": known.content,
            "notes": [storable(note) for note in known.notes],
            "title": storable(known.title),
            "link": known.link,
            "edited_at": known.edited_at,
            "ids": [str(chunk_id) for chunk_id in ids],
            # Ids as text: the numbers of JSON are too short for them.
        }
        self._call("upsert", self._meta, data=[_meta_row(f"{name}:{document_mark(key)}", name, record)])

    def forget(self, name: str, key: Key) -> None:
        """Forget a document."""
        self._call("delete", self._meta, ids=[f"{name}:{document_mark(key)}"])

    def put(self, name: str, chunks: Sequence[Chunk], vectors: Sequence[Sequence[float]] | None) -> None:
        """Write chunks, replacing those of the same id."""
        for at in range(0, len(chunks), BATCH):
            some = chunks[at : at + BATCH]
            own = [_NO_VECTOR] * len(some) if vectors is None else vectors[at : at + BATCH]
            rows = [_row(chunk, vector) for chunk, vector in zip(some, own, strict=True)]
            self._call("upsert", name, data=rows)

    def remove(self, name: str, ids: Sequence[int]) -> None:
        """Take chunks out."""
        for at in range(0, len(ids), BATCH):
            self._call("delete", name, ids=list(ids[at : at + BATCH]))

    def sample(self, name: str, language: str, limit: int) -> list[int]:
        """Ids of some chunks of a language."""
        condition = _within(None, language)
        rows = self._call(
            "query", name, filter=condition, output_fields=["id"], limit=limit, consistency_level="Strong"
        )
        return [int(row["id"]) for row in rows]

    def vectors(self, name: str, ids: Sequence[int]) -> dict[int, list[float]]:
        """The vectors of chunks."""
        found: dict[int, list[float]] = {}
        for at in range(0, len(ids), BATCH):
            rows = self._rows(name, f"id in {list(ids[at : at + BATCH])}", ["dense"])
            found |= {int(row["id"]): [float(value) for value in row["dense"]] for row in rows}
        return found

    def chunks(self, name: str, ids: Sequence[int]) -> dict[int, Chunk]:
        """Chunks by their ids; unknown ids are left out."""
        rows = self._rows(name, f"id in {list(ids)}", ["body"]) if ids else []
        return {int(row["id"]): _chunk(int(row["id"]), row["body"]) for row in rows}

    def chunks_in_parts(self, name: str, ids: Sequence[int]) -> Iterator[Chunk]:
        """Chunks by their ids, however many."""
        for at in range(0, len(ids), BATCH):
            yield from self.chunks(name, ids[at : at + BATCH]).values()

    def every_chunk(self, name: str, within: frozenset[str] | None = None) -> Iterator[Chunk]:
        """All chunks (of these collections), in no order that means anything."""
        if within is not None and not within:
            return
        for row in self._every(name, _within(within), ["body"]):
            yield _chunk(int(row["id"]), row["body"])

    def chunks_of(self, name: str, key: Key) -> Iterator[Chunk]:
        """The chunks of one document, in no order that means anything."""
        for row in self._every(name, f"document == {json.dumps(document_mark(key))}", ["body"]):
            yield _chunk(int(row["id"]), row["body"])

    def count(self, name: str) -> int:
        """How many chunks there are."""
        return int(self._rows(name, "", ["count(*)"])[0]["count(*)"])

    def count_terms(self, name: str) -> dict[str, Frequencies]:
        """In how many chunks of each collection its common terms and characters are; the caller writes them."""
        return frequencies_in(self.every_chunk(name))

    def write_frequencies(self, name: str, frequencies: Mapping[str, Frequencies]) -> None:
        """Replace the lists of common terms."""
        self._call("delete", self._meta, filter=f"owner == {json.dumps(name + '#')}")
        written = 0
        for collection, known in frequencies.items():
            listed = list(known.terms.items())
            for at in range(0, len(listed) or 1, FREQUENCIES_A_ROW):
                part = dict(listed[at : at + FREQUENCIES_A_ROW])
                record = {"collection": collection, "chunks": known.chunks, "terms": part}
                self._call("upsert", self._meta, data=[_meta_row(f"{name}#{written}", f"{name}#", record)])
                written += 1

    def frequencies(self, name: str) -> dict[str, Frequencies]:
        """The lists of common terms by collection. An earlier version wrote one for all of them (`EVERY_COLLECTION`, of
        0 chunks); the next change of the documents replaces it."""
        found: dict[str, Frequencies] = {}
        for row in self._every(self._meta, f"owner == {json.dumps(name + '#')}", ["record"]):
            record = row["record"]
            if not isinstance(record.get("terms"), dict):
                record = {"collection": EVERY_COLLECTION, "chunks": 0, "terms": record}
            known = found.setdefault(record["collection"], Frequencies(int(record["chunks"]), {}))
            known.terms.update({term: int(count) for term, count in record["terms"].items()})
        return found

    def search(
        self,
        name: str,
        field: str,
        query: Any,
        limit: int,
        within: Iterable[str] | None,
        language: str | None = None,
        ids: Sequence[int] | None = None,
    ) -> Hits:
        """The best chunks (of these ids) as (id, distance), best first; `within` may not be empty."""
        metric = "IP" if field == "dense" else "BM25"
        hits = self._call(
            "search",
            name,
            data=[query],
            anns_field=field,
            limit=limit,
            filter=_within(within, language, ids),
            search_params={"metric_type": metric},
        )[0]
        return [(int(hit["id"]), float(hit["distance"])) for hit in hits]

    def _create_meta(self) -> None:
        schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("key", DataType.VARCHAR, max_length=256, is_primary=True)
        schema.add_field("owner", DataType.VARCHAR, max_length=256)
        schema.add_field("record", DataType.JSON)
        schema.add_field("none", DataType.FLOAT_VECTOR, dim=len(_NO_VECTOR))  # a collection has to have a vector
        indexes = MilvusClient.prepare_index_params()
        indexes.add_index("none", index_type="FLAT", metric_type="IP")
        self._client.create_collection(self._meta, schema=schema, index_params=indexes, consistency_level="Strong")

    def _rows(self, name: str, condition: str, fields: list[str]) -> list[dict[str, Any]]:
        return list(self._call("query", name, filter=condition, output_fields=fields, consistency_level="Strong"))

    def _every(self, name: str, condition: str, fields: list[str]) -> Iterator[dict[str, Any]]:
        pages = self._call("query_iterator", name, batch_size=BATCH, filter=condition, output_fields=fields)
        try:
            while rows := pages.next():
                yield from rows
        finally:
            pages.close()

    def _call(self, method: str, *arguments: Any, **named: Any) -> Any:
        try:
            return getattr(self._client, method)(*arguments, **named)
        except MilvusException as error:
            raise IndexUnusable(
                f"Milvus at {self._settings.uri} failed ({method}: code {error.code}); look at its log"
            ) from error


def frequencies_in(chunks: Iterable[Chunk]) -> dict[str, Frequencies]:
    """In how many of these chunks, by their collections, the common terms and characters are."""
    counted: dict[str, Counter[str]] = {}
    of: Counter[str] = Counter()
    for chunk in chunks:
        of[chunk.collection] += 1
        text = chunk.embedded_text
        found = {*map(hashed, terms(text)), *(f"c{character}" for character in characters(text))}
        counted.setdefault(chunk.collection, Counter()).update(found)
    return {name: Frequencies(of[name], _common(counts, of[name])) for name, counts in counted.items()}


def _common(counted: Mapping[str, int], chunks: int) -> dict[str, int]:
    least = max(2.0, COMMON_FROM * chunks)
    return {term: count for term, count in counted.items() if count >= least}


def document_mark(key: Key) -> str:
    """A document's collection and source as a short word."""
    return hashlib.blake2b("\x00".join(key).encode("utf-8", "replace"), digest_size=16).hexdigest()


def hashed(term: str) -> str:
    """A term as one ASCII word."""
    return "t" + hashlib.blake2b(term.encode("utf-8", "replace"), digest_size=6).hexdigest()


def _within(collections: Iterable[str] | None, language: str | None = None, ids: Sequence[int] | None = None) -> str:
    """A condition that keeps a search within collections, a language and ids."""
    parts = [] if language is None else [f"language == {json.dumps(language)}"]
    if collections is not None:
        parts.append(f"collection in {json.dumps(sorted(collections), ensure_ascii=False)}")
    if ids is not None:
        parts.append(f"id in {list(ids)}")
    return " and ".join(parts)


def _meta_row(key: str, owner: str, record: dict[str, Any]) -> dict[str, Any]:
    return {"key": key, "owner": owner, "record": record, "none": _NO_VECTOR}


def _row(chunk: Chunk, vector: Sequence[float]) -> dict[str, Any]:
    body = asdict(chunk) | {
        "source": storable(chunk.source),
        "title": storable(chunk.title),
        "text": storable(chunk.text),
    }
    if chunk.place is not None:
        body["place"] = _place_body(chunk.place)
    body["places"] = [[offset, _place_body(place)] for offset, place in chunk.places]
    body["id"] = str(chunk.id)
    return {
        "id": chunk.id,
        "collection": chunk.collection,
        "document": document_mark((chunk.collection, chunk.source)),
        "language": language_of(chunk.text) or "",
        "terms": " ".join(map(hashed, terms(chunk.embedded_text)[:MOST_TERMS])) or hashed(""),
        "dense": [float(value) for value in vector],
        "body": body,
    }


def _chunk(chunk_id: int, body: dict[str, Any]) -> Chunk:
    """An earlier version wrote no `places`, and a `place` without anchor."""
    place = Place(**body["place"]) if body.get("place") else None
    places = tuple((int(offset), Place(**fields)) for offset, fields in body.get("places", ()))
    headings = tuple(body["headings"])
    return Chunk(**{**body, "id": chunk_id, "headings": headings, "place": place, "places": places})


def _place_body(place: Place) -> dict[str, str]:
    return {name: storable(value) for name, value in asdict(place).items()}
