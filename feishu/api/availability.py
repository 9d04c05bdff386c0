"""Which APIs of the platform fail by the platform's own fault, and since when.

Told of every attempt by the client. An API counts as down after `DOWN_AFTER` failures in a row of the servers or of the
way to them; one success ends that. While it has been down for `NO_RETRY_AFTER_S` the client sends nothing twice:
whoever waits for it does so outside of a call.
"""

from collections.abc import Callable
from dataclasses import dataclass

from feishu.clock import Clock
from feishu.errors import ApiError, FeishuError, RateLimited, ServerError, TokenRejected, TransportError

DOWN_AFTER = 3
NO_RETRY_AFTER_S = 30.0
BEING_SENT = 230049
"""The platform has this very message already (im-v1/message/reply): an answer, not an outage."""


def is_outage(error: BaseException) -> bool:
    """Whether a call failed for reasons that pass without anybody's doing: no usable answer, 5xx and the platform's
    internal errors, rates, and tokens that are refused although they are fresh. No fault of what was sent."""
    if isinstance(error, ApiError) and error.code == BEING_SENT:
        return False
    return isinstance(error, TransportError | ServerError | RateLimited | TokenRejected)


@dataclass(slots=True)
class _Failing:
    """Failures in a row of one API; `since` is the monotonic second of the first."""

    since: float
    count: int = 0


class Availability:
    """What is known of each API, by its name in `feishu.api.endpoints`. `on_recovery(name, down_s)` hears of the first
    success after an API was down, and of the first success of all (`down_s` 0: what was before is not known)."""

    def __init__(
        self, clock: Clock, *, on_recovery: Callable[[str, float], None] = lambda _name, _down_s: None
    ) -> None:
        self.on_recovery = on_recovery
        self._clock = clock
        self._failing: dict[str, _Failing] = {}
        self._known: set[str] = set()

    def note(self, endpoint: str, error: FeishuError | None) -> None:
        """The end of one attempt. A refusal of what was sent is an answer: the API works."""
        if error is not None and is_outage(error):
            if not isinstance(error, RateLimited | TokenRejected):
                failing = self._failing.setdefault(endpoint, _Failing(self._clock.monotonic()))
                failing.count += 1
            return
        failed = self._failing.pop(endpoint, None)
        is_back = failed is not None and failed.count >= DOWN_AFTER
        if is_back or endpoint not in self._known:
            self._known.add(endpoint)
            self.on_recovery(endpoint, self._clock.monotonic() - failed.since if is_back and failed else 0.0)

    def down(self) -> dict[str, float]:
        """Name → for how many seconds it has been down."""
        now = self._clock.monotonic()
        return {name: now - each.since for name, each in self._failing.items() if each.count >= DOWN_AFTER}

    def is_worth_a_retry(self, endpoint: str) -> bool:
        """Whether a failed call may be sent again at once."""
        return self.down().get(endpoint, 0.0) < NO_RETRY_AFTER_S
