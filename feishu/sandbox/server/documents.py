"""Wiki spaces, drive folders and documents to read (wiki-v2/space-node, drive-v1/file, docx-v1, docs-v1/content)."""

from collections.abc import Callable, Sequence
from typing import Any

from feishu.sandbox.document_store import DocumentStore, File, Node
from feishu.sandbox.refusal import Refused, field_violation
from feishu.sandbox.rules.platform import Call, Platform
from feishu.sandbox.rules.rates import Window
from feishu.sandbox.server.blocks import blocks_of, exported

DOCUMENT_WINDOW = Window(5, 1.0)


def space_nodes(platform: Platform, call: Call) -> dict[str, Any]:
    """GET /wiki/v2/spaces/:space_id/nodes: one level."""
    store, space, parent = platform.documents, call.path["space_id"], call.query.get("parent_node_token", "")
    store.require(parent or space, 131006)
    here = [node for node in store.nodes if (node.space_id, node.parent) == (space, parent)]
    return _paged(store, call, [_node(store, node) for node in here], "items", most=50)


def wiki_node(platform: Platform, call: Call) -> dict[str, Any]:
    """GET /wiki/v2/spaces/get_node."""
    store, token = platform.documents, call.query.get("token", "")
    store.require(token, 131006)
    for node in store.nodes:
        if node.node_token == token:
            return {"data": {"node": _node(store, node)}}
    raise Refused(131005, "node not found", None, 404)


def folder_files(platform: Platform, call: Call) -> dict[str, Any]:
    """GET /drive/v1/files: one level."""
    store, folder = platform.documents, call.query.get("folder_token", "")
    store.require(folder, 1061004)
    here = [_file(file) for file in store.files if file.folder == folder]
    return _paged(store, call, here, "files", most=200)


def document(platform: Platform, call: Call) -> dict[str, Any]:
    """GET /docx/v1/documents/:document_id."""
    _take(platform, call)
    token = call.path["document_id"]
    platform.documents.require(token, 1770032)
    title, text = _document(platform.documents, token, 1770002)
    return {"data": {"document": {"document_id": token, "revision_id": len(text) + 1, "title": title}}}


def markdown(platform: Platform, call: Call) -> dict[str, Any]:
    """GET /docs/v1/content."""
    _take(platform, call)
    if (call.query.get("doc_type"), call.query.get("content_type")) != ("docx", "markdown"):
        raise field_violation("doc_type and content_type")
    token = call.query.get("doc_token", "")
    platform.documents.require(token, 2889902)
    return {"data": {"content": exported(_document(platform.documents, token, 2889906)[1])}}


def blocks(platform: Platform, call: Call) -> dict[str, Any]:
    """GET /docx/v1/documents/:document_id/blocks."""
    _take(platform, call)
    token = call.path["document_id"]
    platform.documents.require(token, 1770032)
    title, text = _document(platform.documents, token, 1770002)
    return _paged(platform.documents, call, blocks_of(token, title, text), "items", most=500, at_once=500)


def _take(platform: Platform, call: Call) -> None:
    """5 a second for each app and API, told with HTTP 400 (not 429 as elsewhere)."""
    refusal: Callable[[float], Refused] = lambda wait_s: Refused(  # noqa: E731
        99991400, "request trigger frequency limit", "document_rate", 400
    )
    platform.rates.take(("documents", call.app.app_id, call.name), DOCUMENT_WINDOW, refusal)


def _document(store: DocumentStore, token: str, code: int) -> tuple[str, str]:
    if token not in store.documents:
        raise Refused(code, "not found", None, 404)
    return store.documents[token]


def _paged(
    store: DocumentStore,
    call: Call,
    entries: Sequence[dict[str, Any]],
    key: str,
    *,
    most: int,
    at_once: int | None = None,
) -> dict[str, Any]:
    asked = call.query.get("page_size", "")
    if asked and not (asked.isdecimal() and 0 < int(asked) <= most):
        raise field_violation("page_size")
    start, _, empty = call.query.get("page_token", "0").partition("-")
    at = int(start)
    if empty:
        return {"data": {key: [], "has_more": True, "page_token": str(at)}}
    end = at + min(at_once or store.page_size, int(asked or most))
    more = {"has_more": True, "page_token": f"{end}-empty"} if end < len(entries) else {"has_more": False}
    return {"data": {key: list(entries[at:end]), **more}}


def _node(store: DocumentStore, node: Node) -> dict[str, Any]:
    has_child = any(other.parent == node.node_token for other in store.nodes)
    shown = {
        name: getattr(node, name) for name in ("space_id", "node_token", "obj_token", "obj_type", "node_type", "title")
    }
    return {**shown, "has_child": has_child, "obj_edit_time": str(node.edited), "parent_node_token": node.parent}


def _file(file: File) -> dict[str, Any]:
    shown: dict[str, Any] = {"token": file.token, "name": file.name, "type": file.kind, "parent_token": file.folder}
    if file.target is not None:
        shown["shortcut_info"] = {"target_type": file.target[0], "target_token": file.target[1]}
    return {**shown, "url": f"https://sandbox.feishu.cn/{file.kind}/{file.token}", "modified_time": str(file.edited)}
