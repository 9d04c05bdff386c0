"""Wiki spaces, drive folders and documents to read (wiki-v2/space-node, drive-v1/file, docx-v1, docs-v1/content)."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from feishu.sandbox.refusal import Refused, field_violation
from feishu.sandbox.rules import Window

if TYPE_CHECKING:
    from feishu.sandbox.platform import Call, Platform

DOCUMENT_WINDOW = Window(5, 1.0)
_numbers = itertools.count(1)


@dataclass(slots=True)
class Node:
    """A page of a wiki. A shortcut has the object token of what it points to and a node token of its own."""

    space_id: str
    parent: str
    title: str
    obj_token: str
    obj_type: str = "docx"
    node_type: str = "origin"
    edited: int = 1_700_000_000
    node_token: str = field(default_factory=lambda: f"wikcn{next(_numbers):08}")


@dataclass(slots=True)
class File:
    """An entry of a folder: a document, a folder, or a shortcut to one."""

    folder: str
    name: str
    kind: str
    token: str
    edited: int = 1_700_000_000
    target: tuple[str, str] | None = None


@dataclass(slots=True)
class Shelf:
    """What there is to read. `hidden` are tokens that the app may not see, `page_size` is what a listing gives at once.

    After a full page comes an empty one that says there is more, as the platform may do.
    """

    documents: dict[str, tuple[str, str]] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    hidden: set[str] = field(default_factory=set)
    page_size: int = 2

    def write(self, token: str, title: str, markdown: str) -> str:
        """Put a document there, or change it; gives its token."""
        self.documents[token] = (title, markdown)
        for node in self.nodes:
            node.edited += node.obj_token == token
        for file in self.files:
            file.edited += file.token == token
        return token

    def node(self, space_id: str, title: str, markdown: str = "", *, parent: str = "", **more: Any) -> Node:
        """Put a page into a wiki; with `obj_token` it is another entry of that document (a shortcut)."""
        token = more.pop("obj_token", "") or self.write(f"doxcn{next(_numbers):08}", title, markdown)
        node = Node(space_id, parent, title, token, **more)
        self.nodes.append(node)
        return node

    def file(self, folder: str, name: str, kind: str, token: str, **more: Any) -> File:
        """Put an entry into a folder."""
        file = File(folder, name, kind, token, **more)
        self.files.append(file)
        return file

    def require(self, token: str, code: int) -> None:
        """Refuse with the code when the app may not see this."""
        if token in self.hidden:
            raise Refused(code, "permission denied", None, 403)


def space_nodes(platform: "Platform", call: "Call") -> dict[str, Any]:
    """GET /wiki/v2/spaces/:space_id/nodes: one level."""
    shelf, space, parent = platform.shelf, call.path["space_id"], call.query.get("parent_node_token", "")
    shelf.require(parent or space, 131006)
    here = [node for node in shelf.nodes if (node.space_id, node.parent) == (space, parent)]
    return _paged(shelf, call, [_node(shelf, node) for node in here], "items", most=50)


def wiki_node(platform: "Platform", call: "Call") -> dict[str, Any]:
    """GET /wiki/v2/spaces/get_node."""
    shelf, token = platform.shelf, call.query.get("token", "")
    shelf.require(token, 131006)
    for node in shelf.nodes:
        if node.node_token == token:
            return {"data": {"node": _node(shelf, node)}}
    raise Refused(131005, "node not found", None, 404)


def folder_files(platform: "Platform", call: "Call") -> dict[str, Any]:
    """GET /drive/v1/files: one level."""
    shelf, folder = platform.shelf, call.query.get("folder_token", "")
    shelf.require(folder, 1061004)
    here = [_file(file) for file in shelf.files if file.folder == folder]
    return _paged(shelf, call, here, "files", most=200)


def document(platform: "Platform", call: "Call") -> dict[str, Any]:
    """GET /docx/v1/documents/:document_id."""
    _take(platform, call)
    token = call.path["document_id"]
    platform.shelf.require(token, 1770032)
    title, text = _document(platform.shelf, token, 1770002)
    return {"data": {"document": {"document_id": token, "revision_id": len(text) + 1, "title": title}}}


def markdown(platform: "Platform", call: "Call") -> dict[str, Any]:
    """GET /docs/v1/content."""
    _take(platform, call)
    if (call.query.get("doc_type"), call.query.get("content_type")) != ("docx", "markdown"):
        raise field_violation("doc_type and content_type")
    token = call.query.get("doc_token", "")
    platform.shelf.require(token, 2889902)
    return {"data": {"content": _document(platform.shelf, token, 2889906)[1]}}


def _take(platform: "Platform", call: "Call") -> None:
    """5 a second for each app and API, told with HTTP 400 (not 429 as elsewhere)."""
    refusal: Callable[[float], Refused] = lambda wait_s: Refused(  # noqa: E731
        99991400, "request trigger frequency limit", "document_rate", 400
    )
    platform.rates.take(("documents", call.app.app_id, call.name), DOCUMENT_WINDOW, refusal)


def _document(shelf: Shelf, token: str, code: int) -> tuple[str, str]:
    if token not in shelf.documents:
        raise Refused(code, "not found", None, 404)
    return shelf.documents[token]


def _paged(shelf: Shelf, call: "Call", entries: Sequence[dict[str, Any]], key: str, *, most: int) -> dict[str, Any]:
    asked = call.query.get("page_size", "")
    if asked and not (asked.isdecimal() and 0 < int(asked) <= most):
        raise field_violation("page_size")
    start, _, empty = call.query.get("page_token", "0").partition("-")
    at = int(start)
    if empty:
        return {"data": {key: [], "has_more": True, "page_token": str(at)}}
    end = at + min(shelf.page_size, int(asked or most))
    more = {"has_more": True, "page_token": f"{end}-empty"} if end < len(entries) else {"has_more": False}
    return {"data": {key: list(entries[at:end]), **more}}


def _node(shelf: Shelf, node: Node) -> dict[str, Any]:
    has_child = any(other.parent == node.node_token for other in shelf.nodes)
    shown = {
        name: getattr(node, name) for name in ("space_id", "node_token", "obj_token", "obj_type", "node_type", "title")
    }
    return {**shown, "has_child": has_child, "obj_edit_time": str(node.edited), "parent_node_token": node.parent}


def _file(file: File) -> dict[str, Any]:
    shown: dict[str, Any] = {"token": file.token, "name": file.name, "type": file.kind, "parent_token": file.folder}
    if file.target is not None:
        shown["shortcut_info"] = {"target_type": file.target[0], "target_token": file.target[1]}
    return {**shown, "url": f"https://sandbox.feishu.cn/{file.kind}/{file.token}", "modified_time": str(file.edited)}
