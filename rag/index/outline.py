"""What documents there are, and what they speak of: for lists of sources and for examples of questions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rag.access_lists import UNCONTROLLED, AccessLists
from rag.documents import Chunk
from rag.index.base.types import Key, Known
from rag.scope import Scope


@dataclass(frozen=True, slots=True)
class Title:
    """One document: its title, link and headings in their order, each with those above it, joined by ` › `."""

    title: str
    link: str | None
    collection: str
    headings: tuple[str, ...]
    source: str = ""


@dataclass(frozen=True, slots=True)
class DocumentState:
    """One file or page as ingest left it: what of it was read (`content`, like "12 pages, 3 tables"), what was left out
    (`notes`), or why it could not be read (`failure`). `edited_at` as in `Known`."""

    collection: str
    source: str
    content: str
    notes: tuple[str, ...] = ()
    failure: str = ""
    title: str = ""
    link: str = ""
    edited_at: int = 0


def state_of(key: Key, known: Known) -> DocumentState:
    """One of them."""
    return DocumentState(*key, known.content, known.notes, known.failure, known.title, known.link, known.edited_at)


def states_of(documents: Mapping[Key, Known], scope: Scope, lists: AccessLists = UNCONTROLLED) -> list[DocumentState]:
    """Of what may be seen: what could not be read first, then what was read in part, each by source."""
    seen = (
        (key, known) for key, known in documents.items() if scope.shows(key[:1]) and lists.shows(scope.audience, key[1])
    )
    states = [state_of(key, known) for key, known in seen]
    return sorted(states, key=lambda each: (not each.failure, not each.notes, each.source, each.collection))


def titles_of(chunks: Iterable[Chunk]) -> list[Title]:
    """The documents of the chunks, by title."""
    found: dict[tuple[str, str], list[Chunk]] = {}
    for chunk in chunks:
        found.setdefault((chunk.collection, chunk.source), []).append(chunk)
    return sorted((_title(of_one) for of_one in found.values()), key=lambda each: (each.title, each.collection))


def _title(chunks: list[Chunk]) -> Title:
    first = min(chunks, key=lambda chunk: chunk.start)
    ordered = sorted(chunks, key=lambda chunk: chunk.start)
    paths = dict.fromkeys(" › ".join(name for name in chunk.headings if name != first.title) for chunk in ordered)
    return Title(first.title, first.link, first.collection, tuple(path for path in paths if path), first.source)
