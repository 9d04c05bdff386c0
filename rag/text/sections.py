"""A Markdown text as sections under headings, and a section as blocks, all with exact offsets.

LangChain's MarkdownHeaderTextSplitter (strip_headers) cuts at the same headings, but strips every line, which destroys
the indentation of code and lists and the offsets; so the scan is ours and a test holds it against LangChain's.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

MOST_HEADING_CHARS = 200
"""A longer heading is cut where it goes with every chunk under it."""
_HEADING = re.compile(r" {0,3}(#{1,6})(?=[ \t]|$)")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_ROW = re.compile(r"[ \t]*\|.*\|[ \t]*$")

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
