"""The chunks and documents of one index version, in SQLite, so that the index folder needs nothing outside itself."""

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from rag.documents import Chunk, Place
from rag.errors import IndexCorrupt
from rag.index.base.protocols import Within
from rag.index.base.types import Key, Known, storable
from rag.index.base.visible import DocumentTable, VisibleChunks
from rag.text.tokenizer import language_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_TABLES = """
CREATE TABLE chunk (
  id INTEGER PRIMARY KEY, collection TEXT NOT NULL, source TEXT NOT NULL, title TEXT NOT NULL, headings TEXT NOT NULL,
  text TEXT NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL, link TEXT, place_kind TEXT, place TEXT,
  language TEXT NOT NULL DEFAULT '', anchor TEXT NOT NULL DEFAULT '', place_link TEXT NOT NULL DEFAULT '',
  places TEXT NOT NULL DEFAULT '[]', edited_at INTEGER NOT NULL DEFAULT 0);
CREATE INDEX chunk_source ON chunk (collection, source);
CREATE TABLE document (
  collection TEXT NOT NULL, source TEXT NOT NULL, fingerprint TEXT NOT NULL, failure TEXT NOT NULL,
  content TEXT NOT NULL DEFAULT '', notes TEXT NOT NULL DEFAULT '[]',
  title TEXT NOT NULL DEFAULT '', link TEXT NOT NULL DEFAULT '', edited_at INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (collection, source)) WITHOUT ROWID;
"""
_COLUMNS = 'id, collection, source, title, headings, text, start, "end", link, place_kind, place'
_TEXT, _NUMBER, _LIST = "TEXT NOT NULL DEFAULT ''", "INTEGER NOT NULL DEFAULT 0", "TEXT NOT NULL DEFAULT '[]'"
_LATER = {
    "chunk": {"anchor": _TEXT, "place_link": _TEXT, "places": _LIST, "edited_at": _NUMBER},
    "document": {"content": _TEXT, "notes": _LIST, "title": _TEXT, "link": _TEXT, "edited_at": _NUMBER},
}
"""Columns that indexes of earlier versions may lack."""
_NOTHING = {_TEXT: "''", _NUMBER: "0", _LIST: "'[]'"}
READ_AT_ONCE = 500
MOST_SCOPES = 64
"""Sets of collections whose ids are remembered; callers of the API may ask for any."""


class SqliteWriter:
    """Writes the chunks of a new version, into an empty file or a copy of the version before. Blocking."""

    def __init__(self, file: Path) -> None:
        is_new = not file.exists()
        self._database = sqlite3.connect(file)
        self._database.execute("PRAGMA journal_mode = OFF")  # the file is thrown away when anything fails
        self._database.execute("PRAGMA synchronous = OFF")  # publish flushes it
        if is_new:
            self._database.executescript(_TABLES)
            return
        for table, columns in _LATER.items():
            there = _columns_of(self._database, table)
            for column, kind in columns.items():
                if column not in there:
                    self._database.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")

    def put(self, chunks: Iterable[Chunk]) -> None:
        """Store chunks, replacing those of the same id."""
        columns = ", ".join((_COLUMNS, *_LATER["chunk"], "language"))
        marks = ",".join("?" * (columns.count(",") + 1))
        statement = f"INSERT OR REPLACE INTO chunk ({columns}) VALUES ({marks})"  # noqa: S608
        self._database.executemany(statement, map(_row, chunks))

    def remove(self, ids: Iterable[int]) -> None:
        """Forget chunks."""
        self._database.executemany("DELETE FROM chunk WHERE id = ?", ((chunk_id,) for chunk_id in ids))

    def ids_of(self, key: Key) -> set[int]:
        """Ids of a document's chunks."""
        collection, source = key
        rows = self._database.execute(
            "SELECT id FROM chunk WHERE collection = ? AND source = ?", (collection, storable(source))
        )
        return {row[0] for row in rows}

    def holds(self, chunk_id: int) -> bool:
        """Whether there is a chunk of this id."""
        return self._database.execute("SELECT 1 FROM chunk WHERE id = ?", (chunk_id,)).fetchone() is not None

    def remember(self, key: Key, known: Known) -> None:
        """Keep what is known of a document."""
        notes = json.dumps(known.notes)
        told = (known.content, notes, storable(known.title), known.link, known.edited_at)
        values = (key[0], storable(key[1]), known.fingerprint, storable(known.failure), *told)
        columns = "collection, source, fingerprint, failure, content, notes, title, link, edited_at"
        marks = ",".join("?" * len(values))
        self._database.execute(f"INSERT OR REPLACE INTO document ({columns}) VALUES ({marks})", values)  # noqa: S608

    def forget(self, key: Key) -> None:
        """Forget a document (its chunks are removed by `remove`)."""
        self._database.execute("DELETE FROM document WHERE collection = ? AND source = ?", (key[0], storable(key[1])))

    def languages(self) -> dict[str, int]:
        """How many chunks there are of each language (`rag.text.tokenizer.language_of`; "" for others)."""
        return dict(self._database.execute("SELECT language, count(*) FROM chunk GROUP BY 1 ORDER BY 1").fetchall())

    def counts(self) -> tuple[int, int, tuple[str, ...]]:
        """Documents that could be read, chunks, and the collections there are."""
        documents = self._database.execute("SELECT count(*) FROM document WHERE failure = ''").fetchone()[0]
        chunks = self._database.execute("SELECT count(*) FROM chunk").fetchone()[0]
        names = self._database.execute("SELECT DISTINCT collection FROM chunk ORDER BY 1").fetchall()
        return int(documents), int(chunks), tuple(row[0] for row in names)

    def commit(self) -> None:
        """End a batch."""
        self._database.commit()

    def close(self) -> None:
        """Commit and close."""
        self._database.commit()
        self._database.close()


class SqliteChunks:
    """Reads the chunks of a finished version. Blocking; one connection under a lock."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._ids_in: dict[tuple[frozenset[str] | None, str | None], tuple[int, ...]] = {}
        self._table: DocumentTable | None = None
        self._reading = threading.Lock()
        if not file.is_file():
            raise IndexCorrupt(f"{file} is missing; build the index again: feishu-rag ingest")
        self._database = sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, check_same_thread=False)
        self._columns = ", ".join((_COLUMNS, *_there(self._database, "chunk")))
        self._known_columns = ", ".join(
            ("collection, source, fingerprint, failure", *_there(self._database, "document"))
        )

    def get(self, ids: Sequence[int]) -> dict[int, Chunk]:
        """The chunks with these ids, by id; unknown ids are left out."""
        marks = ",".join("?" * len(ids))
        rows = self._rows(f"SELECT {self._columns} FROM chunk WHERE id IN ({marks})", tuple(ids))  # noqa: S608
        return {row[0]: _from_row(row) for row in rows}

    def table(self) -> DocumentTable:
        """Which chunk belongs to which document; read once and kept."""
        with self._reading:
            if self._table is None:
                self._table = DocumentTable.of(self._rows("SELECT id, collection, source FROM chunk", ()))
            return self._table

    def ids_in(self, within: Within, language: str | None = None) -> tuple[int, ...] | VisibleChunks:
        """Every chunk of these and of this language (None: any): ids in collections, or a choice among visible ones."""
        if not isinstance(within, VisibleChunks):
            return self._ids_of(within, language)
        if language is None:
            return within
        return within.kept(("language", language), lambda: within.among(self._marked(within.table, language)))

    def _marked(self, table: DocumentTable, language: str) -> "NDArray[np.bool_]":
        return table.marked(self._ids_of(None, language))

    def _ids_of(self, collections: frozenset[str] | None, language: str | None) -> tuple[int, ...]:
        """Ids of every chunk in these collections (None: all) and of this language (None: any); remembered."""
        known = self._ids_in.get((collections, language))
        if known is not None:
            return known
        condition, values = _within(collections)
        if language is not None:
            condition, values = f"{condition or ' WHERE 1'} AND language = ?", (*values, language)
        statement = f"SELECT id FROM chunk{condition} ORDER BY id"  # noqa: S608
        found = tuple(row[0] for row in self._rows(statement, values))
        if len(self._ids_in) >= MOST_SCOPES:
            self._ids_in.clear()
        return self._ids_in.setdefault((collections, language), found)

    def sample(self, language: str, limit: int) -> list[int]:
        """Ids of some chunks of a language: ids are hashes, so that the lowest are as good as drawn by chance."""
        rows = self._rows("SELECT id FROM chunk WHERE language = ? ORDER BY id LIMIT ?", (language, limit))
        return [row[0] for row in rows]

    def documents(self) -> dict[Key, Known]:
        """Everything known of the documents, those that could not be read included."""
        return self._known("", ())

    def document(self, key: Key) -> Known | None:
        """What is known of one document; None for an unknown one."""
        found = self._known(" WHERE collection = ? AND source = ?", (key[0], storable(key[1])))
        return next(iter(found.values()), None)

    def _known(self, within: str, values: tuple[str, ...]) -> dict[Key, Known]:
        rows = self._rows(f"SELECT {self._known_columns} FROM document{within}", values)  # noqa: S608
        return {(row[0], row[1]): Known(row[2], row[3], row[4], tuple(json.loads(row[5])), *row[6:]) for row in rows}

    def of_document(self, key: Key, limit: int) -> list[Chunk]:
        """The chunks of one document, at most `limit`."""
        statement = f"SELECT {self._columns} FROM chunk WHERE collection = ? AND source = ? LIMIT ?"  # noqa: S608
        return [_from_row(row) for row in self._rows(statement, (key[0], storable(key[1]), limit))]

    def collections(self) -> tuple[str, ...]:
        """The names of all collections, sorted."""
        return tuple(row[0] for row in self._rows("SELECT DISTINCT collection FROM chunk ORDER BY 1", ()))

    def count(self) -> int:
        """How many chunks there are."""
        return int(self._rows("SELECT count(*) FROM chunk", ())[0][0])

    def all(self, within: Within = None) -> Iterator[Chunk]:
        """Every chunk (of these), in no order that means anything."""
        if isinstance(within, VisibleChunks):
            for ids in within.in_parts(READ_AT_ONCE):
                yield from self.get(ids).values()
            return
        condition, values = _within(within)
        for row in self._rows(f"SELECT {self._columns} FROM chunk{condition}", values):  # noqa: S608
            yield _from_row(row)

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


def _columns_of(database: sqlite3.Connection, table: str) -> frozenset[str]:
    try:
        return frozenset(row[1] for row in database.execute(f"PRAGMA table_info({table})"))
    except sqlite3.DatabaseError:
        return frozenset()  # a damaged file says so at its first use


def _there(database: sqlite3.Connection, table: str) -> list[str]:
    """The columns that came later, or what stands for those that an index of an earlier version lacks."""
    there = _columns_of(database, table)
    return [name if name in there else _NOTHING[kind] for name, kind in _LATER[table].items()]


def _within(collections: frozenset[str] | None) -> tuple[str, tuple[str, ...]]:
    """A condition that keeps a query within collections, and its values."""
    if collections is None:
        return "", ()
    return f" WHERE collection IN ({','.join('?' * len(collections))})", tuple(sorted(collections))


def _row(chunk: Chunk) -> tuple[object, ...]:
    return (
        chunk.id,
        chunk.collection,
        storable(chunk.source),
        storable(chunk.title),
        json.dumps(chunk.headings),
        storable(chunk.text),
        chunk.start,
        chunk.end,
        chunk.link,
        chunk.place.kind if chunk.place else None,
        storable(chunk.place.name) if chunk.place else None,
        storable(chunk.place.anchor) if chunk.place else "",
        storable(chunk.place.link) if chunk.place else "",
        json.dumps([(offset, *astuple(place)) for offset, place in chunk.places]),
        chunk.edited_at,
        language_of(chunk.text) or "",
    )


@lru_cache(maxsize=4096)
def _headings(stored: str) -> tuple[str, ...]:
    return tuple(json.loads(stored))


def _from_row(row: tuple) -> Chunk:  # type: ignore[type-arg]
    chunk_id, collection, source, title, headings, text, start, end, link, *placed, edited_at = row
    place_kind, place, anchor, place_link, places = placed
    return Chunk(
        id=chunk_id,
        source=source,
        title=title,
        headings=_headings(headings),
        text=text,
        start=start,
        end=end,
        link=link,
        collection=collection,
        place=Place(place_kind, place, anchor, place_link) if place_kind else None,
        places=() if places == "[]" else tuple((offset, Place(*fields)) for offset, *fields in json.loads(places)),
        edited_at=edited_at,
    )
