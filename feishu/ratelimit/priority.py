"""Who may start next: waiters in the order of their urgency, let through as fast as a pace allows."""

import asyncio
import heapq
from enum import IntEnum
from itertools import count
from typing import Protocol

from feishu.clock import Clock


class Urgency(IntEnum):
    """Whose call goes first when not all can: the lower number."""

    TERMINAL = 0
    """The end of an answer."""
    FIRST = 1
    """The first sign of life of an answer."""
    NORMAL = 2
    ASIDE = 3
    """Nice to have: a line about the progress, say."""


class Pace(Protocol):
    """When starts are allowed."""

    def wait_s(self) -> float:
        """Seconds until the next start is allowed; 0 or less when it is now."""
        ...

    def started(self) -> None:
        """A start was taken."""
        ...


class Turnstile:
    """Lets one start through at a time. Among the equally urgent the lowest `since` goes first, then who came first."""

    def __init__(self, pace: Pace, clock: Clock) -> None:
        self._pace = pace
        self._clock = clock
        self._order = count()
        self._waiting: list[tuple[Urgency, float, int, asyncio.Future[None]]] = []
        self._letting: asyncio.Task[None] | None = None

    async def enter(self, urgency: Urgency = Urgency.NORMAL, *, since: float = 0.0) -> None:
        """Returns when the start is yours. A wait that is cancelled takes nothing."""
        if self._letting is None and self._pace.wait_s() <= 0:
            self._pace.started()
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (urgency, since, next(self._order), turn))
        if self._letting is None:
            self._letting = asyncio.create_task(self._let(), name="turnstile")
            self._letting.add_done_callback(self._let_all)
        await turn

    async def _let(self) -> None:
        """Runs while anybody waits, and ends with them."""
        while self._someone():
            wait_s = self._pace.wait_s()
            if wait_s > 0:
                await self._clock.sleep(wait_s)
                continue
            *_, turn = heapq.heappop(self._waiting)
            self._pace.started()
            turn.set_result(None)

    def _someone(self) -> bool:
        while self._waiting and self._waiting[0][3].done():  # gave up meanwhile
            heapq.heappop(self._waiting)
        return bool(self._waiting)

    def _let_all(self, _ended: "asyncio.Task[None]") -> None:
        """Nobody may wait for a task that is gone (the loop is closing)."""
        self._letting = None
        for *_, turn in self._waiting:
            turn.cancel()
        self._waiting.clear()
