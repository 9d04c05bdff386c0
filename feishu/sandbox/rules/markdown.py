"""Rules of the markdown dialect that the platform checks on its side: tables, images, mentions."""

import re
from collections.abc import Iterator

from feishu.sandbox.refusal import CardInvalid
from feishu.sandbox.rules.shapes import Walk

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_TABLE_RULE = re.compile(r" {0,3}\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*")
_IMAGE = re.compile(r"!\[[^\]]{0,1000}\]\(\s*<?([^)\s>]*)")
_TICKS = re.compile(r"`+")
_AT = re.compile(r"<at\s+(ids?|user_id)\s*=\s*[\"']?([^\s\"'>]+)", re.IGNORECASE)


def outside_fences(text: str) -> Iterator[str]:
    """The lines that are not in a fenced code block."""
    fence = ""
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
        elif mark:
            fence = mark[1]
        else:
            yield line


def count_tables(text: str) -> int:
    """GFM tables outside code: a line with a pipe, then a delimiter row."""
    tables, before = 0, ""
    for line in outside_fences(text):
        if "|" in before and "-" in line and "|" in line and _TABLE_RULE.fullmatch(line):
            tables += 1
        before = line
    return tables


def prose(text: str) -> str:
    """The text without fenced code and code spans. Linear: model output can be full of stray backticks."""
    text = "\n".join(outside_fences(text))
    runs = [(found.start(), found.end()) for found in _TICKS.finditer(text)]
    later: dict[int, list[int]] = {}
    for index in range(len(runs) - 1, -1, -1):
        later.setdefault(runs[index][1] - runs[index][0], []).append(index)
    kept, at, index = [], 0, 0
    while index < len(runs):
        start, end = runs[index]
        same = later[end - start]
        while same and same[-1] <= index:
            same.pop()
        if same:
            kept.append(text[at:start])
            index = same[-1]
            at = runs[index][1]
        index += 1
    return "".join([*kept, text[at:]])


def mentions(text: str) -> Iterator[str]:
    """Ids mentioned by `<at …>` outside code; `all` for everybody."""
    for kind, ids in _AT.findall(prose(text)):
        yield from ids.split(",") if kind.lower() == "ids" else [ids]


def check_markdown(text: str, walk: Walk, where: str) -> None:
    """Raise for more tables than an element may have, for images that were not uploaded, for unknown people."""
    if count_tables(text) > walk.max_markdown_tables:
        raise CardInvalid(11310, f"card table number over limit, path: {where}", "markdown_tables")
    for source in _IMAGE.findall(prose(text)):
        if source not in walk.images:
            raise CardInvalid(200570, f"invalid image keys, path: {where}", "external_image")
    for member in mentions(text):
        if member != "all" and member not in walk.members:
            raise CardInvalid(100290, f"invalid user in at, path: {where}", "unknown_mention")
