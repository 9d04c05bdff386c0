"""One budget for each API: never more starts in any second or any minute than the platform allows.

A window over the real start times instead of a bucket that refills: a bucket of 50 that refills at 50/s lets 100 calls
into one second. Waiting is first come, first served.
"""

import asyncio
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from feishu.clock import Clock

SECOND_S = 1.1
MINUTE_S = 60.5
"""The windows are a little longer than the platform's: calls do not all take equally long to reach its counter."""


@dataclass(slots=True)
class _Window:
    starts: int
    length_s: float
    times: deque[float] = field(default_factory=deque)

    def free_at(self, now: float) -> float:
        """When the next start is allowed (`now` or later)."""
        while self.times and self.times[0] <= now - self.length_s:
            self.times.popleft()
        return now if len(self.times) < self.starts else self.times[len(self.times) - self.starts] + self.length_s


class Budget:
    """The allowance of one API."""

    def __init__(self, *, per_second: int, per_minute: int, clock: Clock) -> None:
        self._windows = (_Window(per_second, SECOND_S), _Window(per_minute, MINUTE_S))
        self._clock = clock
        self._held_until = 0.0
        self._turn = asyncio.Lock()  # wakes its waiters in order

    async def take(self) -> float:
        """Wait for the next allowed start and take it. Returns the seconds waited; a cancelled wait takes nothing."""
        began = self._clock.monotonic()
        async with self._turn:
            while (wait_s := self._wait_s()) > 0:
                await self._clock.sleep(wait_s)
            now = self._clock.monotonic()
            for window in self._windows:
                window.times.append(now)
        return now - began

    def hold(self, seconds: float) -> None:
        """Nobody starts for so long: the platform said that the budget is spent."""
        self._held_until = max(self._held_until, self._clock.monotonic() + seconds)

    def _wait_s(self) -> float:
        now = self._clock.monotonic()
        return max(self._held_until, *self._frees(now)) - now

    def _frees(self, now: float) -> Iterator[float]:
        return (window.free_at(now) for window in self._windows)
