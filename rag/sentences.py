"""A passage's Markdown as plain sentences a person can read: list items, table rows with their headers, prose."""

import re
from dataclasses import dataclass

from rag.sections import blocks

_MARKER = re.compile(r"^[ \t]*(?:>[ \t]?)*(?:(?P<number>\d{1,3})[.)、]|[-*+•])[ \t]+")
_QUOTE = re.compile(r"^[ \t]*(?:>[ \t]?)+")
_IMAGE = re.compile(r"!\[([^\]]*)\]\([^)]*\)")
_LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")
_EMPHASIS = re.compile(r"(\*\*|__|~~)(?=\S)(.+?)(?<=\S)\1")
_TAG = re.compile(r"</?[a-zA-Z][^>]{0,200}>")
_RULE = re.compile(r"^[ \t]*[-|:=*_ \t]{3,}[ \t]*$")
_END = re.compile(r"(?<=[。！？；])|(?<=[.!?])\s+(?=[A-Z\"'(])")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A readable sentence. `step` is its number in an ordered list; `is_item` holds for any list item."""

    text: str
    step: int | None = None
    is_item: bool = False


def sentences(text: str) -> list[Sentence]:
    """All sentences of a passage, in order; code fences are one sentence each, kept as they are."""
    found: list[Sentence] = []
    for block in blocks(text, 0, len(text)):
        body = text[block.start : block.end]
        match block.kind:
            case "fence":
                found.append(Sentence(body.strip("\n")))
            case "table":
                found.extend(_rows(body))
            case "prose":
                found.extend(_prose(body))
    return [sentence for sentence in found if sentence.text]


def plain(markdown: str) -> str:
    """Inline Markdown taken off: links become their text, images and tags go; spaces are one."""
    text = _LINK.sub(r"\1", _IMAGE.sub("", markdown))
    text = _TAG.sub("", _EMPHASIS.sub(r"\2", text))
    return " ".join(text.split())


def _prose(body: str) -> list[Sentence]:
    found: list[Sentence] = []
    for paragraph in _paragraphs(body):
        marker = _MARKER.match(paragraph)
        content = paragraph[marker.end() :] if marker else _QUOTE.sub("", paragraph)
        if marker:
            number = marker.group("number")
            found.append(Sentence(plain(content), int(number) if number else None, True))
        else:
            found.extend(Sentence(piece.strip()) for piece in _END.split(plain(content)))
    return found


def _paragraphs(body: str) -> list[str]:
    """Lines, with soft-wrapped ones joined to the line they continue."""
    found: list[str] = []
    open_paragraph = False
    for line in body.split("\n"):
        if not line.strip() or _RULE.match(line):
            open_paragraph = False
        elif open_paragraph and not _MARKER.match(line) and not _QUOTE.match(line):
            joint = " " if found[-1][-1].isascii() and line.lstrip()[0].isascii() else ""
            found[-1] += joint + line.strip()
        else:
            found.append(line.lstrip("#").strip() if line.startswith("#") else line.rstrip())
            open_paragraph = not line.startswith("#")
    return found


def _rows(body: str) -> list[Sentence]:
    """Table rows as `header：cell；header：cell`; a table without a header line gives its cells."""
    lines = [line.strip().strip("|").split("|") for line in body.strip().split("\n")]
    rows = [[plain(cell) for cell in cells] for cells in lines if not all(_RULE.match(f"---{cell}") for cell in cells)]
    if len(rows) < 2 or len(rows) == len(lines):
        return [Sentence(" · ".join(cell for cell in row if cell)) for row in rows]
    header = rows[0]
    return [
        Sentence(
            "；".join(f"{name}：{cell}" if name else cell for name, cell in zip(header, row, strict=False) if cell)
        )
        for row in rows[1:]
    ]
