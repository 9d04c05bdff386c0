"""What is kept of how each document was read: in both stores' terms, and in an index of an earlier version."""

import sqlite3
from pathlib import Path

import pytest

from rag.documents import Place
from rag.index.base.types import Known
from rag.index.local.chunk_store import SqliteChunks, SqliteWriter
from rag.index.outline import DocumentState, states_of
from rag.ingestion.files import content_of
from rag.ingestion.readers.parsed import Parsed
from rag.scope import EVERYTHING, Scope

READ = Known("f1", content="2 sheets, 40 characters", notes=("3 hidden rows were left out",))


def test_what_was_read_and_left_out_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "chunks.sqlite"
    writer = SqliteWriter(file)
    writer.remember(("hr", "pay.xlsx"), READ)
    writer.close()
    store = SqliteChunks(file)
    assert store.documents() == {("hr", "pay.xlsx"): READ}
    assert store.document(("hr", "pay.xlsx")) == READ and store.document(("it", "pay.xlsx")) is None
    store.close()


def test_an_index_of_an_earlier_version_is_read_and_then_kept_up_to_date(tmp_path: Path) -> None:
    file = tmp_path / "chunks.sqlite"
    SqliteWriter(file).close()
    with sqlite3.connect(file) as database:
        database.executescript(
            "DROP TABLE document; CREATE TABLE document (collection TEXT NOT NULL, source TEXT NOT NULL,"
            " fingerprint TEXT NOT NULL, failure TEXT NOT NULL, PRIMARY KEY (collection, source)) WITHOUT ROWID;"
            "INSERT INTO document VALUES ('hr', 'old.md', 'f0', '')"
        )
    database.close()
    store = SqliteChunks(file)
    assert store.documents() == {("hr", "old.md"): Known("f0")}
    store.close()
    writer = SqliteWriter(file)
    writer.remember(("hr", "pay.xlsx"), READ)
    writer.close()
    store = SqliteChunks(file)
    assert store.documents() == {("hr", "old.md"): Known("f0"), ("hr", "pay.xlsx"): READ}
    store.close()


def test_what_could_not_be_read_comes_first_and_only_what_may_be_seen() -> None:
    known = {
        ("hr", "whole.md"): Known("f", content="8 characters"),
        ("hr", "pay.xlsx"): READ,
        ("it", "locked.docx"): Known("f", "has a password"),
    }
    assert [state.source for state in states_of(known, EVERYTHING)] == ["locked.docx", "pay.xlsx", "whole.md"]
    seen = states_of(known, Scope.of(["hr"]))
    assert seen[0] == DocumentState("hr", "pay.xlsx", READ.content, READ.notes)
    assert [state.source for state in seen] == ["pay.xlsx", "whole.md"]


@pytest.mark.parametrize(
    ("text", "kinds", "content"),
    [
        ("x" * 8_400, (), "8 400 characters"),
        ("a\n| 名 | 数 |\n| --- | ---: |\n| 甲 | 1 |\n", ("page", "page"), "2 pages, 1 table, 37 characters"),
        ("", ("slide",), "1 slide, 0 characters"),
    ],
)
def test_what_was_read_is_told_in_numbers(text: str, kinds: tuple[str, ...], content: str) -> None:
    places = tuple((0, Place(kind, str(number))) for number, kind in enumerate(kinds))  # type: ignore[arg-type]
    assert content_of(Parsed(text, places=places)) == content
