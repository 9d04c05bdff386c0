"""What a reader leaves out of an office file, counted and said in a sentence each."""

from collections import Counter
from typing import Literal

What = Literal[
    "comments", "hidden", "deleted", "pictures", "objects", "contents", "prompts", "readings", "documents", "slides",
    "shapes", "rows", "footers", "headers", "symbols", "parts",
]  # fmt: skip
_SENTENCES: dict[What, tuple[str, str]] = {
    "slides": ("1 hidden slide was left out", "{} hidden slides were left out"),
    "shapes": ("1 hidden shape was left out", "{} hidden shapes were left out"),
    "rows": ("1 hidden table row was left out", "{} hidden table rows were left out"),
    "hidden": ("hidden text was left out", "hidden text was left out"),
    "deleted": ("text that tracked changes delete was left out",) * 2,
    "comments": ("1 comment was left out", "{} comments were left out"),
    "contents": ("the table of contents was left out", "the table of contents was left out"),
    "headers": ("headers or footers that no page shows were left out",) * 2,
    "footers": ("footers and dates of slides were left out",) * 2,
    "prompts": ("1 prompt of an empty field was left out", "{} prompts of empty fields were left out"),
    "readings": ("phonetic guides were left out", "phonetic guides were left out"),
    "symbols": ("1 sign of a symbol font was left out", "{} signs of symbol fonts were left out"),
    "pictures": ("1 picture was not read", "{} pictures were not read"),
    "objects": ("1 embedded object was not read", "{} embedded objects were not read"),
    "documents": ("1 embedded document was not read", "{} embedded documents were not read"),
    "parts": ("1 damaged part was not read", "{} damaged parts were not read"),
}


class LeftOut:
    """Counts, and makes the notes of a file."""

    def __init__(self) -> None:
        self._counts: Counter[What] = Counter()

    def add(self, what: What, count: int = 1) -> None:
        """Some more of it."""
        self._counts[what] += count

    def notes(self) -> tuple[str, ...]:
        """One sentence a kind."""
        found = ((self._counts[what], *sentences) for what, sentences in _SENTENCES.items())
        return tuple(one if count == 1 else many.format(count) for count, one, many in found if count)
