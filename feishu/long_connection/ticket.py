"""Asking where to connect: `POST /callback/ws/endpoint` gives an address that admits this app, and the terms."""

from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from feishu.api.client import FeishuClient
from feishu.api.endpoints import LONG_CONNECTION
from feishu.errors import BadReply
from feishu.long_connection.pace import ClientConfig
from feishu.settings import FeishuSettings, is_loopback


@dataclass(frozen=True, slots=True)
class Ticket:
    """An address to connect to once. Whoever has it may listen to the app's events, so it is in no log and no repr."""

    url: str = field(repr=False)
    connection_id: str
    """The address's `device_id`: how the platform names this connection."""
    service_id: int
    config: ClientConfig
    is_local: bool
    """A sandbox on this machine: a proxy of the environment has no business with it."""


async def ask_for_ticket(client: FeishuClient, settings: FeishuSettings, config: ClientConfig) -> Ticket:
    """A new ticket, with `config` brought up to date. Raises `FeishuError`: `CredentialsRejected`, `Forbidden` and
    `TooManyConnections` until somebody puts it right, anything else for the moment."""
    secret = settings.app_secret.get_secret_value()
    reply = await client.call(LONG_CONNECTION, json={"AppID": settings.app_id, "AppSecret": secret})
    url = reply.get("URL")
    if not isinstance(url, str):
        raise BadReply("no URL in the answer", endpoint=LONG_CONNECTION.name)
    connection_id, service_id = _read(url, is_encrypted=settings.base_url.startswith("https:"))
    terms = config.updated(reply.get("ClientConfig"))
    return Ticket(url, connection_id, service_id, terms, is_loopback(settings.base_url))


def _read(url: str, *, is_encrypted: bool) -> tuple[str, int]:
    """The connection's id and its service. Raises `BadReply`, which does not show the address."""
    try:
        parts = urlsplit(url)
        told = parse_qs(parts.query)
        connection_id, service = told["device_id"][0], int(told["service_id"][0])
    except (ValueError, KeyError):
        raise BadReply("an address without device_id or service_id", endpoint=LONG_CONNECTION.name) from None
    if parts.scheme not in (("wss",) if is_encrypted else ("ws", "wss")) or not parts.hostname:
        raise BadReply("an address that is not wss://", endpoint=LONG_CONNECTION.name)
    return connection_id, service
