"""Markdown and plain text, in any encoding that Chinese documents come in."""

from rag.ingestion.readers.encoding import decoded
from rag.ingestion.readers.front_matter import split_front_matter
from rag.ingestion.readers.headings import headings_of, places_by_slug
from rag.ingestion.readers.inline_pictures import without_data
from rag.ingestion.readers.parsed import Parsed


def read_markdown(content: bytes) -> Parsed:
    """With title and link of its front matter; its first heading is the title otherwise. Raises Unreadable."""
    return _parsed(content, has_headings=True)


def read_text(content: bytes) -> Parsed:
    """With title and link of its front matter. Raises Unreadable."""
    return _parsed(content, has_headings=False)


def _parsed(content: bytes, *, has_headings: bool) -> Parsed:
    read = decoded(content, "file")
    matter = split_front_matter(read.text)
    body = without_data(matter.body)
    notes = [
        f"{name} in its front matter is no text"
        for name in ("title", "link", "url")
        if matter.fields.get(name, "") is None
    ]
    link = matter.text("link") or matter.text("url")
    title = matter.text("title") or (first_heading(body.text) if has_headings else "")
    places = places_by_slug(body.text, link) if has_headings else ()
    return Parsed(body.text, title, link, places, notes=(*read.notes, *matter.notes, *notes, *body.notes))


def first_heading(text: str) -> str:
    """The first Markdown heading outside code fences, or an empty string."""
    return next((name for _, name in headings_of(text) if name), "")
