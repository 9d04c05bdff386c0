"""Addresses of model servers: checked at start, shown without what may be secret in them."""

from urllib.parse import urlsplit

from rag.errors import SettingsMismatch


def check_address(address: str, variable: str) -> None:
    """Raise SettingsMismatch, naming the variable, for an address that no client could call. Empty is fine."""
    if not address:
        return
    try:
        parts = urlsplit(address)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise SettingsMismatch(f"{variable} must be an address like http://127.0.0.1:11434/v1")


def host_of(address: str) -> str:
    """Host and port: never the user name or password that an address may hold."""
    parts = urlsplit(address)
    try:
        return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
    except ValueError:
        return str(parts.hostname)
