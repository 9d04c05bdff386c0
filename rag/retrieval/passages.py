"""Ranked chunks to the passages an answer is written from: what says the same once, neighbours joined, within a budget.

Near-duplicates share nine tenths of their terms, all their figures and all their negations: of two price lists or two
rules that differ in one number both are kept.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from rag.documents import Chunk, Passage
from rag.index.base.types import Hits
from rag.retrieval.coverage import Coverage, present
from rag.text.tokenizer import width

SAME_SHARE = 0.9
WIDEST_JOINED = 1200
"""A passage of joined neighbours is no wider than this (a Chinese character is 1, an ASCII one 0.5)."""
_NEGATIONS = frozenset({*"不未无非否没勿禁别莫", "not", "no", "never", "without", "except"})
_FIGURES = frozenset("0123456789零一二三四五六七八九十百千万两半")


@dataclass(slots=True)
class _Kept:
    """A passage in the making."""

    chunk: Chunk
    score: float
    terms: frozenset[str]
    characters: frozenset[str]
    best: int
    joined: list[int] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)


def passages(
    ranked: Iterable[tuple[Chunk, float]],
    *,
    limit: int,
    budget: int,
    coverage: Coverage,
    legs: tuple[Hits, Hits],
    reranked: Mapping[int, float] | None = None,
) -> tuple[Passage, ...]:
    """At most `limit` passages of at most `budget` tokens together (the first always), best first.

    `legs` are the lexical and the dense hits, `reranked` scores by chunk id; they say why a passage is there.
    """
    kept: list[_Kept] = []
    spent = 0
    for chunk, score in ranked:
        neighbour = _neighbour(kept, chunk)
        if neighbour is None and len(kept) == limit:
            break
        terms, characters = present(chunk.text)
        if (same := _same(kept, terms, characters)) is not None:
            same.duplicates.append(chunk.source)
            continue
        size = width(chunk.text)
        if kept and spent + size > budget:
            continue
        spent += size
        if neighbour is None:
            kept.append(_Kept(chunk, score, terms, characters, chunk.id))
        else:
            neighbour.chunk = _together(neighbour.chunk, chunk)
            neighbour.terms |= terms
            neighbour.characters |= characters
            neighbour.joined.append(chunk.id)
    return tuple(_passage(item, coverage, *legs, reranked or {}) for item in kept)


def _same(kept: Sequence[_Kept], terms: frozenset[str], characters: frozenset[str]) -> _Kept | None:
    for other in kept:
        few, many = sorted((len(terms), len(other.terms)))
        if not few or few < SAME_SHARE * many:
            continue
        shared = len(terms & other.terms)
        if shared < SAME_SHARE * (few + many - shared):
            continue
        differing = (terms ^ other.terms) | (characters ^ other.characters)
        if not any(_is_telling(term) for term in differing):
            return other
    return None


def _is_telling(term: str) -> bool:
    return term in _NEGATIONS or not (_NEGATIONS | _FIGURES).isdisjoint(term)


def _neighbour(kept: Sequence[_Kept], chunk: Chunk) -> _Kept | None:
    for other in kept:
        first, second = sorted((other.chunk, chunk), key=lambda item: item.start)
        if (
            (first.collection, first.source, first.headings, first.place)
            == (second.collection, second.source, second.headings, second.place)
            and first.end + 2 >= second.start
            and width(first.text) + width(second.text) <= WIDEST_JOINED
        ):
            return other
    return None


def _together(one: Chunk, other: Chunk) -> Chunk:
    """Both texts as one chunk with the id of the first argument."""
    first, second = sorted((one, other), key=lambda item: item.start)
    overlap = first.end - second.start
    joint = second.text[overlap:] if overlap >= 0 else "\n" + second.text
    shift = second.start - first.start
    places = [*first.places, *((offset + shift, place) for offset, place in second.places)]
    places = sorted(dict(places).items())  # where they overlap, both have the same
    text, end = first.text + joint, max(first.end, second.end)
    return replace(one, text=text, start=first.start, end=end, place=first.place, places=tuple(places))


def _passage(item: _Kept, coverage: Coverage, lexical: Hits, dense: Hits, reranked: Mapping[int, float]) -> Passage:
    lexical_rank, lexical_score = _rank(lexical, item.best)
    dense_rank, dense_score = _rank(dense, item.best)
    path_terms, path_characters = present(item.chunk.heading_path)
    return Passage(
        chunk=item.chunk,
        score=item.score,
        dense_rank=dense_rank,
        dense_score=dense_score,
        lexical_rank=lexical_rank,
        lexical_score=lexical_score,
        coverage=coverage.of_terms(item.terms | path_terms, item.characters | path_characters),
        joined=tuple(item.joined),
        duplicates=tuple(item.duplicates),
        rerank_score=reranked.get(item.best),
    )


def present_in(chunk: Chunk) -> tuple[frozenset[str], frozenset[str]]:
    """Terms and characters of a chunk and its headings."""
    terms, characters = present(chunk.text)
    path_terms, path_characters = present(chunk.heading_path)
    return terms | path_terms, characters | path_characters


def _rank(hits: Hits, chunk_id: int) -> tuple[int | None, float | None]:
    for rank, (found, score) in enumerate(hits, start=1):
        if found == chunk_id:
            return rank, score
    return None, None
