"""Headings as places: what a link needs to open a document under one of them."""

import re
from collections.abc import Iterable, Iterator, Sequence

from rag.documents import Place
from rag.text.markdown import fence_after, heading_of, lines

FURTHEST = 50
"""How many of the given headings may be missing from the text before the next one that is in it."""
_OWN_ANCHOR = re.compile(r"\{#([^\s{}]{1,100})\}\s*$")
_LINK_TARGET = re.compile(r"\]\([^()\s]*\)")
_NOT_NAME = re.compile(r"[\W_]+")
_NOT_SLUG = re.compile(r"[^\w\- ]+")
_NO_SLUGS = re.compile(r"https?://[^/?#]*\.(?:feishu\.cn|larksuite\.com|larkoffice\.com)(?:[:/?#]|$)", re.IGNORECASE)

Places = tuple[tuple[int, Place], ...]


def headings_of(text: str) -> Iterator[tuple[int, str]]:
    """Offset and name of each Markdown heading outside code fences."""
    fence = ""
    for start, stop in lines(text, 0, len(text)):
        line = text[start:stop].rstrip("\n")
        fence = fence_after(fence, line)
        if not fence and (heading := heading_of(line)):
            yield start, heading[1]


def places_by_order(text: str, given: Sequence[tuple[str, str]]) -> Places:
    """The headings of a text with anchors, found by their names in the order of `given`: (name, anchor).

    A heading that is not among them has the anchor of the one before it; those before the first are no places.
    """
    names = [_comparable(name) for name, _ in given]
    found: list[tuple[int, Place]] = []
    at, anchor = 0, ""
    for offset, name in headings_of(text):
        wanted = _comparable(name)
        ahead = names[at : at + FURTHEST]
        if wanted in ahead:
            at += ahead.index(wanted) + 1
            anchor = given[at - 1][1] or anchor
        if anchor:
            found.append((offset, Place("heading", name, anchor)))
    return tuple(found)


def places_by_slug(text: str, link: str) -> Places:
    """The headings of a Markdown file with the anchors that GitHub, GitLab and most site generators give them, or
    their own (`{#anchor}`). Feishu documents have others."""
    if _NO_SLUGS.match(link):
        return ()
    return tuple(_with_slugs(headings_of(text)))


def _with_slugs(headings: Iterable[tuple[int, str]]) -> Iterator[tuple[int, Place]]:
    taken: dict[str, int] = {}
    for offset, name in headings:
        own = _OWN_ANCHOR.search(name)
        slug = own.group(1) if own else _NOT_SLUG.sub("", _LINK_TARGET.sub("]", name).lower()).replace(" ", "-")
        count = taken.get(slug, 0)
        taken[slug] = count + 1
        yield offset, Place("heading", name, f"{slug}-{count}" if count and not own else slug)


def _comparable(name: str) -> str:
    return _NOT_NAME.sub("", _LINK_TARGET.sub("]", name)).casefold()
