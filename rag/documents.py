"""What is known and what is found: documents, the chunks cut from them, and the passages a search returns."""

from dataclasses import dataclass
from typing import Literal, get_args
from urllib.parse import quote, urlsplit, urlunsplit

MAX_PREFIX_CHARS = 60
MOST_ANCHOR_CHARS = 200

PlaceKind = Literal["page", "slide", "sheet", "heading", "table", "record"]
PLACE_KINDS: tuple[PlaceKind, ...] = get_args(PlaceKind)


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a document: page 3, slide 5, the sheet named 报价, under the heading 时限, in the record 报价 17.

    `anchor` is what a link needs to open there, "" where it is not known or not needed: of a heading the block id in a
    Feishu document or the id in a web page; of a sheet and a table its id; of a record `table/record`. A page needs
    none: its name is its number. `link` is the place's own link where it has one (`record_url` of a bitable's record).
    """

    kind: PlaceKind
    name: str
    anchor: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """One source text. `source` is stable across ingests (a path relative to its knowledge folder, or a URL).

    `places` are (offset, place), rising: each holds for the text from its offset on. `notes` say what was left out,
    `content` what was read, like "12 pages, 3 tables". `edited_at` is when it was last edited (epoch seconds), 0 where
    that is not known. One that `is_partial` is read again by the next ingest.
    """

    source: str
    title: str
    text: str
    link: str | None = None
    collection: str = "default"
    places: tuple[tuple[int, Place], ...] = ()
    notes: tuple[str, ...] = ()
    content: str = ""
    edited_at: int = 0
    is_partial: bool = False


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document, small enough to embed. `start`/`end` are character offsets into the document's text.

    `place` is where it begins; `places` are (offset in `text`, place) of those that begin further on in it.
    """

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
    places: tuple[tuple[int, Place], ...] = ()
    edited_at: int = 0
    """When its document was last edited, epoch seconds; 0 for unknown."""

    @property
    def heading_path(self) -> str:
        """`Title > Heading > Subheading`, without repeating the title."""
        parts = [self.title, *(h for h in self.headings if h != self.title)]
        return " > ".join(part for part in parts if part)

    def place_at(self, offset: int) -> Place | None:
        """The place of what stands at an offset in the text."""
        return next((place for begins, place in reversed(self.places) if begins <= offset), self.place)

    @property
    def link_at_place(self) -> str | None:
        """The document's link, opening where the chunk begins, if that can be."""
        return link_at(self.link, self.place)

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


def link_at(link: str | None, place: Place | None) -> str | None:
    """A document's link that opens at a place: the place's own, or `#page=3`, `#anchor`, `?sheet=`, `?table=&record=`.

    A link that names a part of its document already (`#…`) keeps it, and one that is not http or https is left alone.
    Anchors come out of documents: whatever is in them is quoted, and one that can be none is not used. The parameters
    are those of Feishu's own links.
    """
    if place is None:
        return link
    if _is_web(place.link):
        return place.link
    if not link or not _is_web(link):
        return link
    parts = urlsplit(link)
    if fragment := _fragment(place):
        return link if parts.fragment else urlunsplit(parts._replace(fragment=fragment))
    if parameters := _parameters(place):
        kept = [each for each in parts.query.split("&") if each and each.partition("=")[0] not in parameters]
        query = "&".join([*kept, *(f"{name}={value}" for name, value in parameters.items())])
        return urlunsplit(parts._replace(query=query))
    return link


def _fragment(place: Place) -> str:
    if place.kind == "page":
        return f"page={place.name}" if place.name.isascii() and place.name.isdecimal() else ""
    return _quoted(place.anchor) if place.kind == "heading" else ""


def _parameters(place: Place) -> dict[str, str]:
    table, _, record = place.anchor.partition("/")
    given = {
        "sheet": {"sheet": place.anchor},
        "table": {"table": place.anchor},
        "record": {"table": table, "record": record},
    }.get(place.kind, {})
    return {name: quoted for name, value in given.items() if (quoted := _quoted(value))}


def _quoted(anchor: str) -> str:
    """ "" for what is no anchor: with white space or control characters, or longer than any that is made."""
    is_one = len(anchor) <= MOST_ANCHOR_CHARS and not any(each.isspace() or not each.isprintable() for each in anchor)
    return quote(anchor, safe="", errors="replace") if is_one else ""


def _is_web(link: str) -> bool:
    try:
        parts = urlsplit(link)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)
