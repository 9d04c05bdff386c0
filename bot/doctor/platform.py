"""Real calls to the open platform: is the app known, is the secret right, is the bot switched on?"""

import contextlib
from typing import TYPE_CHECKING

from bot.doctor.findings import Finding, State
from bot.observability.clock_offset import TOLERATED_S, sentence
from bot.settings import Settings
from bot.settings.people import PeopleSettings
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

if TYPE_CHECKING:
    from feishu.api.client import BotIdentity

LONGEST_CALL_S = 5.0
MUCH_S = 3_600.0
GROUP_SCOPE = "im:message.group_msg"

_CREDENTIALS = (
    "the App Secret is wrong, or the app is disabled: copy FEISHU__APP_SECRET again from Credentials & Basic Info "
    "(凭证与基础信息), and see in the admin console that the app is enabled"
)
# Meanings: open.feishu.cn/document api-call-guide, generic error codes.
_FIXES = {
    10003: "the App ID is not known: compare FEISHU__APP_ID with Credentials & Basic Info (凭证与基础信息)",
    10014: _CREDENTIALS,
    10015: _CREDENTIALS,
    99991401: "this machine's address is not allowed: add it in the console, Security Settings (安全设置) › IP list",
    99991403: "the tenant's monthly quota of API calls is used up: see the admin console, or wait for the next month",
    99991672: "a scope is missing: add it in the console, Permissions & Scopes (权限管理), then release a version",
    99991673: "the app is not available in this tenant: release a version and have it approved",
}


async def check_platform(settings: Settings) -> list[Finding]:
    """Token and bot, by the calls that the running bot makes first."""
    feishu = settings.feishu
    if not feishu.app_id or not feishu.app_secret.get_secret_value():
        return [Finding("token", "warn", "not asked for: App ID or App Secret is not set", "see settings above")]
    from feishu.api.client import FeishuClient

    client = FeishuClient(feishu.model_copy(update={"timeout_s": min(feishu.timeout_s, LONGEST_CALL_S)}))
    try:
        bot = await client.bot_identity()
        found = [Finding("token", "ok", f"{feishu.base_url} knows {feishu.app_id}"), _bot_finding(bot)]
        if client.ahead_s is not None:
            found.append(_clock_finding(client.ahead_s))
        with contextlib.suppress(FeishuError):  # an old app may not read its own scopes
            found.append(_groups_finding(await client.granted_scopes(), settings.bot.people))
        return found
    except FeishuError as error:
        return _refused(error, feishu.base_url)
    finally:
        await client.aclose()


def _clock_finding(ahead_s: float) -> Finding:
    """A clock that is a day wrong refuses every event; one that is minutes wrong shows wrong times."""
    if abs(ahead_s) < TOLERATED_S:
        return Finding("clock", "ok", sentence(ahead_s))
    state: State = "fail" if abs(ahead_s) >= MUCH_S else "warn"
    return Finding("clock", state, sentence(ahead_s), "set this machine's clock, and keep it so by NTP")


def _groups_finding(scopes: frozenset[str], people: PeopleSettings) -> Finding:
    """Follow-ups without a mention, silent mode and owners' replies need all messages of a group."""
    if GROUP_SCOPE in scopes:
        return Finding("group messages", "ok", f"{GROUP_SCOPE} is granted: replies need no mention")
    found = f"without {GROUP_SCOPE}, follow-ups and owners' replies in groups are heard only with a mention"
    if not (people.silent_chats or people.owners):
        return Finding("group messages", "ok", found)
    fix = f"add {GROUP_SCOPE} in the console, Permissions & Scopes (权限管理), then release a version"
    return Finding("group messages", "warn", f"{found}; silent chats never", fix)


def _bot_finding(bot: "BotIdentity") -> Finding:
    if not bot.activated:
        fix = "add the bot ability (添加应用能力 › 机器人) in the console, create a version and release it"
        return Finding("bot", "fail", f"{bot.app_name or 'the bot'} ({bot.open_id}) is not switched on", fix)
    return Finding("bot", "ok", f"{bot.app_name} ({bot.open_id})")


def _refused(error: FeishuError, base_url: str) -> list[Finding]:
    """Which of the two calls failed is told by the error's kind: credentials and network stop the first one."""
    detail, fix = str(error), _fix(error, base_url)
    if isinstance(error, ApiError) and not isinstance(error, CredentialsRejected) and _is_after_token(error):
        return [Finding("token", "ok", f"{base_url} gave a token"), Finding("bot", "fail", detail, fix)]
    return [Finding("token", "fail", detail, fix)]


def _is_after_token(error: ApiError) -> bool:
    return "token" not in error.endpoint


def _fix(error: FeishuError, base_url: str) -> str:
    if isinstance(error, ApiError):
        if error.code in _FIXES:
            return _FIXES[error.code]
        if isinstance(error, CredentialsRejected | TokenRejected):
            return "compare FEISHU__APP_ID and FEISHU__APP_SECRET with the console"
        if isinstance(error, RateLimited | ServerError):
            return "the platform is busy: try again in a minute"
        return "look the code up at https://open.feishu.cn/document (search for the code and the log id)"
    if isinstance(error, Unreachable | Timeout):
        return f"see that this machine reaches {base_url} (name resolution, firewall, HTTPS_PROXY)"
    if isinstance(error, TransportError):
        return f"see what answers in place of {base_url}: a proxy or a login page, perhaps"
    return "compare feishu.base_url and the credentials with the console"
