"""What is in force, key by key, with where each value comes from; secrets are told as set or not."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

from bot.settings.fields import Leaf, Place, leaves
from bot.settings.models import Settings
from bot.settings.secrets import passwords_in

HIDDEN = "•••"
DEFAULT = "default"
PROGRAM = "program"
"""Neither written anywhere nor the default: the program that built the settings (the demo) chose it."""
ANCHORED = frozenset({"rag.knowledge", "rag.index_dir", "rag.embedding.model", "bot.database_url"})
"""Made absolute when settings are loaded, so that they differ from the default without being given."""


@dataclass(frozen=True, slots=True)
class EffectiveSetting:
    """One setting. `value` is text: JSON for lists and mappings, `HIDDEN` for a secret that is set, "" for nothing.
    `origin` is a file's line, a variable, `DEFAULT` or `PROGRAM`."""

    key: str
    value: str
    origin: str
    variable: str
    description: str


def effective(settings: Settings) -> list[EffectiveSetting]:
    """All settings in the order of the files."""
    return [_told(leaf, settings) for leaf in leaves(Settings)]


def _told(leaf: Leaf, settings: Settings) -> EffectiveSetting:
    value = _value(settings, leaf.path)
    text = HIDDEN if leaf.is_secret and _is_set(value) else _text(value)
    return EffectiveSetting(leaf.key, text, _origin(leaf, value, settings), leaf.variable, leaf.field.description or "")


def _value(settings: BaseModel, path: Place) -> Any:
    found: Any = settings
    for name in path:
        found = getattr(found, name)
    return found


def _origin(leaf: Leaf, value: Any, settings: Settings) -> str:
    """Of a list or mapping the first line that stands in it."""
    given = settings.origins.get(leaf.path) or next(
        (origin for place, origin in settings.origins.items() if place[: len(leaf.path)] == leaf.path), ""
    )
    if given:
        return given
    return DEFAULT if leaf.key in ANCHORED or value == leaf.default else PROGRAM


def _is_set(value: Any) -> bool:
    return bool(value.get_secret_value()) if isinstance(value, SecretStr) else bool(value)


def _text(value: Any) -> str:
    if value is None or value in ("", SecretStr("")):
        return ""
    if isinstance(value, str | Path):
        return _without_passwords(str(value))
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return {name: getattr(value, name) for name in type(value).model_fields}
    return HIDDEN if isinstance(value, SecretStr) else str(value)


def _without_passwords(text: str) -> str:
    for password in passwords_in(text):
        text = text.replace(password, HIDDEN)
    return text
