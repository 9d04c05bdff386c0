"""Time as an argument: everything that waits or measures takes a `Clock`, so that tests move time by hand. And the one
formula for growing waits."""

import asyncio
import random
import time
from typing import Protocol


class Clock(Protocol):
    """Seconds since the epoch, seconds on a monotonic scale, and a way to wait."""

    def time(self) -> float: ...

    def monotonic(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The clock of this machine."""

    def time(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def backoff_s(failures: int, *, first_s: float, longest_s: float, jitter: float = 0.0) -> float:
    """Seconds to wait after the nth failure in a row (from 1 on): doubled with each, up to `longest_s`. `jitter` is the
    share, 0 to 1, by which chance may shorten them, so that many who failed at once do not come back at once."""
    grown_s = min(first_s * 2.0 ** min(failures - 1, 30), longest_s)
    return grown_s * random.uniform(1.0 - jitter, 1.0) if jitter else grown_s  # noqa: S311 - guards nothing
