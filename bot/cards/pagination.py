"""Cutting a long answer into parts that fit a card each: at paragraphs where it can, never inside a code fence."""

import re
from collections.abc import Iterator

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})(.*)$")
_SENTENCE_END = re.compile(r"(?<=[。！？!?；;\n])")


def split(text: str, limit_bytes: int) -> list[str]:
    """Parts of at most `limit_bytes` bytes of UTF-8, in order. A fence that has to be cut is closed and opened again.

    Nothing is lost: the parts hold every line of the text. `limit_bytes` must leave room for a fence's marks (≥ 64).
    """
    parts: list[str] = []
    current = ""
    for block in _blocks(text, limit_bytes):
        joined = f"{current}\n\n{block}" if current else block
        if len(joined.encode()) <= limit_bytes:
            current = joined
            continue
        if current:
            parts.append(current)
        current = block
    return [*parts, current] if current or not parts else parts


def _blocks(text: str, limit_bytes: int) -> Iterator[str]:
    """Paragraphs and whole fences, those too long cut further."""
    for block, fence in _paragraphs(text):
        if len(block.encode()) <= limit_bytes:
            yield block
        elif fence is not None:
            yield from _cut_fence(block, fence, limit_bytes)
        else:
            yield from _cut_prose(block, limit_bytes)


def _paragraphs(text: str) -> Iterator[tuple[str, tuple[str, str] | None]]:
    """Blocks between blank lines; a fence is one block with its (opening line, closing mark)."""
    lines: list[str] = []
    opened: tuple[str, str] | None = None
    for line in text.split("\n"):
        found = _FENCE.match(line)
        if opened is not None:
            lines.append(line)
            if found and found[1].startswith(opened[1]) and not found[2].strip():
                yield "\n".join(lines), opened
                lines, opened = [], None
        elif found:
            if lines:
                yield "\n".join(lines), None
            lines, opened = [line], (line, found[1])
        elif line.strip():
            lines.append(line)
        elif lines:
            yield "\n".join(lines), None
            lines = []
    if lines:
        yield "\n".join(lines), opened


def _cut_fence(block: str, fence: tuple[str, str], limit_bytes: int) -> Iterator[str]:
    """Pieces of a fence at line ends, each a whole fence of its own."""
    opening, mark = fence
    lines = block.split("\n")[1:]
    if lines and _FENCE.match(lines[-1]) and lines[-1].strip().startswith(mark):
        lines.pop()
    room = limit_bytes - len(opening.encode()) - len(mark.encode()) - 2
    for piece in _fill((cut + "\n" for line in lines for cut in _hard_cut(line, room - 1)), room):
        yield f"{opening}\n{piece.rstrip(chr(10))}\n{mark}"


def _cut_prose(block: str, limit_bytes: int) -> Iterator[str]:
    """Pieces of a paragraph at sentence ends, at any character where a sentence is too long."""
    sentences = (cut for sentence in _SENTENCE_END.split(block) for cut in _hard_cut(sentence, limit_bytes))
    for piece in _fill(sentences, limit_bytes):
        yield piece.strip("\n")


def _fill(pieces: Iterator[str], limit_bytes: int) -> Iterator[str]:
    current = ""
    for piece in pieces:
        if current and len((current + piece).encode()) > limit_bytes:
            yield current
            current = ""
        current += piece
    if current:
        yield current


def _hard_cut(text: str, limit_bytes: int) -> Iterator[str]:
    """Pieces of at most `limit_bytes`, cut between characters."""
    while len(text.encode()) > limit_bytes:
        head = text.encode()[:limit_bytes].decode(errors="ignore")
        yield head
        text = text[len(head) :]
    yield text
