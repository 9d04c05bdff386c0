"""A passage's Markdown as plain sentences a person can read: list items, table rows with their headers, prose."""

import re
from dataclasses import dataclass, replace

from rag.text.sections import Kind, blocks
from rag.text.tokenizer import CJK

_MARKER = re.compile(r"^[ \t]*(?:>[ \t]?)*(?:(?P<number>\d{1,3})[.)、]|[-*+•])[ \t]+")
_QUOTE = re.compile(r"^[ \t]*(?:>[ \t]?)+")
_IMAGE = re.compile(r"!\[([^\]]*)\]\([^)]*\)")
_LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")
_EMPHASIS = re.compile(r"(\*\*|__|~~)(?=\S)(.+?)(?<=\S)\1")
_TAG = re.compile(r"</?[a-zA-Z][^>]{0,200}>")
_RULE = re.compile(r"^[ \t]*[-|:=*_ \t]{3,}[ \t]*$")
_LOOSE = re.compile(f"(?<=[{CJK}，。、；：]) (?=[{CJK}])")  # left where marks of emphasis stood between characters
_END = re.compile(r"(?<=[。！？])|(?<=[.!?])\s+(?=[A-Z\"'(])")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A readable sentence. `step` is its number in an ordered list; `is_item` holds for list items and table rows.

    `block` counts the passage's blocks: the rows of a table share one. `key` is a table row's first cell.
    """

    text: str
    step: int | None = None
    is_item: bool = False
    kind: Kind = "prose"
    block: int = 0
    key: str = ""


def sentences(text: str) -> list[Sentence]:
    """All sentences of a passage, in order; code fences are one sentence each, kept as they are."""
    found: list[Sentence] = []
    for number, block in enumerate(blocks(text, 0, len(text))):
        body = text[block.start : block.end]
        match block.kind:
            case "fence":
                inside = [Sentence(body.strip("\n"))]
            case "table":
                inside = _rows(body)
            case "prose":
                inside = _prose(body)
        found.extend(replace(sentence, kind=block.kind, block=number) for sentence in inside if sentence.text)
    return found


def plain(markdown: str) -> str:
    """Inline Markdown taken off: links become their text, images and tags go; spaces are one."""
    text = _LINK.sub(r"\1", _IMAGE.sub("", markdown))
    text = _TAG.sub("", _EMPHASIS.sub(r"\2", text))
    return _LOOSE.sub("", " ".join(text.split()))


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
    """Table rows as `first cell：header cell；header cell`; a table without a header line gives its cells."""
    lines = [line.strip().strip("|").split("|") for line in body.strip().split("\n")]
    rows = [[plain(cell) for cell in cells] for cells in lines if not all(_RULE.match(f"---{cell}") for cell in cells)]
    if len(rows) < 2 or len(rows) == len(lines):
        return [Sentence(" · ".join(cell for cell in row if cell), is_item=True, key=row[0]) for row in rows]
    return [Sentence(_row(rows[0], row), is_item=True, key=row[0]) for row in rows[1:]]


def _row(header: list[str], row: list[str]) -> str:
    is_chinese = not "".join((*header, *row)).isascii()
    colon, joint = ("：", "；") if is_chinese else (": ", "; ")
    rest = joint.join(f"{name} {cell}".strip() for name, cell in list(zip(header, row, strict=False))[1:] if cell)
    return colon.join(part for part in (row[0], rest) if part)
