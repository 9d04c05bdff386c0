"""The chunks of one index version, in SQLite, so that the index folder needs nothing outside itself."""

import json
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

from rag.documents import Chunk
from rag.errors import IndexCorrupt

_TABLE = """CREATE TABLE chunk (
  id INTEGER PRIMARY KEY, collection TEXT NOT NULL, source TEXT NOT NULL, title TEXT NOT NULL, headings TEXT NOT NULL,
  text TEXT NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL, link TEXT)"""
_COLUMNS = 'id, collection, source, title, headings, text, start, "end", link'


def _plain(text: str) -> str:
    """Text that SQLite can hold: lone surrogates replaced."""
    return text.encode("utf-8", "replace").decode("utf-8")


class ChunkWriter:
    """Writes the chunks of a new version. Blocking."""

    def __init__(self, file: Path) -> None:
        self._database = sqlite3.connect(file)
        self._database.execute(_TABLE)

    def add(self, chunks: Iterable[Chunk]) -> None:
        """Store chunks; a repeated id is an error of the caller."""
        rows = [
            (
                chunk.id,
                chunk.collection,
                _plain(chunk.source),
                _plain(chunk.title),
                json.dumps(chunk.headings),
                _plain(chunk.text),
                chunk.start,
                chunk.end,
                chunk.link,
            )
            for chunk in chunks
        ]
        self._database.executemany(f"INSERT INTO chunk ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?)", rows)  # noqa: S608

    def close(self) -> None:
        """Commit and close."""
        self._database.execute("CREATE INDEX chunk_collection ON chunk (collection)")
        self._database.commit()
        self._database.close()


class ChunkStore:
    """Reads the chunks of a finished version. Blocking; one connection under a lock."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._ids_in: dict[frozenset[str], tuple[int, ...]] = {}
        if not file.is_file():
            raise IndexCorrupt(f"{file} is missing; build the index again: feishu-rag ingest")
        self._database = sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, check_same_thread=False)

    def get(self, ids: Sequence[int]) -> dict[int, Chunk]:
        """The chunks with these ids, by id; unknown ids are left out."""
        marks = ",".join("?" * len(ids))
        rows = self._rows(f"SELECT {_COLUMNS} FROM chunk WHERE id IN ({marks})", tuple(ids))  # noqa: S608
        return {row[0]: _from_row(row) for row in rows}

    def ids_in(self, collections: frozenset[str]) -> tuple[int, ...]:
        """Ids of every chunk in these collections; remembered."""
        if collections not in self._ids_in:
            marks = ",".join("?" * len(collections))
            statement = f"SELECT id FROM chunk WHERE collection IN ({marks}) ORDER BY id"  # noqa: S608
            self._ids_in[collections] = tuple(row[0] for row in self._rows(statement, tuple(sorted(collections))))
        return self._ids_in[collections]

    def collections(self) -> tuple[str, ...]:
        """The names of all collections, sorted."""
        return tuple(row[0] for row in self._rows("SELECT DISTINCT collection FROM chunk ORDER BY 1", ()))

    def count(self) -> int:
        """How many chunks there are."""
        return int(self._rows("SELECT count(*) FROM chunk", ())[0][0])

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._database.close()

    def _rows(self, statement: str, values: tuple[object, ...]) -> list[tuple]:  # type: ignore[type-arg]
        try:
            with self._lock:
                return self._database.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise IndexCorrupt(f"{self._file} is damaged; build the index again: feishu-rag ingest") from error


def _from_row(row: tuple) -> Chunk:  # type: ignore[type-arg]
    chunk_id, collection, source, title, headings, text, start, end, link = row
    return Chunk(
        id=chunk_id,
        source=source,
        title=title,
        headings=tuple(json.loads(headings)),
        text=text,
        start=start,
        end=end,
        link=link,
        collection=collection,
    )
