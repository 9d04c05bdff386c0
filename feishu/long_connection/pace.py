"""When a long connection is opened again. By what the platform asks for, spread, and never given up."""

import random
from dataclasses import dataclass
from typing import Any

from feishu.clock import backoff_s
from feishu.errors import CredentialsRejected, FeishuError, Forbidden, RateLimited, TooManyConnections

FIRST_WAIT_S = 1.0
SOON_S = 1.0
STEADY_S = 60.0
"""A connection that lasted so long was a good one: whatever failed before it does not count any more."""


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """What the platform asks of clients, in seconds (`ClientConfig` of the endpoint's answer and of pongs).

    `reconnect_nonce_s`: up to so long is waited before the first new attempt. `reconnect_interval_s`: the longest wait
    between attempts. The platform's `ReconnectCount` is not followed: a bot that gave up would be silent for ever.
    """

    ping_interval_s: float = 120.0
    reconnect_interval_s: float = 120.0
    reconnect_nonce_s: float = 30.0

    def updated(self, told: object) -> "ClientConfig":
        """With what was told, as far as it makes sense; the rest stays as it is."""
        if not isinstance(told, dict):
            return self
        return ClientConfig(
            _seconds(told, "PingInterval", self.ping_interval_s, 1, 600),
            _seconds(told, "ReconnectInterval", self.reconnect_interval_s, 1, 3600),
            _seconds(told, "ReconnectNonce", self.reconnect_nonce_s, 0, 600),
        )


def _seconds(told: dict[str, Any], key: str, otherwise: float, least: float, most: float) -> float:
    value = told.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        return otherwise
    return float(value)


def needs_admin(error: FeishuError) -> bool:
    """Whether trying again helps nothing until somebody puts it right: credentials, rights, number of connections."""
    return isinstance(error, CredentialsRejected | Forbidden | TooManyConnections)


class Pace:
    """Counts failures in a row and gives the wait after each."""

    def __init__(self) -> None:
        self._failures = 0

    def after_refusal(self, error: FeishuError, config: ClientConfig) -> float:
        """Seconds until the next attempt: 1, 2, 4 … up to the platform's interval, or the interval at once where only
        an admin can help; spread by half."""
        self._failures += 1
        longest_s = config.reconnect_interval_s
        first_s = longest_s if needs_admin(error) else FIRST_WAIT_S
        grown_s = backoff_s(self._failures, first_s=first_s, longest_s=longest_s, jitter=0.5)
        return max(grown_s, error.wait_s if isinstance(error, RateLimited) else 0.0)

    def after_loss(self, lasted_s: float, config: ClientConfig, *, noticed_by_us: bool) -> float:
        """Seconds until a connection that was open is opened again.

        Where the platform closed it, it closed many, and each waits at random up to its nonce. A silent peer is noticed
        by each client at another moment, so that nobody need wait. A connection that never lasts counts as a failure.
        """
        if lasted_s >= STEADY_S:
            self._failures = 0
        self._failures += 1
        first_s = SOON_S if noticed_by_us else config.reconnect_nonce_s
        if self._failures > 1:
            longest_s = config.reconnect_interval_s
            first_s = max(first_s, backoff_s(self._failures, first_s=FIRST_WAIT_S, longest_s=longest_s))
        return first_s * random.random()  # noqa: S311 - spreads, guards nothing
