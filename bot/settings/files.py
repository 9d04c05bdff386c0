"""Reads `config.yaml` and `.env` into values with the line each came from. Strict: a file is clear or refused."""

from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import yaml
from dotenv.parser import parse_stream

from bot.errors import SettingsError

MAX_FILE_BYTES = 1_048_576

Place = tuple[str, ...]


@dataclass(slots=True)
class YamlFile:
    """`tree` as written (sections are dicts), `lines` where each key stands (1 is the first line)."""

    tree: dict[str, Any] = field(default_factory=dict)
    lines: dict[Place, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of the environment or of an `.env` file."""

    name: str
    value: str
    source: str


def read_yaml(path: Path) -> YamlFile:
    """Raises `SettingsError` with the line for whatever is not a plain mapping of keys to values."""
    text = _read_text(path)
    result = YamlFile()
    try:
        loader = _Loader(text, path.name)
        node = loader.get_single_node()
        if node is None or _is_null(node):
            return result
        if not isinstance(node, yaml.MappingNode):
            raise _refusal(path, node.start_mark.line, "must hold keys with values", "start with feishu:, rag: or bot:")
        result.tree = _Reading(path, loader, result.lines).mapping(node, ())
    except RecursionError:
        raise SettingsError("", path.name, "write plain keys and values", what="is nested too deeply") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position)
        raise _refusal(path, line, "holds a character that YAML does not allow", "remove it") from None
    except yaml.MarkedYAMLError as error:
        raise _yaml_refusal(path, error) from None
    return result


def read_env_file(path: Path) -> list[Variable]:
    """The variables of a file of NAME=value lines; a file that is not there has none. Raises `SettingsError`."""
    if not path.is_file():
        return []
    found: dict[str, Variable] = {}
    for binding in parse_stream(StringIO(_read_text(path))):
        written = binding.original.string
        line = binding.original.line + written[: len(written) - len(written.lstrip())].count("\n")
        if binding.error:
            raise _refusal(path, line - 1, "is not NAME=value", "correct the line, or put # before it")
        if binding.key is not None and binding.value is not None:
            found[binding.key] = Variable(binding.key, binding.value, f"{path.name} line {line}")
    return list(found.values())


class _Loader(yaml.SafeLoader):
    """Safe YAML without aliases: nobody needs them here, and a few lines of them can fill the memory."""

    def __init__(self, text: str, name: str) -> None:
        super().__init__(text)
        self.name = name

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "an alias (*name) is not allowed", event.start_mark)
        return super().compose_node(parent, index)


@dataclass(frozen=True, slots=True)
class _Reading:
    """Turns nodes into values and remembers lines."""

    path: Path
    loader: _Loader
    lines: dict[Place, int]

    def mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line
            if not isinstance(key_node, yaml.ScalarNode):
                raise _refusal(self.path, line, "has a key that is not a name", "write name: value")
            name = key_node.value
            here = (*place, name)
            if name in result:
                first = self.lines[here]
                key = ".".join(here)
                raise _refusal(self.path, line, f"repeats line {first}", "keep one of the two", key=key)
            self.lines[here] = line + 1
            result[name] = self.value(value_node, here)
        return result

    def value(self, node: yaml.Node, place: Place) -> Any:
        if isinstance(node, yaml.MappingNode) and node.tag == "tag:yaml.org,2002:map":
            return self.mapping(node, place)
        try:
            return self.loader.construct_object(node, deep=True)
        except (ValueError, OverflowError):  # a date like 2026-13-45
            line, key = node.start_mark.line, ".".join(place)
            raise _refusal(
                self.path, line, "looks like a date or number but is none", "put it in quotes", key=key
            ) from None


def _read_text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            fix = "give the file with your settings"
            raise SettingsError("", path.name, fix, what=f"is larger than {MAX_FILE_BYTES:,} bytes")
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n")
        raise _refusal(path, line, "is not UTF-8", "save the file as UTF-8") from None
    except OSError as error:
        fix = "check the path and its permissions"
        raise SettingsError("", str(path), fix, what=f"cannot be read ({error.strerror or 'error'})") from None


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _refusal(path: Path, line: int, what: str, fix: str, *, key: str = "") -> SettingsError:
    return SettingsError(key, f"{path.name} line {line + 1}", fix, what=what)


def _yaml_refusal(path: Path, error: yaml.MarkedYAMLError) -> SettingsError:
    """Only PyYAML's own words, never its snippet of the file, which may show a secret."""
    mark = error.problem_mark or error.context_mark
    line = mark.line if mark else 0
    problem = (error.problem or "cannot be understood").splitlines()[0]
    if "'\\t'" in problem:
        return _refusal(path, line, "is indented with a tab", "use spaces")
    if "alias" in problem:
        return _refusal(path, line, "holds an alias (*name)", "write the value out")
    if "tag" in problem:
        return _refusal(path, line, "holds a tag (!name)", "write a plain value")
    if isinstance(error, yaml.composer.ComposerError):
        return _refusal(path, line, "starts a second document", "keep one document, without ---")
    return _refusal(path, line, "is not YAML", "compare its indentation, colons and quotes with docs/configuration.md")
