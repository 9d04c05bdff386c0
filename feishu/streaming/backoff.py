"""How long to wait before a card is written again, refusal after refusal."""

import random

from feishu.api.error_codes import remedy_of
from feishu.api.recovery import Remedy
from feishu.errors import ApiError, Interacting, RateLimited, TransportError
from feishu.streaming.sequence import Sequence

INTERACTION_WAIT_S = 0.5
FIRST_BACKOFF_S = 0.5
LONGEST_BACKOFF_S = 8.0
SEQUENCE_JUMP = 1000


class Patience:
    """Counts the refusals in a row of one card."""

    def __init__(self, sequence: Sequence) -> None:
        self._sequence = sequence
        self._failures = 0

    def restore(self) -> None:
        """A write was accepted, or another kind of write begins."""
        self._failures = 0

    def wait_s(self, error: ApiError | TransportError) -> float:
        """Seconds until the next try. A sequence that was behind leaps ahead, further each time."""
        self._failures += 1
        if remedy_of(error) is Remedy.NEW_SEQUENCE:
            self._sequence.jump(SEQUENCE_JUMP * 10 ** min(self._failures - 1, 4))
            return 0.0 if self._failures <= 2 else self._backoff_s()
        if isinstance(error, RateLimited):
            return max(error.wait_s, 0.0)
        if isinstance(error, Interacting):
            return max(INTERACTION_WAIT_S, self._backoff_s() / 2)
        return self._backoff_s()

    def _backoff_s(self) -> float:
        longest_s = min(FIRST_BACKOFF_S * 2.0 ** min(self._failures - 1, 10), LONGEST_BACKOFF_S)
        return longest_s * random.uniform(0.8, 1.0)  # noqa: S311 - spreads many cards, guards nothing
