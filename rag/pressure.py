"""Whether the model's server has time for what nobody waits for (questions to ask next): answers always go first."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterator

from rag.clock import Clock

SLOW_FIRST_PIECE_S = 5.0
"""A server that takes this long to begin an answer has a queue, or thinks slowly."""
COOL_OFF_S = 60.0
"""How long a server that refused or failed is left alone."""


class Pressure:
    """What one process knows of its model's server: how many answers are being written there, how the last began."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._answers = 0
        self._first_piece_s = 0.0
        self._left_alone_until = 0.0
        self._spare: set[asyncio.Timeout] = set()

    @property
    def is_high(self) -> bool:
        """Whether an answer is being written, the last one was slow to begin, or a call failed a short while ago."""
        is_slow = self._first_piece_s >= SLOW_FIRST_PIECE_S
        return bool(self._answers) or is_slow or self._clock.monotonic() < self._left_alone_until

    @contextlib.contextmanager
    def answering(self) -> Iterator[None]:
        """While an answer is sought and written. What is done beside answers ends now."""
        self._answers += 1
        for limit in self._spare:
            with contextlib.suppress(RuntimeError):  # it ends already
                limit.reschedule(asyncio.get_running_loop().time())
        try:
            yield
        finally:
            self._answers -= 1

    def began(self, seconds: float) -> None:
        """An answer's first piece came after so many seconds."""
        self._first_piece_s = seconds

    def failed(self) -> None:
        """A call was refused, or the server gave no answer."""
        self._left_alone_until = self._clock.monotonic() + COOL_OFF_S

    @contextlib.asynccontextmanager
    async def spare_time(self, budget_s: float) -> AsyncGenerator[None]:
        """For a call that nobody waits for. Raises TimeoutError after `budget_s`, or when an answer begins."""
        async with asyncio.timeout(budget_s) as limit:
            self._spare.add(limit)
            try:
                yield
            finally:
                self._spare.discard(limit)
