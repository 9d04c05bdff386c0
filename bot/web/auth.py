"""The web door's lock: without API keys it answers this machine's own browser and programs, and nobody else.

A page of another site must not be able to use it through somebody's browser, so Host, Origin and Sec-Fetch-Site are
checked (DNS rebinding, cross-site requests), and whatever was forwarded by a proxy is refused: a proxy would open the
door. With keys, the pages themselves (which hold nothing) are given to everybody, and everything else asks for a key.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.connections import Network
from bot.settings import ApiKey
from bot.web.client_address import block_of, client_address
from bot.web.errors import Refused
from bot.web.failed_attempts import FailedAttempts
from feishu.clock import Clock

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "::1")
FORWARDING_HEADERS = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")
PAGES = frozenset({"/", "/docs", "/redoc", "/openapi.json", "/favicon.ico"})
OWN_LOCK = "/admin"
"""Addresses that check for themselves who comes: a key or a session."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. `collections` None means all of them; `rate_per_min` 0 means no limit. `person`, an open id, is whose
    own key it is: then it is the name, too, so that what is asked with the key is theirs."""

    name: str
    collections: frozenset[str] | None = None
    is_admin: bool = False
    rate_per_min: int = 0
    person: str = ""


LOCAL = Caller("local", is_admin=True)
LISTED_SITE = Caller("site")
"""A page of a site in `cors_origins`, in a browser of this machine: it may ask, and see nothing of /admin."""


def caller_of(request: Request) -> Caller | None:
    """The caller that the guard let in; None on pages that need none."""
    caller: Caller | None = getattr(request.state, "caller", None)
    return caller


class WebGuard:
    """ASGI middleware that refuses, or names the caller in `request.state.caller`."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        keys: Sequence[ApiKey] = (),
        origins: Sequence[str] = (),
        proxies: Sequence[Network] = (),
        clock: Clock | None = None,
    ) -> None:
        self._app = app
        self._proxies = proxies
        self._attempts = FailedAttempts("API key", clock=clock)
        self._keys = [(key.hash.get_secret_value(), _caller(key)) for key in keys]
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            return
        if scope["type"] == "http":
            try:
                scope.setdefault("state", {})["caller"] = self.admit(Request(scope))
            except Refused as refused:
                await refused.response()(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def admit(self, request: Request) -> Caller | None:
        """The caller; None where the address needs none. Raises `Refused`."""
        if not self._keys:
            return self._check_local(request)
        caller = self._bearer(request)
        path = request.url.path
        is_open = path in PAGES or path.startswith(("/static/", f"{OWN_LOCK}/")) or path == OWN_LOCK
        if caller is None and not is_open:
            raise Refused(
                401,
                "Unauthorized",
                "This door wants an API key.",
                "Send the header 'Authorization: Bearer KEY' with one of the configured API keys.",
            )
        return caller

    def _bearer(self, request: Request) -> Caller | None:
        """The caller whose key is offered. Raises `Refused` (429) where too many wrong ones came before."""
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            return None
        offered = hashlib.sha256(key.strip().encode("utf-8", "surrogatepass")).hexdigest()
        address = block_of(client_address(request, self._proxies))
        self._attempts.check(address, offered)
        matches = [caller for known, caller in self._keys if hmac.compare_digest(offered, known)]
        if not matches:
            self._attempts.failed(address)
            return None
        self._attempts.proved(address, offered)
        return matches[0]

    def _check_local(self, request: Request) -> Caller:
        """Who of this machine asks: its own programs and pages, or a page of a listed site. Raises `Refused`."""
        headers = request.headers
        if any(header in headers for header in FORWARDING_HEADERS):
            raise _forbidden("This door has no API keys and refuses forwarded requests.", "Set BOT__API_KEYS first.")
        if host_name(headers.get("host", "")) not in LOOPBACK_NAMES:
            raise _forbidden("This door has no API keys and answers only to this machine.", "Use 127.0.0.1.")
        origin = headers.get("origin")
        own = (f"http://{headers['host']}", f"https://{headers['host']}")
        if origin is not None:
            if origin in own:
                return LOCAL
            if origin in self._origins:
                return LISTED_SITE
            raise _forbidden("Requests from other sites are refused.", "List the site in BOT__CORS_ORIGINS.")
        if headers.get("sec-fetch-site") in ("cross-site", "same-site"):
            opens_page = headers.get("sec-fetch-mode") == "navigate" and (
                request.url.path in PAGES or request.url.path.startswith(OWN_LOCK)
            )
            if not opens_page:
                raise _forbidden("Requests from other sites are refused.", "List the site in BOT__CORS_ORIGINS.")
        return LOCAL


def host_name(host: str) -> str:
    """The name in a Host header or an origin's authority, without port and brackets, lower case."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


def _caller(key: ApiKey) -> Caller:
    collections = None if key.collections is None else frozenset(key.collections)
    return Caller(key.person or key.name, collections, key.admin, key.rate_per_min, key.person)


def _forbidden(message: str, what_to_do: str) -> Refused:
    return Refused(403, "Forbidden", message, what_to_do)
