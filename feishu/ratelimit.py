"""What the platform allows: who goes first, so many starts of one API and in one lane, and one stream of frames.

A window over the real start times instead of a bucket that refills: a bucket of 50 that refills at 50/s lets 100 calls
into one second.

Frames have a schedule of their own, shared by all cards that are being written. The platform allows 1 000 streamed
texts a minute and 50 a second for the app (api-call-guide/frequency-control), which one card alone never meets and
forty cards would spend in twenty seconds, to stand still for the other forty. So starts are spread: a credit of
`CREDIT` starts refills at `REFILL_PER_S`, and the fuller it is the faster it is spent. From a rest, forty cards begin
at about 33 frames a second and slow down to the 11.5 that can go on for ever; a credit that is spent never brings a
pause. In any minute at most CREDIT + 60 * REFILL_PER_S = 950 frames start. A refusal for too many calls holds everybody
for as long as the platform says, and halves the pace, which then recovers.
"""

import asyncio
import heapq
from collections import deque
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import count
from typing import Protocol

from feishu.clock import Clock, SystemClock

SECOND_S = 1.1
MINUTE_S = 60.5
"""The windows are a little longer than the platform's: calls do not all take equally long to reach its counter."""
LANE_PER_SECOND = 5
"""Sends into one group or to one person, and patches of one message (im-v1/message)."""
CARD_PER_SECOND = 10
"""Writes of any kind to one card (cardkit-v1), whoever makes them: a stream may end while clicks redraw.
Not shared among replicas: one job at a time writes to a card."""
MOST_LANES = 512
REFILL_PER_S = 11.5
CREDIT = 260.0
GLIDE_S = 12.0
LATENESS_S = 0.3
"""A busy event loop wakes late; so much of it is caught up with."""
SLOWEST = 0.1
RECOVERY_S = 30.0
"""From standstill to full pace after a refusal."""


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


class FrameSchedule:
    """Says when a card may start its next frame: first frames first, then the card that waited longest."""

    def __init__(self, *, share: float = 1.0, clock: Clock | None = None) -> None:
        """`share` of the app's budget is this process's: with n replicas each takes 1/n."""
        self._clock = clock or SystemClock()
        self._share = share
        self._credit = CREDIT * share
        self._as_of = self._clock.monotonic()
        self._next_at = float("-inf")
        self._held_until = 0.0
        self._eased = 1.0  # the pace left after the last refusal, and when that was
        self._eased_at = 0.0
        self._turnstile = Turnstile(self, self._clock)

    def set_share(self, share: float, *, rested: bool = False) -> None:
        """Another share from now on. A larger one brings no credit, which others may have spent just before, unless it
        is `rested`."""
        self._refill(self._clock.monotonic())
        self._share = share
        self._credit = CREDIT * share if rested else min(self._credit, CREDIT * share)

    async def turn(self, urgency: Urgency, *, since: float) -> None:
        """Returns when the frame may start. `since` is when the card was last served."""
        await self._turnstile.enter(urgency, since=since)

    def give_back(self) -> None:
        """The start that was taken is not used."""
        self._credit = min(self._credit + 1.0, CREDIT * self._share)

    def slow_down(self, hold_s: float = 0.0) -> None:
        """The platform refused a frame for too many calls: nobody starts for `hold_s`, and the pace is halved (once for
        all refusals of the same moment)."""
        now = self._clock.monotonic()
        if now >= self._held_until:
            self._eased = max(self.ease / 2, SLOWEST)
            self._eased_at = now
        self._held_until = max(self._held_until, now + max(hold_s, 0.2))

    @property
    def ease(self) -> float:
        """The part of the full pace that is used now: 1 unless the platform refused something lately."""
        since_s = max(0.0, self._clock.monotonic() - self._eased_at)
        return min(1.0, self._eased + since_s / RECOVERY_S)

    def wait_s(self) -> float:
        """Seconds until the next start is allowed."""
        return max(self._held_until, self._next_at) - self._clock.monotonic()

    def started(self) -> None:
        """A start was taken."""
        now = self._clock.monotonic()
        self._refill(now)
        self._credit = max(0.0, self._credit - 1.0)
        per_s = (REFILL_PER_S * self._share + self._credit / GLIDE_S) * self.ease
        self._next_at = max(self._next_at, now - LATENESS_S) + 1.0 / per_s

    def _refill(self, now: float) -> None:
        full = CREDIT * self._share
        self._credit = min(full, self._credit + (now - self._as_of) * REFILL_PER_S * self._share)
        self._as_of = now
