"""Vectors once made, in a file beside the index: an ingest that broke off, or begins anew, does not pay for them twice.

Keys are hashes of model, passage instruction and text; no text is in the file. It is only a cache: whatever is wrong
with it, it begins anew or is done without.
"""

import contextlib
import hashlib
import itertools
import json
import logging
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rag.embedding.protocol import LEAST_PROBE_COSINE, Embedder
from rag.errors import TextsRefused

if TYPE_CHECKING:
    from numpy.typing import NDArray

FILE = "vectors.sqlite"
_AT_ONCE = 500
logger = logging.getLogger(__name__)


class VectorCache:
    """The vectors of one model, by text. One ingest at a time; close it.

    `model` names it; `probe`, its vector of a fixed text, tells when another model answers to the same name: then all
    that is kept of it goes.
    """

    def __init__(self, folder: Path, model: Sequence[str], probe: Sequence[float]) -> None:
        self._file = folder / FILE
        self._mark = hashlib.blake2b(json.dumps(list(model)).encode("utf-8", "replace"), digest_size=8).digest()
        self._database: sqlite3.Connection | None = None
        self._used: set[bytes] = set()
        try:
            self._open(probe)
        except sqlite3.DatabaseError:  # damaged: it begins anew
            self.close()
            with contextlib.suppress(OSError, sqlite3.Error):
                for file in (self._file, *folder.glob(f"{FILE}-*")):
                    file.unlink(missing_ok=True)
                self._open(probe)

    def get(self, texts: Sequence[str]) -> "dict[str, NDArray[np.float32]]":
        """The vectors that are kept, by text."""
        keys = {self._key(text): text for text in texts}
        self._used.update(keys)
        found = {}
        for key, blob in self._rows(list(keys)):
            found[keys[key]] = np.frombuffer(blob, dtype=np.float32)
        return found

    def put(self, texts: Sequence[str], vectors: "NDArray[np.float32]") -> None:
        """Keep vectors, shape (len(texts), dimension); flushed at once, so that a kill loses none."""
        rows = [
            (self._key(text), vector.astype(np.float32).tobytes()) for text, vector in zip(texts, vectors, strict=True)
        ]
        self._do("INSERT OR REPLACE INTO vector VALUES (?,?)", rows)

    def count(self) -> int:
        """How many vectors there are."""
        if self._database is None:
            return 0
        with contextlib.suppress(sqlite3.Error):
            return int(self._database.execute("SELECT count(*) FROM vector").fetchone()[0])
        return 0

    def keep_only(self, texts: Iterable[str]) -> None:
        """Drop the vectors of all other texts, and of other models; what was asked for since the opening stays too."""
        if self._database is None:
            return
        with contextlib.suppress(sqlite3.Error):
            self._database.execute("CREATE TEMP TABLE wanted (key BLOB PRIMARY KEY) WITHOUT ROWID")
            keys = itertools.chain(map(self._key, texts), self._used)
            self._database.executemany("INSERT OR IGNORE INTO wanted VALUES (?)", ((key,) for key in keys))
            self._database.execute("DELETE FROM vector WHERE key NOT IN (SELECT key FROM wanted)")
            self._database.execute("DROP TABLE wanted")
            self._database.commit()
            self._database.execute("PRAGMA incremental_vacuum")

    def close(self) -> None:
        """Close the file."""
        if self._database is not None:
            with contextlib.suppress(sqlite3.Error):
                self._database.close()
            self._database = None

    def _open(self, probe: Sequence[float]) -> None:
        self._database = sqlite3.connect(self._file, check_same_thread=False)
        self._database.execute("PRAGMA auto_vacuum = INCREMENTAL")
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.executescript(
            "CREATE TABLE IF NOT EXISTS vector (key BLOB PRIMARY KEY, vector BLOB NOT NULL);"
            "CREATE TABLE IF NOT EXISTS model (mark BLOB PRIMARY KEY, probe BLOB NOT NULL);"
        )
        now = np.asarray(probe, dtype=np.float32)
        row = self._database.execute("SELECT probe FROM model WHERE mark = ?", (self._mark,)).fetchone()
        if row is not None and _is_same(np.frombuffer(row[0], dtype=np.float32), now):
            return
        self._database.execute("DELETE FROM vector WHERE substr(key, 1, ?) = ?", (len(self._mark), self._mark))
        self._database.execute("INSERT OR REPLACE INTO model VALUES (?,?)", (self._mark, now.tobytes()))
        self._database.commit()

    def _rows(self, keys: list[bytes]) -> list[tuple[bytes, bytes]]:
        if self._database is None:
            return []
        found: list[tuple[bytes, bytes]] = []
        with contextlib.suppress(sqlite3.Error):
            for at in range(0, len(keys), _AT_ONCE):
                some = keys[at : at + _AT_ONCE]
                marks = ",".join("?" * len(some))
                found += self._database.execute(f"SELECT key, vector FROM vector WHERE key IN ({marks})", some)  # noqa: S608
        return found

    def _do(self, statement: str, rows: list[tuple[bytes, bytes]]) -> None:
        if self._database is None:
            return
        try:
            self._database.executemany(statement, rows)
            self._database.commit()
        except sqlite3.Error as error:
            logger.warning("Vectors are not kept for the next ingest: %s cannot be written (%s)", self._file, error)
            self.close()

    def _key(self, text: str) -> bytes:
        return self._mark + hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).digest()


class Remembering:
    """An `Embedder` that asks another only for passages whose vectors are not kept; `reused` counts those that are."""

    def __init__(self, model: Embedder, cache: VectorCache) -> None:
        self._model = model
        self._cache = cache
        self.reused = 0

    @property
    def dimension(self) -> int:
        """Length of its vectors."""
        return self._model.dimension

    @property
    def max_tokens(self) -> int:
        """How many tokens of a text it reads."""
        return self._model.max_tokens

    def embed_passages(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """Unit vectors, shape (len(texts), dimension). Raises TextsRefused as the model does."""
        known = self._cache.get(texts)
        missing = [text for text in texts if text not in known]
        self.reused += len(texts) - len(missing)
        refused: dict[str, str] = {}
        try:
            made = self._model.embed_passages(missing) if missing else np.empty((0, self.dimension), dtype=np.float32)
        except TextsRefused as error:
            refused = {missing[place]: reason for place, reason in error.refused.items()}
            made = error.vectors
        taken = [text for place, text in enumerate(missing) if text not in refused]
        self._cache.put(taken, made)
        known |= dict(zip(taken, made, strict=True))
        rows = [known[text] for text in texts if text not in refused]
        vectors = np.stack(rows) if rows else np.empty((0, self.dimension), dtype=np.float32)
        if refused:
            raise TextsRefused({place: refused[text] for place, text in enumerate(texts) if text in refused}, vectors)
        return vectors

    def embed_question(self, text: str) -> "NDArray[np.float32]":
        """The unit vector of a question, which is not kept."""
        return self._model.embed_question(text)

    def count_tokens(self, text: str) -> int:
        """As the model counts."""
        return self._model.count_tokens(text)

    def unknown_share(self, text: str) -> float:
        """As the model tells."""
        return self._model.unknown_share(text)

    def close(self) -> None:
        """Let go of the model and the file."""
        self._model.close()
        self._cache.close()


def _is_same(one: "NDArray[np.float32]", other: "NDArray[np.float32]") -> bool:
    return one.shape == other.shape and float(one @ other) >= LEAST_PROBE_COSINE
