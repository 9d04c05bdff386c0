"""Folders of documents to a new index version. Blocking; the old version serves until the new one is whole."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from rag.chunks import ChunkWriter
from rag.corpus import CHUNKS, DENSE, LEXICAL
from rag.documents import Chunk, Document
from rag.embedding import PROBE_TEXT, Choice, Embedder, choose
from rag.embedding.weights import download, hub_is_reachable, local_folder
from rag.errors import IngestError, SettingsMismatch, Unreadable
from rag.loading import find_files, load
from rag.settings import EmbeddingSettings, RagSettings
from rag.versions import EmbeddingMark, Manifest, publish, writing

BATCH_CHUNKS = 128
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What an ingest did. `index` names the new version, `embedding` says what made vectors, or why nothing did."""

    documents: int
    chunks: int
    skipped: tuple[Unreadable, ...]
    seconds: float
    index: str
    embedding: str = ""


def ingest(
    settings: RagSettings, *, paths: Sequence[Path] | None = None, progress: Progress | None = None
) -> IngestReport:
    """Build a new index from the knowledge folders (or `paths`) and switch to it.

    A file that cannot be read is left out and reported. `progress(stage, done, total)` is told the stages `weights` and
    `documents`. Raises IngestError (no folder, nothing to read, cannot write), SettingsMismatch, EmbeddingFailed; after
    any of them the old index is as it was.
    """
    started_at = time.monotonic()
    tell = progress or (lambda stage, done, total: None)
    files = find_files(list(paths) if paths is not None else settings.knowledge)
    choice = _choice(settings.embedding, tell)
    with ExitStack() as cleanup:
        folder = cleanup.enter_context(writing(settings.index_dir))
        embedder = choice.open() if choice.open is not None else None
        if embedder is not None:
            cleanup.callback(embedder.close)
        skipped: list[Unreadable] = []
        writer = _VersionWriter(folder, embedder, batch_size=settings.embedding.batch_size)
        for document in _documents(files, skipped, tell):
            writer.add(document)
        writer.close()
        if writer.documents == 0:
            raise IngestError(_nothing(paths or settings.knowledge, skipped))
        mark = None if embedder is None else _mark(choice, embedder, settings.embedding)
        name = publish(settings.index_dir, folder, replace(writer.manifest(), embedding=mark))
    seconds = time.monotonic() - started_at
    return IngestReport(writer.documents, writer.chunks, tuple(skipped), seconds, name, choice.detail)


class _VersionWriter:
    """Fills the folder of a new version, a batch of chunks at a time."""

    def __init__(self, folder: Path, embedder: Embedder | None, *, batch_size: int) -> None:
        from rag.lexical import LexicalWriter

        self._folder = folder
        self._embedder = embedder
        self._batch_size = batch_size
        self._chunk_writer = ChunkWriter(folder / CHUNKS)
        self._lexical = LexicalWriter(folder / LEXICAL)
        self._dense = None
        if embedder is not None:
            from rag.index import DenseIndex

            self._dense = DenseIndex.empty(embedder.dimension)
        self._waiting: list[Chunk] = []
        self._ids: set[int] = set()
        self._collections: set[str] = set()
        self.documents = 0

    @property
    def chunks(self) -> int:
        """Chunks taken so far."""
        return len(self._ids)

    def add(self, document: Document) -> None:
        """Split a document and take its chunks."""
        from rag.splitting import split

        model = self._embedder
        chunks = (
            split(document)
            if model is None
            else split(document, count_tokens=model.count_tokens, max_tokens=model.max_tokens)
        )
        for chunk in chunks:
            self._waiting.append(self._with_own_id(chunk))
        self.documents += 1
        self._collections.add(document.collection)
        if len(self._waiting) >= BATCH_CHUNKS:
            self._flush()

    def close(self) -> None:
        """Write what waits and finish every file."""
        self._flush()
        self._chunk_writer.close()
        self._lexical.close()
        if self._dense is not None:
            self._dense.save(self._folder / DENSE)

    def manifest(self) -> Manifest:
        """The counts; the embedding's mark is the caller's to add."""
        return Manifest(self.documents, self.chunks, collections=tuple(sorted(self._collections)))

    def _with_own_id(self, chunk: Chunk) -> Chunk:
        chunk_id = chunk.id
        while chunk_id in self._ids:  # two documents' hashes met: one in 10^10 at a million chunks
            chunk_id = (chunk_id + 1) & (2**63 - 1)
        self._ids.add(chunk_id)
        return chunk if chunk_id == chunk.id else replace(chunk, id=chunk_id)

    def _flush(self) -> None:
        chunks, self._waiting = self._waiting, []
        self._chunk_writer.add(chunks)
        self._lexical.add((chunk.id, chunk.collection, chunk.embedded_text) for chunk in chunks)
        if self._dense is not None and self._embedder is not None:
            by_length = sorted(chunks, key=lambda chunk: len(chunk.embedded_text))  # less padding in a batch
            for at in range(0, len(by_length), self._batch_size):
                some = by_length[at : at + self._batch_size]
                vectors = self._embedder.embed_passages([chunk.embedded_text for chunk in some])
                self._dense.add([chunk.id for chunk in some], vectors)


def _documents(files: list[tuple[Path, str]], skipped: list[Unreadable], tell: Progress) -> Iterator[Document]:
    for done, (file, source) in enumerate(files):
        tell("documents", done, len(files))
        try:
            yield load(file, source)
        except Unreadable as error:
            skipped.append(error)
    tell("documents", len(files), len(files))


def _choice(settings: EmbeddingSettings, tell: Progress) -> Choice:
    """The embedding provider; its weights are fetched first when they are missing and may be."""
    choice = _choice_or_error(settings)
    is_local_model = settings.provider in ("auto", "sentence-transformers")
    if is_local_model and _may_download(settings):
        tell("weights", 0, 1)
        if hub_is_reachable() and download(settings.model):
            choice = choose(settings)
        tell("weights", 1, 1)
    if isinstance(choice, SettingsMismatch):
        raise choice
    return choice


def _choice_or_error(settings: EmbeddingSettings) -> Choice | SettingsMismatch:
    try:
        return choose(settings)
    except SettingsMismatch as error:
        return error


def _may_download(settings: EmbeddingSettings) -> bool:
    from importlib.util import find_spec

    is_hub_name = settings.model.count("/") == 1 and not settings.model.startswith((".", "/", "~"))
    wanted = settings.download and is_hub_name and local_folder(settings.model) is None
    return wanted and find_spec("sentence_transformers") is not None


def _mark(choice: Choice, embedder: Embedder, settings: EmbeddingSettings) -> EmbeddingMark:
    probe = embedder.embed_passages([PROBE_TEXT])[0]
    rounded = tuple(round(float(value), 5) for value in probe)
    return EmbeddingMark(choice.provider, choice.model, embedder.dimension, settings.query_instruction, rounded)


def _nothing(folders: Sequence[Path], skipped: list[Unreadable]) -> str:
    names = ", ".join(str(folder) for folder in folders)
    if skipped:
        return f"None of the {len(skipped)} files in {names} could be read; the first: {skipped[0]}"
    return f"There is no .md, .markdown or .txt file in {names}; put documents there or set RAG__KNOWLEDGE"
