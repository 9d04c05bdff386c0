"""Changes to the documents in Milvus, one after the other: what was written before a kill is not done again."""

from collections import Counter

from rag.documents import Document
from rag.embedding import Embedder
from rag.errors import TextsRefused
from rag.index.base.document_chunks import chunks_of, known_of, refusal
from rag.index.base.manifest import Manifest
from rag.index.base.types import Key, Known
from rag.index.milvus.client import MilvusStore
from rag.text.tokenizer import VERSION, embeddable, language_of


class MilvusWriter:
    """The same as `rag.index.local.writer.LocalWriter`. A document's record is written last: without it, it is
    new."""

    def __init__(self, store: MilvusStore, name: str, embedder: Embedder | None, *, batch_size: int) -> None:
        self._store = store
        self._name = name
        self._embedder = embedder
        self._batch_size = batch_size
        self._documents = store.documents(name)
        self.refused: dict[Key, str] = {}
        self.embedded = 0

    def put(self, document: Document, fingerprint: str) -> None:
        """Take a document in the place of the one of the same collection and source."""
        key = (document.collection, document.source)
        before = set(self._ids(key))
        chunks = chunks_of(document, self._embedder)
        kept = self._store.vectors(self._name, [chunk.id for chunk in chunks if chunk.id in before])
        new = sorted((chunk for chunk in chunks if chunk.id not in kept), key=lambda chunk: len(chunk.embedded_text))
        old = [chunk for chunk in chunks if chunk.id in kept]
        if self._embedder is None:
            self._store.put(self._name, chunks, None)
        else:
            for at in range(0, len(new), self._batch_size):
                some = new[at : at + self._batch_size]
                try:
                    vectors = self._embedder.embed_passages([embeddable(chunk.embedded_text) for chunk in some])
                except TextsRefused as error:
                    place, reason = next(iter(error.refused.items()))
                    self.embedded += len(some) - len(error.refused)
                    self._leave_out(key, refusal(some[place], reason), [chunk.id for chunk in new[:at]])
                    return
                self._store.put(self._name, some, vectors.tolist())
                self.embedded += len(some)
            self._store.put(self._name, old, [kept[chunk.id] for chunk in old])
        ids = [chunk.id for chunk in chunks]
        self._store.remove(self._name, sorted(before - set(ids)))
        self._remember(key, known_of(document, fingerprint), ids)

    def fail(self, key: Key, fingerprint: str, reason: str) -> None:
        """Remember a document that cannot be read; what it held is dropped."""
        self._store.remove(self._name, self._ids(key))
        self._remember(key, Known(fingerprint, reason), [])

    def _leave_out(self, key: Key, reason: str, written: list[int]) -> None:
        """Without a fingerprint, so that the next ingest tries again."""
        self._store.remove(self._name, written)
        self.refused[key] = reason
        self.fail(key, "", reason)

    def drop(self, key: Key) -> None:
        """Forget a document."""
        self._store.remove(self._name, self._ids(key))
        self._store.forget(self._name, key)
        self._documents.pop(key, None)

    def close(self) -> Manifest:
        """The counts, and the frequencies of terms written anew."""
        self._store.write_frequencies(self._name, self._store.count_terms(self._name))
        per_collection: Counter[str] = Counter()
        for (collection, _), (_, ids) in self._documents.items():
            per_collection[collection] += len(ids)
        languages = Counter(language_of(chunk.text) or "" for chunk in self._store.every_chunk(self._name))
        return Manifest(
            languages=dict(sorted(languages.items())),
            documents=sum(not known.failure for known, _ in self._documents.values()),
            chunks=sum(per_collection.values()),
            collections=tuple(sorted(name for name, count in per_collection.items() if count)),
            terms=VERSION,
        )

    def _ids(self, key: Key) -> list[int]:
        return self._documents[key][1] if key in self._documents else []

    def _remember(self, key: Key, known: Known, ids: list[int]) -> None:
        self._store.remember(self._name, key, known, ids)
        self._documents[key] = (known, ids)
