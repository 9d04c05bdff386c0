"""Questions to ask next, out of what a model writes. Pure."""

import re
from collections.abc import Sequence

from rag.documents import Passage

MOST = 3
LONGEST_CHARS = 80
EXCERPT_CHARS = 200

_MARKS = re.compile(r"^[\s\-*•·>#\"'“‘「]+|^\s*[(（]?\d+[).、．:：）]\s*|[\s\"'”’」*_]+$")
_CITATION = re.compile(r"\s*\[\d+\]")


def questions_in(text: str, *, asked: str) -> tuple[str, ...]:
    """Up to three lines that are questions, without numbering and quotes; not the one that was asked already."""
    found: dict[str, None] = {}
    for line in text.splitlines():
        question = _MARKS.sub("", _MARKS.sub("", _CITATION.sub("", line)))
        if question.endswith(("?", "？")) and 2 < len(question) <= LONGEST_CHARS and question != asked.strip():
            found.setdefault(question)
    return tuple(found)[:MOST]


def excerpts(passages: Sequence[Passage]) -> str:
    """The passages in few words: where they stand and how they begin."""
    lines = (f"- {each.chunk.heading_path}: {' '.join(each.chunk.text.split())[:EXCERPT_CHARS]}" for each in passages)
    return "\n".join(lines)
