"""Calls to the platform as the doctor makes them: each once, soon over, and what a failure means."""

import contextlib
import urllib.request
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bot.settings import Settings
from bot.settings.console import NAMES, page
from feishu.errors import (
    ApiError,
    CredentialsRejected,
    FeishuError,
    RateLimited,
    ServerError,
    Timeout,
    TokenRejected,
    TransportError,
    Unreachable,
)
from feishu.settings import FeishuSettings, is_loopback

if TYPE_CHECKING:
    from feishu.api.client import FeishuClient

LONGEST_CALL_S = 2.8
SCOPE_MISSING = 99991672
RELEASE = "then create a version and release it"


@contextlib.asynccontextmanager
async def hurried_client(settings: Settings, call_s: float = LONGEST_CALL_S) -> AsyncIterator["FeishuClient | None"]:
    """A client that tries each call once, for at most so long; None without credentials."""
    from feishu.api.client import FeishuClient

    feishu = settings.feishu
    if not feishu.app_id or not feishu.app_secret.get_secret_value():
        yield None
        return
    hurried = feishu.model_copy(update={"timeout_s": min(feishu.timeout_s, call_s)})
    client = FeishuClient(hurried, retries=False)
    try:
        yield client
    finally:
        await client.aclose()


def fix_of(error: FeishuError, feishu: FeishuSettings) -> str:
    """What to do about a call that failed. Meanings of codes: open.feishu.cn/document api-call-guide, generic codes."""
    if isinstance(error, ApiError):
        return _fix_of_code(error, feishu)
    if isinstance(error, Unreachable | Timeout):
        if proxy := _proxy(feishu.base_url):
            return (
                f"it goes through the proxy {proxy} (HTTPS_PROXY): see that this runs and lets it through, or unset it"
            )
        return f"see that this machine reaches {feishu.base_url} (name resolution, firewall, HTTPS_PROXY)"
    if isinstance(error, TransportError):
        return f"see what answers in place of {feishu.base_url}: a proxy or a login page, perhaps"
    return "compare feishu.base_url and the credentials with the console"


def _fix_of_code(error: ApiError, feishu: FeishuSettings) -> str:
    where = f"{NAMES['baseinfo']}: {page(feishu, 'baseinfo')}"
    wrong_secret = (
        f"the App Secret is wrong, or the app is disabled: copy FEISHU__APP_SECRET again from {where}, and see in the "
        "admin console that the app is enabled"
    )
    fixes = {
        10003: f"the App ID is not known: compare FEISHU__APP_ID with {where}; a Lark app needs feishu.base_url: "
        "https://open.larksuite.com",
        10014: wrong_secret,
        10015: wrong_secret,
        99991401: f"this machine's address is not allowed: add it to the IP list in {NAMES['safe']}: "
        f"{page(feishu, 'safe')}",
        99991403: "the tenant's monthly quota of API calls is used up: see the admin console, or wait for next month",
        SCOPE_MISSING: f"a scope is missing: add it in {NAMES['auth']}: {page(feishu, 'auth')}, {RELEASE}",
        99991673: f"the app is not available in this tenant: release a version and have it approved: "
        f"{page(feishu, 'version')}",
    }
    if error.code in fixes:
        return fixes[error.code]
    if isinstance(error, CredentialsRejected | TokenRejected):
        return f"compare FEISHU__APP_ID and FEISHU__APP_SECRET with {where}"
    if isinstance(error, RateLimited | ServerError):
        return "the platform is busy: try again in a minute"
    return "look the code up at https://open.feishu.cn/document (search for the code and the log id)"


def _proxy(base_url: str) -> str:
    """Host and port of the proxy that calls go through, without user and password; "" without one."""
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    if is_loopback(base_url) or urllib.request.proxy_bypass(host):
        return ""
    proxy = urlsplit(urllib.request.getproxies().get(parts.scheme, ""))
    return f"{proxy.hostname}:{proxy.port}" if proxy.hostname and proxy.port else proxy.hostname or ""
