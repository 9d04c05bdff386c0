"""Guessing made slow: after some wrong keys or failed logins an address has to wait, longer each time."""

import math
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

import structlog

from bot.web.errors import Refused
from feishu.clock import Clock, SystemClock, backoff_s

log = structlog.get_logger(__name__)

FREE = 10
"""Failures that cost nothing: a key pasted wrongly, a program that was not told of a new one."""
LONGEST_S = 300.0
FORGOTTEN_S = 900.0
MOST_ADDRESSES = 10_000


@dataclass(slots=True)
class _Failures:
    count: int = 0
    at: float = 0.0
    until: float = 0.0


class FailedAttempts:
    """Failures by address, in bounded memory: the one that failed longest ago is forgotten first.

    A success forgets nothing: who has one right key could else guess others for ever.
    """

    def __init__(self, what: str, *, clock: Clock | None = None, longest_s: float = LONGEST_S) -> None:
        """`what` is tried, for the log and the answer, like "API key"."""
        self._what = what
        self._clock = clock or SystemClock()
        self._longest_s = longest_s
        self._failures: OrderedDict[str, _Failures] = OrderedDict()
        self._proven: OrderedDict[tuple[str, Hashable], None] = OrderedDict()

    def check(self, address: str, offered: Hashable = None) -> None:
        """Raises `Refused` (429) while the address has to wait: what it offers is not even looked at, unless it has
        proven right at this address before. So nobody who shares an address with a guesser (a proxy that is not in
        `bot.trusted_proxies`, an office) is locked out."""
        failures, now = self._failures.get(address), self._clock.monotonic()
        if failures is None or now >= failures.until or (address, offered) in self._proven:
            return
        wait_s = failures.until - now
        raise Refused(
            429,
            "TooManyRequests",
            f"Too many wrong attempts ({self._what}) from this address.",
            f"Wait {math.ceil(wait_s)} s, then try the right one.",
            retry_after_s=math.ceil(wait_s),
        )

    def failed(self, address: str) -> None:
        """One more. From the eleventh on the wait doubles, from a second to five minutes."""
        now = self._clock.monotonic()
        failures = self._failures.pop(address, None)
        if failures is None or now - failures.at > FORGOTTEN_S:
            failures = _Failures()
        failures.count += 1
        failures.at = now
        if failures.count > FREE:
            wait_s = backoff_s(failures.count - FREE, first_s=1.0, longest_s=self._longest_s)
            failures.until = now + wait_s
            log.warning("attempts_slowed", what=self._what, address=address, failures=failures.count, wait_s=wait_s)
        self._failures[address] = failures
        while len(self._failures) > MOST_ADDRESSES:
            self._failures.popitem(last=False)

    def proved(self, address: str, offered: Hashable) -> None:
        """It was right, and will be looked at even if others at this address guess."""
        self._proven[(address, offered)] = None
        self._proven.move_to_end((address, offered))
        while len(self._proven) > MOST_ADDRESSES:
            self._proven.popitem(last=False)
