"""What `init` does at the platform: an app made by a link, and the commands in the client's `/` list."""

from collections.abc import Callable

from bot.permissions import CALLBACKS, EVENTS, FEATURES
from bot.settings import Settings
from bot.setup.checklist import needed_scopes
from bot.texts import EN, ZH
from feishu.api.client import FeishuClient
from feishu.api.registration import AppWishes, Registered, register_app
from feishu.api.slash_commands import SlashCommand, put_slash_commands
from feishu.clock import SystemClock
from feishu.errors import ApiError, FeishuError

COMMANDS = (
    SlashCommand("help", ZH.slash_help, EN.slash_help),
    SlashCommand("new", ZH.slash_new, EN.slash_new),
    SlashCommand("summary", ZH.slash_summary, EN.slash_summary),
    SlashCommand("sources", ZH.slash_sources, EN.slash_sources),
    SlashCommand("why", ZH.slash_why, EN.slash_why),
    SlashCommand("feedback", ZH.slash_feedback, EN.slash_feedback),
    SlashCommand("stop", ZH.slash_stop, EN.slash_stop),
    SlashCommand("forget", ZH.slash_forget, EN.slash_forget),
)
SCOPE_MISSING = 99991672
NAME = "知识库助手"


async def register_commands(client: FeishuClient, _settings: Settings) -> str:
    """A sentence about what became of them. Never raises: the commands work typed, too."""
    try:
        done = await put_slash_commands(client, COMMANDS)
    except ApiError as error:
        if error.code == SCOPE_MISSING:
            return "not in the / list: the scopes application:app_slash_command:read and :write are not granted"
        return f"not in the / list: {error}"
    except FeishuError as error:
        return f"not in the / list: {error}"
    new = [f"/{name}" for name, what in done.items() if what != "kept"]
    return f"in the / list: {', '.join(new)} (clients show them after some minutes)" if new else "in the / list already"


async def scanned_app(settings: Settings, show: Callable[[str, float], None]) -> Registered:
    """The new app, with all that the settings need and the scopes of slash commands. Raises `FeishuError`."""
    commands = next(feature.least for feature in FEATURES if feature.name == "slash commands")
    scopes = [*needed_scopes(settings), *commands]
    asked = AppWishes(NAME, scopes, [event.name for event in EVENTS], [callback.name for callback in CALLBACKS])
    return await register_app(settings.feishu.accounts_url, asked, show, SystemClock())
