"""What tests of the inbox share."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.support.inbox import Inbox


@pytest.fixture
async def inbox(store_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Inbox]:
    """An empty inbox. On SQLite two processes never serve; here they may have to wait for each other."""
    monkeypatch.setattr("bot.storage.database.BUSY_TIMEOUT_MS", 60_000)
    inbox = Inbox(store_url)
    yield inbox
    await asyncio.to_thread(inbox.close)
