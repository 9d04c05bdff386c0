"""What `serve` needs of the platform, and where in the developer console it is found."""

import os
from collections.abc import Mapping

from pydantic import SecretStr

from bot.errors import SettingsError
from bot.settings.console import console
from bot.settings.fields import variable_of
from bot.settings.models import Settings

_FOUND_IN = {
    "app_id": "Credentials & Basic Info (凭证与基础信息) › App ID",
    "app_secret": "Credentials & Basic Info (凭证与基础信息) › App Secret",
    "encrypt_key": "Events & Callbacks (事件与回调) › Encryption Strategy (加密策略) › Encrypt Key",
    "verification_token": "Events & Callbacks (事件与回调) › Encryption Strategy (加密策略) › Verification Token",
}

_WEBHOOK_ONLY = ("encrypt_key", "verification_token")


def require_platform(settings: Settings, *, environ: Mapping[str, str] | None = None) -> None:
    """Raises `SettingsError` with one line for each value without which no event can be verified and no call made.

    The webhook never starts without an Encrypt Key and a Verification Token: unsigned events prove nothing. Over the
    long connection, which the bot opens itself and TLS protects, nothing is signed or encrypted.
    """
    names = os.environ if environ is None else environ
    problems = []
    is_webhook = settings.feishu.transport == "webhook"
    if settings.feishu.legacy_card_callback and not is_webhook:
        fix = "take it out, and subscribe card.action.trigger in the console"
        what = "has no effect with feishu.transport: websocket, which carries no callbacks of the old kind"
        problems.append(SettingsError("feishu.legacy_card_callback", "", fix, what=what))
    for name, page in _FOUND_IN.items():
        if name in _WEBHOOK_ONLY and not is_webhook:
            continue
        value = getattr(settings.feishu, name)
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if not text.strip():
            problems.append(_missing(name, page, console(settings.feishu), names))
    if problems:
        raise SettingsError.joined(problems)


def _missing(name: str, page: str, apps: str, environ: Mapping[str, str]) -> SettingsError:
    variable = variable_of(("feishu", name))
    slip = variable.replace("__", "_")
    hint = f" ({slip} is set, but the name has two underscores after FEISHU)" if environ.get(slip) else ""
    return SettingsError(f"feishu.{name}", "", f"set {variable}{hint}; {apps} › your app › {page}", what="is missing")
