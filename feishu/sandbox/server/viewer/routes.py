"""The viewer's addresses: those of the platform's links, below /sandbox/documents.

GET /sandbox/documents/{wiki|docx|sheets|base|file|record}/{token}?sheet=&table=&view=&record=&language=zh|en&person=
                              → an HTML page; a block or a heading stands in the fragment, which the browser keeps
GET /sandbox/resources/{token}?person=   the bytes of a file or picture

With a `person`, what they may not open is refused (403), without its title; without one everything opens.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from feishu.sandbox.document_store import DocumentStore
from feishu.sandbox.rules.rights import may_open
from feishu.sandbox.server.viewer.docx import document_html
from feishu.sandbox.server.viewer.files import file_html, holds_pdf, serve_resource
from feishu.sandbox.server.viewer.frame import LANGUAGE, PERSON, RESOURCES, VIEWER, WORDS, Reader, address_of, page
from feishu.sandbox.server.viewer.grids import bitable_html, spreadsheet_html
from feishu.sandbox.world import World

_KINDS = {"sheets": "sheet", "base": "bitable", "docs": "doc", "mindnotes": "mindnote"}
"""How links name kinds that they do not call by their own names."""
_WITH_FRAME = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; frame-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class Found:
    """What a link points to: its kind, its token, its title, and the parameters that the link stands for."""

    kind: str
    token: str
    title: str
    implied: Mapping[str, str]


class Viewer:
    """Serves the pages."""

    def __init__(self, world: World, store: DocumentStore) -> None:
        self._world = world
        self._store = store

    def routes(self) -> list[Route]:
        """Starlette routes; every link of the platform leads to a page, if only to say that nothing is there."""
        return [
            Route(f"{VIEWER}/{{kind}}/{{token}}", self._document),
            Route(f"{VIEWER}/{{path:path}}", self._document),
            Route(f"{RESOURCES}/{{token}}", self._resource),
        ]

    async def _document(self, request: Request) -> Response:
        asked = dict(request.query_params)
        language, person = asked.pop(LANGUAGE, ""), asked.pop(PERSON, "")
        if language not in WORDS:
            language = "zh" if request.headers.get("accept-language", "").lower().startswith("zh") else "en"
        address = address_of(request.url.path.removeprefix(VIEWER), asked)
        given = request.path_params
        found = self._find(given.get("kind", ""), given.get("token", ""))
        if found is None:
            return self._said(Reader(language, asked, person), "missing", address, 404)
        reader = Reader(language, {**asked, **found.implied}, person)
        if self._is_closed(found.token, person):
            return self._said(reader, "closed", address, 403)
        html = page(reader, title=found.title, kind=found.kind, address=address, body=self._body(found, reader))
        return HTMLResponse(html, headers=self._policy(found))

    async def _resource(self, request: Request) -> Response:
        token = request.path_params["token"]
        if self._is_closed(token, request.query_params.get(PERSON, "")):
            return Response("no permission", 403, media_type="text/plain")
        return serve_resource(self._store.resources.get(token))

    def _said(self, reader: Reader, what: str, address: str, status: int) -> Response:
        """A page that says why there is no document."""
        body, title = reader.notice(f"{what}_text"), WORDS[reader.language][what]
        return HTMLResponse(page(reader, title=title, kind="", address=address, body=body), status)

    def _is_closed(self, token: str, person: str) -> bool:
        """Whether a person may not open this. What documents have inside has no rights of its own."""
        if not person or self._store.object_of(token) is None:
            return False
        is_known = person in self._world.people
        return not (is_known and may_open(self._world, self._store, person, token).allowed)

    def _find(self, kind: str, token: str) -> Found | None:
        store = self._store
        if kind == "wiki":
            nodes = (each for each in store.nodes if each.node_token == token)
            return next((Found(each.obj_type, each.obj_token, each.title, {}) for each in nodes), None)
        if kind == "record":
            return self._record(token)
        if kind == "file" and token in store.resources:
            return Found("file", token, store.resources[token].name, {})
        known, title = store.titles.get(token, ("", ""))
        return Found(known, token, title, {}) if known and known == _KINDS.get(kind, kind) else None

    def _record(self, record_id: str) -> Found | None:
        for token, base in self._store.bases.items():
            for table in base.tables:
                if any(each == record_id for each, _ in table.records):
                    title = self._store.titles[token][1]
                    return Found("bitable", token, title, {"table": table.table_id, "record": record_id})
        return None

    def _body(self, found: Found, reader: Reader) -> str:
        store, token = self._store, found.token
        match found.kind:
            case "docx" if token in store.documents:
                names = {open_id: person.name for open_id, person in self._world.people.items()}
                return document_html(store, token, names, reader)
            case "sheet" if token in store.spreadsheets:
                return spreadsheet_html(store, token, reader)
            case "bitable" if token in store.bases:
                return bitable_html(store, token, reader)
            case "file" if token in store.resources:
                return file_html(token, store.resources[token], reader)
        return reader.notice("other")

    def _policy(self, found: Found) -> dict[str, str]:
        resource = self._store.resources.get(found.token) if found.kind == "file" else None
        return {"Content-Security-Policy": _WITH_FRAME} if resource and holds_pdf(resource) else {}
