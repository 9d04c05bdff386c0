"""The documents of the index beside what the folders hold now, as a list that is filtered, sorted and read in pages."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, get_args

from bot.models import ON_FEISHU
from bot.settings import Settings
from rag.errors import IngestError
from rag.index.base.types import Key
from rag.index.outline import DocumentState
from rag.ingestion.selection import collection_folders, select
from rag.ingestion.sources import LocalFile, Unlisted

ReadingState = Literal["failed", "left_out", "waiting", "gone", "noted", "read"]
"""What became of a document: it could not be read; it is in a folder and is none that is read; it waits for an ingest;
it is in the index and in no folder any more; something of it was left out; it was read."""
STATES: tuple[ReadingState, ...] = get_args(ReadingState)
Kind = Literal["file", "added", "feishu"]
"""A file in a folder of the settings, one that `feishu-rag ingest PATHS` added from elsewhere, a page on Feishu."""
Sort = Literal["attention", "name", "newest", "oldest", "cited", "down", "passages"]
MOST_ON_PAGE = 50


@dataclass(frozen=True, slots=True)
class FileFact:
    """A file as it is now: when it was changed (epoch seconds, 0 for unknown), and whether a folder of its collection
    holds it."""

    changed_at: float
    is_ours: bool


@dataclass(frozen=True, slots=True)
class FilesNow:
    """What an ingest would find in the folders. `trouble` says why that cannot be told."""

    files: Mapping[Key, FileFact] = field(default_factory=dict)
    left_out: Sequence[Unlisted] = ()
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """One document of the list, or a place where some are that are not read. `reason` is why it was not read, `notes`
    what was left out of it; `answers` counts the questions whose answers cite it, `up` and `down` their votes."""

    collection: str
    source: str
    title: str
    link: str
    kind: Kind
    state: ReadingState
    content: str = ""
    notes: tuple[str, ...] = ()
    reason: str = ""
    passages: int = 0
    edited_at: float = 0.0
    answers: int = 0
    up: int = 0
    down: int = 0

    @property
    def may_be_removed(self) -> bool:
        """Whether it is a file in a folder of its collection."""
        return self.kind == "file" and self.state not in ("gone", "left_out")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which documents are looked for: `words` in title or source, a collection ("" for all), a state ("" for all)."""

    words: str = ""
    collection: str = ""
    state: str = ""
    sort: Sort = "attention"
    page: int = 1


@dataclass(frozen=True, slots=True)
class CataloguePage:
    """One page of those that are looked for, `count` in all; `states` counts them whatever state is looked for."""

    count: int
    page: int
    pages: int
    states: Mapping[str, int]
    documents: Sequence[Listed]


class CitedOften(Protocol):
    """How many questions' answers cite a document, and the votes on those."""

    answers: int
    up: int
    down: int


def files_now(settings: Settings) -> FilesNow:
    """Looks through the folders, without opening a file. Blocking."""
    try:
        found = select(settings.rag, None, prune=False)
    except IngestError as error:
        return FilesNow(trouble=str(error))
    folders = collection_folders(settings.rag)

    def fact(item: LocalFile) -> FileFact:
        is_ours = any(item.file.is_relative_to(folder) for folder in folders.get(item.collection, ()))
        try:
            return FileFact(os.stat(item.file, follow_symlinks=False).st_mtime, is_ours)
        except OSError:
            return FileFact(0.0, is_ours)

    left_out = [each for each in found.unlisted if each.reason]
    return FilesNow({item.key: fact(item) for item in found.items}, left_out)


def documents_of(
    states: Iterable[DocumentState], now: FilesNow, passages: Mapping[Key, int], cited: Mapping[Key, CitedOften]
) -> list[Listed]:
    """Every document that is in the index or could be, once."""
    rows: dict[Key, Listed] = {}
    for state in states:
        key = (state.collection, state.source)
        rows[key] = _known(state, now, passages.get(key, 0), cited.get(key))
    for key, fact in now.files.items():
        if key not in rows:
            kind: Kind = "file" if fact.is_ours else "added"
            rows[key] = Listed(*key, "", "", kind, "waiting", edited_at=fact.changed_at)
    for place in now.left_out:
        key = (place.collection, place.prefix or "/")
        if key not in rows or rows[key].state == "gone":
            rows[key] = Listed(*key, "", "", "file", "left_out", reason=place.reason)
    return list(rows.values())


def page_of(rows: Sequence[Listed], wanted: Wanted) -> CataloguePage:
    """One page; one beyond the last is the last."""
    words = wanted.words.strip().casefold()
    found = [
        row
        for row in rows
        if (not wanted.collection or row.collection == wanted.collection)
        and (not words or words in row.title.casefold() or words in row.source.casefold())
    ]
    states = Counter(row.state for row in found)
    chosen = [row for row in found if not wanted.state or row.state == wanted.state]
    chosen.sort(key=_by_name)
    chosen.sort(key=_ORDERS[wanted.sort])
    pages = max(1, -(-len(chosen) // MOST_ON_PAGE))
    page = min(max(1, wanted.page), pages)
    shown = chosen[(page - 1) * MOST_ON_PAGE : page * MOST_ON_PAGE]
    return CataloguePage(len(chosen), page, pages, {name: states.get(name, 0) for name in STATES}, shown)


def _known(state: DocumentState, now: FilesNow, passages: int, cited: CitedOften | None) -> Listed:
    fact = now.files.get((state.collection, state.source))
    is_page = state.source.startswith(ON_FEISHU)
    is_gone = not is_page and fact is None and not now.trouble and not _is_kept(state, now)
    became: ReadingState = "gone" if is_gone else "failed" if state.failure else "noted" if state.notes else "read"
    return Listed(
        state.collection,
        state.source,
        state.title,
        state.link,
        "feishu" if is_page else "added" if fact is not None and not fact.is_ours else "file",
        became,
        state.content,
        state.notes,
        state.failure,
        passages,
        state.edited_at or (fact.changed_at if fact else 0.0),
        *((cited.answers, cited.up, cited.down) if cited else ()),
    )


def _is_kept(state: DocumentState, now: FilesNow) -> bool:
    """Whether an ingest keeps it although it does not find it: its folder cannot be listed."""
    return any(
        place.keeps and place.collection == state.collection and state.source.startswith(place.prefix)
        for place in now.left_out
    )


def _by_name(row: Listed) -> tuple[str, str, str]:
    return (row.title or row.source).casefold(), row.source, row.collection


_ORDERS: dict[Sort, Callable[[Listed], float]] = {
    "attention": lambda row: STATES.index(row.state) * 1_000_000 - row.down,
    "name": lambda row: 0,
    "newest": lambda row: -row.edited_at,
    "oldest": lambda row: row.edited_at or float("inf"),
    "cited": lambda row: -row.answers,
    "down": lambda row: -row.down,
    "passages": lambda row: -row.passages,
}
