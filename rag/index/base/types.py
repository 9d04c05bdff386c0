"""What every part of an index speaks of: documents by their key, what is known of them, and the files of a version."""

from dataclasses import dataclass

CHUNKS = "chunks.sqlite"
LEXICAL = "lexical"
DENSE = "dense.faiss"
Key = tuple[str, str]
"""Collection and source of a document."""
Hits = list[tuple[int, float]]
"""Ids of chunks and their scores, best first."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the index knows of a document: its fingerprint, why it could not be read (empty when it could), what of it
    was read ("12 pages, 3 tables"), what was left out, its title, its link, and when it was last edited (epoch seconds,
    0 where that is not known, as for files); all after the second are empty where an earlier version read it."""

    fingerprint: str
    failure: str = ""
    content: str = ""
    notes: tuple[str, ...] = ()
    title: str = ""
    link: str = ""
    edited_at: int = 0


def storable(text: str) -> str:
    """Text that a database can hold: lone surrogates replaced."""
    return text.encode("utf-8", "replace").decode("utf-8")
