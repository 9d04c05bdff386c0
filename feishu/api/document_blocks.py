"""The blocks of a Feishu document (docx), for the ids that links to its headings need.

`https://tenant/docx/TOKEN#BLOCK_ID` opens at a block, and so does a wiki's link with it; an id stays while its block
does. Source: open.feishu.cn/document docx-v1/document-block/list.
"""

from dataclasses import dataclass
from typing import Any

from feishu.api.client import FeishuClient
from feishu.api.endpoints import DOCUMENT_BLOCKS

PAGE_SIZE = "500"
_PAGE_TYPE = 1
_HEADING_TYPES = {kind: f"heading{kind - 2}" for kind in range(3, 12)}

Block = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading's text as it is shown, and the id of its block."""

    text: str
    block_id: str


async def all_blocks(client: FeishuClient, token: str) -> list[Block]:
    """Every block of a document, in the order of the document. Raises `ApiError`."""
    found: list[Block] = []
    page, seen = "", set[str]()
    while page not in seen:
        seen.add(page)
        params = {"page_size": PAGE_SIZE, "document_revision_id": "-1"} | ({"page_token": page} if page else {})
        reply = await client.call(DOCUMENT_BLOCKS, path={"document_id": token}, params=params)
        found += [block for block in reply.get("items") or [] if isinstance(block, dict)]
        page = str(reply.get("page_token") or "") if reply.get("has_more") else ""
    return _in_order(found)


def headings_in(blocks: list[Block]) -> list[Heading]:
    """The headings among the blocks of a document."""
    return [
        Heading(text_of(block, name), str(block["block_id"]))
        for block in blocks
        if (name := _HEADING_TYPES.get(block.get("block_type", 0))) and isinstance(block.get("block_id"), str)
    ]


def text_of(block: Block, name: str) -> str:
    """The words of a block, which stand in its field `name` (`text`, `heading2`, ...)."""
    body = block.get(name)
    elements = body.get("elements") if isinstance(body, dict) else None
    return "".join(_words(each) for each in elements or [] if isinstance(each, dict))


def _words(element: dict[str, Any]) -> str:
    for body in element.values():
        if isinstance(body, dict):
            return next((str(body[key]) for key in ("content", "title", "name") if body.get(key)), "")
    return ""


def _in_order(blocks: list[Block]) -> list[Block]:
    """By the children of each block, from the page down: listings of long documents may give them otherwise."""
    by_id = {str(block.get("block_id", "")): block for block in blocks}
    waiting = [key for key, block in reversed(by_id.items()) if block.get("block_type") == _PAGE_TYPE]
    found: dict[str, Block] = {}
    while waiting:
        key = waiting.pop()
        if key in by_id and key not in found:
            found[key] = by_id[key]
            waiting += reversed([str(child) for child in by_id[key].get("children") or []])
    return list((found | {key: block for key, block in by_id.items() if key not in found}).values())
