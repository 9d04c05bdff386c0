"""The folder of a new index version: the version before, or nothing, and the changes on top. Blocking."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rag.documents import Chunk, Document
from rag.embedding import Embedder
from rag.errors import TextsRefused
from rag.index.base.document_chunks import chunks_of, known_of, refusal
from rag.index.base.manifest import Manifest
from rag.index.base.types import CHUNKS, DENSE, LEXICAL, Key, Known
from rag.index.local.chunk_store import SqliteWriter
from rag.text.tokenizer import VERSION, embeddable

if TYPE_CHECKING:
    from rag.index.local.faiss import FaissIndex

BATCH_CHUNKS = 128


class LocalWriter:
    """Changes documents a batch of chunks at a time; only chunks that are new are embedded.

    A document with a text that the model's endpoint refuses is left out; `refused` says why. `embedder` is None for an
    index of words only. Close it before the folder is published.
    """

    def __init__(self, folder: Path, embedder: Embedder | None, *, batch_size: int, before: Path | None) -> None:
        from rag.index.local.bm25 import TantivyWriter

        if before is not None:
            shutil.copyfile(before / CHUNKS, folder / CHUNKS)
            shutil.copytree(before / LEXICAL, folder / LEXICAL, ignore=shutil.ignore_patterns("*.lock"))
        self._folder = folder
        self._embedder = embedder
        self._batch_size = batch_size
        self._chunks = SqliteWriter(folder / CHUNKS)
        self._lexical = TantivyWriter(folder / LEXICAL)
        self._dense = self._dense_index(before)
        self._waiting: list[Chunk] = []
        self._waiting_ids: set[int] = set()
        self._refused_now: dict[Key, str] = {}
        self.refused: dict[Key, str] = {}
        self.embedded = 0

    def put(self, document: Document, fingerprint: str) -> None:
        """Take a document in the place of the one of the same collection and source."""
        key = (document.collection, document.source)
        before = self._chunks.ids_of(key)
        chunks = self._split(document, before)
        ids = {chunk.id for chunk in chunks}
        self._remove(before - ids)
        self._chunks.put(chunk for chunk in chunks if chunk.id in before)  # offsets, place and link may have moved
        self._wait_for([chunk for chunk in chunks if chunk.id not in before])
        self._chunks.remember(key, known_of(document, fingerprint))
        self._leave_out_refused()

    def fail(self, key: Key, fingerprint: str, reason: str) -> None:
        """Remember a document that cannot be read; what it held is dropped."""
        self._remove(self._chunks.ids_of(key))
        self._chunks.remember(key, Known(fingerprint, reason))

    def drop(self, key: Key) -> None:
        """Forget a document."""
        self._remove(self._chunks.ids_of(key))
        self._chunks.forget(key)

    def close(self) -> Manifest:
        """Write what waits, finish every file, and give the counts; the embedding's mark is the caller's to add."""
        self._flush()
        self._leave_out_refused()
        documents, chunks, collections = self._chunks.counts()
        languages = self._chunks.languages()
        self._chunks.close()
        self._lexical.close()
        if self._dense is not None:
            self._dense.save(self._folder / DENSE)
        return Manifest(documents, chunks, collections=collections, languages=languages, terms=VERSION)

    def _dense_index(self, before: Path | None) -> "FaissIndex | None":
        has_vectors = before is not None and (before / DENSE).is_file()
        if self._embedder is None and not has_vectors:
            return None
        from rag.index.local.faiss import FaissIndex

        if before is not None and has_vectors:
            return FaissIndex.open(before / DENSE)
        return None if self._embedder is None else FaissIndex.empty(self._embedder.dimension)

    def _split(self, document: Document, own: set[int]) -> list[Chunk]:
        taken: set[int] = set()
        return [self._with_own_id(chunk, own, taken) for chunk in chunks_of(document, self._embedder)]

    def _with_own_id(self, chunk: Chunk, own: set[int], taken: set[int]) -> Chunk:
        chunk_id = chunk.id
        # Two documents' hashes met: one in 10^10 at a million chunks.
        while chunk_id in taken or (
            chunk_id not in own and (chunk_id in self._waiting_ids or self._chunks.holds(chunk_id))
        ):
            chunk_id = (chunk_id + 1) & (2**63 - 1)
        taken.add(chunk_id)
        return chunk if chunk_id == chunk.id else replace(chunk, id=chunk_id)

    def _remove(self, ids: set[int]) -> None:
        if not ids:
            return
        if ids & self._waiting_ids:
            self._flush()
        self._chunks.remove(ids)
        self._lexical.remove(ids)
        if self._dense is not None:
            self._dense.remove(ids)

    def _wait_for(self, chunks: Sequence[Chunk]) -> None:
        self._chunks.put(chunks)
        for chunk in chunks:
            self._waiting.append(chunk)
            self._waiting_ids.add(chunk.id)
            if len(self._waiting) >= BATCH_CHUNKS:
                self._flush()

    def _flush(self) -> None:
        chunks, self._waiting, self._waiting_ids = self._waiting, [], set()
        self._lexical.add((chunk.id, chunk.collection, chunk.embedded_text) for chunk in chunks)
        if self._dense is not None and self._embedder is not None:
            by_length = sorted(chunks, key=lambda chunk: len(chunk.embedded_text))  # less padding in a batch
            for at in range(0, len(by_length), self._batch_size):
                self._embed(by_length[at : at + self._batch_size], self._embedder, self._dense)
        self._chunks.commit()

    def _embed(self, chunks: list[Chunk], embedder: Embedder, dense: "FaissIndex") -> None:
        try:
            vectors = embedder.embed_passages([embeddable(chunk.embedded_text) for chunk in chunks])
        except TextsRefused as error:
            for place, reason in error.refused.items():
                self._refused_now[chunks[place].collection, chunks[place].source] = refusal(chunks[place], reason)
            chunks = [chunk for place, chunk in enumerate(chunks) if place not in error.refused]
            vectors = error.vectors
        dense.add([chunk.id for chunk in chunks], vectors)
        self.embedded += len(chunks)

    def _leave_out_refused(self) -> None:
        """Only between documents: the chunks of one that is being put come in several batches."""
        while self._refused_now:
            key, reason = self._refused_now.popitem()
            self.refused[key] = reason
            self.fail(key, "", reason)  # without a fingerprint: the next ingest tries again
