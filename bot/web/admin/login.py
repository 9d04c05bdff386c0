"""Login to /admin with Feishu: state and PKCE verifier in a signed cookie, tenant and open id checked at the end."""

import secrets

import structlog
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bot.handlers.http import json_response
from bot.settings import BotSettings
from bot.web.admin.session import LOGIN, LOGIN_S, PATH, Sessions, same
from bot.web.client_address import block_of, client_address
from bot.web.errors import Refused
from bot.web.failed_attempts import FailedAttempts
from feishu.api.oauth import Login
from feishu.clock import Clock
from feishu.errors import FeishuError

log = structlog.get_logger(__name__)

CALLBACK = "/admin/login/callback"
LONGEST_LOGIN_S = 60.0
"""Shorter than for keys: people who share an address with somebody who fails on purpose wait as well."""


def add_login(app: FastAPI, login: Login, sessions: Sessions, settings: BotSettings, *, clock: Clock) -> None:
    """`GET /admin/login`, its callback, and `POST /admin/logout`."""
    redirect_uri = f"{settings.web_url}{CALLBACK}"
    attempts = FailedAttempts("login", clock=clock, longest_s=LONGEST_LOGIN_S)

    async def begin(_request: Request) -> Response:
        if not settings.has_login:
            raise Refused(
                404, "NotFound", "Login with Feishu is not set up.", "Set bot.web_url, bot.admins and bot.admin_tenant."
            )
        state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        address = login.authorize_url(redirect_uri=redirect_uri, state=state, verifier=verifier)
        response = RedirectResponse(address, 302)
        sessions.set(response, LOGIN, {"state": state, "verifier": verifier}, LOGIN_S)
        return response

    async def end(request: Request) -> Response:
        address = block_of(client_address(request, settings.proxies))
        attempts.check(address)
        trouble, response = await finish(request)
        if trouble:
            attempts.failed(address)
        return response

    async def finish(request: Request) -> tuple[str, Response]:
        begun = sessions.read(request, LOGIN)
        state, code = request.query_params.get("state", ""), request.query_params.get("code", "")
        if begun is None or not same(str(begun["state"]), state):
            return _back(sessions, "state")
        if not code:
            return _back(sessions, "denied")
        try:
            person = await login.person(code=code, redirect_uri=redirect_uri, verifier=str(begun["verifier"]))
        except FeishuError as error:
            log.warning("admin_login_failed", reason=str(error))
            return _back(sessions, "platform")
        if person.tenant_key != settings.admin_tenant or person.open_id not in settings.admins:
            log.warning("admin_login_refused", open_id=person.open_id)
            return _back(sessions, "stranger")
        trouble, response = _back(sessions, "")
        csrf = secrets.token_urlsafe(24)
        await sessions.open(response, {"open_id": person.open_id, "name": person.name, "csrf": csrf})
        log.info("admin_logged_in", open_id=person.open_id)
        return trouble, response

    async def leave(request: Request) -> Response:
        await sessions.admin(request, settings, writes=True)
        response = json_response({"ok": True})
        await sessions.close(request, response)
        return response

    app.add_route("/admin/login", begin, methods=["GET"])
    app.add_route(CALLBACK, end, methods=["GET"])
    app.add_route("/admin/logout", leave, methods=["POST"])


def _back(sessions: Sessions, trouble: str) -> tuple[str, Response]:
    """What went wrong, if anything, and the way to the page, which says so."""
    response = RedirectResponse(f"{PATH}?login={trouble}" if trouble else PATH, 302)
    sessions.drop(response, LOGIN)
    return trouble, response
