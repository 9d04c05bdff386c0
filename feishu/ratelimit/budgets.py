"""What the platform allows: so many starts of one API, and so many to one chat or message.

A window over the real start times instead of a bucket that refills: a bucket of 50 that refills at 50/s lets 100 calls
into one second. Who goes first is `feishu.ratelimit.priority`'s matter.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Protocol

from feishu.clock import Clock
from feishu.ratelimit.priority import Turnstile, Urgency

SECOND_S = 1.1
MINUTE_S = 60.5
"""The windows are a little longer than the platform's: calls do not all take equally long to reach its counter."""
LANE_PER_SECOND = 5
"""Sends into one group or to one person, and patches of one message (im-v1/message)."""
CARD_PER_SECOND = 10
"""Writes of any kind to one card (cardkit-v1), whoever makes them: a stream may end while clicks redraw.
Not shared among replicas: one job at a time writes to a card."""
MOST_LANES = 512


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
    """The allowance of one API: never more starts in any second or any minute than given."""

    def __init__(self, *, per_second: int, per_minute: int, clock: Clock) -> None:
        self._windows = (_Window(per_second, SECOND_S), _Window(per_minute, MINUTE_S))
        self._clock = clock
        self._held_until = 0.0
        self._turnstile = Turnstile(self, clock)

    def resize(self, *, per_second: int, per_minute: int) -> None:
        """Another allowance from now on; what was started already counts."""
        for window, starts in zip(self._windows, (per_second, per_minute), strict=True):
            window.starts = starts

    async def take(self, urgency: Urgency = Urgency.NORMAL) -> float:
        """Wait for the next allowed start and take it. Returns the seconds waited; a cancelled wait takes nothing."""
        began = self._clock.monotonic()
        await self._turnstile.enter(urgency)
        return self._clock.monotonic() - began

    def hold(self, seconds: float) -> None:
        """Nobody starts for so long: the platform said that the budget is spent."""
        self._held_until = max(self._held_until, self._clock.monotonic() + seconds)

    def wait_s(self) -> float:
        """Seconds until the next start is allowed."""
        now = self._clock.monotonic()
        return max(self._held_until, *(window.free_at(now) for window in self._windows)) - now

    def started(self) -> None:
        """A start was taken."""
        now = self._clock.monotonic()
        for window in self._windows:
            window.times.append(now)

    @property
    def idle(self) -> bool:
        """Whether forgetting this budget changes nothing."""
        now = self._clock.monotonic()
        return self._held_until <= now and all(
            window.free_at(now) == now and not window.times for window in self._windows
        )


class Limited(Protocol):
    """An API and what the platform allows of it."""

    @property
    def per_second(self) -> int: ...
    @property
    def per_minute(self) -> int: ...


class Budgets:
    """A budget for each API: this process's share of what the app may start."""

    def __init__(self, *, share: float, clock: Clock) -> None:
        self._share = share
        self._clock = clock
        self._budgets: dict[Limited, Budget] = {}

    def of(self, api: Limited) -> Budget:
        """The API's budget, made at its first use."""
        if api not in self._budgets:
            self._budgets[api] = Budget(per_second=1, per_minute=1, clock=self._clock)
            self._resize(api)
        return self._budgets[api]

    def set_share(self, share: float) -> None:
        """Another share from now on."""
        self._share = share
        for api in self._budgets:
            self._resize(api)

    def _resize(self, api: Limited) -> None:
        second, minute = part_of(api.per_second, self._share), part_of(api.per_minute, self._share)
        self._budgets[api].resize(per_second=second, per_minute=minute)


def part_of(whole: int, share: float) -> int:
    """At least 1; a share of 1/n may be a hair too small."""
    return max(1, int(whole * share + 1e-9))


class Lanes:
    """A small budget for each chat, message or card, made when it is needed and forgotten when it is idle."""

    def __init__(self, *, per_second: int, clock: Clock, share: float = 1.0) -> None:
        self._whole = per_second
        self._per_second = part_of(per_second, share)
        self._clock = clock
        self._lanes: dict[str, Budget] = {}

    async def take(self, lane: str, urgency: Urgency = Urgency.NORMAL) -> float:
        """Wait for the next start in this lane and take it; the seconds waited."""
        return await self._lane(lane).take(urgency)

    def hold(self, lane: str, seconds: float) -> None:
        """This lane's limit was met all the same (other bots share a group's)."""
        self._lane(lane).hold(seconds)

    def set_share(self, share: float) -> None:
        """Another share of every lane from now on."""
        self._per_second = part_of(self._whole, share)
        for lane in self._lanes.values():
            lane.resize(per_second=self._per_second, per_minute=self._per_second * 60)

    def _lane(self, name: str) -> Budget:
        budget = self._lanes.get(name)
        if budget is None:
            if len(self._lanes) >= MOST_LANES:
                self._lanes = {name: lane for name, lane in self._lanes.items() if not lane.idle}
            budget = Budget(per_second=self._per_second, per_minute=self._per_second * 60, clock=self._clock)
            self._lanes[name] = budget
        return budget
