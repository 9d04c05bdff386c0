"""The sandbox's own time: the machine's clock plus whatever a test has advanced it by."""

import asyncio
import time
from typing import Protocol


class Time(Protocol):
    """What the sandbox needs of a clock. `time` is seconds since the epoch."""

    def time(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


class SandboxClock:
    """Runs with the machine, or stands still (`frozen`); `advance` jumps forward and wakes whoever sleeps past it."""

    def __init__(self, *, frozen: bool = False, start_at: float | None = None) -> None:
        self._frozen = frozen
        self._epoch = time.time() if start_at is None else start_at
        self._started = time.monotonic()
        self._moved_s = 0.0
        self._jumped = asyncio.Event()

    def time(self) -> float:
        """Now, in seconds since the epoch."""
        running_s = 0.0 if self._frozen else time.monotonic() - self._started
        return self._epoch + running_s + self._moved_s

    def advance(self, seconds: float) -> None:
        """Jump forward. Raises ValueError for a step back: no platform rule survives that."""
        if seconds < 0:
            raise ValueError("the clock only moves forward")
        self._moved_s += seconds
        jumped, self._jumped = self._jumped, asyncio.Event()
        jumped.set()

    async def sleep(self, seconds: float) -> None:
        """Wait until `seconds` have passed on this clock, be it by running or by jumping."""
        due = self.time() + seconds
        while (left := due - self.time()) > 1e-6:
            try:
                await asyncio.wait_for(self._jumped.wait(), None if self._frozen else left)
            except TimeoutError:
                continue
