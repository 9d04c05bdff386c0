"""A client of the long connection in the test's own loop, which writes down what it hears."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr

from feishu.api.client import FeishuClient
from feishu.clock import Clock
from feishu.errors import WebhookError
from feishu.events.types import Event
from feishu.long_connection.connection import LongConnection
from feishu.long_connection.pace import ClientConfig
from feishu.long_connection.socket import Lost
from feishu.sandbox import ConnectionSettings, Sandbox, SandboxSettings
from feishu.settings import FeishuSettings

QUICK = ConnectionSettings(ping_interval_s=1, reconnect_interval_s=1, reconnect_nonce_s=0)
"""Terms under which a test need not wait."""


def websocket_sandbox(terms: ConnectionSettings = QUICK, **settings: Any) -> Sandbox:
    """A sandbox whose app has chosen the long connection."""
    return Sandbox(SandboxSettings(transport="websocket", long_connection=terms, **settings))


def feishu_settings(url: str, **changed: Any) -> FeishuSettings:
    """The sandbox's first app."""
    given = {"app_id": "cli_sandbox", "app_secret": SecretStr("sandbox-secret"), "transport": "websocket"}
    return FeishuSettings(base_url=url, **(given | changed))


@dataclass
class Said:
    """What a handler answers."""

    body: dict[str, Any] = field(default_factory=dict)
    afterwards: Any = None


@dataclass
class Listener:
    """A handler and an observer. `heard` are the events, `happened` all else in order."""

    reply: Said = field(default_factory=Said)
    error: Exception | None = None
    heard: list[Event] = field(default_factory=list)
    happened: list[tuple[str, Any]] = field(default_factory=list)

    async def take(self, event: Event) -> Said:
        self.heard.append(event)
        if self.error:
            raise self.error
        return self.reply

    def of(self, name: str) -> list[Any]:
        return [what for each, what in self.happened if each == name]

    def opened(self, connection_id: str, config: ClientConfig) -> None:
        self.happened.append(("opened", config))

    def lost(self, lost: Lost, lasted_s: float, wait_s: float) -> None:
        self.happened.append(("lost", lost.reason))

    def closed(self) -> None:
        self.happened.append(("closed", None))

    def refused(self, error: Exception, wait_s: float) -> None:
        self.happened.append(("refused", error))

    def acknowledged(self, seconds: float, code: int) -> None:
        self.happened.append(("acknowledged", code))

    def event_refused(self, error: WebhookError) -> None:
        self.happened.append(("event_refused", error))

    def event_failed(self, error: Exception) -> None:
        self.happened.append(("event_failed", error))

    def frames_dropped(self, reason: str, count: int) -> None:
        self.happened.append(("dropped", reason))


@contextlib.asynccontextmanager
async def connected(
    url: str, listener: Listener, *, clock: Clock | None = None, **changed: Any
) -> AsyncIterator[LongConnection]:
    """A client that keeps a connection open."""
    settings = feishu_settings(url, **changed)
    client = FeishuClient(settings)
    connection = LongConnection(client, settings, listener.take, listener, clock=clock)
    connection.start()
    try:
        yield connection
    finally:
        await connection.aclose()
        await client.aclose()
