"""A clock that a test moves by hand. Nothing sleeps: sleepers wake when time is moved past their moment."""

import asyncio
import heapq
import time
from collections.abc import Coroutine
from itertools import count
from typing import Any, TypeVar

from feishu.clock import SystemClock

T = TypeVar("T")

SETTLE_ROUNDS = 60
"""Event-loop rounds that let everything that can run without time run until it waits."""
QUIET_ROUNDS = 5
"""So many rounds one after the other in which nothing was ready, and there is nothing left to run."""
THREADS_TAKE_S = 30.0
"""Real seconds that a thread may take."""


class AheadClock(SystemClock):
    """This machine's clock, `ahead_s` later by the calendar: for what lies days apart. `leapt_s` have passed for who
    measures how long something takes; who sleeps sleeps as long as ever."""

    ahead_s = 0.0
    leapt_s = 0.0

    def time(self) -> float:
        return super().time() + self.ahead_s

    def monotonic(self) -> float:
        return super().monotonic() + self.leapt_s


class HandClock:
    """A `Clock`: `time()` starts at `now` (epoch seconds), `monotonic()` at zero."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self._epoch = now
        self._now = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()
        self.slept: list[float] = []

    def time(self) -> float:
        return self._epoch + self._now

    def monotonic(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        wake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + seconds, next(self._order), wake))
        await wake

    async def settle(self) -> None:
        """Let every task run until all of them wait. What comes from a socket or a thread gets a few rounds."""
        ready = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]
        quiet = 0
        for _ in range(SETTLE_ROUNDS):
            await asyncio.sleep(0)
            quiet = 0 if ready else quiet + 1
            if quiet == QUIET_ROUNDS:
                return

    async def advance(self, seconds: float) -> None:
        """Move time, waking each sleeper at its own moment and letting what it does happen there."""
        until = self._now + seconds
        await self.settle()
        while (at := self._next_wake()) is not None and at <= until:
            await self._wake(at)
        self._now = until
        await self.settle()

    async def run(self, work: Coroutine[Any, Any, T], *, at_most_s: float = 10_000.0) -> T:
        """The result of `work`, moving time whenever nothing else can happen. Fails if it waits for something else, a
        thread of its own excepted."""
        task = asyncio.ensure_future(work)
        limit = self._now + at_most_s
        await self.settle()
        while not task.done():
            at = self._next_wake() or await self._awaited(task)
            if task.done():
                break
            if at is None or at > limit:
                task.cancel()
                await asyncio.wait({task})
                raise AssertionError(f"work still waits at {self._now:.3f} s, next wake-up: {at}")
            await self._wake(at)
        return task.result()

    async def _awaited(self, task: "asyncio.Future[Any]") -> float | None:
        """Where nobody sleeps: the next wake-up, once a thread has done what the task waits for."""
        until = time.monotonic() + THREADS_TAKE_S
        while (at := self._next_wake()) is None and not task.done() and time.monotonic() < until:
            await asyncio.wait({task}, timeout=0.01)
        return at

    def _next_wake(self) -> float | None:
        while self._sleepers and self._sleepers[0][2].done():  # cancelled meanwhile
            heapq.heappop(self._sleepers)
        return self._sleepers[0][0] if self._sleepers else None

    async def _wake(self, at: float) -> None:
        self._now = max(self._now, at)
        _, _, wake = heapq.heappop(self._sleepers)
        if not wake.done():
            wake.set_result(None)
        await self.settle()
