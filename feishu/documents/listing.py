"""Feishu documents to read: wiki spaces and pages, drive folders and single documents of every kind.

A link names one of them. Listings page by page (a page may be empty and not the last), follow children, folders and
shortcuts, and give each document once by its object token. What cannot be read and whatever the app may not see is
named. Sources: open.feishu.cn/document wiki-v2/space-node, drive-v1/file, drive-v1/metas.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast, get_args

from feishu.api.client import FeishuClient
from feishu.api.endpoints import DOCUMENT, FILE_METAS, FILE_SUBSCRIBE, FOLDER_FILES, SPACE_NODES, WIKI_NODE
from feishu.documents.links import Target
from feishu.documents.paging import entries
from feishu.documents.refusals import reason_of, why_refused
from feishu.errors import ApiError, BadReply

MOST_DEPTH = 20
NODE_PAGE, FILE_PAGE, METAS_AT_ONCE = "50", "200", 200

PageKind = Literal["docx", "doc", "sheet", "bitable", "file"]
READABLE: tuple[PageKind, ...] = get_args(PageKind)
_PATH_OF = {"doc": "docs", "sheet": "sheets", "bitable": "base", "mindnote": "mindnotes"}
_NOT_READ = {
    "mindnote": "is a mind map, which the platform lets nobody export: copy it into a document, or export it by hand "
    "and add the file",
    "slides": "is a presentation of Feishu, which the platform lets nobody export: download it as PowerPoint or PDF "
    "and add the file",
    "minutes": "are minutes of a meeting: copy their text into a document",
}


@dataclass(frozen=True, slots=True)
class Page:
    """A document that can be read. `edited` changes when it is edited; `edited_at` is when that was (epoch seconds),
    where it is known. `part` is the one sheet or table that a link names. `owner` is an open id, "" for unknown.

    Where it stands decides who may read it: `node` is the token of its page in a wiki (of a shortcut that of its
    origin), in `space` and below the page `above` ("" for none) where that was listed; `folders` are those around it
    that were walked through, the nearest first."""

    token: str
    title: str
    link: str
    edited: str
    kind: PageKind = "docx"
    edited_at: int = 0
    part: str = ""
    owner: str = ""
    node: str = ""
    space: str = ""
    above: str = ""
    folders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unread:
    """Something that is there and cannot be read, and why. `lost_listing`: what is below it is unknown."""

    link: str
    title: str
    reason: str
    lost_listing: bool = False
    error: ApiError | None = None


class Documents:
    """Lists as one app. Errors that are nobody's permission are raised (`FeishuError`)."""

    def __init__(self, client: FeishuClient) -> None:
        self._client = client

    async def walk(self, target: Target) -> AsyncIterator[Page | Unread]:
        """Everything below a target, each document once."""
        seen: set[str] = set()
        found: Callable[[Target], AsyncIterator[Page | Unread]] = {
            "space": self._space,
            "wiki": self._wiki,
            "folder": self._folder,
        }.get(target.kind, self._single)
        async for item in found(target):
            if isinstance(item, Page):
                if item.token in seen:
                    continue
                seen.add(item.token)
            yield item

    async def one(self, target: Target) -> Page | Unread:
        """What a link points to, without what is below it."""
        if target.kind in ("space", "folder"):
            return Unread(target.link, target.token, "is no single document")
        found = self._wiki(target, children=False) if target.kind == "wiki" else self._single(target)
        async for item in found:
            return (await self.dated([item]))[0] if isinstance(item, Page) else item
        raise BadReply("nothing in the answer", endpoint=WIKI_NODE.name)

    async def dated(self, pages: Sequence[Page]) -> list[Page]:
        """The pages with the time of their last edit, where the app may see it (`drive:drive.metadata:readonly`)."""
        found: dict[str, dict[str, Any]] = {}
        asked = list(dict.fromkeys((page.token, page.kind) for page in pages))
        for at in range(0, len(asked), METAS_AT_ONCE):
            try:
                metas, _ = await self.metas(asked[at : at + METAS_AT_ONCE])
            except ApiError as error:
                if reason_of(error) is None:
                    raise
                break
            found |= metas
        return [_known_as(page, found.get(page.token, {})) for page in pages]

    async def metas(self, asked: Sequence[tuple[str, str]]) -> tuple[dict[str, dict[str, Any]], dict[str, int]]:
        """What the platform says of at most 200 (token, kind) at once: title, time, link; and the codes of those that
        it says nothing of. Raises `ApiError`."""
        docs = [{"doc_token": token, "doc_type": kind} for token, kind in asked]
        reply = await self._client.call(FILE_METAS, json={"request_docs": docs, "with_url": True})
        metas = [meta for meta in reply.get("metas") or [] if isinstance(meta, dict)]
        failed = [each for each in reply.get("failed_list") or [] if isinstance(each, dict)]
        return (
            {str(meta.get("doc_token", "")): meta for meta in metas},
            {str(each.get("token", "")): _number(each.get("code")) for each in failed},
        )

    async def _space(self, target: Target) -> AsyncIterator[Page | Unread]:
        async for item in self._nodes(target, target.token, "", 0):
            yield item

    async def _wiki(self, target: Target, *, children: bool = True) -> AsyncIterator[Page | Unread]:
        """A page of a wiki and all pages below it."""
        try:
            reply = await self._client.call(WIKI_NODE, params={"token": target.token, "obj_type": "wiki"})
        except ApiError as error:
            yield _unread_or_raise(error, target.link, target.token, lost_listing=True)
            return
        node = reply.get("node")
        if not isinstance(node, dict):
            raise BadReply("no node in the answer", endpoint=WIKI_NODE.name)
        found = _of_node(node, target)
        yield replace(found, part=target.part) if isinstance(found, Page) and not children else found
        if children and node.get("has_child"):
            async for item in self._nodes(target, str(node.get("space_id", "")), str(node.get("node_token", "")), 1):
                yield item

    async def _nodes(self, target: Target, space: str, parent: str, depth: int) -> AsyncIterator[Page | Unread]:
        params = {"page_size": NODE_PAGE} | ({"parent_node_token": parent} if parent else {})
        listing = entries(self._client, SPACE_NODES, "items", params=params, path={"space_id": space})
        try:
            nodes = [node async for node in listing]
        except ApiError as error:
            yield _unread_or_raise(error, target.link, parent or space, lost_listing=True)
            return
        for node in nodes:
            yield _of_node(node, target)
            if node.get("has_child") and depth < MOST_DEPTH:
                async for item in self._nodes(target, space, str(node.get("node_token", "")), depth + 1):
                    yield item

    async def _folder(self, target: Target) -> AsyncIterator[Page | Unread]:
        waiting = [target.token]
        around: dict[str, tuple[str, ...]] = {target.token: (target.token,)}
        while waiting:
            folder = waiting.pop(0)
            params = {"folder_token": folder, "page_size": FILE_PAGE, "order_by": "EditedTime", "direction": "DESC"}
            try:
                files = [file async for file in entries(self._client, FOLDER_FILES, "files", params=params)]
            except ApiError as error:
                yield _unread_or_raise(error, target.link, folder, lost_listing=True)
                continue
            for file in files:
                kind, token = _behind(file)
                is_shortcut = file.get("type") == "shortcut"  # what it points to stands elsewhere
                if kind == "folder":
                    if token not in around:
                        around[token] = (token,) if is_shortcut else (token, *around[folder])
                        waiting.append(token)
                else:
                    found = _of_file(file, kind, token, target)
                    here = () if is_shortcut else around[folder]
                    yield replace(found, folders=here) if isinstance(found, Page) else found

    async def _single(self, target: Target) -> AsyncIterator[Page | Unread]:
        if target.kind not in READABLE:
            yield _unread_kind(target.kind, target.link, target.token)
        elif target.kind == "docx":
            yield await self._document(target)
        else:
            yield await self._known_by_meta(target, target.kind)

    async def _document(self, target: Target) -> Page | Unread:
        try:
            reply = await self._client.call(DOCUMENT, path={"document_id": target.token})
        except ApiError as error:
            return _unread_or_raise(error, target.link, target.token)
        document = reply.get("document")
        if not isinstance(document, dict):
            raise BadReply("no document in the answer", endpoint=DOCUMENT.name)
        return Page(target.token, str(document.get("title", "")), target.link, str(document.get("revision_id", "")))

    async def _known_by_meta(self, target: Target, kind: str) -> Page | Unread:
        try:
            metas, failed = await self.metas([(target.token, kind)])
        except ApiError as error:
            return _unread_or_raise(error, target.link, target.token)
        meta = metas.get(target.token)
        if meta is None:
            refusal = ApiError(failed.get(target.token, 970005), "metas", endpoint=FILE_METAS.name)
            return _unread_or_raise(refusal, target.link, target.token)
        edited = _number(meta.get("latest_modify_time"))
        title = str(meta.get("title", ""))
        return Page(target.token, title, target.link, str(edited), cast(PageKind, kind), edited, target.part)


async def subscribe(client: FeishuClient, pages: Sequence[Page]) -> int:
    """Asks to be told of changes of what the app manages (drive-v1 file/subscribe); the number of those. Ends at once
    where the scope `docs:event:subscribe` is missing. Raises `TransportError`."""
    told = 0
    for page in pages:
        try:
            await client.call(FILE_SUBSCRIBE, path={"file_token": page.token}, params={"file_type": page.kind})
        except ApiError as error:
            if why_refused(error) == "scope":
                return told
            continue
        told += 1
    return told


def _unread_or_raise(error: ApiError, link: str, title: str, *, lost_listing: bool = False) -> Unread:
    reason = reason_of(error)
    if reason is None:
        raise error
    return Unread(link, title, reason, lost_listing, error)


def _unread_kind(kind: str, link: str, title: str) -> Unread:
    return Unread(link, title, _NOT_READ.get(kind, f"is a {kind or 'thing'}, which is not read"))


def _of_node(node: dict[str, Any], target: Target) -> Page | Unread:
    """A node as a page under its object's token: a shortcut's is the token of what it points to."""
    title, kind = str(node.get("title", "")), str(node.get("obj_type", ""))
    link = f"{target.origin}/wiki/{node.get('node_token', '')}" if target.origin else ""
    if kind not in READABLE:
        return _unread_kind(kind, link, title)
    edited, owner = str(node.get("obj_edit_time", "")), str(node.get("owner", ""))
    node_token = str(node.get("node_token", ""))
    found = Page(str(node.get("obj_token", "")), title, link, edited, kind, _number(edited), owner=owner)
    if str(node.get("node_type", "origin")) == "shortcut":  # it stands where its origin does
        return replace(found, node=str(node.get("origin_node_token") or node_token))
    space, above = str(node.get("space_id", "")), str(node.get("parent_node_token", ""))
    return replace(found, node=node_token, space=space, above=above)


def _behind(file: dict[str, Any]) -> tuple[str, str]:
    """Kind and token, of the target when it is a shortcut."""
    shortcut = file.get("shortcut_info")
    if file.get("type") == "shortcut" and isinstance(shortcut, dict):
        return str(shortcut.get("target_type", "")), str(shortcut.get("target_token", ""))
    return str(file.get("type", "")), str(file.get("token", ""))


def _of_file(file: dict[str, Any], kind: str, token: str, target: Target) -> Page | Unread:
    """An entry of a folder. A shortcut's own time says nothing of what it points to: `dated` does."""
    title, link = str(file.get("name", "")), str(file.get("url", ""))
    if kind not in READABLE:
        return _unread_kind(kind, link or target.link, title)
    link = link or f"{target.origin}/{_PATH_OF.get(kind, kind)}/{token}"
    edited = str(file.get("modified_time", ""))
    return Page(token, title, link, edited, kind, _number(edited))


def _known_as(page: Page, meta: dict[str, Any]) -> Page:
    """With the one time that all listings agree on, so that a page is not read again because it was found elsewhere; a
    file with its own name, since a shortcut's need not say what kind of file it is."""
    if page.kind == "file" and meta.get("title"):
        page = replace(page, title=str(meta["title"]))
    if meta.get("owner_id"):
        page = replace(page, owner=str(meta["owner_id"]))
    edited_at = _number(meta.get("latest_modify_time"))
    return replace(page, edited=str(edited_at), edited_at=edited_at) if edited_at else page


def _number(value: object) -> int:
    try:
        return int(str(value))
    except ValueError:
        return 0
