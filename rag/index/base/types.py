"""What every part of an index speaks of: documents by their key, what is known of them, and the files of a version."""

from dataclasses import dataclass

CHUNKS = "chunks.sqlite"
LEXICAL = "lexical"
DENSE = "dense.faiss"
Key = tuple[str, str]
"""Collection and source of a document."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the index knows of a document: its fingerprint, why it could not be read (empty when it could), what of it
    was read ("12 pages, 3 tables"), and what was left out; the last two are empty where an earlier version read it."""

    fingerprint: str
    failure: str = ""
    content: str = ""
    notes: tuple[str, ...] = ()


def storable(text: str) -> str:
    """Text that a database can hold: lone surrogates replaced."""
    return text.encode("utf-8", "replace").decode("utf-8")
