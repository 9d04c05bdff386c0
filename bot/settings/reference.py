"""The written side of settings: `config.yaml`, `.env.example` and docs/configuration.md come out of the models.

`python -m bot.settings.reference` (`make docs`) writes the three files; a test compares them with the models.
"""

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from bot.settings.fields import Leaf, Place, leaves, sections
from bot.settings.models import Settings

_WIDTH = 118

_CONFIG_HEAD = """\
# Settings of the bot. Every key is here with its default; delete what you do not change.
# Environment variables win over a .env file, and that wins over this file: bot.port is BOT__PORT.
# Secrets never stand here: put them into .env (see .env.example) or the environment.
# Relative folders and files are seen from the folder of this file. More: docs/configuration.md
"""

_ENV_HEAD = """\
# Copy to .env and fill in. The environment wins over this file, and this file wins over config.yaml.
# An empty value counts as not set. Any key of config.yaml can be set here too: bot.port is BOT__PORT.
"""

_DOC_HEAD = """\
# Configuration

Settings come from three places; the later wins, key by key:

1. `config.yaml` in the current folder, or the file given with `--config`;
2. a `.env` file in the current folder;
3. environment variables.

**Names.** The variable of a key is its path in capitals with two underscores between the parts: `rag.llm.api_key` is
`RAG__LLM__API_KEY`. Lists are written as JSON (`["a", "b"]`) or with commas (`a, b`). An empty variable counts as not
set, and a key with nothing behind it means its default.

**Mistakes are told, not guessed around.** Unknown keys, and unknown variables that begin with `FEISHU__`, `RAG__` or
`BOT__`, are refused with the nearest known name; so are repeated keys, tabs, aliases and values of the wrong kind.
Problems are told together, each with its file and line or its variable. No message shows a value.

**Secrets** (marked below) and addresses that hold a password are refused in `config.yaml`, because that file gets
committed: set the variable, or put it into `.env`, which git ignores.

**Places.** Relative folders (`rag.knowledge`, `rag.index_dir`), a model folder (`rag.embedding.model`, when it begins
with `./` or `../` or is there) and the file of a `sqlite:///` address are seen from the folder of `config.yaml`,
whatever folder the bot is started in. Without a file they are seen from the current folder. `~` is your home folder.

**Two doors.** `bot.host` and `bot.port` are for the platform and may be public. `bot.web_host` and `bot.web_port` are
for people and tools; they stay on this machine until `bot.api_keys` is set.
"""

_BOUNDS = (("gt", ">"), ("ge", "≥"), ("lt", "<"), ("le", "≤"))


def config_yaml() -> str:
    """A file that holds every key, its meaning and its default; secrets as comments that name their variable."""
    lines = [_CONFIG_HEAD.rstrip()]
    by_place = {leaf.path: leaf for leaf in leaves(Settings)}
    known_sections = dict(sections(Settings))
    for place, model in known_sections.items():
        if place:
            indent = "  " * (len(place) - 1)
            lines += ["", f"{indent}# {_first_line(model.__doc__)}", f"{indent}{place[-1]}:"]
        for name in model.model_fields:
            if leaf := by_place.get((*place, name)):
                lines += _yaml_lines(leaf)
    return "\n".join(lines) + "\n"


def _yaml_lines(leaf: Leaf) -> list[str]:
    indent = "  " * (len(leaf.path) - 1)
    allowed = "" if leaf.field.annotation is bool else _allowed(leaf)
    comment = f"{leaf.field.description} ({allowed})" if allowed else f"{leaf.field.description}"
    if leaf.is_secret:
        return _comment(f"{leaf.path[-1]}: secret, only from {leaf.variable}. {leaf.field.description}", indent)
    return [*_comment(comment, indent), f"{indent}{leaf.path[-1]}: {_value(leaf.default)}"]


def env_example() -> str:
    """The secrets, and what else usually differs between machines."""
    lines = [_ENV_HEAD.rstrip(), ""]
    for leaf in leaves(Settings):
        if leaf.is_secret or leaf.key in ("feishu.app_id", "rag.llm.base_url", "rag.llm.model", "bot.database_url"):
            lines += [
                *_comment(f"{leaf.field.description}", ""),
                f"{'# ' if _is_optional(leaf) else ''}{leaf.variable}=",
                "",
            ]
    return "\n".join(lines).rstrip() + "\n"


def _is_optional(leaf: Leaf) -> bool:
    return leaf.path[0] != "feishu"


def configuration_markdown() -> str:
    """The page docs/configuration.md."""
    parts = [_DOC_HEAD]
    by_place: dict[Place, list[Leaf]] = {}
    for leaf in leaves(Settings):
        by_place.setdefault(leaf.path[:-1], []).append(leaf)
    for place, model in sections(Settings):
        if not place:
            continue
        parts.append(f"{'#' * (len(place) + 1)} `{'.'.join(place)}`\n\n{_first_line(model.__doc__)}\n")
        if rows := by_place.get(place):
            head = "| key | variable | default | allowed | meaning |\n|---|---|---|---|---|\n"
            parts.append(head + "\n".join(map(_row, rows)) + "\n")
    return "\n".join(parts)


def _row(leaf: Leaf) -> str:
    default = "" if leaf.is_secret else f"`{_value(leaf.default)}`"
    meaning = f"**Secret.** {leaf.field.description}" if leaf.is_secret else f"{leaf.field.description}"
    cells = (f"`{leaf.key}`", f"`{leaf.variable}`", default, _allowed(leaf), meaning)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _allowed(leaf: Leaf) -> str:
    annotation = leaf.field.annotation
    if get_origin(annotation) is Literal:
        return " | ".join(map(str, get_args(annotation)))
    return "true | false" if annotation is bool else ", ".join(_bounds(leaf))


def _bounds(leaf: Leaf) -> Iterator[str]:
    for name, sign in _BOUNDS:
        for item in leaf.field.metadata:
            if (bound := getattr(item, name, None)) is not None:
                yield f"{sign} {bound:g}"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value:g}" if abs(value) < 1e6 else str(value)
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        return json.dumps(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    text = value.as_posix() if isinstance(value, Path) else str(value)
    return json.dumps(text, ensure_ascii=False)


def _comment(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}#   ")


def _first_line(text: str | None) -> str:
    return (text or "").strip().splitlines()[0] if text else ""


def written_files() -> dict[str, str]:
    """Path from the root of the repository → content."""
    return {
        "config.yaml": config_yaml(),
        ".env.example": env_example(),
        "docs/configuration.md": configuration_markdown(),
    }


if __name__ == "__main__":
    for _path, _content in written_files().items():
        Path(_path).write_text(_content, "utf-8")
