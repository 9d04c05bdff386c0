"""Waiting for an endpoint that is busy: as long as it says, else growing, within a bound, and told to who watches."""

import random
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0
_TICK_S = 1.0


class Patience:
    """How long one may wait between two successes. `sleep` and `now` are the clock; `tell(done_s, total_s)` watches.

    Waits go by in ticks of a second, each told, so that whoever watches can end them by raising. For one thread.
    """

    def __init__(
        self,
        limit_s: float,
        *,
        tell: Callable[[int, int], None] = lambda done, total: None,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.time,
        spread: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self.limit_s = limit_s
        self._tell = tell
        self.sleep = sleep
        self._now = now
        self._spread = spread
        self._waited_s = 0.0
        self._attempt = 0

    def succeeded(self) -> None:
        """There was an answer: the bound and the growth begin anew."""
        self._waited_s, self._attempt = 0.0, 0

    def wait(self, headers: Mapping[str, str]) -> bool:
        """Wait by the refusal's headers; False, without waiting, when that would exceed the bound."""
        asked_s = retry_after_s(headers, self._now())
        growing_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0**self._attempt)
        # An endpoint that asks for next to nothing, again and again, is given more time too.
        wait_s = growing_s * self._spread(0.5, 1.0) if asked_s is None else max(asked_s, growing_s / 10)
        if self._waited_s + wait_s > self.limit_s:
            return False
        self._attempt += 1
        self._waited_s += wait_s
        self._pass(wait_s)
        return True

    def _pass(self, wait_s: float) -> None:
        total, done = max(1, round(wait_s)), 0
        self._tell(0, total)
        while wait_s > 0:
            tick = min(_TICK_S, wait_s)
            self.sleep(tick)
            wait_s -= tick
            done += 1
            self._tell(min(done, total) if wait_s > 0 else total, total)


def retry_after_s(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that a `Retry-After` (seconds or a date) or `retry-after-ms` asks for; None without one that is sane."""
    try:
        if milliseconds := headers.get("retry-after-ms"):
            return max(0.0, float(milliseconds) / 1000)
        value = headers.get("retry-after")
        if value is None:
            return None
        try:
            return max(0.0, float(value))
        except ValueError:
            return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, TypeError, OverflowError):
        return None
