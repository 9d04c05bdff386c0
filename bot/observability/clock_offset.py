"""Whether this machine's clock is right, judged by what the platform says: its answers' dates and its events' times.

A clock that is a day wrong makes every signed event look stale, and all that anybody sees are 401s.
"""

from typing import Any, Literal

import structlog

from feishu.clock import Clock

log = structlog.get_logger(__name__)

Source = Literal["answer", "event"]

TOLERATED_S = 60.0
LOG_EVERY_S = 3_600.0
REMEMBERED_S = 3_600.0
"""What was said longer ago says nothing about now."""


class ClockOffset:
    """Remembers the last offset that each source showed, and logs a wrong clock once an hour."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._shown: dict[Source, tuple[float, float]] = {}
        self._logged_at: float | None = None

    def show(self, source: Source, ahead_s: float) -> None:
        """The platform's time is `ahead_s` seconds ahead of this machine's (negative: behind). An event may be late,
        so only one out of the future or one refused as stale says something."""
        now = self._clock.monotonic()
        self._shown[source] = (ahead_s, now)
        if abs(ahead_s) < TOLERATED_S or (self._logged_at is not None and now - self._logged_at < LOG_EVERY_S):
            return
        self._logged_at = now
        log.warning("clock_differs", source=source, seconds=round(ahead_s), what_to_do=sentence(ahead_s))

    def compare(self, created_at: float) -> None:
        """An event out of the future tells that this machine's clock is behind; one from the past may just be late."""
        ahead_s = created_at - self._clock.time()
        if ahead_s >= TOLERATED_S:
            self.show("event", ahead_s)

    def now(self) -> float:
        """This machine's time, in seconds since the epoch."""
        return self._clock.time()

    def part(self) -> dict[str, Any]:
        """For the details of `/ready`."""
        now = self._clock.monotonic()
        known = [ahead_s for ahead_s, at in self._shown.values() if now - at < REMEMBERED_S]
        worst = max(known, key=abs, default=None)
        if worst is None:
            return {"ok": True, "detail": "the platform has not told its time yet"}
        return {"ok": abs(worst) < TOLERATED_S, "detail": sentence(worst)}


def sentence(ahead_s: float) -> str:
    """What an offset means, and what to do."""
    if abs(ahead_s) < TOLERATED_S:
        return "as the platform's"
    way = "ahead of" if ahead_s > 0 else "behind"
    return f"the platform's time is {abs(ahead_s):.0f} s {way} this machine's clock: check NTP"
