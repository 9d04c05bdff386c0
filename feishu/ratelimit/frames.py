"""One stream of frames for the whole app, shared by all cards that are being written.

The platform allows 1 000 streamed texts a minute and 50 a second for the app (api-call-guide/frequency-control), which
one card alone never meets and forty cards would spend in twenty seconds, to stand still for the other forty. So starts
are spread: a credit of `CREDIT` starts refills at `REFILL_PER_S`, and the fuller it is the faster it is spent. From a
rest, forty cards begin at about 33 frames a second and glide down to the 11.5 that can go on for ever; a credit that is
spent never brings a pause. In any minute at most CREDIT + 60 * REFILL_PER_S = 950 frames start.

A refusal for too many calls holds everybody for as long as the platform says, and halves the pace, which then recovers.
"""

from feishu.clock import Clock, SystemClock
from feishu.ratelimit.priority import Turnstile, Urgency

REFILL_PER_S = 11.5
CREDIT = 260.0
GLIDE_S = 12.0
LATENESS_S = 0.3
"""A busy event loop wakes late; so much of it is caught up with."""
SLOWEST = 0.1
RECOVERY_S = 30.0
"""From standstill to full pace after a refusal."""


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
