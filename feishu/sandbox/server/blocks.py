"""A document's Markdown as the blocks that the platform keeps of it (docx-v1/document-block/list)."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

Block = dict[str, Any]

PAGE, TEXT, CODE = 1, 2, 14
_HEADING = re.compile(r"(#{1,9})[ \t]+(.*?)[ \t]*#*$")
_MARKS = re.compile(r"\*\*|`|\[([^\[\]]*)\]\([^()\s]*\)")


def blocks_of(token: str, title: str, markdown: str) -> list[Block]:
    """The page and what is on it. A block keeps its id when others change, as the platform's do."""
    seen: Counter[tuple[int, str]] = Counter()
    children = []
    for kind, text in _parts(markdown):
        seen[kind, text] += 1
        mark = f"{token}:{kind}:{text}:{seen[kind, text]}".encode("utf-8", "replace")
        children.append(_block(f"doxcn{hashlib.blake2b(mark, digest_size=11).hexdigest()}", token, kind, text))
    ids = [child["block_id"] for child in children]
    return [_block(token, "", PAGE, title) | {"children": ids}, *children]


def _parts(markdown: str) -> Iterator[tuple[int, str]]:
    """Type and text of each block, a line each; a code fence is one."""
    code: list[str] | None = None
    for line in markdown.splitlines():
        if line.startswith("```"):
            if code is not None:
                yield CODE, "\n".join(code)
            code = [] if code is None else None
        elif code is not None:
            code.append(line)
        elif heading := _HEADING.match(line):
            yield 2 + len(heading[1]), _MARKS.sub(r"\1", heading[2])
        elif line.strip():
            yield TEXT, _MARKS.sub(r"\1", line)


def _block(block_id: str, parent: str, kind: int, text: str) -> Block:
    name = {PAGE: "page", TEXT: "text", CODE: "code"}.get(kind, f"heading{kind - 2}")
    elements = [{"text_run": {"content": text, "text_element_style": {}}}]
    return {"block_id": block_id, "parent_id": parent, "block_type": kind, name: {"elements": elements, "style": {}}}
