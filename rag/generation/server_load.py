"""Whether the model's server has time for what nobody waits for (questions to ask next): answers always go first."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterator

from rag.clock import Clock

COOL_OFF_S = 60.0
"""How long a server that refused, failed, or took too long is left alone."""


class ServerLoad:
    """What one process knows of its model's server: how many answers it writes there, and when a call failed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._answers = 0
        self._left_alone_until = 0.0
        self._spare: set[asyncio.Timeout] = set()

    @property
    def is_high(self) -> bool:
        """Whether an answer is being written, or a call failed a short while ago."""
        return bool(self._answers) or self._clock.monotonic() < self._left_alone_until

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

    def failed(self) -> None:
        """A call was refused, or the server gave no answer."""
        self._left_alone_until = self._clock.monotonic() + COOL_OFF_S

    @contextlib.asynccontextmanager
    async def spare_time(self, budget_s: float) -> AsyncGenerator[None]:
        """For a call that nobody waits for. Raises TimeoutError when an answer begins, and after `budget_s`: a server
        that needs longer has a queue, and is left alone, too."""
        try:
            async with asyncio.timeout(budget_s) as limit:
                self._spare.add(limit)
                try:
                    yield
                finally:
                    self._spare.discard(limit)
        except TimeoutError:
            if not self._answers:
                self.failed()
            raise
