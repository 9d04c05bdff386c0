"""Pictures and other data written into a text as `data:` addresses or base64: taken out, their words kept, and counted.

Every pattern here is bounded, so that a hostile text costs time in proportion to its length.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

MOST_BARE_CHARS = 100
"""A shorter `data:` address that is no picture or link stays: texts about them show some."""
MOST_BLOB_CHARS = 400
"""Longer base64 is cut where it stands in a text."""
_KEPT_BLOB_CHARS = 60
_MARK = "\ue0d7"
_START = re.compile(
    r"data:(?:[a-z]{1,20}/[a-z0-9.+-]{1,80})?(?:;[a-z0-9-]{1,30}(?:=[\w.\"-]{1,60})?){0,4},", re.IGNORECASE
)
_BASE64 = re.compile(
    r"[A-Za-z0-9+/_=%-]*(?:[ \t]*\n[ \t>]*[A-Za-z0-9+/_=-]{40,})*(?:[ \t]*\n[A-Za-z0-9+/_-]{1,76}={1,2})?"
)
_SIGNS = {'"': '"', "'": "'", "(": ")", "<": ">", "`": "`"}
_IMAGE = re.compile(
    rf"(!?)\[([^\[\]]{{0,1000}})\]\([ \t\n]*<?{_MARK}>?(?:[ \t\n]+(?:\"[^\"]{{0,500}}\"|'[^']{{0,500}}'))?[ \t\n]*\)"
)
_DEFINITION = re.compile(rf"^ {{0,3}}\[([^\[\]\n]{{1,300}})\]:[ \t]*\n?[ \t]*<?{_MARK}[^\n]*\n?", re.MULTILINE)
_TAG = re.compile(
    rf"<(?:img|image|source|embed|object|video|audio)\b[^<>{_MARK}]{{0,3000}}{_MARK}[^<>]{{0,3000}}>", re.I
)
_LINK_TAG = re.compile(rf"<a\b[^<>{_MARK}]{{0,1000}}{_MARK}[^<>]{{0,1000}}>", re.I)
_ALT = re.compile(r"\balt\s{0,5}=\s{0,5}(?:\"([^\"]{0,1000})\"|'([^']{0,1000})'|([^\s>\"']{1,200}))", re.IGNORECASE)
_REFERENCE = re.compile(r"(!?)\[([^\[\]\n]{1,300})\](?:\[([^\[\]\n]{0,300})\])?")
_URL = re.compile(rf"url\([ ]?[\"']?{_MARK}[\"']?[ ]?\)", re.IGNORECASE)
_BLOB = re.compile(
    r"[A-Za-z0-9+/]{400,}={0,2}|(?:^[ \t>]*[A-Za-z0-9+/_-]{60,100}[ \t]*\n){4,}[ \t>]*[A-Za-z0-9+/_=-]{1,100}", re.M
)


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A text without data in it, and notes on what was left out."""

    text: str
    notes: tuple[str, ...] = ()


def without_data(text: str) -> Cleaned:
    """The text of Markdown, HTML or plain text without `data:` addresses and long base64; alternative texts stay."""
    cleaned, count, size = text, 0, 0
    if _START.search(text):
        cleaned, count, size = _without_addresses(text.replace(_MARK, ""))
    cleaned, blobs, blob_chars = _shortened(cleaned)
    notes = []
    if count:
        notes.append(data_note(count, size))
    if blobs:
        what = "1 block of base64" if blobs == 1 else f"{blobs} blocks of base64"
        notes.append(f"{what} ({_size(blob_chars)}) left out: data, not words")
    return Cleaned(cleaned, tuple(notes))


def data_note(count: int, size: int) -> str:
    """What is said of that many pictures that stood in a text."""
    if count == 1:
        return f"1 inline picture ({_size(size)} of data) was left out; its alternative text was read"
    return f"{count} inline pictures ({_size(size)} of data) were left out; their alternative texts were read"


def _without_addresses(text: str) -> tuple[str, int, int]:
    parts: list[str] = []
    at = count = size = 0
    for start, end in _addresses(text):
        parts += [text[at:start], _MARK]
        at = end
        count += 1
        size += end - start
    text = "".join((*parts, text[at:]))
    return (_in_place(text) if count else text), count, size


def _addresses(text: str) -> Iterator[tuple[int, int]]:
    """Where `data:` addresses stand that are to go: short ones in the middle of words stay."""
    end = 0
    for match in _START.finditer(text):
        start = match.start()
        if start < end or text[start - 1 : start].isalnum() or match.end() - start <= len("data:,"):
            continue
        opened = text[start - 1 : start]
        end = _end(text, match, _SIGNS.get(opened, ""))
        is_inside = (opened in _SIGNS and opened != "`") or text[max(0, start - 3) : start].strip().endswith((":", "="))
        if is_inside or end - start > MOST_BARE_CHARS:
            yield start, end


def _end(text: str, match: re.Match[str], closing: str) -> int:
    """Where an address ends: base64 by its letters, another by what closes the quotes or brackets around it."""
    if "base64" in match.group().lower():
        found = _BASE64.match(text, match.end())
        return found.end() if found else match.end()
    if not closing:
        return next((at for at in range(match.end(), len(text)) if text[at] in " \t\n\"'<>)`"), len(text))
    if closing != ")":
        at = text.find(closing, match.end())
        return at if at >= 0 else match.end()
    depth = 1
    for at in range(match.end(), len(text)):
        depth += (text[at] == "(") - (text[at] == ")")
        if depth == 0 or text[at] == "\n":
            return at
    return len(text)


def _in_place(text: str) -> str:
    """The text with what stood around its addresses reduced to words: ![words](…), [words]: …, <img alt="words" …>."""
    text = _IMAGE.sub(lambda match: match.group(2), text)
    gone = {match.group(1).casefold() for match in _DEFINITION.finditer(text)}
    if gone:
        text = _DEFINITION.sub("", text)
        text = _REFERENCE.sub(lambda match: _referred(match, gone), text)
    text = _TAG.sub(_alternative, text)
    text = _LINK_TAG.sub("<a>", text)
    return _URL.sub("", text).replace(_MARK, "")


def _referred(match: re.Match[str], gone: set[str]) -> str:
    """![words][id], ![id][] or ![id], where the address of that id is gone: the words."""
    name = match.group(3) or match.group(2)
    return match.group(2) if name.casefold() in gone else match.group()


def _alternative(match: re.Match[str]) -> str:
    alt = _ALT.search(match.group())
    return next(filter(None, alt.groups()), "") if alt else ""


def _shortened(text: str) -> tuple[str, int, int]:
    count = size = 0

    def shorter(match: re.Match[str]) -> str:
        nonlocal count, size
        blob = match.group()
        sample = blob[:2000]
        is_data = any(map(str.isupper, sample)) and any(map(str.islower, sample)) and any(map(str.isdigit, sample))
        if len(blob) <= MOST_BLOB_CHARS or not is_data:
            return blob
        count += 1
        size += len(blob) - _KEPT_BLOB_CHARS
        return blob[:_KEPT_BLOB_CHARS].rstrip() + "…"

    return _BLOB.sub(shorter, text), count, size


def _size(characters: int) -> str:
    return f"{characters / 1024:.0f} kB" if characters >= 10_240 else f"{characters / 1024:.1f} kB"
