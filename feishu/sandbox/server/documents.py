"""Drive folders and documents to read (drive-v1/file, docx-v1, docs-v1/content)."""

from collections.abc import Callable
from typing import Any

from feishu.sandbox.document_store import DocumentStore, File
from feishu.sandbox.refusal import Refused, field_violation
from feishu.sandbox.rules.platform import Call, Platform
from feishu.sandbox.rules.rates import Window
from feishu.sandbox.server.blocks import blocks_of, exported
from feishu.sandbox.server.paging import gapped_page

DOCUMENT_WINDOW = Window(5, 1.0)


def folder_files(platform: Platform, call: Call) -> dict[str, Any]:
    """GET /drive/v1/files: one level."""
    store, folder = platform.documents, call.query.get("folder_token", "")
    platform.require(call.app, folder, 1061004)
    here = [_file(file) for file in store.files if file.folder == folder]
    return gapped_page(store, call, here, "files", most=200)


def document(platform: Platform, call: Call) -> dict[str, Any]:
    """GET /docx/v1/documents/:document_id."""
    _take(platform, call)
    token = call.path["document_id"]
    platform.require(call.app, token, 1770032)
    title, text = _document(platform.documents, token, 1770002)
    return {"data": {"document": {"document_id": token, "revision_id": len(text) + 1, "title": title}}}


def markdown(platform: Platform, call: Call) -> dict[str, Any]:
    """GET /docs/v1/content."""
    _take(platform, call)
    if (call.query.get("doc_type"), call.query.get("content_type")) != ("docx", "markdown"):
        raise field_violation("doc_type and content_type")
    token = call.query.get("doc_token", "")
    platform.require(call.app, token, 2889902)
    return {"data": {"content": exported(_document(platform.documents, token, 2889906)[1])}}


def blocks(platform: Platform, call: Call) -> dict[str, Any]:
    """GET /docx/v1/documents/:document_id/blocks."""
    _take(platform, call)
    token = call.path["document_id"]
    platform.require(call.app, token, 1770032)
    title, text = _document(platform.documents, token, 1770002)
    return gapped_page(platform.documents, call, blocks_of(token, title, text), "items", most=500, at_once=500)


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


def _file(file: File) -> dict[str, Any]:
    shown: dict[str, Any] = {"token": file.token, "name": file.name, "type": file.kind, "parent_token": file.folder}
    if file.target is not None:
        shown["shortcut_info"] = {"target_type": file.target[0], "target_token": file.target[1]}
    return {**shown, "url": f"https://sandbox.feishu.cn/{file.kind}/{file.token}", "modified_time": str(file.edited)}
