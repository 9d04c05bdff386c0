"""The blocks of a Feishu document (docx): fetched, in the order of the document, and the words in them.

`https://tenant/docx/TOKEN#BLOCK_ID` opens at a block, and so does a wiki's link with it; ids stay as the document is
edited. Source: open.feishu.cn/document docx-v1/document-block/list, docx-v1/data-structure/block.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from feishu.api.client import FeishuClient
from feishu.api.endpoints import DOCUMENT_BLOCKS
from feishu.documents.paging import entries

PAGE_SIZE = "500"
PAGE, TEXT, BULLET, ORDERED, CODE, QUOTE, TODO = 1, 2, 12, 13, 14, 15, 17
BITABLE, CALLOUT, DIVIDER, FILE, IFRAME, IMAGE, SHEET, TABLE, CELL = 18, 19, 22, 23, 26, 27, 30, 31, 32
QUOTE_CONTAINER, SYNCED_SOURCE, SYNCED_REFERENCE = 34, 49, 50
HEADINGS = range(3, 12)
MOST_LEVEL = 6

Block = dict[str, Any]


async def all_blocks(client: FeishuClient, token: str) -> dict[str, Block]:
    """Every block of a document by its id. Raises `ApiError`."""
    params = {"page_size": PAGE_SIZE, "document_revision_id": "-1"}
    listed = entries(client, DOCUMENT_BLOCKS, "items", params=params, path={"document_id": token})
    return {str(block.get("block_id", "")): block async for block in listed}


def kind_of(block: Block) -> int:
    """`block_type`; 999, which is none that is known, where there is none."""
    kind = block.get("block_type")
    return kind if isinstance(kind, int) else 999


def children_of(block: Block) -> list[str]:
    """The ids of the blocks in it."""
    children = block.get("children")
    return [str(each) for each in children] if isinstance(children, list) else []


def body_of(block: Block, name: str) -> dict[str, Any]:
    """What stands in the field of the block's kind (`text`, `heading2`, `image`, …)."""
    body = block.get(name)
    return body if isinstance(body, dict) else {}


def elements_of(block: Block) -> list[dict[str, Any]]:
    """The pieces of its text, whatever its kind is called."""
    for body in block.values():
        if isinstance(body, dict) and isinstance(body.get("elements"), list):
            return [each for each in body["elements"] if isinstance(each, dict)]
    return []


def people_in(blocks: Mapping[str, Block]) -> set[str]:
    """The open ids of those who are mentioned."""
    found = set()
    for block in blocks.values():
        for element in elements_of(block):
            if user_id := body_of(element, "mention_user").get("user_id"):
                found.add(str(user_id))
    return found


def words_of(block: Block, names: Mapping[str, str], *, plain: bool = False) -> str:
    """The block's own text as Markdown, or without any markup."""
    return "".join(_element(each, names, plain=plain) for each in elements_of(block))


def _element(element: dict[str, Any], names: Mapping[str, str], *, plain: bool) -> str:
    if run := body_of(element, "text_run"):
        return _run(run, plain=plain)
    if user := body_of(element, "mention_user"):
        return f"@{names.get(str(user.get('user_id', '')), '…')}"
    if document := body_of(element, "mention_doc"):
        url = unquote(str(document.get("url") or ""))
        title = str(document.get("title") or "") or url
        return title if plain or not _is_web(url) or title == url else f"[{_bracketed(title)}]({url})"
    if reminder := body_of(element, "reminder"):
        return _moment(reminder)
    if equation := body_of(element, "equation"):
        return f"${str(equation.get('content', '')).strip()}$"
    return ""


def _run(run: dict[str, Any], *, plain: bool) -> str:
    text = str(run.get("content", ""))
    style = body_of(run, "text_element_style")
    if plain or not text.strip():
        return text
    if style.get("inline_code") and "`" not in text:
        return f"`{text}`"
    url = unquote(str(body_of(style, "link").get("url") or ""))
    return f"[{_bracketed(text)}]({url})" if _is_web(url) and text.strip() != url else text


def _moment(reminder: dict[str, Any]) -> str:
    """A date that is reminded of, in this machine's time zone: the document says none."""
    try:
        at = datetime.fromtimestamp(int(str(reminder.get("expire_time"))) / 1000)
    except (ValueError, OverflowError, OSError):
        return ""
    return at.strftime("%Y-%m-%d" if reminder.get("is_whole_day") else "%Y-%m-%d %H:%M")


def _bracketed(text: str) -> str:
    return text.replace("[", "［").replace("]", "］").replace("\n", " ")


def _is_web(url: str) -> bool:
    return url.startswith(("https://", "http://")) and not any(each in url for each in " ()<>\n")
