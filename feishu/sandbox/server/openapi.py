"""The routes under /open-apis, and the one way every call takes: fault, token, budget, scope, endpoint, journal."""

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from feishu.sandbox.faults import Fault, Faults
from feishu.sandbox.gateway import Gateway
from feishu.sandbox.refusal import Refused
from feishu.sandbox.rules.platform import Call, Platform
from feishu.sandbox.server import (
    account,
    bitables,
    cardkit,
    chats,
    contacts,
    documents,
    drive,
    extras,
    messages,
    permissions,
    sheets,
    slash_commands,
    wiki,
)
from feishu.sandbox.world import Upload

SEND = ("im:message", "im:message:send_as_bot")
READ = ("im:message", "im:message:readonly")
HISTORY = (*READ, "im:message.history:readonly")
UPDATE = ("im:message", "im:message:send_as_bot", "im:message:update")
REACT = ("im:message", "im:message.reactions:write_only")
CARD = ("cardkit:card:write",)
CONTACT = ("contact:user.base:readonly", "contact:contact.base:readonly")
WIKI = ("wiki:wiki:readonly", "wiki:wiki")
NODE, NODES = ("wiki:node:read", *WIKI), ("wiki:node:retrieve", *WIKI)
SPACE, SPACE_MEMBERS = ("wiki:space:read", *WIKI), ("wiki:member:retrieve", *WIKI)
CHATS = ("im:chat", "im:chat:read", "im:chat:readonly")
CHAT_MEMBERS = ("im:chat", "im:chat:readonly", "im:chat.members:read", "im:chat.group_info:readonly")
ORGANISATION = ("contact:contact.base:readonly", "contact:contact:readonly_as_app", "contact:contact:access_as_app")
PARENTS = ("contact:department.organize:readonly", *ORGANISATION)
READ_COMMANDS = ("application:app_slash_command:read",)
WRITE_COMMANDS = ("application:app_slash_command:write",)
COMMANDS = "/application/v7/app_slash_commands"
DRIVE = ("drive:drive:readonly", "drive:drive")
METAS = ("drive:drive.metadata:readonly", "drive:drive")
FILES = ("drive:file:download", "drive:file:readonly", *DRIVE)
SHEETS = ("sheets:spreadsheet:readonly", "sheets:spreadsheet", *DRIVE)
BITABLE = ("bitable:app:readonly", "bitable:app")
MEDIAS = ("docs:document.media:download", "sheets:spreadsheet:readonly", *BITABLE, *DRIVE)
EXPORT = ("docs:document:export", "drive:export:readonly")
OLD_RIGHTS = ("docs:doc", "drive:drive", "wiki:wiki", "bitable:app", "sheets:spreadsheet")
MEMBERS = ("docs:permission.member:retrieve", *OLD_RIGHTS)
AUTH = ("docs:permission.member:auth", *OLD_RIGHTS)
PUBLIC = ("docs:permission.setting:read", "docx:document", "drive:drive:readonly", *OLD_RIGHTS)
SUBSCRIBE = ("docs:event:subscribe", "docs:doc", "sheets:spreadsheet", "drive:drive")
EXPORTS, BASES, TABLES = "/drive/v1/export_tasks", "/bitable/v1/apps/{app_token}", "/bitable/v1/apps/{app_token}/tables"
CARDS, MESSAGES = "/cardkit/v1/cards", "/im/v1/messages"
SPACE_PATH = "/wiki/v2/spaces/{space_id}"

Handler = Callable[[Platform, Call], dict[str, Any] | Upload]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One API: its name in the journal and in faults, where it is, who may call it, what it does."""

    name: str
    method: str
    path: str
    scopes: tuple[str, ...]
    handler: Handler


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("bot.info", "GET", "/bot/v3/info", (), account.bot_info),
    Endpoint("scope.list", "GET", "/application/v6/scopes", (), account.scopes),
    Endpoint("slash_command.list", "GET", COMMANDS, READ_COMMANDS, slash_commands.list_commands),
    Endpoint("slash_command.create", "POST", COMMANDS, WRITE_COMMANDS, slash_commands.create_command),
    Endpoint(
        "slash_command.update", "PATCH", COMMANDS + "/{command_id}", WRITE_COMMANDS, slash_commands.update_command
    ),
    Endpoint(
        "slash_command.delete", "DELETE", COMMANDS + "/{command_id}", WRITE_COMMANDS, slash_commands.delete_command
    ),
    Endpoint("user.batch", "GET", "/contact/v3/users/batch", CONTACT, contacts.users_batch),
    Endpoint("user.get", "GET", "/contact/v3/users/{user_id}", ORGANISATION, contacts.user),
    Endpoint("department.parent", "GET", "/contact/v3/departments/parent", PARENTS, contacts.parent_departments),
    Endpoint("department.get", "GET", "/contact/v3/departments/{department_id}", ORGANISATION, contacts.department),
    Endpoint(
        "group.member_belong",
        "GET",
        "/contact/v3/group/member_belong",
        ("contact:group:readonly",),
        contacts.groups_of_member,
    ),
    Endpoint("group.get", "GET", "/contact/v3/group/{group_id}", ("contact:group:readonly",), contacts.user_group),
    Endpoint("contact.scopes", "GET", "/contact/v3/scopes", ORGANISATION, contacts.contact_range),
    Endpoint("chat.list", "GET", "/im/v1/chats", (*CHATS, "im:chat.group_info:readonly"), chats.listed),
    Endpoint("chat.get", "GET", "/im/v1/chats/{chat_id}", CHATS, chats.chat_info),
    Endpoint("chat.members", "GET", "/im/v1/chats/{chat_id}/members", CHAT_MEMBERS, chats.members),
    Endpoint("message.create", "POST", MESSAGES, SEND, messages.send),
    Endpoint("message.reply", "POST", MESSAGES + "/{message_id}/reply", SEND, messages.reply),
    Endpoint("message.patch", "PATCH", MESSAGES + "/{message_id}", UPDATE, messages.patch),
    Endpoint("message.update", "PUT", MESSAGES + "/{message_id}", UPDATE, messages.edit),
    Endpoint("message.get", "GET", MESSAGES + "/{message_id}", READ, messages.fetch),
    Endpoint("message.list", "GET", MESSAGES, HISTORY, messages.listed),
    Endpoint("message.delete", "DELETE", MESSAGES + "/{message_id}", UPDATE, messages.recall),
    Endpoint("message.resource", "GET", MESSAGES + "/{message_id}/resources/{file_key}", READ, extras.resource),
    Endpoint("reaction.create", "POST", MESSAGES + "/{message_id}/reactions", REACT, extras.add_reaction),
    Endpoint(
        "reaction.delete", "DELETE", MESSAGES + "/{message_id}/reactions/{reaction_id}", REACT, extras.remove_reaction
    ),
    Endpoint("image.create", "POST", "/im/v1/images", ("im:resource",), extras.upload_image),
    Endpoint("file.create", "POST", "/im/v1/files", ("im:resource",), extras.upload_file),
    Endpoint("ephemeral.send", "POST", "/ephemeral/v1/send", SEND, extras.send_ephemeral),
    Endpoint("ephemeral.delete", "POST", "/ephemeral/v1/delete", SEND, extras.delete_ephemeral),
    Endpoint("card.delayed_update", "POST", "/interactive/v1/card/update", (), extras.delayed_update),
    Endpoint("wiki.get_node", "GET", "/wiki/v2/spaces/get_node", NODE, wiki.wiki_node),
    Endpoint("wiki.space", "GET", SPACE_PATH, SPACE, wiki.space),
    Endpoint("wiki.members", "GET", SPACE_PATH + "/members", SPACE_MEMBERS, wiki.space_members),
    Endpoint("wiki.nodes", "GET", SPACE_PATH + "/nodes", NODES, wiki.space_nodes),
    Endpoint("permission.members", "GET", "/drive/v1/permissions/{token}/members", MEMBERS, permissions.members),
    Endpoint("permission.auth", "GET", "/drive/v1/permissions/{token}/members/auth", AUTH, permissions.auth),
    Endpoint("permission.public", "GET", "/drive/v2/permissions/{token}/public", PUBLIC, permissions.public),
    Endpoint("drive.files", "GET", "/drive/v1/files", DRIVE, documents.folder_files),
    Endpoint(
        "docx.document", "GET", "/docx/v1/documents/{document_id}", ("docx:document:readonly",), documents.document
    ),
    Endpoint(
        "docx.blocks",
        "GET",
        "/docx/v1/documents/{document_id}/blocks",
        ("docx:document:readonly",),
        documents.blocks,
    ),
    Endpoint("docs.content", "GET", "/docs/v1/content", ("docs:document.content:read",), documents.markdown),
    Endpoint("drive.metas", "POST", "/drive/v1/metas/batch_query", METAS, drive.metas),
    Endpoint("drive.subscribe", "POST", "/drive/v1/files/{file_token}/subscribe", SUBSCRIBE, drive.subscribe),
    Endpoint("drive.download", "GET", "/drive/v1/files/{file_token}/download", FILES, drive.download_file),
    Endpoint("media.download", "GET", "/drive/v1/medias/{file_token}/download", MEDIAS, drive.download_media),
    Endpoint("export.create", "POST", EXPORTS, EXPORT, drive.create_export),
    Endpoint("export.get", "GET", EXPORTS + "/{ticket}", EXPORT, drive.export_state),
    Endpoint("export.download", "GET", EXPORTS + "/file/{file_token}/download", EXPORT, drive.download_export),
    Endpoint("sheets.query", "GET", "/sheets/v3/spreadsheets/{token}/sheets/query", SHEETS, sheets.listed),
    Endpoint("sheets.values", "GET", "/sheets/v2/spreadsheets/{token}/values/{range}", SHEETS, sheets.values),
    Endpoint("bitable.app", "GET", BASES, ("base:app:read", *BITABLE), bitables.base),
    Endpoint("bitable.tables", "GET", TABLES, ("base:table:read", *BITABLE), bitables.tables),
    Endpoint("bitable.fields", "GET", TABLES + "/{table_id}/fields", ("base:field:read", *BITABLE), bitables.fields),
    Endpoint(
        "bitable.records",
        "POST",
        TABLES + "/{table_id}/records/search",
        ("base:record:retrieve", *BITABLE),
        bitables.records,
    ),
    Endpoint("card.create", "POST", CARDS, CARD, cardkit.create),
    Endpoint("card.id_convert", "POST", CARDS + "/id_convert", CARD, cardkit.id_convert),
    Endpoint("card.update", "PUT", CARDS + "/{card_id}", CARD, cardkit.update),
    Endpoint("card.settings", "PATCH", CARDS + "/{card_id}/settings", CARD, cardkit.settings),
    Endpoint("card.batch_update", "POST", CARDS + "/{card_id}/batch_update", CARD, cardkit.batch_update),
    Endpoint("element.create", "POST", CARDS + "/{card_id}/elements", CARD, cardkit.change_elements),
    Endpoint("element.update", "PUT", CARDS + "/{card_id}/elements/{element_id}", CARD, cardkit.change_elements),
    Endpoint("element.patch", "PATCH", CARDS + "/{card_id}/elements/{element_id}", CARD, cardkit.change_elements),
    Endpoint("element.delete", "DELETE", CARDS + "/{card_id}/elements/{element_id}", CARD, cardkit.change_elements),
    Endpoint("card.content", "PUT", CARDS + "/{card_id}/elements/{element_id}/content", CARD, cardkit.stream_text),
)


class CutConnection(Response):
    """Promises a body and never sends it: the server closes the connection and the caller learns nothing."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4096")]})


class OpenApi:
    """Serves the platform's API."""

    def __init__(self, platform: Platform, gateway: Gateway, faults: Faults) -> None:
        self._platform = platform
        self._gateway = gateway
        self._faults = faults

    def routes(self) -> list[Route]:
        """Starlette routes for every endpoint."""
        token_path = "/open-apis/auth/v3/tenant_access_token/internal"  # noqa: S105
        return [
            Route(token_path, self._endpoint(TOKEN), methods=["POST"]),
            Route(LONG_CONNECTION.path, self._endpoint(LONG_CONNECTION), methods=["POST"]),
            *(Route("/open-apis" + e.path, self._endpoint(e), methods=[e.method]) for e in ENDPOINTS),
        ]

    def _endpoint(self, endpoint: Endpoint) -> Callable[[Request], Any]:
        async def serve(request: Request) -> Response:
            return await self._serve(endpoint, request)

        return serve

    async def _serve(self, endpoint: Endpoint, request: Request) -> Response:
        began = time.perf_counter()
        raw = await request.body()
        if self._platform.settings.latency_s:
            await asyncio.sleep(self._platform.settings.latency_s)
        fault = self._faults.meet(endpoint.name, raw.decode("utf-8", "replace"))
        if fault:
            await self._suffer(fault, endpoint)
        if fault and fault.answers and not fault.applied:
            response = _misfortune(fault)
            self._record(
                endpoint, request, raw, _Answer(fault.status or 400, fault.code or -1, {}, injected=True), began
            )
            return response
        answer = await self._answer(endpoint, request, raw)
        self._record(endpoint, request, raw, answer, began)
        if fault and fault.late_s:
            await asyncio.sleep(fault.late_s)
        return _misfortune(fault) if fault and fault.answers else answer.response()

    async def _suffer(self, fault: Fault, endpoint: Endpoint) -> None:
        self._platform.journal.add(
            "fault",
            endpoint.name,
            fault.msg,
            detail={"code": fault.code, "status": fault.status, "drop": fault.drop, "applied": fault.applied},
        )
        if fault.revoke_token:
            account.revoke_tokens(self._platform)
        if fault.delay_s:
            await asyncio.sleep(fault.delay_s)

    async def _answer(self, endpoint: Endpoint, request: Request, raw: bytes) -> "_Answer":
        try:
            body, files = await _read(request, raw)
            if endpoint is TOKEN:
                return _Answer(200, 0, account.tenant_token(self._platform, body))
            if endpoint is LONG_CONNECTION:
                return _Answer(200, 0, self._gateway.ticket(body))
            app = account.authenticate(self._platform, request.headers.get("authorization", ""))
            self._platform.rates.take_api((app.app_id, endpoint.name))
            account.require_scope(app, endpoint.scopes)
            query = {key: ",".join(request.query_params.getlist(key)) for key in request.query_params}
            call = Call(endpoint.name, app, dict(request.path_params), query, body, files)
            result = endpoint.handler(self._platform, call)
            if isinstance(result, Upload):
                return _Answer(200, 0, {}, upload=result, app_id=app.app_id)
            return _Answer(200, 0, result, app_id=app.app_id)
        except Refused as refused:
            return _Answer(refused.status, refused.code, {}, refused=refused)
        except (TypeError, AttributeError, KeyError, ValueError) as error:
            # A shape no endpoint looked at closely enough: for the caller it is a wrong parameter, not a crash.
            odd = Refused(10002, f"invalid parameter ({type(error).__name__}: {error})", "parameters")
            return _Answer(odd.status, odd.code, {}, refused=odd)

    def _record(self, endpoint: Endpoint, request: Request, raw: bytes, answer: "_Answer", began: float) -> None:
        body = _shown(raw)
        if endpoint in (TOKEN, LONG_CONNECTION) and isinstance(body, dict):
            body = {key: "•••" if key.lower().replace("_", "") == "appsecret" else body[key] for key in body}
        sequence = body.get("sequence") if isinstance(body, dict) else None
        response = {key: "t-•••" if key == "tenant_access_token" else value for key, value in answer.body.items()}
        if endpoint is LONG_CONNECTION and answer.body:
            response = {"data": {**answer.body["data"], "URL": "•••"}}
        self._platform.journal.add(
            "api",
            endpoint.name,
            answer.outcome(),
            ok=answer.code == 0,
            seconds=time.perf_counter() - began,
            app_id=answer.app_id,
            code=answer.code,
            sequence=sequence if isinstance(sequence, int) else None,
            detail={
                "method": request.method,
                "path": request.url.path,
                "status": answer.status,
                "log_id": answer.log_id,
                "request": body,
                "response": response or (answer.refused.msg if answer.refused else ""),
            },
        )
        if answer.refused and answer.refused.rule:
            self._platform.broken(answer.refused.rule, f"{endpoint.name}: {answer.refused.code} {answer.refused.msg}")


class _Answer:
    """What is sent back, before it is bytes."""

    def __init__(
        self,
        status: int,
        code: int,
        body: dict[str, Any],
        *,
        refused: Refused | None = None,
        upload: Upload | None = None,
        app_id: str = "",
        injected: bool = False,
    ) -> None:
        self.status, self.code, self.body = status, code, body
        self.refused, self.upload, self.app_id, self.injected = refused, upload, app_id, injected
        self.log_id = secrets.token_hex(16).upper()

    def outcome(self) -> str:
        if self.injected:
            return "injected fault"
        return "ok" if self.code == 0 else f"code {self.code}"

    def response(self) -> Response:
        headers = {"X-Tt-Logid": self.log_id, "X-Request-Id": self.log_id}
        if self.upload:
            return Response(self.upload.content, media_type=self.upload.media_type, headers=headers)
        if self.refused is None:
            return JSONResponse({"code": 0, "msg": "success", **self.body}, headers=headers)
        if self.refused.status == self.code:  # a bare status, without the platform's JSON
            return Response(status_code=self.code, headers=headers)
        error = {"log_id": self.log_id, "troubleshooter": "https://open.feishu.cn/search"}
        body = {"code": self.code, "msg": self.refused.msg, "error": error}
        return JSONResponse(body, self.status, headers={**headers, **self.refused.headers})


def _misfortune(fault: Fault) -> Response:
    if fault.drop:
        return CutConnection()
    if fault.html is not None:
        return Response(fault.html, fault.status or 502, media_type="text/html", headers=fault.headers)
    code = -1 if fault.code is None else fault.code
    status = fault.status or (200 if code == 0 else 400)
    return JSONResponse(
        {"code": code, "msg": fault.msg, "error": {"log_id": "sandbox-fault"}}, status, headers=fault.headers
    )


async def _read(request: Request, raw: bytes) -> tuple[dict[str, Any], dict[str, tuple[str, bytes, str]]]:
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        body: dict[str, Any] = {}
        files: dict[str, tuple[str, bytes, str]] = {}
        async with request.form() as form:
            for key, part in form.items():
                if isinstance(part, str):
                    body[key] = part
                else:
                    media_type = part.content_type or "application/octet-stream"
                    files[key] = (part.filename or "", await part.read(), media_type)
        return body, files
    value = _shown(raw) if raw else {}
    if not isinstance(value, dict):
        raise Refused(9499, "Bad Request: body is not a JSON object", "parameters")
    return value, {}


def _shown(raw: bytes) -> Any:
    try:
        return orjson.loads(raw) if raw else {}
    except orjson.JSONDecodeError:
        return f"({len(raw)} bytes that are not JSON)"


TOKEN = Endpoint("token", "POST", "/auth/v3/tenant_access_token/internal", (), lambda platform, call: {})
LONG_CONNECTION = Endpoint("ws.endpoint", "POST", "/callback/ws/endpoint", (), lambda platform, call: {})
