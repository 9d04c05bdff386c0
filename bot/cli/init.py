"""`feishu-rag init`: from an App ID to settings that serve, and a list of what to tick in the console."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import typer
from pydantic import SecretStr, ValidationError

from bot.doctor.calls import fix_of, hurried_client
from bot.errors import BotError
from bot.observability.logs import configure_logs
from bot.settings import Settings, load_settings
from bot.settings.console import NAMES, page
from bot.settings.fields import Place, variable_of
from bot.setup.app import register_commands, scanned_app
from bot.setup.checklist import checklist
from bot.setup.files import set_keys, set_variables
from feishu.errors import CredentialsRejected, FeishuError
from feishu.settings import FeishuSettings

ENV_FILE, CONFIG_FILE = Path(".env"), Path("config.yaml")
PLATFORMS = {"feishu": "https://open.feishu.cn", "lark": "https://open.larksuite.com"}
TRIES = 3
EXAMINED_S = 20.0
_SECRETS = ("app_secret", "encrypt_key", "verification_token")


class NotSetUp(BotError):
    """What is missing, or what the platform says against it. Nothing was written."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was given on the command line; "" is not given. `asks`: whether somebody is there to be asked."""

    app_id: str = ""
    platform: str = ""
    transport: str = ""
    public_url: str = ""
    model_url: str = ""
    model: str = ""
    config: Path | None = None
    scan: bool = False
    asks: bool = False
    offline: bool = False
    given: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Variables that came by standard input."""


async def run_init(wishes: Wishes) -> None:
    """Asks, checks, writes, lists, and ends with the doctor's findings. Raises `SettingsError`, `NotSetUp`."""
    configure_logs("CRITICAL")
    settings = load_settings(wishes.config)
    if wishes.scan:
        settings = await _scanned(settings, wishes)
    feishu = _completed(settings.feishu, wishes)
    if not wishes.offline:
        feishu = await _checked(settings, feishu, wishes)
    _write(settings, feishu, wishes)
    settings = load_settings(wishes.config)
    if not wishes.offline:
        async with hurried_client(settings) as client:
            if client is not None:
                typer.echo(f"commands: {await register_commands(client, settings)}")
    typer.echo("\nTo tick in the console:\n")
    for line in checklist(settings):
        typer.echo(line)
    await _told_by_the_doctor(settings)


async def _scanned(settings: Settings, wishes: Wishes) -> Settings:
    """The settings with an app that was made by a link; its credentials are written at once, since they come once.
    Raises `NotSetUp`."""

    def show(link: str, lives_s: float) -> None:
        typer.echo(f"Open this link, or show it to your phone as a QR code, within {lives_s / 60:.0f} minutes:\n{link}")

    base_url = PLATFORMS.get(wishes.platform, settings.feishu.base_url)
    feishu = _valid(settings.feishu, {"base_url": base_url, "transport": wishes.transport or settings.feishu.transport})
    try:
        made = await scanned_app(Settings(feishu=feishu, rag=settings.rag, bot=settings.bot), show)
    except FeishuError as error:
        raise NotSetUp(f"no app was made: {error}") from None
    set_variables(ENV_FILE, {"FEISHU__APP_ID": made.app_id, "FEISHU__APP_SECRET": made.app_secret})
    if made.is_lark:
        set_keys(wishes.config or CONFIG_FILE, {("feishu", "base_url"): PLATFORMS["lark"]})
    typer.echo(f"{made.app_id} is made; {ENV_FILE} has its id and secret")
    return load_settings(wishes.config)


def variables_in(text: str) -> dict[str, str]:
    """What came by standard input: lines of NAME=value, or the App Secret alone."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if len(lines) == 1 and "=" not in lines[0]:
        return {"FEISHU__APP_SECRET": lines[0]}
    pairs = (line.partition("=") for line in lines)
    return {name.strip(): value.strip().strip("'\"") for name, _, value in pairs}


def _completed(feishu: FeishuSettings, wishes: Wishes) -> FeishuSettings:
    """With all that the transport needs: given, known already, or asked for. Raises `NotSetUp`."""
    values: dict[str, Any] = {
        "base_url": PLATFORMS.get(wishes.platform, feishu.base_url),
        "transport": wishes.transport or feishu.transport,
        "public_url": wishes.public_url or feishu.public_url,
    }
    feishu = _valid(feishu, values)
    app_id = wishes.app_id or wishes.given.get("FEISHU__APP_ID", "") or feishu.app_id
    feishu = _valid(feishu, {"app_id": app_id or _asked("App ID (cli_…)", "--app-id or FEISHU__APP_ID", wishes)})
    where = f"{NAMES['baseinfo']}: {page(feishu, 'baseinfo')}"
    found: dict[str, Any] = {"app_secret": _secret("app_secret", feishu, wishes, f"App Secret, from {where}")}
    if feishu.transport == "webhook":
        where = f"{NAMES['event']}: {page(feishu, 'event')}"
        found["encrypt_key"] = _known("encrypt_key", feishu, wishes) or secrets.token_urlsafe(24)
        words = f"Verification Token, from Encryption Strategy (加密策略) in {where}"
        found["verification_token"] = _secret("verification_token", feishu, wishes, words)
        if wishes.asks and not feishu.public_url:
            words = "Address at which the platform reaches the bot, like https://bot.example.com (empty: later)"
            found["public_url"] = typer.prompt(words, default="", show_default=False).strip()
    return _valid(feishu, found)


def _known(name: str, feishu: FeishuSettings, wishes: Wishes) -> str:
    """A secret that was given or is in the settings already; "" otherwise."""
    value: SecretStr = getattr(feishu, name)
    return wishes.given.get(variable_of(("feishu", name)), "") or value.get_secret_value()


def _secret(name: str, feishu: FeishuSettings, wishes: Wishes, words: str) -> str:
    variable = variable_of(("feishu", name))
    return _known(name, feishu, wishes) or _asked(words, variable, wishes, hide=True)


def _asked(words: str, source: str, wishes: Wishes, *, hide: bool = False) -> str:
    """By a prompt, without an echo for secrets. Raises `NotSetUp` where nobody is there to answer."""
    if not wishes.asks:
        raise NotSetUp(f"{words.split(',')[0]} is missing; give it by {source}, or run feishu-rag init in a terminal")
    answer = ""
    while not answer:
        answer = typer.prompt(words, hide_input=hide).strip()
    return answer


def _valid(feishu: FeishuSettings, values: Mapping[str, Any]) -> FeishuSettings:
    """The same settings with other values, checked. Raises `NotSetUp` with a sentence."""
    try:
        return FeishuSettings.model_validate({**feishu.model_dump(), **values})
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        said = str(problem.get("ctx", {}).get("error", "")) or problem["msg"]
        raise NotSetUp(f"feishu.{'.'.join(map(str, problem['loc']))} {said}") from None


async def _checked(settings: Settings, feishu: FeishuSettings, wishes: Wishes) -> FeishuSettings:
    """Credentials that the platform takes; asked for again where it does not. Raises `NotSetUp`."""
    for left in reversed(range(TRIES if wishes.asks else 1)):
        tried = Settings(feishu=feishu, rag=settings.rag, bot=settings.bot)
        try:
            async with hurried_client(tried) as client:
                bot = await client.bot_identity() if client else None
        except FeishuError as error:
            sentence = f"{error}; {fix_of(error, feishu)}"
            if not isinstance(error, CredentialsRejected):
                raise NotSetUp(f"{sentence} (or --offline writes the files without asking the platform)") from None
            if not left:
                raise NotSetUp(sentence) from None
            typer.secho(sentence, fg=typer.colors.RED, err=True)
            asked = {"app_id": typer.prompt("App ID", default=feishu.app_id)}
            feishu = _valid(feishu, {**asked, "app_secret": typer.prompt("App Secret", hide_input=True)})
        else:
            typer.echo(f"{feishu.base_url} knows {feishu.app_id}: {bot.app_name if bot else ''}")
            return feishu
    return feishu


def _write(settings: Settings, feishu: FeishuSettings, wishes: Wishes) -> None:
    """`.env` for the app and its secrets, `config.yaml` for what differs from the defaults; says what is new."""
    variables = {"FEISHU__APP_ID": feishu.app_id}
    for name in _SECRETS:
        if value := getattr(feishu, name).get_secret_value():
            variables[variable_of(("feishu", name))] = value
    ours = {name: value for name, value in wishes.given.items() if name.upper().startswith(("RAG__", "BOT__"))}
    new = set_variables(ENV_FILE, {**variables, **ours, **_models(wishes)})
    keys = _differing(settings, feishu)
    config = wishes.config or CONFIG_FILE
    changed = set_keys(config, keys)
    typer.echo(f"{ENV_FILE}: {', '.join(new) or 'nothing new'} (readable by you alone)")
    typer.echo(f"{config}: {', '.join(changed) or 'nothing differs from the defaults or what it says already'}")
    _warn_of_overriding(variables)
    if not any(folder.exists() for folder in settings.rag.knowledge) and not settings.rag.links:
        folder = settings.rag.knowledge[0] if settings.rag.knowledge else Path("knowledge")
        folder.mkdir(parents=True, exist_ok=True)
        typer.echo(f"{folder}: made; put your documents there")


def _models(wishes: Wishes) -> dict[str, str]:
    given = {"RAG__LLM__BASE_URL": wishes.model_url, "RAG__LLM__MODEL": wishes.model}
    return {name: value for name, value in given.items() if value}


def _differing(settings: Settings, feishu: FeishuSettings) -> dict[Place, str]:
    """Keys of `config.yaml` whose value is not what the settings come to now."""
    names = ("base_url", "transport", "public_url")
    return {
        ("feishu", name): value for name in names if (value := getattr(feishu, name)) != getattr(settings.feishu, name)
    }


def _warn_of_overriding(variables: Mapping[str, str]) -> None:
    """The environment wins over `.env`."""
    for name, value in variables.items():
        if os.environ.get(name, value) != value:
            words = f"the environment variable {name} has another value, and wins over .env: unset it"
            typer.secho(words, fg=typer.colors.YELLOW, err=True)


async def _told_by_the_doctor(settings: Settings) -> None:
    from bot.cli.doctor import print_findings
    from bot.doctor import examine

    typer.echo("\nfeishu-rag doctor:")
    findings = await examine(settings, limit_s=EXAMINED_S)
    print_findings(findings)
    has_index = any(finding.name == "index" and finding.state == "ok" for finding in findings)
    typer.echo(f"Next: {'' if has_index else 'feishu-rag ingest, then '}feishu-rag serve")
