"""What is known and what is found: documents, the chunks cut from them, and the passages a search returns."""

from dataclasses import dataclass
from typing import Literal

MAX_PREFIX_CHARS = 60


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a paged document: page 3, slide 5, the sheet named 报价."""

    kind: Literal["page", "sheet", "slide"]
    name: str


@dataclass(frozen=True, slots=True)
class Document:
    """One source text. `source` is stable across ingests (a path relative to its knowledge folder, or a URL).

    `places` are (offset, place), rising: each holds for the text from its offset on. `notes` say what was left out,
    `content` what was read, like "12 pages, 3 tables".
    """

    source: str
    title: str
    text: str
    link: str | None = None
    collection: str = "default"
    places: tuple[tuple[int, Place], ...] = ()
    notes: tuple[str, ...] = ()
    content: str = ""


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
    place: Place | None = None

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
    """A chunk that a search found, and why: ranks count from 1; None means that leg did not return it.

    Neighbouring chunks come as one passage: `chunk` then spans them all under the id of the best, and `joined` are the
    ids of the others. `duplicates` are the sources of passages that say the same and were left out.
    """

    chunk: Chunk
    score: float
    dense_rank: int | None = None
    dense_score: float | None = None
    lexical_rank: int | None = None
    lexical_score: float | None = None
    coverage: float = 0.0
    joined: tuple[int, ...] = ()
    duplicates: tuple[str, ...] = ()
    rerank_score: float | None = None

    @property
    def why(self) -> str:
        """Why this passage is here, in one line."""
        parts = [f"covers {self.coverage:.0%} of the question"]
        if self.lexical_rank is not None:
            parts.append(f"words: rank {self.lexical_rank}")
        if self.dense_rank is not None:
            parts.append(f"meaning: rank {self.dense_rank}, cosine {self.dense_score or 0.0:.2f}")
        if self.rerank_score is not None:
            parts.append(f"reranked: {self.rerank_score:.2f}")
        if self.joined:
            parts.append(f"joined with {len(self.joined)} beside it")
        if self.duplicates:
            parts.append(f"the same in {', '.join(dict.fromkeys(self.duplicates))}")
        return "; ".join(parts)
