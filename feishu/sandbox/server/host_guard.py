"""Who may talk to the sandbox server: loopback names only, and no other site's page on /sandbox/*."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost", "::1")
SECURITY_HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        b"font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
)


class HostGuard:
    """ASGI middleware: DNS rebinding is stopped by the Host header, foreign pages by Origin and Sec-Fetch-Site. A
    response that has a policy of its own (a PDF in a frame) keeps it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        reason = self._refusal(scope)

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = list(message.get("headers", ()))
                named = {name for name, _ in given}
                added = [header for header in SECURITY_HEADERS if header[0] not in named]
                message = {**message, "headers": [*given, *added]}
            await send(message)

        serve = JSONResponse({"error": reason}, 403) if reason else self._app
        await serve(scope, receive, send_guarded)

    def _refusal(self, scope: Scope) -> str | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if urlsplit(f"//{host}").hostname not in LOOPBACK:
            return "the sandbox is only served under a loopback name"
        if scope["path"].startswith("/sandbox/") and scope["method"] not in ("GET", "HEAD"):
            origin = headers.get("origin")
            if origin is not None and origin != f"http://{host}":
                return "foreign origin"
            if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
                return "foreign site"
        return None
