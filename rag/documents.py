"""What is known and what is found: documents, the chunks cut from them, and the passages a search returns."""

from dataclasses import dataclass

MAX_PREFIX_CHARS = 60


@dataclass(frozen=True, slots=True)
class Document:
    """One source text. `source` is stable across ingests (a path relative to its knowledge folder, or a URL)."""

    source: str
    title: str
    text: str
    link: str | None = None
    collection: str = "default"


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document, small enough to embed. `start`/`end` are character offsets into the document's text."""

    id: int
    source: str
    title: str
    headings: tuple[str, ...]
    text: str
    start: int
    end: int
    link: str | None = None
    collection: str = "default"

    @property
    def heading_path(self) -> str:
        """`Title > Heading > Subheading`, without repeating the title."""
        parts = [self.title, *(h for h in self.headings if h != self.title)]
        return " > ".join(part for part in parts if part)

    @property
    def embedded_text(self) -> str:
        """What is embedded and searched: the heading path (its last 60 characters), then the text."""
        path = self.heading_path
        return f"{path if len(path) <= MAX_PREFIX_CHARS else '…' + path[1 - MAX_PREFIX_CHARS :]}\n{self.text}"


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk that a search found, and why: ranks count from 1; None means that leg did not return it."""

    chunk: Chunk
    score: float
    dense_rank: int | None = None
    dense_score: float | None = None
    lexical_rank: int | None = None
    lexical_score: float | None = None
    coverage: float = 0.0
