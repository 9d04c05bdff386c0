"""How many may ask at the same time, and how often one key may: what is too much waits a little, then gets 429."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import Request

from bot.cancellation import unless
from bot.web.auth import Caller
from bot.web.errors import Refused
from feishu.clock import Clock

T = TypeVar("T")


class Slot:
    """The right to one answer; `release` may be repeated."""

    def __init__(self, free: asyncio.Semaphore) -> None:
        self._free: asyncio.Semaphore | None = free

    def release(self) -> None:
        if self._free is not None:
            self._free.release()
            self._free = None


class Gate:
    """Slots for answers, and a bucket of questions for each key that has a rate."""

    def __init__(self, *, slots: int, wait_s: float, clock: Clock) -> None:
        self._free = asyncio.Semaphore(slots)
        self._wait_s = wait_s
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def count(self, caller: Caller, questions: int = 1) -> None:
        """Takes questions out of the caller's bucket, which holds one minute's worth. Raises `Refused`, 429."""
        if not caller.rate_per_min:
            return
        now, most = self._clock.monotonic(), float(caller.rate_per_min)
        left, at = self._buckets.get(caller.name, (most, now))
        left = min(most, left + (now - at) * most / 60)
        if left < questions:
            self._buckets[caller.name] = (left, now)
            wait_s = (min(float(questions), most) - left) * 60 / most
            raise Refused(
                429,
                "TooManyRequests",
                f"This key may ask {caller.rate_per_min} questions a minute.",
                f"Wait {max(1, round(wait_s))} s, or ask for a higher rate.",
                retry_after_s=wait_s,
            )
        self._buckets[caller.name] = (left - questions, now)

    async def take(self) -> Slot:
        """A slot, now or within the waiting time. Raises `Refused`, 429."""
        try:
            async with asyncio.timeout(self._wait_s):
                await self._free.acquire()
        except TimeoutError:
            raise Refused(
                429,
                "TooManyRequests",
                "Too many questions are being answered at the moment.",
                "Wait a little and try again.",
                retry_after_s=max(1.0, self._wait_s),
            ) from None
        return Slot(self._free)


async def unless_hung_up(request: Request, work: Coroutine[Any, Any, T]) -> T | None:
    """The result of `work`; None when the client hung up first, and then `work` was cancelled."""
    done = await unless(_left(request), work)
    return done.result() if done else None


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
