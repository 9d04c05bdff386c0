"""Tokens, the bot itself, its scopes (authentication-management, bot-v3, application-v6)."""

import secrets
from typing import Any

from feishu.sandbox.refusal import Refused
from feishu.sandbox.rules.platform import Call, Platform
from feishu.sandbox.world import App, Token

RENEW_S = 1800.0


def tenant_token(platform: Platform, body: dict[str, Any]) -> dict[str, Any]:
    """POST /auth/v3/tenant_access_token/internal: the same token while 30 minutes are left, then a second one."""
    app = platform.world.apps.get(str(body.get("app_id")))
    if app is None:
        raise Refused(10003, "invalid param: app_id", "credentials")
    if body.get("app_secret") != app.settings.app_secret:
        raise Refused(10014, "app secret invalid", "credentials")
    now = platform.now()
    mine = [t for t in platform.world.tokens.values() if t.app_id == app.app_id and t.expires_at - now >= RENEW_S]
    token = mine[-1] if mine else Token("t-" + secrets.token_hex(16), app.app_id, now + platform.settings.token_life_s)
    platform.world.tokens[token.value] = token
    return {"tenant_access_token": token.value, "expire": int(token.expires_at - now)}


def authenticate(platform: Platform, authorization: str) -> App:
    """The app behind `Authorization: Bearer t-…`."""
    status = platform.settings.invalid_token_status
    scheme, _, value = authorization.partition(" ")
    if scheme != "Bearer" or not value:
        raise Refused(99991661, "Missing access token for authorization.", "token", status)
    if not value.startswith(("t-", "u-")):
        raise Refused(99991671, "Invalid access token format: must start with t- or u-", "token", status)
    token = platform.world.tokens.get(value)
    if token is None or token.expires_at <= platform.now():
        raise Refused(
            99991663, "Invalid access token for authorization. Please make a test with a valid token.", None, status
        )
    return platform.world.apps[token.app_id]


def revoke_tokens(platform: Platform, app_id: str | None = None) -> None:
    """Every token (of one app) stops being valid now."""
    for token in list(platform.world.tokens.values()):
        if app_id in (None, token.app_id):
            del platform.world.tokens[token.value]


def require_scope(app: App, any_of: tuple[str, ...]) -> None:
    """99991672 with the names of the scopes, unless the app has one of them."""
    if any_of and not app.scopes.intersection(any_of):
        names = ", ".join(any_of)
        raise Refused(99991672, f"Access denied. One of the following scopes is required: [{names}].", "scope")


def bot_info(platform: Platform, call: Call) -> dict[str, Any]:
    """GET /bot/v3/info; the key is `bot`, not `data`."""
    bot = {
        "activate_status": call.app.settings.activate_status,
        "app_name": call.app.name,
        "avatar_url": "",
        "ip_white_list": [],
        "open_id": call.app.open_id,
    }
    return {"bot": bot}


def scopes(platform: Platform, call: Call) -> dict[str, Any]:
    """GET /application/v6/scopes."""
    granted = [{"scope_name": name, "grant_status": 1, "scope_type": "tenant"} for name in sorted(call.app.scopes)]
    return {"data": {"scopes": granted}}
