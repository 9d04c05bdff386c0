"""Versions of the index on disk: each in a folder of its own with a manifest, and `CURRENT` naming the one in use.

    index/CURRENT                 the name of a version
    index/v-20260102-030405-1a2b/ manifest.json  chunks.sqlite  lexical/  dense.faiss (when there are embeddings)

A version is written aside, flushed, renamed into place, and only then named by CURRENT (write, fsync, os.replace, fsync
of the folder), so that a reader sees the old index or the new one and never half of either.
"""

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from rag.embedding.families import before_families
from rag.errors import IndexBusy, IndexCorrupt, IndexMissing, IngestError
from rag.index.base.background import Background, background_of
from rag.private_files import make_private_folder

FORMAT = 2
POINTER = "CURRENT"
LOCK = ".lock"
LOCK_TRIES, LOCK_PAUSE_S = 5, 0.02
"""Whoever only looks whether the index is being written (`is_being_written`) holds the lock for less than that."""
MANIFEST = "manifest.json"
FIX = "build the index again: feishu-rag ingest"
_NOT_HASHED = frozenset({MANIFEST, ".tantivy-writer.lock", ".tantivy-meta.lock"})


@dataclass(frozen=True, slots=True)
class EmbeddingFingerprint:
    """Which model made the vectors, with which texts before questions (`instruction`) and passages.

    `probe`, its vector for a fixed text without instruction, tells a swapped model from a renamed one; `reads` is, for
    each language, the share of paraphrases it recognises (`rag.embedding.language_check`); `weights` tells its files
    from another model's.
    """

    provider: str
    model: str
    dimension: int
    instruction: str
    probe: tuple[float, ...] = ()
    reads: dict[str, float] = field(default_factory=dict)
    weights: str = ""
    passage_instruction: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a version holds.

    `terms` is the version of the rules by which its text was cut into terms (`rag.text.tokenizer.VERSION`); 1 where
    none is recorded.
    """

    documents: int
    chunks: int
    embedding: EmbeddingFingerprint | None = None
    collections: tuple[str, ...] = ("default",)
    languages: dict[str, int] = field(default_factory=dict)
    """Chunks by language; {} in an index of an earlier version."""
    background: dict[str, Background] = field(default_factory=dict)
    """Where chance begins for its vectors, by the language of questions; {} without vectors."""
    word_chance: dict[str, float] = field(default_factory=dict)
    """What background questions reach by words (`rag.retrieval.keyword_search`), by their language; {} in an earlier
    version."""
    format: int = FORMAT
    created_at: float = 0.0
    files: dict[str, str] = field(default_factory=dict)
    terms: int = 1


@contextlib.contextmanager
def writing(index_dir: Path) -> Iterator[Path]:
    """An empty folder to write a version into; only one ingest at a time. What was not published is removed."""
    try:
        make_private_folder(index_dir)
        with _locked(index_dir):
            for stale in index_dir.glob(".new-*"):
                shutil.rmtree(stale, ignore_errors=True)
            folder = index_dir / f".new-{secrets.token_hex(4)}"
            folder.mkdir()
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise IngestError(f"The index folder {index_dir} cannot be written ({reason}); set RAG__INDEX_DIR") from error


@contextlib.contextmanager
def _locked(index_dir: Path, *, tries: int = LOCK_TRIES) -> Iterator[None]:
    try:
        import fcntl
    except ImportError:  # pragma: no cover - Windows: no lock, the atomic switch alone keeps readers safe
        yield
        return
    with (index_dir / LOCK).open("w") as file:
        for left in reversed(range(tries)):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as error:
                if not left:
                    raise IndexBusy(f"Another ingest is writing to {index_dir}; wait for it to end") from error
                time.sleep(LOCK_PAUSE_S)
        yield


def is_being_written(index_dir: Path) -> bool:
    """Whether an ingest holds the index now, in this process or another. Takes the lock for a moment."""
    if not (index_dir / LOCK).is_file():
        return False
    try:
        with _locked(index_dir, tries=1):
            return False
    except IndexBusy:
        return True
    except OSError:  # not ours to write: whoever ingests will say so
        return False


def publish(index_dir: Path, folder: Path, manifest: Manifest) -> str:
    """Make a written folder the current version, remove all but the one before, and return its name."""
    files = {name: _sha256(folder / name) for name in _content(folder)}
    now = time.time()
    complete = {**asdict(manifest), "created_at": now, "files": files}
    (folder / MANIFEST).write_text(json.dumps(complete, ensure_ascii=False, indent=1), encoding="utf-8")
    for path in sorted(folder.rglob("*")):
        _fsync(path)
    _fsync(folder)
    name = f"v-{time.strftime('%Y%m%d-%H%M%S', time.gmtime(now))}-{secrets.token_hex(4)}"
    previous = current_name(index_dir)
    os.replace(folder, index_dir / name)
    _point(index_dir, name)
    for old in index_dir.glob("v-*"):
        if old.name not in (name, previous):
            shutil.rmtree(old, ignore_errors=True)
    return name


def _point(index_dir: Path, name: str) -> None:
    draft = index_dir / f"{POINTER}.new"
    draft.write_text(name + "\n", encoding="ascii")
    _fsync(draft)
    os.replace(draft, index_dir / POINTER)
    _fsync(index_dir)


def current_name(index_dir: Path) -> str | None:
    """The name in CURRENT; None when there is none."""
    try:
        return (index_dir / POINTER).read_text(encoding="ascii").strip() or None
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise IndexCorrupt(f"{index_dir / POINTER} cannot be read; {FIX}") from error


def pointer_stamp(index_dir: Path) -> tuple[int, int] | None:
    """Changes whenever CURRENT does: (inode, modified ns). Cheap enough to ask for every question."""
    try:
        stat = (index_dir / POINTER).stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_mtime_ns


def read_current(index_dir: Path) -> tuple[Path, Manifest]:
    """Folder and manifest of the current version, every file checked. Raises IndexMissing or IndexCorrupt."""
    name = current_name(index_dir)
    if name is None:
        raise IndexMissing(f"There is no index in {index_dir} yet; build it: feishu-rag ingest")
    folder = index_dir / name
    if "/" in name or "\\" in name or not name.startswith("v-") or not folder.is_dir():
        raise IndexCorrupt(f"{index_dir / POINTER} names a version that is not there; {FIX}")
    manifest = _read_manifest(folder)
    for file, digest in manifest.files.items():
        path = folder / file
        if not path.is_file():
            raise IndexCorrupt(f"{path} is missing; {FIX}")
        if _sha256(path) != digest:
            raise IndexCorrupt(f"{path} is damaged (its checksum differs); {FIX}")
    return folder, manifest


def _read_manifest(folder: Path) -> Manifest:
    path = folder / MANIFEST
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise IndexCorrupt(f"The index in {folder.parent} has format {content['format']}, not {FORMAT}; {FIX}")
        return manifest_of(content)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise IndexCorrupt(f"{path} cannot be read; {FIX}") from error


def _mark_of(written: dict[str, Any] | None) -> EmbeddingFingerprint | None:
    """The mark out of a manifest. One without `passage_instruction` was written before models had families: its
    `instruction` is the setting of then, which was used for bge alone."""
    if written is None:
        return None
    mark = EmbeddingFingerprint(**{**written, "probe": tuple(written["probe"])})
    if "passage_instruction" in written:
        return mark
    return replace(mark, instruction=before_families(mark.instruction, mark.model))


def manifest_of(content: dict[str, Any]) -> Manifest:
    """A manifest from JSON. Raises KeyError, TypeError and ValueError where that is none."""
    read = {
        "embedding": _mark_of(content["embedding"]),
        "collections": tuple(content["collections"]),
        "background": background_of(content.get("background", {})),
    }
    return Manifest(**{**content, **read})


def _content(folder: Path) -> list[str]:
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in _NOT_HASHED)
    return [path.relative_to(folder).as_posix() for path in paths]


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise IndexCorrupt(f"{path} cannot be read; {FIX}") from error


def _fsync(path: Path) -> None:
    """Flush a file or folder to the disk (folders cannot be opened on every system)."""
    with contextlib.suppress(PermissionError, IsADirectoryError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
