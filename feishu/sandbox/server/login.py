"""OAuth login as one of the people: the authorize page (v1), the token (v3, v2; with PKCE), who it is (user_info)."""

import base64
import hashlib
import html
import secrets
from dataclasses import dataclass
from urllib.parse import urlencode

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from feishu.sandbox.clock import SandboxClock
from feishu.sandbox.world import World

CODE_S = 300.0
TOKEN_S = 7200.0
PREFIX = "/open-apis/authen"


@dataclass(frozen=True, slots=True)
class _Grant:
    app_id: str
    open_id: str
    redirect_uri: str
    challenge: str
    until: float


class Login:
    """Codes and user tokens. A code works once, for five minutes, with its own redirect address and verifier."""

    def __init__(self, world: World, clock: SandboxClock) -> None:
        self._world = world
        self._clock = clock
        self._codes: dict[str, _Grant] = {}
        self._tokens: dict[str, tuple[str, float]] = {}

    def routes(self) -> list[Route]:
        return [
            Route(f"{PREFIX}/v1/authorize", self._authorize, methods=["GET"]),
            Route(f"{PREFIX}/v2/oauth/token", self._token, methods=["POST"]),
            Route("/oauth/v3/token", self._token_v3, methods=["POST"]),
            Route(f"{PREFIX}/v1/user_info", self._user_info, methods=["GET"]),
        ]

    async def _authorize(self, request: Request) -> Response:
        """Everybody is asked who they are; `sandbox_person` answers at once."""
        query = request.query_params
        redirect_uri, chosen = query.get("redirect_uri", ""), query.get("sandbox_person", "")
        if query.get("client_id") not in self._world.apps or query.get("response_type") != "code" or not redirect_uri:
            return HTMLResponse("<p>client_id, response_type or redirect_uri is wrong (20029)</p>", 400)
        if chosen not in self._world.people:
            return HTMLResponse(self._page(request))
        code = secrets.token_urlsafe(32)
        until = self._clock.time() + CODE_S
        self._codes[code] = _Grant(query["client_id"], chosen, redirect_uri, query.get("code_challenge", ""), until)
        back = urlencode({"code": code, "state": query.get("state", "")})
        return RedirectResponse(f"{redirect_uri}{'&' if '?' in redirect_uri else '?'}{back}", 302)

    def _page(self, request: Request) -> str:
        links = "".join(
            f'<li><a href="?{html.escape(str(request.url.query))}&amp;sandbox_person={html.escape(open_id)}">'
            f"{html.escape(person.name)}</a></li>"
            for open_id, person in self._world.people.items()
        )
        head = '<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>登录 (sandbox)</title>'
        head += '<link rel="icon" href="data:,">'
        return f"{head}<h1>以谁的身份登录？</h1><ul>{links}</ul></html>"

    async def _token_v3(self, request: Request) -> Response:
        """As v2, but a verifier without a challenge is refused."""
        return await self._token(request, is_strict=True)

    async def _token(self, request: Request, *, is_strict: bool = False) -> Response:
        try:
            asked = orjson.loads(await request.body())
        except ValueError:
            asked = None
        if not isinstance(asked, dict) or asked.get("grant_type") != "authorization_code":
            return _refused(20036, "The specified grant_type is not supported.")
        app = self._world.apps.get(str(asked.get("client_id")))
        if app is None or app.settings.app_secret != asked.get("client_secret"):
            return _refused(20002, "The client secret is invalid.")
        grant = self._codes.pop(str(asked.get("code")), None)
        if grant is None or grant.app_id != app.app_id:
            return _refused(20003, "The authorization code is invalid or used.")
        if grant.until < self._clock.time():
            return _refused(20004, "The authorization code has expired.")
        if grant.redirect_uri != asked.get("redirect_uri"):
            return _refused(20071, "redirect_uri does not match.")
        if is_strict and not grant.challenge and asked.get("code_verifier"):
            return _refused(20049, "PKCE verification failed.")
        if grant.challenge and grant.challenge != _challenge(str(asked.get("code_verifier", ""))):
            return _refused(20049, "PKCE verification failed.")
        token = "u-" + secrets.token_urlsafe(600)  # real ones are 1 to 2 KB
        self._tokens[token] = (grant.open_id, self._clock.time() + TOKEN_S)
        return JSONResponse(
            {"code": 0, "access_token": token, "expires_in": int(TOKEN_S), "token_type": "Bearer", "scope": ""}
        )

    async def _user_info(self, request: Request) -> Response:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        open_id, until = self._tokens.get(token, ("", 0.0))
        if until < self._clock.time():
            return _refused(99991668, "Invalid access token for authorization.")
        person = self._world.people[open_id]
        told = {"open_id": open_id, "union_id": person.union_id, "name": person.name, "tenant_key": person.tenant_key}
        return JSONResponse({"code": 0, "msg": "success", "data": told})


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _refused(code: int, message: str) -> Response:
    return JSONResponse({"code": code, "msg": message, "error_description": message}, 400)
