"""The list of documents on /admin: what became of each, filtered, sorted and in pages."""

from pathlib import Path

import pytest

from bot.documents.catalogue import (
    MOST_ON_PAGE,
    STATES,
    FileFact,
    FilesNow,
    Listed,
    Wanted,
    documents_of,
    files_now,
    page_of,
)
from bot.repositories.citations import Cited
from bot.settings import Settings
from rag.index.outline import DocumentState
from rag.ingestion.sources import Unlisted
from rag.settings import CollectionSettings, RagSettings


def rows(states: list[DocumentState], now: FilesNow, **more: dict) -> dict[str, Listed]:  # type: ignore[type-arg]
    found = documents_of(states, now, more.get("passages", {}), more.get("cited", {}))
    return {row.source: row for row in found}


def test_each_document_says_what_became_of_it() -> None:
    states = [
        DocumentState("default", "read.md", "9 characters", title="Read"),
        DocumentState("default", "noted.xlsx", "1 sheet", ("3 hidden rows were left out",)),
        DocumentState("default", "locked.docx", "", (), "has a password"),
        DocumentState("default", "gone.md", "9 characters"),
        DocumentState("default", "feishu:doxcn1", "9 characters", title="Page", link="https://x/1", edited_at=77),
        DocumentState("default", "share/kept.md", "9 characters"),
    ]
    files = {("default", name): FileFact(5.0, name != "read.md") for name in ("read.md", "noted.xlsx", "locked.docx")}
    left_out = [
        Unlisted("default", "link.md", "is a link"),
        Unlisted("default", "share/", "cannot be listed", keeps=True),
    ]
    now = FilesNow({**files, ("hr", "new.md"): FileFact(6.0, True)}, left_out)
    cited = {("default", "read.md"): Cited(4, 2, 1), ("@files", "diary.md"): Cited(9, 0, 9)}
    found = rows(states, now, passages={("default", "read.md"): 3}, cited=cited)
    assert {source: row.state for source, row in found.items()} == {
        "read.md": "read",
        "noted.xlsx": "noted",
        "locked.docx": "failed",
        "gone.md": "gone",
        "feishu:doxcn1": "read",
        "share/kept.md": "read",
        "new.md": "waiting",
        "link.md": "left_out",
        "share/": "left_out",
    }
    read = found["read.md"]
    assert (read.passages, read.answers, read.up, read.down, read.edited_at, read.kind) == (3, 4, 2, 1, 5.0, "added")
    assert (found["feishu:doxcn1"].kind, found["feishu:doxcn1"].edited_at) == ("feishu", 77)
    removable = {source for source, row in found.items() if row.may_be_removed}
    assert removable == {"noted.xlsx", "locked.docx", "share/kept.md", "new.md"}


def test_where_folders_cannot_be_looked_at_nothing_is_called_gone(tmp_path: Path) -> None:
    settings = Settings(rag=RagSettings(knowledge=[tmp_path / "none"], index_dir=tmp_path / "index"))
    now = files_now(settings)
    assert "does not exist" in now.trouble
    assert rows([DocumentState("default", "a.md", "")], now)["a.md"].state == "read"


def test_files_are_looked_through_by_the_rules_of_an_ingest(tmp_path: Path) -> None:
    handbook, closed = tmp_path / "handbook", tmp_path / "handbook" / "hr"
    closed.mkdir(parents=True)
    for file in (handbook / "a.md", closed / "pay.md", handbook / ".upload-00", handbook / "notes.xyz"):
        file.write_text("x")
    (handbook / "link.md").symlink_to(tmp_path / "elsewhere")
    collections = {"hr": CollectionSettings(folders=[closed])}
    rag = RagSettings(knowledge=[handbook], collections=collections, index_dir=tmp_path / "index")
    now = files_now(Settings(rag=rag))
    assert set(now.files) == {("default", "a.md"), ("hr", "pay.md")}
    assert all(fact.is_ours and fact.changed_at > 0 for fact in now.files.values())
    assert [each.prefix for each in now.left_out] == ["link.md"]


MANY = [
    Listed("default" if number % 2 else "hr", f"{number:05}.md", f"Title {number}", "", "file", "read", down=number % 7)
    for number in range(10_000)
] + [Listed("hr", "locked.docx", "", "", "file", "failed"), Listed("hr", "new.md", "", "", "file", "waiting")]


def test_ten_thousand_documents_come_in_pages_with_the_trouble_first() -> None:
    first = page_of(MANY, Wanted())
    assert (first.count, first.pages, len(first.documents)) == (10_002, 201, MOST_ON_PAGE)
    assert [row.source for row in first.documents[:2]] == ["locked.docx", "new.md"]
    assert first.documents[2].down == 6, "then what people voted down"
    assert first.states == {**dict.fromkeys(STATES, 0), "failed": 1, "waiting": 1, "read": 10_000}
    seen = {row.source for page in range(1, 202) for row in page_of(MANY, Wanted(sort="name", page=page)).documents}
    assert len(seen) == 10_002
    assert page_of(MANY, Wanted(page=9_999)).page == 201 == page_of(MANY, Wanted(page=201)).page


def test_documents_are_found_by_words_collection_and_state() -> None:
    found = page_of(MANY, Wanted(words=" TITLE 77 ", collection="default", state="read", sort="name"))
    expected = ["Title 77", *(f"Title {number}" for number in (*range(771, 780, 2), *range(7701, 7800, 2)))]
    assert (found.count, [row.title for row in found.documents]) == (56, sorted(expected)[:MOST_ON_PAGE])
    assert found.states["failed"] == 0, "counts follow the words and the collection"
    assert page_of(MANY, Wanted(words="locked", state="read")).states["failed"] == 1, "and not the state"
    assert page_of([], Wanted()) == page_of([], Wanted(page=5))


@pytest.mark.parametrize(
    ("sort", "first"), [("newest", "b"), ("oldest", "a"), ("cited", "a"), ("down", "b"), ("passages", "c")]
)
def test_documents_are_sorted(sort: str, first: str) -> None:
    several = [
        Listed("x", "a", "", "", "file", "read", edited_at=1.0, answers=9),
        Listed("x", "b", "", "", "file", "read", edited_at=3.0, down=2),
        Listed("x", "c", "", "", "file", "read", passages=5),
    ]
    assert page_of(several, Wanted(sort=sort)).documents[0].source == first  # type: ignore[arg-type]
