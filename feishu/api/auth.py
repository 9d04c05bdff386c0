"""The tenant access token: fetched once for all who wait, renewed in time, dropped when the platform refuses it.

The platform gives the same token back while 30 minutes or more are left, and a new one after that while the old one
stays valid until its end (open.feishu.cn/document authentication-management tenant_access_token_internal).
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from feishu.clock import Clock
from feishu.errors import FeishuError, Unreachable

RENEW_BELOW_S = 1800.0
SHARE_LEFT = 0.25
"""A token that lives shorter than two hours (a sandbox's) is renewed in its last quarter."""
LAST_RESORT_S = 60.0
RENEWAL_PAUSE_S = 30.0


@dataclass(frozen=True, slots=True)
class TenantToken:
    """A token and the monotonic second at which it ends. Its text is in no repr."""

    text: str = field(repr=False)
    ends_at: float
    renew_at: float


class TenantTokens:
    """The current tenant token. `fetch` asks the platform: (token, seconds it lives)."""

    def __init__(self, fetch: Callable[[], Awaitable[tuple[str, float]]], clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._current: TenantToken | None = None
        self._renewal: asyncio.Task[TenantToken] | None = None
        self._no_renewal_before = 0.0

    async def get(self) -> str:
        """A token that should work. Raises what `fetch` raises, unless the old token still has a minute."""
        now = self._clock.monotonic()
        current = self._current
        if current and (now < current.renew_at or self._waits_with_renewal(current, now)):
            return current.text
        try:
            return (await self._renewed()).text
        except FeishuError:
            if current and current is self._current and current.ends_at - now > LAST_RESORT_S:
                self._no_renewal_before = now + RENEWAL_PAUSE_S
                return current.text
            raise

    def drop(self, token: str) -> None:
        """Forget exactly this token: one that was renewed meanwhile is kept."""
        if self._current and self._current.text == token:
            self._current = None

    async def aclose(self) -> None:
        """End a renewal under way. Never raises."""
        if (renewal := self._renewal) is not None:
            renewal.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await renewal

    def _waits_with_renewal(self, current: TenantToken, now: float) -> bool:
        return now < self._no_renewal_before and current.ends_at - now > LAST_RESORT_S

    async def _renewed(self) -> TenantToken:
        """The result of the one renewal under way; whoever gives up waiting does not end it for the others."""
        if self._renewal is None:
            self._renewal = asyncio.create_task(self._renew(), name="feishu-tenant-token")
            self._renewal.add_done_callback(self._renewal_ended)
        renewal = self._renewal
        try:
            return await asyncio.shield(renewal)
        except asyncio.CancelledError:
            caller = asyncio.current_task()
            if renewal.cancelled() and caller is not None and not caller.cancelling():
                raise Unreachable("the client was closed") from None
            raise

    async def _renew(self) -> TenantToken:
        asked_at = self._clock.monotonic()
        text, lives_s = await self._fetch()
        self._current = TenantToken(
            text, asked_at + lives_s, asked_at + lives_s - min(RENEW_BELOW_S, lives_s * SHARE_LEFT)
        )
        return self._current

    def _renewal_ended(self, renewal: "asyncio.Task[TenantToken]") -> None:
        self._renewal = None
        if not renewal.cancelled():
            renewal.exception()  # read it: those who waited for it may all be gone
