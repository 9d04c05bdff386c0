"""An app of its own for the bot, made by a link that somebody opens or scans in their Feishu."""

from collections.abc import Callable

from bot.permissions import CALLBACKS, EVENTS, FEATURES
from bot.settings import Settings
from bot.setup.checklist import needed_scopes
from feishu.api.registration import Asked, Registered, register_app
from feishu.clock import SystemClock

NAME = "知识库助手"


async def scanned_app(settings: Settings, show: Callable[[str, float], None]) -> Registered:
    """The new app, with all that the settings need and the scopes of slash commands. Raises `FeishuError`."""
    commands = next(feature.least for feature in FEATURES if feature.name == "slash commands")
    scopes = [*needed_scopes(settings), *commands]
    asked = Asked(NAME, scopes, [event.name for event in EVENTS], [callback.name for callback in CALLBACKS])
    return await register_app(settings.feishu.accounts_url, asked, show, SystemClock())
