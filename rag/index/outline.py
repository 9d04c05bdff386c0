"""What documents there are, and what they speak of: for lists of sources and for examples of questions."""

from collections.abc import Iterable
from dataclasses import dataclass

from rag.documents import Chunk


@dataclass(frozen=True, slots=True)
class Title:
    """One document: its title, link and headings in their order, each with those above it, joined by ` › `."""

    title: str
    link: str | None
    collection: str
    headings: tuple[str, ...]


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
    return Title(first.title, first.link, first.collection, tuple(path for path in paths if path))
