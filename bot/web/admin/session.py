"""Who is logged in to /admin: a signed cookie whose session is also in the store, so that it can be revoked."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from bot.repositories.admin_sessions import AdminSessions
from bot.settings import ApiKey, BotSettings
from bot.web.auth import LOCAL, caller_of
from bot.web.errors import Refused
from feishu.clock import Clock

SESSION, LOGIN = "feishu_rag_admin", "feishu_rag_login"
SESSION_S, LOGIN_S = 12 * 3600, 600
PATH = "/admin"
CSRF_HEADER = "X-CSRF-Token"


@dataclass(frozen=True, slots=True)
class Admin:
    """Somebody who may see /admin. `csrf` is what their page must send with every write."""

    name: str
    how: str
    csrf: str = ""
    open_id: str = ""

    @property
    def who(self) -> str:
        """What a record names them by."""
        return self.open_id or self.name


class Sessions:
    """Makes and reads the two cookies: a session, and a login under way."""

    def __init__(
        self, secret: str, kept: AdminSessions, *, keys: Sequence[ApiKey] = (), secure: bool, clock: Clock
    ) -> None:
        """`secret` must be the same on all replicas; without one, sessions end with the process. They also end when
        `keys` change: who withdraws a key wants nobody inside whom it may have let in."""
        known = "\0".join([secret or secrets.token_hex(32), *sorted(key.hash.get_secret_value() for key in keys)])
        self._key = hashlib.sha256(b"feishu-rag admin\0" + known.encode()).digest()
        self._kept = kept
        self._secure = secure
        self._clock = clock

    async def open(self, response: Response, body: dict[str, Any]) -> None:
        """A new session of somebody who has logged in. Raises `StoreError`."""
        session_id = secrets.token_urlsafe(24)
        await self._kept.open(session_id, self._clock.time() + SESSION_S)
        self.set(response, SESSION, {**body, "id": session_id}, SESSION_S)

    async def close(self, request: Request, response: Response) -> None:
        """Ends the request's session, also for copies of its cookie. Raises `StoreError`."""
        session = self.read(request, SESSION)
        if session is not None:
            await self._kept.close(str(session.get("id")))
        self.drop(response, SESSION)

    def set(self, response: Response, name: str, body: dict[str, Any], seconds: int) -> None:
        """Puts a signed cookie that runs out by itself."""
        payload = base64.urlsafe_b64encode(orjson.dumps({**body, "until": self._clock.time() + seconds})).decode()
        response.set_cookie(
            name,
            f"{payload}.{self._sign(name, payload)}",
            max_age=seconds,
            path=PATH,
            secure=self._secure,
            httponly=True,
            samesite="lax",  # the platform sends the browser back from its own site
        )

    def read(self, request: Request, name: str) -> dict[str, Any] | None:
        """What our own cookie says, if it is ours and has not run out."""
        payload, _, signature = request.cookies.get(name, "").partition(".")
        if not same(signature, self._sign(name, payload)):
            return None
        body = orjson.loads(base64.urlsafe_b64decode(payload))
        return body if isinstance(body, dict) and body.get("until", 0) > self._clock.time() else None

    def drop(self, response: Response, name: str) -> None:
        response.delete_cookie(name, path=PATH, secure=self._secure, httponly=True, samesite="lax")

    async def admin(self, request: Request, settings: BotSettings, *, writes: bool = False) -> Admin:
        """Who asks. Raises `Refused` (401, 403). A write out of a session must carry its CSRF token.

        This machine needs neither key nor login, unless a login is set up: then it is wanted here too.
        """
        caller = caller_of(request)
        if caller is not None and not (caller is LOCAL and settings.has_login):
            if not caller.is_admin:
                raise Refused(403, "Forbidden", "This caller may not open /admin.", 'Use a key with "admin": true.')
            return Admin(caller.name, "local" if caller is LOCAL else "key")
        session = self.read(request, SESSION)
        is_admin = session is not None and session.get("open_id") in settings.admins
        if session is None or not is_admin or not await self._kept.is_open(str(session.get("id"))):
            raise Refused(401, "Unauthorized", "/admin wants an API key or a login.", "Enter a key, or log in.")
        if writes and not same(str(session["csrf"]), request.headers.get(CSRF_HEADER, "")):
            raise Refused(403, "Forbidden", "The request does not come from the page.", "Load the page again.")
        return Admin(str(session["name"]), "feishu", str(session["csrf"]), str(session["open_id"]))

    def _sign(self, name: str, payload: str) -> str:
        return hmac.new(self._key, f"{name}\0{payload}".encode(), hashlib.sha256).hexdigest()


def same(one: str, other: str) -> bool:
    """Constant-time comparison of any two texts, also of what a header may hold."""
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))
