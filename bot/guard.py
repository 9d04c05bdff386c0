"""The web door's lock: without API keys it answers this machine's own browser and programs, and nobody else.

A page of another site must not be able to use it through somebody's browser, so Host and Origin are checked (DNS
rebinding, cross-site requests), and whatever was forwarded by a proxy is refused: a proxy would open the door.
"""

import hashlib
import hmac
from collections.abc import Sequence

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.routes import json_response

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "::1")
FORWARDING_HEADERS = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")


def host_name(host: str) -> str:
    """The name in a Host header or an origin's authority, without port and brackets, lower case."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


def refusal(request: Request, key_hashes: Sequence[str]) -> tuple[int, str] | None:
    """Why the web door does not serve this request, as (status, what to do); None when it does."""
    if key_hashes:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        offered = hashlib.sha256(key.strip().encode("utf-8", "surrogateescape")).hexdigest()
        matches = [hmac.compare_digest(offered, known) for known in key_hashes]
        if scheme.lower() != "bearer" or not any(matches):
            return 401, "send the header 'Authorization: Bearer KEY' with one of the configured API keys"
        return None
    if any(header in request.headers for header in FORWARDING_HEADERS):
        return (
            403,
            "this door has no API keys and refuses forwarded requests; set BOT__API_KEYS to put it behind a proxy",
        )
    if host_name(request.headers.get("host", "")) not in LOOPBACK_NAMES:
        return 403, "this door has no API keys and answers only to 127.0.0.1 or localhost"
    origin = request.headers.get("origin")
    if origin is not None and origin not in (f"http://{request.headers['host']}", f"https://{request.headers['host']}"):
        return 403, "requests from other sites are refused"
    return None


class WebGuard:
    """ASGI middleware that asks `refusal` before anything else."""

    def __init__(self, app: ASGIApp, key_hashes: Sequence[str] = ()) -> None:
        self._app = app
        self._key_hashes = tuple(key_hashes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            refused = refusal(Request(scope), self._key_hashes)
            if refused is not None:
                status, what_to_do = refused
                response = json_response({"error": {"type": "refused", "message": what_to_do}}, status)
                await response(scope, receive, send)
                return
        elif scope["type"] == "websocket":
            return
        await self._app(scope, receive, send)
