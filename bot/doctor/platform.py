"""Real calls to the open platform: is the app known, is the secret right, is the bot on, what may it do?"""

from typing import TYPE_CHECKING

from bot.doctor.calls import LONGEST_CALL_S, RELEASE, fix_of, hurried_client
from bot.doctor.findings import Finding, State
from bot.observability.clock_offset import TOLERATED_S, sentence
from bot.permissions import FEATURES
from bot.settings import Settings
from bot.settings.console import NAMES, grant_page, page
from feishu.errors import ApiError, CredentialsRejected, FeishuError
from feishu.settings import FeishuSettings

if TYPE_CHECKING:
    from feishu.api.client import BotIdentity, FeishuClient

MUCH_S = 3_600.0


async def check_platform(settings: Settings, *, call_s: float = LONGEST_CALL_S) -> list[Finding]:
    """Token, bot, clock and scopes, by the calls that the running bot makes first."""
    feishu = settings.feishu
    async with hurried_client(settings, call_s) as client:
        if client is None:
            return [Finding("token", "unknown", "not asked for: App ID or App Secret is not set", "see settings above")]
        try:
            bot = await client.bot_identity()
        except FeishuError as error:
            return [*_refused(error, feishu), *_clock(client.ahead_s)]
        found = [Finding("token", "ok", f"{feishu.base_url} knows {feishu.app_id}"), _bot_finding(bot, feishu)]
        return [*found, *_clock(client.ahead_s), *await _scopes(client, settings)]


def _clock(ahead_s: float | None) -> list[Finding]:
    """A clock that is a day wrong refuses every event; one that is minutes wrong shows wrong times."""
    if ahead_s is None:
        return []
    if abs(ahead_s) < TOLERATED_S:
        return [Finding("clock", "ok", sentence(ahead_s))]
    state: State = "fail" if abs(ahead_s) >= MUCH_S else "warn"
    return [Finding("clock", state, sentence(ahead_s), "set this machine's clock, and keep it so by NTP")]


async def _scopes(client: "FeishuClient", settings: Settings) -> list[Finding]:
    """One finding for each feature that lacks a scope."""
    feishu = settings.feishu
    try:
        granted = await client.granted_scopes()
    except FeishuError as error:
        fix = f"compare the list of feishu-rag init with {NAMES['auth']}: {page(feishu, 'auth')}"
        return [Finding("scopes", "unknown", f"not looked at: the platform does not tell them ({error})", fix)]
    found = []
    for feature in FEATURES:
        level, missing = feature.level(settings), feature.missing(granted)
        if missing and level != "may":
            state: State = "fail" if level == "must" else "warn"
            detail = f"{' and '.join(missing)}: not granted ({feature.name}); without it {feature.lost}"
            fix = f"grant it at {grant_page(feishu, missing)} {RELEASE} ({page(feishu, 'version')})"
            found.append(Finding("scopes", state, detail, fix))
    if not granted:
        least = [name for feature in FEATURES if feature.level(settings) != "may" for name in feature.least]
        fix = f"grant them at {grant_page(feishu, least)} {RELEASE} ({page(feishu, 'version')})"
        return [Finding("scopes", "fail", f"no scope at all is granted; {len(least)} are needed", fix)]
    return found or [Finding("scopes", "ok", f"all that the configured features need ({len(granted)} granted)")]


def _bot_finding(bot: "BotIdentity", feishu: FeishuSettings) -> Finding:
    if not bot.activated:
        fix = f"add the bot ability ({NAMES['bot']}: {page(feishu, 'bot')}), {RELEASE} ({page(feishu, 'version')})"
        return Finding("bot", "fail", f"{bot.app_name or 'the bot'} ({bot.open_id}) is not switched on", fix)
    return Finding("bot", "ok", f"{bot.app_name} ({bot.open_id})")


def _refused(error: FeishuError, feishu: FeishuSettings) -> list[Finding]:
    """Which of the two calls failed is told by the error's kind: credentials and network stop the first one. What was
    not reached is named."""
    detail, fix = str(error), fix_of(error, feishu)
    blind = Finding("scopes", "unknown", "not looked at: the call before it failed", "see above")
    if isinstance(error, ApiError) and not isinstance(error, CredentialsRejected) and "token" not in error.endpoint:
        return [Finding("token", "ok", f"{feishu.base_url} gave a token"), Finding("bot", "fail", detail, fix), blind]
    return [Finding("token", "fail", detail, fix), blind]
