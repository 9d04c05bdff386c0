"""Where secrets hide in settings: fields that are secrets, and passwords inside addresses."""

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, unquote

from pydantic import BaseModel, SecretStr

_ADDRESS = re.compile(r"\s*(?P<scheme>[A-Za-z][\w+.-]*)://(?P<rest>.*)", re.DOTALL)
_PASSWORD_PARAMETERS = frozenset({"password", "passwd", "pwd", "sslpassword", "api_key", "apikey", "token", "secret"})
_SHORTEST_BYTES = 6
"""A shorter password is not searched for in texts: "1" would be found everywhere."""


def holds_password(text: str) -> bool:
    """Whether a text is an address with a password in it."""
    return any(True for _ in passwords_in(text))


def passwords_in(text: str) -> Iterator[str]:
    """The passwords of an address (`scheme://user:password@host?password=…`), as written and decoded."""
    match = _ADDRESS.fullmatch(text)
    if not match:
        return
    scheme, rest = match["scheme"].lower(), match["rest"]
    if scheme != "sqlite":  # a file's name is no authority
        authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
        if "@" not in authority and not scheme.startswith("http"):
            authority = rest  # database passwords are often written with / ? # in them, not encoded
        user, at, _ = authority.rpartition("@")
        password = user.partition(":")[2]
        if at and password:
            yield from {password, unquote(password)}
    for name, value in parse_qsl(rest.partition("?")[2]):
        if name.lower() in _PASSWORD_PARAMETERS and value:
            yield value


def secret_values(settings: BaseModel) -> frozenset[str]:
    """All secrets that a settings value holds, for `bot.observability.logs` to keep out of every line."""
    return frozenset(value for value in _values(settings) if len(value) >= _SHORTEST_BYTES)


def _values(value: object) -> Iterator[str]:
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _values(getattr(value, name))
    elif isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _values(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _values(inner)
    elif isinstance(value, str):
        yield from passwords_in(value)
