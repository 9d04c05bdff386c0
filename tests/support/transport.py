"""How events reach the bots under test: `TEST_TRANSPORT=websocket` runs the suites that start a bot on the sandbox over
the long connection, unchanged."""

import os
from collections.abc import Collection
from dataclasses import replace

import pytest

from feishu.sandbox import ConnectionSettings, Sandbox, SandboxSettings

TRANSPORT = os.environ.get("TEST_TRANSPORT", "webhook")
TERMS = ConnectionSettings(ping_interval_s=10, reconnect_interval_s=1, reconnect_nonce_s=0)
"""Nobody waits half a minute to connect again, and a busy machine is not taken for a dead peer."""
webhook_only = pytest.mark.skipif(TRANSPORT != "webhook", reason="speaks to the webhook itself, or needs no connection")
"""For tests that post to the public door, or that start a bot while the platform can open no connection."""
SOON = 0.1
"""What was lost with a killed bot's connection comes again after 1.5 s instead of 15 s."""


def over(transport: str, settings: SandboxSettings) -> SandboxSettings:
    """A sandbox's settings, for bots that are reached by `transport`."""
    if transport == "webhook":
        return settings
    return replace(settings, transport="websocket", long_connection=TERMS, time_scale=SOON)


async def hears(sandbox: Sandbox, public: str, others: Collection[int], deadline_s: float) -> None:
    """Returns once events go to the bot whose public door is at `public`. With a long connection: the newest one, which
    is none of `others` (what `connections` gave before the bot was started)."""
    if sandbox.settings.transport == "webhook":
        sandbox.set_webhook(f"{public}/feishu/webhook")
        return
    await sandbox.wait_for(lambda: connections(sandbox) - set(others), deadline_s)
    sandbox.gateway.choose = lambda found: found[-1]


def has_somebody(sandbox: Sandbox) -> bool:
    """Whether there is a bot that events go to."""
    if sandbox.settings.transport == "websocket":
        return bool(connections(sandbox))
    return any(app.webhook_url for app in sandbox.world.apps.values())


def connections(sandbox: Sandbox) -> set[int]:
    """The open connections."""
    return {int(each.device_id) for each in sandbox.gateway.connections}
