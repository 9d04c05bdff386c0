"""Markdown and plain text, in any encoding that Chinese documents come in."""

from rag.ingestion.readers.encoding import decode
from rag.ingestion.readers.front_matter import Matter, split_front_matter
from rag.ingestion.readers.parsed import Parsed
from rag.text.sections import fence_after, heading_of


def read_markdown(content: bytes) -> Parsed:
    """With title and link of its front matter; its first heading is the title otherwise. Raises Unreadable."""
    matter = split_front_matter(decode(content, "file"))
    return _parsed(matter, first_heading(matter.body))


def read_text(content: bytes) -> Parsed:
    """With title and link of its front matter. Raises Unreadable."""
    return _parsed(split_front_matter(decode(content, "file")), "")


def _parsed(matter: Matter, heading: str) -> Parsed:
    notes = [
        f"{name} in its front matter is no text"
        for name in ("title", "link", "url")
        if matter.fields.get(name, "") is None
    ]
    link = matter.text("link") or matter.text("url")
    return Parsed(matter.body, matter.text("title") or heading, link, notes=(*matter.notes, *notes))


def first_heading(text: str) -> str:
    """The first Markdown heading outside code fences, or an empty string."""
    fence = ""
    for line in text.split("\n"):
        fence = fence_after(fence, line)
        if not fence and (heading := heading_of(line)) and heading[1]:
            return heading[1]
    return ""
