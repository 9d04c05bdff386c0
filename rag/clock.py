"""Time as an argument: what waits or measures takes a `Clock`, so that tests move time by hand."""

import asyncio
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
