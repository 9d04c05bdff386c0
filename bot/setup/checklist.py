"""What to tick in the developer console, for the settings as they are: scopes, events, callbacks, with their pages."""

from collections.abc import Iterator

from bot.permissions import CALLBACKS, EVENTS, FEATURES, Level, Subscription
from bot.settings import Settings
from bot.settings.console import NAMES, grant_page, page

PATH = "/feishu/webhook"
MENU = "help, new, sources, why, feedback, stop, forget"


def checklist(settings: Settings) -> Iterator[str]:
    """Line by line; the pages are this app's own."""
    feishu = settings.feishu
    yield f"1. {NAMES['bot']}: {page(feishu, 'bot')}"
    yield "   add the bot ability"
    yield f"2. {NAMES['auth']}"
    yield from _scopes(settings)
    yield from _range(settings)
    yield f"3. {NAMES['event']}: {page(feishu, 'event')}"
    yield from _transport(settings)
    yield "   events:"
    yield from map(_subscription, EVENTS)
    yield "   callbacks:"
    yield from map(_subscription, CALLBACKS)
    yield f"4. {NAMES['version']}: {page(feishu, 'version')}"
    yield "   create a version and release it: nothing of the above works before"
    yield f"   (the bot's menu has no API: make entries in {NAMES['bot']} whose events are named {MENU})"


def needed_scopes(settings: Settings) -> list[str]:
    """The least scopes of all features that are in use."""
    return [name for feature in FEATURES if feature.level(settings) != "may" for name in feature.least]


def _scopes(settings: Settings) -> Iterator[str]:
    yield f"   all that is needed at once: {grant_page(settings.feishu, needed_scopes(settings))}"
    titles: dict[Level, str] = {"must": "needed", "should": "recommended", "may": "only for what you want to use"}
    for level, title in titles.items():
        if features := [feature for feature in FEATURES if feature.level(settings) == level]:
            yield f"   {title}:"
            yield from (f"     {', '.join(feature.least)}  ({feature.name})" for feature in features)


def _range(settings: Settings) -> Iterator[str]:
    if settings.bot.access.rights == "mirror" and any(settings.links()):
        yield "   data permissions (数据权限) › contact range (通讯录权限范围): all members, or readers are not known"


def _transport(settings: Settings) -> Iterator[str]:
    feishu = settings.feishu
    if feishu.transport != "webhook":
        yield "   subscription mode, of events and of callbacks: long connection (长连接), saved while the bot runs"
        return
    address = f"{feishu.public_url or 'https://your-host'}{PATH}"
    yield "   Encryption Strategy (加密策略): the Encrypt Key that stands in .env, and its Verification Token into .env"
    yield f"   request URL, of events and of callbacks: {address}, saved while the bot runs"


def _subscription(subscription: Subscription) -> str:
    optional = "" if subscription.is_needed else ", optional"
    return f"     {subscription.name}  ({subscription.purpose}{optional})"
