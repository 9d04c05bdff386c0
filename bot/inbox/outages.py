"""While the platform is down: who says so, and who wakes the jobs that wait for it."""

import asyncio
import math

import structlog

from bot.errors import StoreError
from bot.inbox.queue import Jobs
from feishu.clock import Clock

log = structlog.get_logger(__name__)

TOLD_EVERY_S = 60.0
WAKE_EVERY_S = 1.0
"""An API that comes and goes wakes those who wait for it no more often."""


class Outages:
    """Hears of recoveries from `feishu.api.availability` and of jobs that were put back from the worker."""

    def __init__(self, jobs: Jobs, *, clock: Clock) -> None:
        self._jobs = jobs
        self._clock = clock
        self._told_at: dict[str, float] = {}
        self._recovered: dict[str, float] = {}
        self._news = asyncio.Event()

    def recovered(self, name: str, down_s: float) -> None:
        """An API answers again after so long (0: for the first time since the start)."""
        self._recovered[name] = down_s
        self._news.set()

    async def waited_for(self, name: str, reason: str) -> None:
        """A job waits for it from now on. Told once a minute, with the number of those that do."""
        now = self._clock.monotonic()
        if now - self._told_at.get(name, -math.inf) < TOLD_EVERY_S:
            return
        self._told_at[name] = now
        try:
            waiting = (await self._jobs.waits())["platform"]
        except StoreError:
            return
        log.error("platform_down", waits_for=name, waiting=waiting, reason=reason)

    async def wake_forever(self) -> None:
        """Makes jobs due again as soon as what they wait for answers."""
        while True:
            await self._news.wait()
            self._news.clear()
            recovered, self._recovered = self._recovered, {}
            for name, down_s in recovered.items():
                await self._wake(name, down_s)
            await self._clock.sleep(WAKE_EVERY_S)

    async def _wake(self, name: str, down_s: float) -> None:
        try:
            woken = await self._jobs.wake_waiting(name)
        except StoreError as error:  # they come by themselves, when their pause is over
            log.error("waking_failed", reason=str(error))
            return
        self._told_at.pop(name, None)
        if down_s or woken:
            log.info("platform_back", waits_for=name, down_s=round(down_s, 1), woken=woken)
