"""Files and what documents have inside, exports, what is known of a document, and who is told of its changes
(drive-v1 file, media, export_task, metas, subscribe)."""

from collections.abc import Callable
from pathlib import PurePath
from typing import Any

from feishu.sandbox.document_store import FIRST_EDIT, DocumentStore, Export, Resource
from feishu.sandbox.refusal import Refused, field_violation
from feishu.sandbox.rules.platform import Call, Platform
from feishu.sandbox.rules.rates import Window
from feishu.sandbox.rules.rights import app_perm
from feishu.sandbox.server.workbook import workbook
from feishu.sandbox.world import Upload

DOWNLOAD_WINDOW = Window(5, 1.0)
MINUTE_WINDOW = Window(100, 60.0)
MOST_METAS = 200
LABEL_SCOPE = "drive:file.meta.sec_label.read_only"
EXPORT_LIFE_S = 600.0
_EXPORTS = {"doc": ("docx", "pdf"), "docx": ("docx", "pdf"), "sheet": ("xlsx", "csv"), "bitable": ("xlsx", "csv")}
_SUBSCRIBABLE = ("doc", "docx", "sheet", "bitable", "file", "folder", "slides")
_NO_EXPORT = 110
_PATHS = {"doc": "docs", "sheet": "sheets", "bitable": "base", "mindnote": "mindnotes"}


def download_file(platform: Platform, call: Call) -> Upload:
    """GET /drive/v1/files/:file_token/download: files of the drive alone."""
    _take_download(platform, call)
    token = call.path["file_token"]
    if platform.documents.titles.get(token, ("", ""))[0] != "file":
        raise wordless(404)
    return _bytes_of(platform, call, token)


def download_media(platform: Platform, call: Call) -> Upload:
    """GET /drive/v1/medias/:file_token/download: what documents have inside, no files of the drive."""
    _take_download(platform, call)
    token = call.path["file_token"]
    if token in platform.documents.titles:
        raise wordless(404)
    return _bytes_of(platform, call, token)


def create_export(platform: Platform, call: Call) -> dict[str, Any]:
    """POST /drive/v1/export_tasks."""
    _take_minute(platform, call)
    store = platform.documents
    token, kind, extension = call.text("token", most=27), call.text("type"), call.text("file_extension")
    platform.require(call.app, token, 1069902)
    if store.titles.get(token, ("", ""))[0] != kind:
        raise Refused(1069914, "invalid file token", None, 404)
    if extension not in _EXPORTS.get(kind, ()):
        raise Refused(1069918, "file extension and type mismatch", "export", 400)
    ticket = platform.world.new_id("69")
    store.exports[ticket] = Export(token, kind, extension)
    return {"data": {"ticket": ticket}}


def export_state(platform: Platform, call: Call) -> dict[str, Any]:
    """GET /drive/v1/export_tasks/:ticket?token=: at work when it is asked first, then done or failed."""
    _take_minute(platform, call)
    store = platform.documents
    export = store.exports.get(call.path["ticket"])
    if export is None or call.query.get("token") != export.token:
        raise Refused(1069904, "invalid param", "export", 400)
    export.asked += 1
    result: dict[str, Any] = {"file_extension": export.extension, "type": export.kind, "job_error_msg": ""}
    if export.asked == 1:
        return {"data": {"result": result | {"job_status": 2}}}
    if export.token in store.closed_exports:
        return {"data": {"result": result | {"job_status": _NO_EXPORT, "job_error_msg": "no permission"}}}
    title = store.titles[export.token][1]
    content = _exported(store, export)
    export.done_at = export.done_at or platform.now()
    file_token = f"boxcn{call.path['ticket']}"
    store.resources[file_token] = Resource(f"{title}.{export.extension}", content)
    told = {"file_token": file_token, "file_name": title, "file_size": len(content), "job_status": 0}
    return {"data": {"result": result | told | {"job_error_msg": "success"}}}


def download_export(platform: Platform, call: Call) -> Upload:
    """GET /drive/v1/export_tasks/file/:file_token/download: for ten minutes."""
    _take_minute(platform, call)
    file_token = call.path["file_token"]
    export = platform.documents.exports.get(file_token.removeprefix("boxcn"))
    if export is None or not export.done_at or platform.now() - export.done_at > EXPORT_LIFE_S:
        raise Refused(1060001, "param is invalid", "export", 400)
    return _upload(file_token, platform.documents.resources[file_token])


def metas(platform: Platform, call: Call) -> dict[str, Any]:
    """POST /drive/v1/metas/batch_query. Wiki pages go by their node token, the security label by its scope."""
    asked = call.body.get("request_docs")
    if not isinstance(asked, list) or not 1 <= len(asked) <= MOST_METAS:
        raise field_violation("request_docs")
    found, failed = [], []
    for each in asked:
        token, kind = str(each["doc_token"]), str(each["doc_type"])
        if code := _unknown_meta(platform, call, token, kind):
            failed.append({"token": token, "code": code})
        else:
            found.append(_meta(platform, call, token, kind))
    return {"data": {"metas": found, **({"failed_list": failed} if failed else {})}}


def _unknown_meta(platform: Platform, call: Call, token: str, kind: str) -> int:
    """Why nothing is told of a document; 0 where something is."""
    if not platform.lets_in(call.app, token):
        return 970003
    return 0 if kind_fits(platform.documents, token, kind) else 970005


def _meta(platform: Platform, call: Call, token: str, kind: str) -> dict[str, Any]:
    store = platform.documents
    known = store.object_of(token) or token
    sharing = store.sharing(known)
    meta = {"doc_token": token, "doc_type": kind, "title": store.title_of(known), "owner_id": sharing.owner}
    meta |= {"create_time": "1690000000", "latest_modify_time": str(store.edits.get(known, FIRST_EDIT))}
    if call.body.get("with_url") is True:
        meta["url"] = f"https://sandbox.feishu.cn/{_PATHS.get(kind, kind)}/{token}"
    if sharing.label and LABEL_SCOPE in call.app.scopes:
        meta["sec_label_name"] = sharing.label
    return meta


def kind_fits(store: DocumentStore, token: str, kind: str) -> bool:
    """Whether a token is one of this kind; `wiki` is for node tokens, `folder` for those of folders."""
    if kind == "wiki":
        return store.node_at(token) is not None
    if kind == "folder":
        return token not in store.titles and store.node_at(token) is None and store.object_of(token) == token
    return store.titles.get(token, ("", ""))[0] == kind


def subscribe(platform: Platform, call: Call) -> dict[str, Any]:
    """POST /drive/v1/files/:file_token/subscribe?file_type=: for who manages the document."""
    store, token, kind = platform.documents, call.path["file_token"], call.query.get("file_type", "")
    if kind not in _SUBSCRIBABLE:
        raise field_violation("file_type")
    if store.titles.get(token, ("", ""))[0] != kind:
        raise Refused(1069604, "document not found", None, 400)
    manages = token in store.managed or app_perm(platform.world, store, call.app, token) == "full_access"
    if token in store.hidden or not manages:
        raise Refused(1069603, "forbidden", None, 403)
    store.subscribed.setdefault(token, set()).add(call.app.app_id)
    return {"data": {}}


def wordless(status: int) -> Refused:
    """Downloads refuse with a bare status (drive-v1 media/download)."""
    return Refused(status, "", None, status)


def _bytes_of(platform: Platform, call: Call, token: str) -> Upload:
    if not platform.lets_in(call.app, token):
        raise wordless(403)
    if token not in platform.documents.resources:
        raise wordless(404)
    return _upload(token, platform.documents.resources[token])


def _upload(token: str, resource: Resource) -> Upload:
    return Upload(token, "file", resource.name, resource.content, "", resource.media_type)


def _exported(store: DocumentStore, export: Export) -> bytes:
    """Spreadsheets as a file is made of them here; of other kinds the file that was put there for it."""
    if export.kind == "sheet" and export.extension == "xlsx":
        return workbook(store.spreadsheets[export.token])
    made = [each for each in store.resources.values() if PurePath(each.name).stem == store.titles[export.token][1]]
    return made[0].content if made else b""


def _take_download(platform: Platform, call: Call) -> None:
    """5 a second for each app and API, with a code of its own."""
    refusal: Callable[[float], Refused] = lambda wait_s: Refused(  # noqa: E731
        1061045, "can retry", "download_rate", 400
    )
    platform.rates.take(("download", call.app.app_id, call.name), DOWNLOAD_WINDOW, refusal)


def _take_minute(platform: Platform, call: Call) -> None:
    """100 a minute for each app and API."""
    refusal: Callable[[float], Refused] = lambda wait_s: Refused(  # noqa: E731
        1069923, "too many requests", "export_rate", 429
    )
    platform.rates.take(("exports", call.app.app_id, call.name), MINUTE_WINDOW, refusal)
