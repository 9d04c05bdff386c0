"""Who we are in the chats: the bot's own open_id, asked once and kept."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from feishu.api.client import BotIdentity
from feishu.clock import Clock, SystemClock
from feishu.errors import FeishuError

log = structlog.get_logger(__name__)

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0
GROUP_SCOPE = "im:message.group_msg"
"""With this scope the platform sends every message of a group, not only those that mention the bot."""


class Identity:
    """`known` is None until the platform has told; `learn` asks until it does."""

    def __init__(
        self,
        ask: Callable[[], Awaitable[BotIdentity]],
        *,
        ask_scopes: Callable[[], Awaitable[frozenset[str]]] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._ask = ask
        self._ask_scopes = ask_scopes
        self.scopes: frozenset[str] | None = None
        """What the tenant has granted; None while that is not known."""
        self._clock = clock or SystemClock()
        self._asking = asyncio.Lock()
        self.known: BotIdentity | None = None

    async def get(self) -> BotIdentity:
        """The identity; asks when it is not known. Raises `FeishuError`."""
        if self.known is None:
            async with self._asking:
                if self.known is None:
                    self.known = await self._ask()
        return self.known

    async def learn(self) -> None:
        """Asks with growing waits until it is known; run it as a task."""
        wait_s = FIRST_WAIT_S
        while self.known is None:
            try:
                await self.get()
            except FeishuError as error:
                log.warning("bot_identity_unknown", reason=str(error), retry_in_s=wait_s)
                await self._clock.sleep(wait_s)
                wait_s = min(wait_s * 2, LONGEST_WAIT_S)
        if self._ask_scopes:
            try:
                self.scopes = await self._ask_scopes()
            except FeishuError as error:
                log.info("scopes_unknown", reason=str(error))
