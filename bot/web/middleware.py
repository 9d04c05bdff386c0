"""What every request on the web door passes: a log line, limits on its body, and compression of what is large."""

import asyncio
import secrets
import time
from typing import Any

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.observability.metrics import Metrics
from bot.web.errors import Refused

log = structlog.get_logger(__name__)

MAX_BODY_BYTES = 1_048_576
BODY_S = 30.0
GZIP_FROM_BYTES = 2_048
QUIET = frozenset({"/static", "/health", "/ready", "/metrics"})


class RequestLog:
    """One line a request: method, route, status, seconds, caller. Its id is in all lines inside, and in the reply."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id, started_at, status = secrets.token_hex(8), time.monotonic(), 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("Referrer-Policy", "no-referrer")
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, noted)
            finally:
                self._tell(scope, status, time.monotonic() - started_at)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        route = route_of(scope)
        self._metrics.web_request(route, scope["method"], status, seconds)
        caller = scope.get("state", {}).get("caller")
        tell = log.debug if route in QUIET and status < 400 else log.info
        tell(
            "request",
            method=scope["method"],
            route=route,
            status=status,
            seconds=round(seconds, 4),
            caller=caller.name if caller else "",
        )


def route_of(scope: Scope) -> str:
    """The pattern of the address, never the address: it may hold what people wrote."""
    route: Any = scope.get("route")
    if (pattern := getattr(route, "path", None)) is not None:
        return str(pattern)
    return "/static" if scope["path"].startswith("/static/") else "none"


class BodyLimit:
    """Reads the body before the app does: at most 1 MB (413) within half a minute (408)."""

    def __init__(self, app: ASGIApp, *, seconds: float = BODY_S) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self._app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(self._seconds):
                body = await _read(Headers(scope=scope), receive)
        except TimeoutError:
            body = Refused(408, "Timeout", "The body did not arrive in time.", "Send it again.")
        if body is None:
            return  # the client left
        if isinstance(body, Refused):
            response = body.response()
            response.headers["Connection"] = "close"
            await response(scope, receive, send)
            return
        first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replayed() -> Message:
            return first.pop() if first else await receive()

        await self._app(scope, replayed, send)


async def _read(headers: Headers, receive: Receive) -> bytes | Refused | None:
    too_large = Refused(413, "TooLarge", f"The body exceeds {MAX_BODY_BYTES} bytes.", "Send less at a time.")
    declared = headers.get("content-length", "")
    if declared.isdecimal() and (len(declared) > 18 or int(declared) > MAX_BODY_BYTES):
        return too_large
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            return too_large
        if not message.get("more_body", False):
            return bytes(body)


class PlainGZip(GZipMiddleware):
    """Compresses whole responses; what is streamed is left alone, because compression would hold it back."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(app, minimum_size=GZIP_FROM_BYTES, compresslevel=5)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if path.endswith(("/stream", "/chat/batch", "/chat/completions", "/regenerate", "/file", "/mcp")):
            await self.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)
