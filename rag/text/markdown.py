"""A Markdown text as sections under headings and as blocks, with exact offsets; and as sentences a person can read.

LangChain's MarkdownHeaderTextSplitter (strip_headers) cuts at the same headings, but strips every line, which destroys
the indentation of code and lists and the offsets; so the scan is ours and a test holds it against LangChain's.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from rag.text.tokenizer import CJK

MOST_HEADING_CHARS = 200
"""A longer heading is cut where it goes with every chunk under it."""
_HEADING = re.compile(r" {0,3}(#{1,6})(?=[ \t]|$)")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_ROW = re.compile(r"[ \t]*\|.*\|[ \t]*$")
_MARKER = re.compile(r"^[ \t]*(?:>[ \t]?)*(?:(?P<number>\d{1,3})[.)、]|[-*+•])[ \t]+")
_QUOTE = re.compile(r"^[ \t]*(?:>[ \t]?)+")
_IMAGE = re.compile(r"!\[([^\]]*)\]\([^)]*\)")
_LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")
_EMPHASIS = re.compile(r"(\*\*|__|~~)(?=\S)(.+?)(?<=\S)\1")
_TAG = re.compile(r"</?[a-zA-Z][^>]{0,200}>")
_RULE = re.compile(r"^[ \t]*[-|:=*_ \t]{3,}[ \t]*$")
_LOOSE = re.compile(f"(?<=[{CJK}，。、；：]) (?=[{CJK}])")  # left where marks of emphasis stood between characters
_END = re.compile(r"(?<=[。！？])|(?<=[.!?])\s+(?=[A-Z\"'(])")

Kind = Literal["prose", "table", "fence"]


@dataclass(frozen=True, slots=True)
class Section:
    """Text between two headings: `text[start:end]`, the heading line itself left out."""

    headings: tuple[str, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Block:
    """A run of lines of one kind: `text[start:end]`."""

    kind: Kind
    start: int
    end: int


def lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Spans of the lines of `text[start:end]`, each with its newline."""
    while start < end:
        stop = text.find("\n", start, end)
        stop = end if stop < 0 else stop + 1
        yield start, stop
        start = stop


def sections(text: str) -> list[Section]:
    """Sections in order. A heading with nothing under it is its own section, unless subheadings carry its name on."""
    found: list[Section] = []
    path: list[tuple[int, str]] = []
    heading_at = begun = 0
    fence = ""
    for start, stop in lines(text, 0, len(text)):
        line = text[start:stop].rstrip("\n")
        fence = fence_after(fence, line)
        heading = None if fence else heading_of(line)
        if heading is None:
            continue
        level, name = heading
        is_parent = bool(path) and level > path[-1][0] and bool(name)
        found.append(_section(text, path, heading_at if not is_parent else begun, begun, start))
        path = [*(entry for entry in path if entry[0] < level), (level, name.strip()[:MOST_HEADING_CHARS])]
        heading_at, begun = start, stop
    found.append(_section(text, path, heading_at, begun, len(text)))
    return [section for section in found if text[section.start : section.end].strip(" \t\n#")]


def heading_of(line: str) -> tuple[int, str] | None:
    """Level and text of an ATX heading, without the hashes that close it; None for another line.

    Without a pattern for the end of the line: such patterns take time that grows with a power of the length.
    """
    match = _HEADING.match(line)
    if match is None:
        return None
    text = line[match.end() :].strip(" \t")
    bare = text.rstrip("#")
    if not bare or bare[-1] in " \t":
        text = bare.rstrip(" \t")
    return len(match.group(1)), text


def _section(text: str, path: list[tuple[int, str]], heading_at: int, begun: int, end: int) -> Section:
    """The text under a heading, or the heading's own line where there is none."""
    start = begun if text[begun:end].strip() else heading_at
    return Section(tuple(name for _, name in path if name), start, end)


def blocks(text: str, start: int, end: int) -> list[Block]:
    """Blocks that tile `text[start:end]` without a gap."""
    found: list[Block] = []
    fence = ""
    for line_start, line_stop in lines(text, start, end):
        line = text[line_start:line_stop].rstrip("\n")
        before, fence = fence, fence_after(fence, line)
        kind: Kind = "fence" if before or fence else "table" if _ROW.match(line) else "prose"
        opens = kind == "fence" and not before
        if found and found[-1].kind == kind and not opens:
            found[-1] = Block(kind, found[-1].start, line_stop)
        else:
            found.append(Block(kind, line_start, line_stop))
    return found


def fence_after(fence: str, line: str) -> str:
    """The open code fence after this line: its marker, or an empty string."""
    match = _FENCE.match(line)
    if match is None:
        return fence
    marker = match.group(1)
    if not fence:
        return "" if marker[0] == "`" and "`" in line[match.end() :] else marker
    closes = marker[0] == fence[0] and len(marker) >= len(fence) and not line[match.end() :].strip()
    return "" if closes else fence


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
