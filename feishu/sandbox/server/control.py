"""The /sandbox API: what the page and tests use to be people, to look, and to inject faults.

POST   /sandbox/messages     {chat_id, sender, text, mention_bot?, mention?: [open_id], reply_to?, in_thread?,
                              kind?, content?}
                             → {message_id, delivered, why}
POST   /sandbox/clicks       {message_id, operator, element_id?|name?|value?|label?, form_value?, option?}
                             → {toast, error_code, why, opened}
POST   /sandbox/uploads      {owner, name, content_base64, media_type} → {key}; then a message of kind image or file
GET    /sandbox/uploads/{key}
POST   /sandbox/recalls      {message_id, operator}
POST   /sandbox/edits        {message_id, operator, text?, content?}
POST   /sandbox/forwards     {chat_id, sender, message_ids: [...]} → {message_id, delivered, why}
POST   /sandbox/reactions    {message_id, operator, emoji, remove?}
GET    /sandbox/state        people, bots, chats, messages (cards as shown), examples of both languages
GET    /sandbox/cards/{id}   one card entity with every accepted write
GET    /sandbox/log?since=&last=   inspector entries after that id, at most the last so many; count of rule violations
GET    /sandbox/stream       changes as server-sent events
POST   /sandbox/faults       the words of `faults.Fault`     DELETE /sandbox/faults
POST   /sandbox/clock        {advance_s}
POST   /sandbox/redeliver    {event_id}
POST   /sandbox/events       {app_id?, event_type, event}    any other event
POST   /sandbox/webhook      {url, app_id?, card_callback_url?}
POST   /sandbox/transport    {transport, app_id?}            webhook, or websocket while a client is connected
POST   /sandbox/secret       {app_secret, app_id?}           a new App Secret
GET    /sandbox/connections  the open long connections
POST   /sandbox/connections  {do: silent|dead|close|abort|garbage|lose_fragment, app_id?, times?} → {connections}
                             endpoint and handshake refuse by /sandbox/faults: `ws.endpoint`, `ws.handshake`
POST   /sandbox/verify-url   {url?, app_id?} → {ok, why}
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict
from typing import Any, get_args

import orjson
from sse_starlette import EventSourceResponse
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from feishu.sandbox.clients.clicks import Press, Unpressable
from feishu.sandbox.gateway import ConnectionFault
from feishu.sandbox.refusal import Impossible
from feishu.sandbox.sandbox import Sandbox
from feishu.sandbox.server.uploads import serve_upload, take_upload
from feishu.sandbox.settings import Transport
from feishu.sandbox.view import entity_view, state_view
from feishu.sandbox.world import App

Handler = Callable[[Request], Awaitable[Response]]


class BadRequest(ValueError):
    """The control call is not understood."""


class Control:
    """Serves /sandbox/…."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def routes(self) -> list[Route]:
        """Starlette routes."""
        post = {
            "messages": self._say,
            "clicks": self._click,
            "uploads": self._upload,
            "recalls": self._recall,
            "edits": self._edit,
            "forwards": self._forward,
            "reactions": self._react,
            "faults": self._plan_fault,
            "clock": self._advance,
            "redeliver": self._redeliver,
            "events": self._event,
            "webhook": self._webhook,
            "transport": self._transport,
            "secret": self._secret,
            "connections": self._break_connections,
            "verify-url": self._verify_url,
        }
        return [
            *(Route(f"/sandbox/{name}", guarded(handler), methods=["POST"]) for name, handler in post.items()),
            Route("/sandbox/faults", self._clear_faults, methods=["DELETE"]),
            Route("/sandbox/uploads/{key}", self._serve_upload),
            Route("/sandbox/state", self._state),
            Route("/sandbox/cards/{card_id}", self._entity),
            Route("/sandbox/log", self._log),
            Route("/sandbox/connections", self._connections, methods=["GET"]),
            Route("/sandbox/stream", self._stream),
        ]

    async def _say(self, body: dict[str, Any]) -> dict[str, Any]:
        known = {"chat_id", "sender", "text", "mention_bot", "mention", "reply_to", "in_thread", "kind", "content"}
        said = await self._sandbox.say(**only(body, known, ("chat_id", "sender")))
        return asdict(said)

    async def _forward(self, body: dict[str, Any]) -> dict[str, Any]:
        known = {"chat_id", "sender", "message_ids"}
        return asdict(await self._sandbox.forward(**only(body, known, ("chat_id", "sender"))))

    async def _edit(self, body: dict[str, Any]) -> dict[str, Any]:
        known = {"message_id", "operator", "text", "content"}
        self._sandbox.hands.edit(**only(body, known, ("message_id", "operator")))
        return {}

    async def _click(self, body: dict[str, Any]) -> dict[str, Any]:
        shown = await self._sandbox.click(**only(body, set(Press.__dataclass_fields__), ("message_id", "operator")))
        return shown.as_json()

    async def _upload(self, body: dict[str, Any]) -> dict[str, Any]:
        known = ("owner", "name", "content_base64", "media_type")
        return {"key": take_upload(self._sandbox.world, **only(body, set(known), known)).key}

    async def _serve_upload(self, request: Request) -> Response:
        return serve_upload(self._sandbox.world, request)

    async def _recall(self, body: dict[str, Any]) -> dict[str, Any]:
        self._sandbox.hands.recall(**only(body, {"message_id", "operator"}, ("message_id", "operator")))
        return {}

    async def _react(self, body: dict[str, Any]) -> dict[str, Any]:
        known = {"message_id", "operator", "emoji", "remove"}
        self._sandbox.hands.react(**only(body, known, ("message_id", "operator", "emoji")))
        return {}

    async def _plan_fault(self, body: dict[str, Any]) -> dict[str, Any]:
        self._sandbox.faults.plan(**body)
        return {}

    async def _clear_faults(self, _request: Request) -> Response:
        self._sandbox.faults.clear()
        return JSONResponse({})

    async def _advance(self, body: dict[str, Any]) -> dict[str, Any]:
        self._sandbox.advance(float(body["advance_s"]))
        return {"now": self._sandbox.world.now()}

    async def _redeliver(self, body: dict[str, Any]) -> dict[str, Any]:
        self._sandbox.push.again(body["event_id"])
        return {}

    async def _event(self, body: dict[str, Any]) -> dict[str, Any]:
        return {"event_id": self._sandbox.push.event(self._app(body), body["event_type"], body["event"])}

    async def _webhook(self, body: dict[str, Any]) -> dict[str, Any]:
        self._sandbox.set_webhook(
            body["url"], app_id=self._app(body).app_id, card_callback_url=body.get("card_callback_url")
        )
        return {}

    async def _transport(self, body: dict[str, Any]) -> dict[str, Any]:
        if body.get("transport") not in get_args(Transport):
            raise BadRequest(f"transport is one of {get_args(Transport)}")
        self._sandbox.set_transport(body["transport"], app_id=self._app(body).app_id)
        return {}

    async def _secret(self, body: dict[str, Any]) -> dict[str, Any]:
        self._sandbox.reset_secret(str(body["app_secret"]), app_id=self._app(body).app_id)
        return {}

    async def _connections(self, _request: Request) -> Response:
        found = self._sandbox.gateway.connections
        shown = [{"app_id": each.app.app_id, "device_id": each.device_id, "fault": each.fault} for each in found]
        return as_json({"connections": shown})

    async def _break_connections(self, body: dict[str, Any]) -> dict[str, Any]:
        gateway, how = self._sandbox.gateway, str(body.get("do"))
        if how == "lose_fragment":
            gateway.fragments_to_lose += int(body.get("times", 1))
            return {"connections": len(gateway.connections)}
        found: ConnectionFault | None = next((each for each in get_args(ConnectionFault) if each == how), None)
        if found is None:
            raise BadRequest(f"do is lose_fragment or one of {get_args(ConnectionFault)}")
        return {"connections": await gateway.break_connections(found, app=self._app(body))}

    async def _verify_url(self, body: dict[str, Any]) -> dict[str, Any]:
        app = self._app(body)
        failure = await self._sandbox.push.verify_url(app, body.get("url") or app.webhook_url or "")
        return {"ok": failure is None, "why": failure}

    async def _state(self, _request: Request) -> Response:
        return as_json(state_view(self._sandbox.world))

    async def _entity(self, request: Request) -> Response:
        entity = self._sandbox.world.entities.get(request.path_params["card_id"])
        return as_json(entity_view(entity)) if entity else JSONResponse({"error": "no such card"}, 404)

    async def _log(self, request: Request) -> Response:
        since = int(request.query_params.get("since", "0"))
        last = int(request.query_params.get("last", "1000000"))
        entries = [e.as_json() for e in self._sandbox.log if e.id > since][-last:]
        return as_json({"entries": entries, "violations": len(self._sandbox.violations)})

    async def _stream(self, _request: Request) -> Response:
        return EventSourceResponse(self._changes(), ping=15)

    async def _changes(self) -> AsyncIterator[dict[str, str]]:
        with self._sandbox.journal.listening() as queue:
            yield {"data": '{"type":"hello"}'}
            while (change := await queue.get()) is not None:
                yield {"data": orjson.dumps(change).decode()}

    def _app(self, body: dict[str, Any]) -> App:
        app_id = body.get("app_id") or next(iter(self._sandbox.world.apps))
        return self._sandbox.world.apps[app_id]


def guarded(handler: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]) -> Handler:
    """JSON in, JSON out; what is not understood is a 400 with the reason."""

    async def serve(request: Request) -> Response:
        try:
            body = orjson.loads(await request.body() or b"{}")
            if not isinstance(body, dict):
                raise BadRequest("a JSON object is expected")
            return as_json(await handler(body))
        except (ValueError, TypeError, KeyError) as error:
            known = isinstance(error, BadRequest | Impossible | Unpressable)
            return JSONResponse({"error": str(error) if known else f"{type(error).__name__}: {error}"}, 400)

    return serve


def only(body: dict[str, Any], known: set[str], required: tuple[str, ...]) -> dict[str, Any]:
    missing = [key for key in required if not isinstance(body.get(key), str)]
    unknown = sorted(body.keys() - known)
    if missing or unknown:
        raise BadRequest(f"missing: {missing}, unknown: {unknown}")
    return {key: tuple(value) if isinstance(value, list) else value for key, value in body.items()}


def as_json(value: Any) -> Response:
    return Response(orjson.dumps(value), media_type="application/json")
