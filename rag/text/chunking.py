"""Documents to chunks: by heading, then at Chinese and Western sentence ends, with exact offsets and stable ids.

Prose is cut into pieces that tile the text, as LangChain's recursive splitter cuts it (a test compares them, since
another cut would be other chunk ids and so a new embedding of every index); the overlap is added after that, from the
last sentence end before the cut. Code fences and tables stay whole when they fit and are cut at line ends when they do
not.

Sizes are in *width*: 1 for a character, 0.5 for an ASCII one. A Chinese character is one token of a BERT tokenizer, and
450 of them with a heading prefix of 60 stay under its 512; English words need far fewer tokens than half their letters.
"""

import hashlib
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from rag.documents import Chunk, Document, Place
from rag.text.markdown import Block, Section, blocks, sections
from rag.text.tokenizer import width

MAX_WIDTH = 450
OVERLAP_WIDTH = 50
SEPARATORS = ["\n\n", "\n", "。", "！", "？", "；", "，", " ", ""]
_SENTENCE_END = re.compile(r"[。！？；\n]|[.!?](?=\s)")
_CLAUSE_END = re.compile(r"[，,、\s]")

CountTokens = Callable[[str], int]
Fits = Callable[[Chunk], bool]
Span = tuple[int, int]


def split(document: Document, *, count_tokens: CountTokens | None = None, max_tokens: int = 510) -> list[Chunk]:
    """Chunks of a document in order; `document.text[chunk.start:chunk.end] == chunk.text`.

    With `count_tokens` (the embedding model's own), a chunk whose embedded text exceeds `max_tokens` is halved until it
    does not. Ids are positive 63-bit numbers made from source, headings and text, so an unchanged chunk keeps its id.
    """
    fits = partial(_fits, count_tokens=count_tokens, max_tokens=max_tokens)
    found: list[Chunk] = []
    repeats: dict[int, int] = {}
    for section in sections(document.text):
        for start, end in _spans(document, section, fits):
            chunk = _chunk(document, section, start, end)
            repeats[chunk.id] = repeats.get(chunk.id, 0) + 1
            if repeats[chunk.id] > 1:
                chunk = replace(chunk, id=_identity(chunk, repeats[chunk.id]))
            found.append(chunk)
    return found


def _spans(document: Document, section: Section, fits: Fits) -> Iterator[Span]:
    for start, end in _overlapping(document.text, _packed(document.text, section)):
        yield from _within_tokens(document, section, start, end, fits)


def _packed(text: str, section: Section) -> list[tuple[Span, bool]]:
    """Pieces joined up to the limit, each with whether overlap may reach back over its start."""
    packed: list[tuple[Span, bool]] = []
    for block in blocks(text, section.start, section.end):
        for start, end in _pieces(text, block):
            joined = (packed[-1][0][0], end) if packed else (start, end)
            if packed and width(text[joined[0] : joined[1]]) <= MAX_WIDTH - OVERLAP_WIDTH:
                packed[-1] = (joined, packed[-1][1])
            else:
                packed.append(((start, end), block.kind == "prose"))
    return packed


def _pieces(text: str, block: Block) -> Iterator[Span]:
    limit = MAX_WIDTH - OVERLAP_WIDTH if block.kind == "prose" else MAX_WIDTH
    body = text[block.start : block.end]
    if width(body) <= limit:
        yield block.start, block.end
        return
    start = block.start
    for piece in cut_behind(SEPARATORS if block.kind == "prose" else ["\n", " ", ""], body, limit):
        yield start, start + len(piece)
        start += len(piece)


def cut_behind(separators: Sequence[str], text: str, limit: int) -> Iterator[str]:
    """Pieces that tile the text, each at most `limit` wide: cut behind the first of the separators that is in it; what
    is too wide then behind the next, and what is narrower joined again. The last separator is "": any place."""
    separator = next(each for each in separators if each in text)
    finer = separators[separators.index(separator) + 1 :]
    narrow: list[str] = []
    for part in _parts(separator, text):
        if width(part) < limit:
            narrow.append(part)
            continue
        yield from _joined(narrow, limit)
        narrow = []
        if finer:
            yield from cut_behind(finer, part, limit)
        else:
            yield part
    yield from _joined(narrow, limit)


def _parts(separator: str, text: str) -> list[str]:
    """The text cut behind each separator."""
    if not separator:
        return list(text)
    *parts, rest = text.split(separator)
    return [*(part + separator for part in parts), *([rest] if rest else [])]


def _joined(parts: Sequence[str], limit: int) -> Iterator[str]:
    """As many together as the sum of their widths allows."""
    held, total = "", 0
    for part in parts:
        size = width(part)
        if held and total + size > limit:
            yield held
            held, total = "", 0
        held, total = held + part, total + size
    if held:
        yield held


def _overlapping(text: str, packed: list[tuple[Span, bool]]) -> Iterator[Span]:
    """Spans without surrounding space; a cut inside prose reaches back to the start of the last sentence, ≤ 50 wide."""
    for index, ((start, end), may_overlap) in enumerate(packed):
        if index and may_overlap:
            start = _reach_back(text, packed[index - 1][0][0], start)
        body = text[start:end]
        start += len(body) - len(body.lstrip())
        end = start + len(body.strip())
        if start < end:
            yield start, end


def _reach_back(text: str, floor: int, start: int) -> int:
    """A sentence or clause start at most OVERLAP_WIDTH before `start`, or `start` itself."""
    lowest = start
    while lowest > floor and width(text[lowest - 1 : start]) <= OVERLAP_WIDTH:
        lowest -= 1
    for end_mark in (_SENTENCE_END, _CLAUSE_END):
        ends = [match.end() + lowest for match in end_mark.finditer(text[lowest : start - 1])]
        if ends:
            return ends[0]
    return start


def _within_tokens(document: Document, section: Section, start: int, end: int, fits: Fits) -> Iterator[Span]:
    """The span, halved at sentence ends until the model reads all of every part."""
    if end - start < 2 or fits(_chunk(document, section, start, end)):
        yield start, end
        return
    middle = _middle(document.text, start, end)
    yield from _within_tokens(document, section, start, middle, fits)
    yield from _within_tokens(document, section, middle, end, fits)


def _fits(chunk: Chunk, *, count_tokens: CountTokens | None, max_tokens: int) -> bool:
    return count_tokens is None or count_tokens(chunk.embedded_text) <= max_tokens


def _middle(text: str, start: int, end: int) -> int:
    """The sentence end nearest to the middle, or the middle."""
    middle = (start + end) // 2
    ends = [match.end() + start for match in _SENTENCE_END.finditer(text[start : end - 1])]
    return min(ends, key=lambda at: abs(at - middle)) if ends else middle


def _chunk(document: Document, section: Section, start: int, end: int) -> Chunk:
    chunk = Chunk(
        id=0,
        source=document.source,
        title=document.title,
        headings=section.headings,
        text=document.text[start:end],
        start=start,
        end=end,
        link=document.link,
        collection=document.collection,
        place=_place(document, start, end),
        places=_places_inside(document, start, end),
        edited_at=document.edited_at,
    )
    return replace(chunk, id=_identity(chunk, 1))


def _place(document: Document, start: int, end: int) -> Place | None:
    """The place that holds where the chunk begins; of several records their table, which has them all."""
    at = bisect_right(document.places, start, key=lambda entry: entry[0])
    found = document.places[at - 1][1] if at else None
    if found is None or found.kind != "record" or bisect_left(document.places, end, key=lambda entry: entry[0]) == at:
        return found
    return next((place for _, place in reversed(document.places[:at]) if place.kind != "record"), found)


def _places_inside(document: Document, start: int, end: int) -> tuple[tuple[int, Place], ...]:
    """Those that begin after the chunk does, by their offsets in it."""
    first = bisect_right(document.places, start, key=lambda entry: entry[0])
    last = bisect_left(document.places, end, key=lambda entry: entry[0])
    return tuple((offset - start, place) for offset, place in document.places[first:last])


def _identity(chunk: Chunk, repeat: int) -> int:
    parts = (chunk.collection, chunk.source, chunk.title, *chunk.headings, chunk.text, str(repeat))
    content = "\x00".join(parts).encode("utf-8", "replace")
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "big") >> 1
