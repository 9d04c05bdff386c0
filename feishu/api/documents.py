"""Feishu documents to read: wiki spaces and pages, drive folders and single documents, exported as Markdown.

A link names one of them. Listings page by page (a page may be empty and not the last), follow children, folders and
shortcuts, and give each document once by its object token. Only documents (docx) have a Markdown export; whatever else
is found there, and whatever the app may not see, is named. Sources: open.feishu.cn/document wiki-v2/space-node,
drive-v1/file, docs-v1/content.
"""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from feishu.api.client import FeishuClient
from feishu.api.document_blocks import Heading, all_blocks, headings_in
from feishu.api.endpoints import DOCUMENT, DOCUMENT_MARKDOWN, FOLDER_FILES, SPACE_NODES, WIKI_NODE, Endpoint
from feishu.errors import ApiError, BadReply

NO_PERMISSION = frozenset({2889902, 131006, 1061004, 1770032, 99991672, 99991679})
GONE = frozenset({2889906, 131005, 1061003, 1061007, 1770002, 1770003})
TOO_LARGE = 2889925
MOST_DEPTH = 20
NODE_PAGE, FILE_PAGE = "50", "200"

Kind = Literal["space", "wiki", "docx", "folder"]
_PATHS: tuple[tuple[Kind, str], ...] = (
    ("space", r"/wiki/(?:space|settings)/(\w+)"),
    ("wiki", r"/wiki/(\w+)"),
    ("docx", r"/docx/(\w+)"),
    ("folder", r"/drive/(?:me/)?(?:shared/)?folder/(\w+)"),
)


@dataclass(frozen=True, slots=True)
class Target:
    """What a link points to. `origin` is `https://host` of the link, for links to what is found below it."""

    kind: Kind
    token: str
    origin: str
    link: str


@dataclass(frozen=True, slots=True)
class Page:
    """A document that can be exported. `edited` changes when it is edited."""

    token: str
    title: str
    link: str
    edited: str


@dataclass(frozen=True, slots=True)
class Unread:
    """Something that is there and cannot be read, and why. `lost_listing`: what is below it is unknown."""

    link: str
    title: str
    reason: str
    lost_listing: bool = False


def target_of(link: str) -> Target | None:
    """What a link points to; a bare number is a wiki space's id. None for what is no link to a document."""
    link = link.strip()
    if link.isdecimal():
        return Target("space", link, "", link)
    parts = urlsplit(link)
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost"):
        return None
    for kind, pattern in _PATHS:
        if match := re.match(pattern + r"/?$", parts.path):
            return Target(kind, match.group(1), f"{parts.scheme}://{parts.netloc}", link)
    return None


class Documents:
    """Lists and exports as one app. Errors that are nobody's permission are raised (`FeishuError`)."""

    def __init__(self, client: FeishuClient) -> None:
        self._client = client

    async def walk(self, target: Target) -> AsyncIterator[Page | Unread]:
        """Everything below a target, each document once."""
        seen: set[str] = set()
        found = {"space": self._space, "wiki": self._wiki, "docx": self._single, "folder": self._folder}[target.kind]
        async for item in found(target):
            if isinstance(item, Page):
                if item.token in seen:
                    continue
                seen.add(item.token)
            yield item

    async def markdown(self, token: str) -> str:
        """A document's text. Raises `ApiError`; `reason_of` words the ones that are about access."""
        params = {"doc_token": token, "doc_type": "docx", "content_type": "markdown", "lang": "zh"}
        reply = await self._client.call(DOCUMENT_MARKDOWN, params=params)
        content = reply.get("content")
        if not isinstance(content, str):
            raise BadReply("no content in the answer", endpoint=DOCUMENT_MARKDOWN.name)
        return content

    async def headings(self, token: str) -> list[Heading]:
        """A document's headings with the ids of their blocks. Raises `ApiError`."""
        return headings_in(await all_blocks(self._client, token))

    async def _space(self, target: Target) -> AsyncIterator[Page | Unread]:
        async for item in self._nodes(target, target.token, "", 0):
            yield item

    async def _wiki(self, target: Target) -> AsyncIterator[Page | Unread]:
        """A page of a wiki and all pages below it."""
        try:
            reply = await self._client.call(WIKI_NODE, params={"token": target.token, "obj_type": "wiki"})
        except ApiError as error:
            yield _unread_or_raise(error, target.link, target.token, lost_listing=True)
            return
        node = reply.get("node")
        if not isinstance(node, dict):
            raise BadReply("no node in the answer", endpoint=WIKI_NODE.name)
        yield _of_node(node, target)
        if node.get("has_child"):
            async for item in self._nodes(target, str(node.get("space_id", "")), str(node.get("node_token", "")), 1):
                yield item

    async def _nodes(self, target: Target, space: str, parent: str, depth: int) -> AsyncIterator[Page | Unread]:
        params = {"page_size": NODE_PAGE} | ({"parent_node_token": parent} if parent else {})
        try:
            nodes = [node async for node in self._pages(SPACE_NODES, params, "items", path={"space_id": space})]
        except ApiError as error:
            yield _unread_or_raise(error, target.link, parent or space, lost_listing=True)
            return
        for node in nodes:
            yield _of_node(node, target)
            if node.get("has_child") and depth < MOST_DEPTH:
                async for item in self._nodes(target, space, str(node.get("node_token", "")), depth + 1):
                    yield item

    async def _folder(self, target: Target) -> AsyncIterator[Page | Unread]:
        waiting, seen = [target.token], {target.token}
        while waiting:
            folder = waiting.pop(0)
            params = {"folder_token": folder, "page_size": FILE_PAGE, "order_by": "EditedTime", "direction": "DESC"}
            try:
                files = [file async for file in self._pages(FOLDER_FILES, params, "files")]
            except ApiError as error:
                yield _unread_or_raise(error, target.link, folder, lost_listing=True)
                continue
            for file in files:
                kind, token = _behind(file)
                if kind == "folder":
                    if token not in seen:
                        seen.add(token)
                        waiting.append(token)
                else:
                    yield _of_file(file, kind, token, target)

    async def _single(self, target: Target) -> AsyncIterator[Page | Unread]:
        try:
            reply = await self._client.call(DOCUMENT, path={"document_id": target.token})
        except ApiError as error:
            yield _unread_or_raise(error, target.link, target.token)
            return
        document = reply.get("document")
        if not isinstance(document, dict):
            raise BadReply("no document in the answer", endpoint=DOCUMENT.name)
        yield Page(target.token, str(document.get("title", "")), target.link, str(document.get("revision_id", "")))

    async def _pages(
        self, endpoint: Endpoint, params: dict[str, str], key: str, *, path: dict[str, str] | None = None
    ) -> AsyncIterator[dict[str, Any]]:
        """All entries of a listing. A page without entries may have another one after it."""
        token = ""
        tokens: set[str] = set()
        while True:
            reply = await self._client.call(
                endpoint, path=path, params=params | ({"page_token": token} if token else {})
            )
            for entry in reply.get(key) or []:
                if isinstance(entry, dict):
                    yield entry
            token = str(reply.get("page_token") or reply.get("next_page_token") or "")
            if not reply.get("has_more") or not token or token in tokens:
                return
            tokens.add(token)


def reason_of(error: ApiError) -> str | None:
    """Why the platform does not give a document, in words; None when it is not about this document."""
    if error.code in NO_PERMISSION:
        return "the app has no access; share it with the app, and check its scopes"
    if error.code in GONE:
        return "is not there any more"
    if error.code == TOO_LARGE:
        return "is larger than the platform exports (10 MB)"
    return None


def _unread_or_raise(error: ApiError, link: str, title: str, *, lost_listing: bool = False) -> Unread:
    reason = reason_of(error)
    if reason is None:
        raise error
    return Unread(link, title, reason, lost_listing)


def _of_node(node: dict[str, Any], target: Target) -> Page | Unread:
    """A node as a page under its object's token: a shortcut's is the token of what it points to."""
    title, kind = str(node.get("title", "")), str(node.get("obj_type", ""))
    link = f"{target.origin}/wiki/{node.get('node_token', '')}" if target.origin else ""
    if kind != "docx":
        return Unread(link, title, f"is a {kind or 'thing'}: only documents are read")
    return Page(str(node.get("obj_token", "")), title, link, str(node.get("obj_edit_time", "")))


def _behind(file: dict[str, Any]) -> tuple[str, str]:
    """Kind and token, of the target when it is a shortcut."""
    shortcut = file.get("shortcut_info")
    if file.get("type") == "shortcut" and isinstance(shortcut, dict):
        return str(shortcut.get("target_type", "")), str(shortcut.get("target_token", ""))
    return str(file.get("type", "")), str(file.get("token", ""))


def _of_file(file: dict[str, Any], kind: str, token: str, target: Target) -> Page | Unread:
    title, link = str(file.get("name", "")), str(file.get("url", ""))
    if kind != "docx":
        return Unread(link or target.link, title, f"is a {kind or 'thing'}: only documents are read")
    return Page(token, title, link or f"{target.origin}/docx/{token}", str(file.get("modified_time", "")))
