"""What never reaches a log line: secrets, and the words people write. A structlog step, applied last to every line."""

import dataclasses
import json
import re
from collections.abc import Iterable, Mapping, MutableMapping
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel, SecretStr

MASK = "***"
DEEPEST = 6
MOST_ITEMS = 50
LONGEST_CHARS = 8_000

_SECRET_NAME = re.compile(
    r"secret|token|passw|authorization|encrypt|credential|cookie|signature|api_?key|(^|[_-])key(s|$)|^dsn$",
    re.IGNORECASE,
)
_COUNTED_NAME = re.compile(r"token|keys", re.IGNORECASE)
_TEXT_NAMES = frozenset(
    {"text", "question", "answer", "content", "body", "prompt", "snippet", "reasoning", "query", "delta", "history"}
    | {"passage", "passages", "form_value", "card", "messages", "payload", "title"}
)
_SHAPES = re.compile(
    r"(?P<scheme>\b(?:bearer|basic)\s+)[\w.~+/=:-]{6,}"  # an Authorization header
    r"|(?P<user>\b[a-z][\w+.-]*://[^\s/:@]*:)[^\s@]+(?=@)"  # an address with a password
    r"|(?P<named>(?:secret|passw\w*|api_?key|encrypt_key|(?:access|verification)_token)[\"']?\s*[:=]\s*[\"']?)[^\s\"',}&]{4,}"
    r"|\b(?:[tua]-[A-Za-z0-9_.-]{20,}|sk-[A-Za-z0-9_-]{12,})",  # platform tokens, model keys
    re.IGNORECASE,
)
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), 127, *range(128, 160)) if chr(code) not in "\n\t"}
_LINE_BREAKS = {**_CONTROLS, ord("\n"): "\\n", ord("\t"): "\\t", 0x2028: "\\u2028", 0x2029: "\\u2029"}


class Masking:
    """A structlog processor. `hide` adds secret values that are cut out of every string, exceptions included."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def hide(self, values: Iterable[str]) -> None:
        """Values are also found in their URL-, JSON- and repr-escaped forms."""
        for value in values:
            if value:
                self._known |= {value, quote(value, safe=""), quote(value), json.dumps(value)[1:-1], repr(value)[1:-1]}
        longest_first = sorted(self._known, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def __call__(self, _logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        masked = {self.scrub(str(name)): self.masked(str(name), value) for name, value in line.items()}
        if isinstance(trace := line.get("exception"), str):
            masked["exception"] = self.scrub(trace, one_line=False)
        line.clear()
        line.update(masked)
        return line

    def masked(self, name: str, value: Any, depth: int = 0) -> Any:
        """`value` as a line may show it under `name`: plain data only, nothing secret, no person's words."""
        if value is None or isinstance(value, bool):
            return value
        is_number = isinstance(value, int | float)
        if isinstance(value, SecretStr) or (
            _SECRET_NAME.search(name) and not (is_number and _COUNTED_NAME.search(name))  # first_token_s, tokens=12
        ):
            return MASK
        if is_number:
            return value
        if name.lower() in _TEXT_NAMES:
            return _size_of(value)
        if isinstance(value, str):
            return self.scrub(value)
        if depth >= DEEPEST:
            return f"<{type(value).__name__}>"
        return self._structure(name, value, depth + 1)

    def _structure(self, name: str, value: Any, depth: int) -> Any:
        if isinstance(value, Mapping):
            pairs = list(value.items())[:MOST_ITEMS]
            return {self.scrub(str(key)): self.masked(str(key), inner, depth) for key, inner in pairs}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.masked(name, inner, depth) for inner in list(value)[:MOST_ITEMS]]
        if isinstance(value, bytes | bytearray | memoryview):
            return f"<{len(value)} bytes>"
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            names = [field.name for field in dataclasses.fields(value) if field.repr]
            return {inner: self.masked(inner, getattr(value, inner, None), depth) for inner in names}
        if isinstance(value, BaseModel):
            return {inner: self.masked(inner, getattr(value, inner), depth) for inner in type(value).model_fields}
        return self.scrub(_words_of(value))

    def scrub(self, text: str, *, one_line: bool = True) -> str:
        """The text without known secrets, without what looks like one, and without what could forge a second line."""
        if self._pattern:
            text = self._pattern.sub(MASK, text)
        text = _SHAPES.sub(lambda found: f"{found['scheme'] or found['user'] or found['named'] or ''}{MASK}", text)
        if len(text) > LONGEST_CHARS:
            text = f"{text[: LONGEST_CHARS // 2]} … {text[-LONGEST_CHARS // 2 :]}"
        text = text.translate(_LINE_BREAKS if one_line else _CONTROLS)
        return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _size_of(value: Any) -> str:
    if isinstance(value, str):
        return f"<{len(value)} chars>"
    if isinstance(value, bytes | bytearray):
        return f"<{len(value)} bytes>"
    return f"<{len(value)} items>" if isinstance(value, list | tuple | Mapping) else f"<{type(value).__name__}>"


def _words_of(value: Any) -> str:
    try:
        if isinstance(value, BaseException):
            return f"{type(value).__name__}: {value}"
        return str(value) if isinstance(value, PurePath) else repr(value)
    except Exception:  # somebody's __repr__: a log line is no place to fail
        return f"<{type(value).__name__}>"
