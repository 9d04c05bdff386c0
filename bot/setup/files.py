"""`.env` and `config.yaml` with some values set and everything else as it was: order, comments, other keys."""

import contextlib
import json
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

import yaml

from bot.errors import SettingsError
from bot.settings.fields import Place
from bot.settings.files import read_env_file, read_yaml

_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+=,-]*")
_ASSIGNED = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=")
INDENT = "  "


def set_variables(path: Path, values: Mapping[str, str]) -> list[str]:
    """Sets variables of an `.env` file, which is made (for this user only) where there is none; gives the names whose
    value is new. A file in which nothing changes is left alone, but for its permissions. Raises `SettingsError`."""
    before = {variable.name: variable.value for variable in read_env_file(path)}
    changed = {name: value for name, value in values.items() if before.get(name) != value}
    if changed:
        lines = path.read_text("utf-8").splitlines() if path.is_file() else []
        kept = [line for line in lines if not _assigns(line, changed)]
        _write(path, [*kept, *(f"{name}={_quoted(value)}" for name, value in changed.items())])
    elif path.is_file():
        with contextlib.suppress(OSError):
            path.chmod(0o600)
    return list(changed)


def _assigns(line: str, names: Mapping[str, str]) -> bool:
    match = _ASSIGNED.match(line)
    return match is not None and match.group(1) in names


def _quoted(value: str) -> str:
    """As python-dotenv reads it back."""
    if _PLAIN.fullmatch(value):
        return value
    return "'{}'".format(value.replace("\\", "\\\\").replace("'", "\\'"))


def set_keys(path: Path, values: Mapping[Place, str]) -> list[str]:
    """Sets keys of `config.yaml` that have another value there; gives their dotted names. The rest of the file stays
    letter by letter. Raises `SettingsError`, also for a file written in a way that cannot be changed like this."""
    written = read_yaml(path) if path.is_file() else None
    changed = {place: value for place, value in values.items() if written is None or _at(written.tree, place) != value}
    if not changed:
        return []
    lines = path.read_text("utf-8-sig").splitlines() if path.is_file() else []
    for place, value in changed.items():
        _set_key(lines, place, value)
    if not _says(lines, changed):
        keys = ", ".join(f"{'.'.join(place)}: {value}" for place, value in changed.items())
        raise SettingsError(
            "", path.name, f"write this into it yourself: {keys}", what="cannot be changed by a program"
        )
    _write(path, lines, private=False)
    return [".".join(place) for place in changed]


def _says(lines: list[str], values: Mapping[Place, str]) -> bool:
    """Whether the text is read as these values: a section may be written in a way that a line does not change."""
    try:
        tree = yaml.safe_load("\n".join(lines))
    except yaml.YAMLError:
        return False
    return all(_at(tree, place) == value for place, value in values.items())


def _at(tree: object, place: Place) -> object:
    for name in place:
        tree = tree.get(name) if isinstance(tree, dict) else None
    return tree


def _set_key(lines: list[str], place: Place, value: str) -> None:
    """In the section that is there, or in a new one at the end."""
    start, end = 0, len(lines)
    for depth, name in enumerate(place[:-1]):
        at = _line_of(lines, start, end, depth, name)
        if at is None:
            lines[end:end] = [f"{INDENT * depth}{name}:"]
            at = end
        start, end = at + 1, _end_of(lines, at, depth)
    depth = len(place) - 1
    line = f"{INDENT * depth}{place[-1]}: {json.dumps(value, ensure_ascii=False)}"
    at = _line_of(lines, start, end, depth, place[-1])
    if at is None:
        lines.insert(start, line)
    else:
        lines[at] = line


def _line_of(lines: list[str], start: int, end: int, depth: int, name: str) -> int | None:
    wanted = re.compile(rf"{INDENT * depth}{re.escape(name)}:(\s|$)")
    return next((at for at in range(start, end) if wanted.match(lines[at])), None)


def _end_of(lines: list[str], at: int, depth: int) -> int:
    """The line after the section that begins at `at`."""
    inner = INDENT * (depth + 1)
    for following in range(at + 1, len(lines)):
        line = lines[following]
        if line.strip() and not line.startswith((inner, "#")):
            return following
    return len(lines)


def _write(path: Path, lines: list[str], *, private: bool = True) -> None:
    """Whole or not at all; for this user only where it holds secrets. Raises `SettingsError`."""
    mode = 0o600 if private or not path.is_file() else path.stat().st_mode & 0o777
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write("\n".join(lines) + "\n")
            os.chmod(draft, mode)
            os.replace(draft, path)
        except BaseException:
            os.unlink(draft)
            raise
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SettingsError("", str(path), "let this user write there", what=f"cannot be written: {reason}") from None
