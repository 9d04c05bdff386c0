"""A document's Markdown as the blocks that the platform keeps of it (docx-v1/document-block/list, data-structure).

What Markdown has no words for is written in double brackets on a line of its own: `[[file:TOKEN|name.pdf]]`,
`[[sheet:TOKEN_SHEETID]]`, `[[bitable:TOKEN_TABLEID]]`, `[[synced:DOCUMENT/BLOCK]]`, `[[board]]`; a picture is
`![caption](TOKEN)`, a person `@[ou_…]`.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

Block = dict[str, Any]

PAGE, TEXT, BULLET, ORDERED, CODE, QUOTE, TODO = 1, 2, 12, 13, 14, 15, 17
BITABLE, DIVIDER, FILE, IMAGE, SHEET, TABLE, CELL, VIEW, BOARD, SYNCED = 18, 22, 23, 27, 30, 31, 32, 33, 43, 50
_NAMES = {
    PAGE: "page",
    TEXT: "text",
    BULLET: "bullet",
    ORDERED: "ordered",
    CODE: "code",
    QUOTE: "quote",
    TODO: "todo",
    CELL: "table_cell",
}
_HEADING = re.compile(r"(#{1,9})[ \t]+(.*?)[ \t]*#*$")
_LINES: tuple[tuple[int, re.Pattern[str]], ...] = (
    (TODO, re.compile(r"- \[(?P<done>[ x])\] (?P<text>.*)")),
    (BULLET, re.compile(r"[-*] (?P<text>.*)")),
    (ORDERED, re.compile(r"\d+\. (?P<text>.*)")),
    (QUOTE, re.compile(r"> ?(?P<text>.*)")),
)
_PICTURE = re.compile(r"!\[(?P<caption>[^\]]*)\]\((?P<token>[\w-]+)\)$")
_SPECIAL = re.compile(r"\[\[(?P<kind>\w+)(?::(?P<value>[^\]|]*)(?:\|(?P<name>[^\]]*))?)?\]\]$")
_INLINE = re.compile(r"\*\*([^*]+)\*\*|`([^`]+)`|\[([^\[\]]*)\]\(([^()\s]*)\)|@\[(\w+)\]")
_RULE = re.compile(r"[|:\- \t]+$")


def blocks_of(token: str, title: str, markdown: str) -> list[Block]:
    """The page and what is on it. A block keeps its id when others change, as the platform's do."""
    page = _Page(token)
    ids = [page.add(*part) for part in _parts(markdown)]
    return [page.block("", token, PAGE, {"elements": _elements(title), "style": {}}, ids), *page.blocks]


def exported(markdown: str) -> str:
    """What the platform's Markdown export has of it: nothing of what is embedded, only the names of files."""
    lines = []
    for line in markdown.split("\n"):
        special = _SPECIAL.match(line)
        if special and special["kind"] == "file":
            lines.append(f"\\[{special['name']}\\]")
        elif not special and not _PICTURE.match(line):
            lines.append(line)
    return "\n".join(lines)


class _Page:
    def __init__(self, token: str) -> None:
        self._token = token
        self._seen: Counter[str] = Counter()
        self.blocks: list[Block] = []

    def add(self, kind: int, text: str, body: dict[str, Any] | None = None) -> str:
        """The block of a part, with those inside it; its id."""
        block_id = self._id(kind, text)
        if kind == TABLE:
            return self._table(block_id, text)
        if kind == FILE:  # the platform wraps files in a view
            inside = self._id(VIEW, text)
            self.blocks.append(self.block(self._token, block_id, VIEW, {"view_type": 1}, [inside]))
            self.blocks.append(self.block(block_id, inside, FILE, body or {}, []))
            return block_id
        content = body if body is not None else {"elements": _elements(text), "style": {}}
        self.blocks.append(self.block(self._token, block_id, kind, content, []))
        return block_id

    def block(self, parent: str, block_id: str, kind: int, body: dict[str, Any], children: list[str]) -> Block:
        """One block as the platform lists it."""
        block = {"block_id": block_id, "parent_id": parent, "block_type": kind, _name(kind): body}
        return block | ({"children": children} if children or kind == PAGE else {})

    def _id(self, kind: int, text: str) -> str:
        mark = f"{self._token}:{kind}:{text}"
        self._seen[mark] += 1
        return (
            "doxcn"
            + hashlib.blake2b(f"{mark}:{self._seen[mark]}".encode("utf-8", "replace"), digest_size=11).hexdigest()
        )

    def _table(self, block_id: str, text: str) -> str:
        rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in text.split("\n")]
        rows = [row for row in rows if not all(_RULE.match(cell) and "-" in cell for cell in row)]
        columns = max(map(len, rows))
        cells, below = [], []
        for at, cell in enumerate(cell for row in rows for cell in [*row, *[""] * (columns - len(row))]):
            cell_id, inner = f"{block_id}c{at}", f"{block_id}t{at}"
            cells.append(cell_id)
            below.append(self.block(block_id, cell_id, CELL, {}, [inner]))
            below.append(self.block(cell_id, inner, TEXT, {"elements": _elements(cell), "style": {}}, []))
        merges = [{"row_span": 1, "col_span": 1} for _ in cells]
        shape = {"row_size": len(rows), "column_size": columns, "header_row": True, "merge_info": merges}
        self.blocks.append(self.block(self._token, block_id, TABLE, {"cells": cells, "property": shape}, cells))
        self.blocks += below
        return block_id


def _parts(markdown: str) -> Iterator[tuple[int, str] | tuple[int, str, dict[str, Any]]]:
    """Type and text of each block, a line each; a code fence and a table are one."""
    code: list[str] | None = None
    table: list[str] = []
    for line in [*markdown.splitlines(), ""]:
        if table and not (line.startswith("|") and code is None):
            yield TABLE, "\n".join(table)
            table = []
        if line.startswith("```"):
            if code is not None:
                yield CODE, "\n".join(code)
            code = [] if code is None else None
        elif code is not None:
            code.append(line)
        elif line.startswith("|"):
            table.append(line)
        elif line.strip():
            yield _part(line)


def _part(line: str) -> tuple[int, str] | tuple[int, str, dict[str, Any]]:
    if heading := _HEADING.match(line):
        return 2 + len(heading[1]), heading[2]
    if line.strip() == "---":
        return DIVIDER, "", {}
    if picture := _PICTURE.match(line):
        image = {"token": picture["token"], "width": 800, "height": 600}
        return IMAGE, line, image | ({"caption": {"content": picture["caption"]}} if picture["caption"] else {})
    if special := _SPECIAL.match(line):
        return _special(line, special)
    for kind, pattern in _LINES:
        if match := pattern.fullmatch(line.lstrip()):
            style = {"done": match["done"] == "x"} if kind == TODO else {}
            return kind, match["text"], {"elements": _elements(match["text"]), "style": style}
    return TEXT, line


def _special(line: str, found: re.Match[str]) -> tuple[int, str, dict[str, Any]]:
    kind, value, name = found["kind"], found["value"] or "", found["name"] or ""
    document, _, block = value.partition("/")
    bodies: dict[str, tuple[int, dict[str, Any]]] = {
        "file": (FILE, {"token": value, "name": name}),
        "sheet": (SHEET, {"token": value}),
        "bitable": (BITABLE, {"token": value, "view_type": 1}),
        "synced": (SYNCED, {"source_document_id": document, "source_block_id": block}),
        "board": (BOARD, {"token": value}),
    }
    body = bodies.get(kind, (999, {}))
    return body[0], line, body[1]


def _elements(text: str) -> list[dict[str, Any]]:
    """The pieces of a line: bold, code, links and people."""
    found: list[dict[str, Any]] = []
    at = 0
    for match in _INLINE.finditer(text):
        if match.start() > at:
            found.append(_run(text[at : match.start()]))
        bold, code, words, url, person = match.groups()
        if person:
            found.append({"mention_user": {"user_id": person, "text_element_style": {}}})
        elif url is not None:
            found.append(_run(words, link={"url": quote(url, safe="")}))
        else:
            found.append(_run(bold or code, bold=bool(bold), inline_code=bool(code)))
        at = match.end()
    return [*found, _run(text[at:])] if at < len(text) or not found else found


def _run(text: str, **style: Any) -> dict[str, Any]:
    return {"text_run": {"content": text, "text_element_style": {key: value for key, value in style.items() if value}}}


def _name(kind: int) -> str:
    others = {
        BITABLE: "bitable",
        DIVIDER: "divider",
        FILE: "file",
        IMAGE: "image",
        SHEET: "sheet",
        TABLE: "table",
        VIEW: "view",
        BOARD: "board",
        SYNCED: "reference_synced",
    }
    return _NAMES.get(kind) or others.get(kind) or ("undefined" if kind > 100 else f"heading{kind - 2}")
