"""Rates: how often an app may call (api-call-guide/frequency-control; im-v1/message; cardkit-v1)."""

import math
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from feishu.sandbox.refusal import Refused


@dataclass(frozen=True, slots=True)
class Window:
    """At most `limit` accepted calls in any `seconds`."""

    limit: int
    seconds: float


API_WINDOWS = (Window(50, 1.0), Window(1000, 60.0))
CARD_WINDOW = Window(10, 1.0)
PATCH_WINDOW = Window(5, 1.0)
CHAT_WINDOW = Window(5, 1.0)
# Seconds since the epoch are floats: a call exactly one window later must not fail by a rounding error.
ROUNDING_S = 1e-6
PERSON_WINDOW = Window(5, 1.0)
EPHEMERAL_WINDOW = Window(40, 1.0)


@dataclass(slots=True)
class Rates:
    """Sliding windows by key. Refused calls do not count."""

    now: Callable[[], float]
    _accepted: dict[object, deque[float]] = field(default_factory=lambda: defaultdict(deque))

    def wait_s(self, key: object, window: Window) -> float:
        """0 when one more call fits, else how long until it does."""
        accepted, now = self._accepted[key], self.now()
        recent = [at for at in accepted if at > now - window.seconds + ROUNDING_S]
        return 0.0 if len(recent) < window.limit else recent[-window.limit] + window.seconds - now

    def count(self, key: object, keep_s: float = 60.0) -> None:
        """One accepted call."""
        accepted, now = self._accepted[key], self.now()
        while accepted and accepted[0] <= now - keep_s:
            accepted.popleft()
        accepted.append(now)

    def take(self, key: object, window: Window, refusal: Callable[[float], Refused]) -> None:
        """Count a call, or raise the refusal for this window."""
        if wait_s := self.wait_s(key, window):
            raise refusal(wait_s)
        self.count(key, window.seconds)

    def take_api(self, key: object, windows: Sequence[Window] = API_WINDOWS) -> None:
        """The app's budget for one API: HTTP 429, 99991400 and the seconds to wait."""
        for window in windows:
            if wait_s := self.wait_s(key, window):
                raise too_frequent(wait_s, window, rule="api_rate")
        self.count(key)


def too_frequent(wait_s: float, window: Window, *, rule: str) -> Refused:
    """HTTP 429 with `x-ogw-ratelimit-reset` in whole seconds."""
    reset_s = max(1, math.ceil(wait_s - ROUNDING_S))
    headers = {"x-ogw-ratelimit-limit": str(window.limit), "x-ogw-ratelimit-reset": str(reset_s)}
    return Refused(99991400, "request trigger frequency limit", rule, 429, headers)


def message_rate(rule: str) -> Callable[[float], Refused]:
    """HTTP 400, 230020: the limits of one chat, one person, one message."""
    return lambda _wait_s: Refused(230020, "This operation triggers the frequency limit.", rule)
