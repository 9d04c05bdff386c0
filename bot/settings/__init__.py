"""The one place that reads configuration: `config.yaml` at the bottom, `.env` over it, the environment on top.

`load_settings` returns one frozen value with three sections that belong to the three packages, or raises one
`SettingsError` with a sentence for each problem. This reader is frozen, too: a new setting is a field of a settings
model with its description, not another source, order of precedence or kind of file.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import EnvSettingsSource

from bot.errors import SettingsError
from bot.settings.access import known_collections, unknown_in
from bot.settings.checks import LEAVES, place_of, variable_problems, yaml_problems
from bot.settings.fields import SEPARATOR, Place
from bot.settings.files import Variable, YamlFile, read_env_file, read_yaml
from bot.settings.models import ApiKey, BotSettings, Settings
from bot.settings.places import anchored
from bot.settings.platform import require_platform
from bot.settings.problems import sentence_of
from bot.settings.secrets import secret_values

__all__ = ["ApiKey", "BotSettings", "Settings", "load_settings", "require_platform", "secret_values"]

DEFAULT_FILE = Path("config.yaml")
DEFAULT_ENV_FILE = Path(".env")
PREFIXES = tuple(f"{name.upper()}{SEPARATOR}" for name in Settings.model_fields)


def load_settings(
    path: Path | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    env_file: Path | None = DEFAULT_ENV_FILE,
) -> Settings:
    """Reads and checks all settings; raises `SettingsError` with every problem found.

    `path` must exist when given; without it `config.yaml` of the current folder is read if it is there. An empty
    variable counts as not set. Relative folders and the SQLite file are taken from the folder of `config.yaml`.
    """
    if path is not None and not path.is_file():
        raise SettingsError("", str(path), "check --config", what="is not a file")
    file = path or DEFAULT_FILE
    written = read_yaml(file) if file.is_file() else YamlFile()
    variables = _variables(os.environ if environ is None else environ, env_file)
    problems = [*yaml_problems(written, file.name), *variable_problems(variables)]
    if problems:
        raise SettingsError.joined(problems)
    tree = _merged(_without_empty(written.tree), _environment_tree(variables))
    try:
        settings = Settings(**tree)
    except ValidationError as error:
        origins = _origins(written, file.name, variables)
        raise SettingsError.joined([_problem(dict(item), origins) for item in _errors(error)]) from None
    settings.origins.update(_origins(written, file.name, variables))
    if unknown := _unknown_collections(settings, settings.origins):
        raise SettingsError.joined(unknown)
    return anchored(settings, file.absolute().parent)


def _errors(error: ValidationError) -> list[Any]:
    """Without `input`: it may be a secret."""
    return error.errors(include_url=False, include_input=False)


def _variables(environ: Mapping[str, str], env_file: Path | None) -> list[Variable]:
    """Ours only, `.env` first and the environment after it, so that the later one wins."""
    from_file = read_env_file(env_file) if env_file else []
    from_environment = (Variable(name, value, f"environment variable {name}") for name, value in environ.items())
    ours = (v for v in (*from_file, *from_environment) if v.name.upper().startswith(PREFIXES))
    stripped = (Variable(v.name, v.value.strip(), v.source) for v in ours)
    return [variable for variable in stripped if variable.value]


class _Environment(EnvSettingsSource):
    """pydantic-settings' reading of nested variables; a list may also be written with commas."""

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        if isinstance(value, str) and not value.lstrip().startswith(("[", "{")):
            return [item.strip() for item in value.split(",") if item.strip()]
        try:
            return json.loads(value)
        except ValueError:
            return value  # refused by the model with a sentence that names the variable


def _environment_tree(variables: list[Variable]) -> dict[str, Any]:
    source = _Environment(Settings)
    source.env_vars = {variable.name.lower(): variable.value for variable in variables}
    return source()


def _without_empty(tree: dict[str, Any]) -> dict[str, Any]:
    """A key with nothing behind it means its default."""
    kept = {name: _without_empty(value) if isinstance(value, dict) else value for name, value in tree.items()}
    return {name: value for name, value in kept.items() if value is not None}


def _merged(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    result = dict(under)
    for name, value in over.items():
        below = result.get(name)
        result[name] = _merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return result


def _origins(written: YamlFile, file: str, variables: list[Variable]) -> dict[Place, str]:
    origins = {place: f"{file} line {line}" for place, line in written.lines.items()}
    return origins | {place_of(variable): variable.source for variable in variables}


def _unknown_collections(settings: Settings, origins: dict[Place, str]) -> list[SettingsError]:
    """Rules that name collections that there are not, or rules without any collections: they would do nothing."""
    known = ", ".join(known_collections(settings.rag))
    problems = []
    for setting in ("chats", "people"):
        if getattr(settings.bot.access, setting) and not settings.rag.collections:
            place = ("bot", "access", setting)
            what = "has rules, but there are no collections, so that everybody sees everything"
            fix = "set rag.collections, or take the rules out"
            problems.append(SettingsError(".".join(place), origins.get(place, "default"), fix, what=what))
    if problems:
        return problems
    for setting, whose, name in unknown_in(settings.bot.access, settings.rag):
        place = ("bot", "access", setting)
        source = origins.get((*place, whose), origins.get(place, "default"))
        what = f"names {name}, which is no collection"
        problems.append(SettingsError(".".join((*place, whose)), source, f"rag.collections has: {known}", what=what))
    return problems


def _problem(error: dict[str, Any], origins: dict[Place, str]) -> SettingsError:
    """The place may be deeper than the setting (an item of a list): the setting's own source is named."""
    place = tuple(str(part) for part in error["loc"])
    setting = next((place[:end] for end in range(len(place), 0, -1) if place[:end] in LEAVES), place)
    what, fix = sentence_of(error)
    return SettingsError(".".join(place), origins.get(setting, "default"), fix, what=what)
