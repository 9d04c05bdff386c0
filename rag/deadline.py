"""A limit for each of many waits, with one timer for all of them: a model gives thousands of pieces."""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

T = TypeVar("T")
NEVER = float("inf")


class Deadline:
    """Waits for one thing after another, each for a limited time; for one waiter at a time. Close it at the end.

    Works as `asyncio.timeout` does, which makes and cancels a timer each time. Here the timer of an earlier wait goes
    on, and finds out when it rings that nothing is due yet.
    """

    def __init__(self) -> None:
        self.expired = False
        """Whether the last wait ended because its time was over, whatever was raised then."""
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._due_at = NEVER
        self._task: asyncio.Task[Any] | None = None

    async def within(self, limit_s: float, awaited: Awaitable[T]) -> T:
        """The awaited result. Raises `TimeoutError` after `limit_s` seconds, with the awaited cancelled."""
        self._task = task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a deadline is for what runs in a task")
        cancelled_before = task.cancelling()
        self.expired = False
        self._due_at = due_at = self._loop.time() + max(limit_s, 0.0)
        if self._timer is None or self._timer.when() > due_at:
            self._set(due_at)
        try:
            result = await awaited
        except BaseException as error:
            is_only_ours = self.expired and task.uncancel() <= cancelled_before
            if is_only_ours and isinstance(error, asyncio.CancelledError):
                raise TimeoutError from error
            raise
        finally:
            self._due_at = NEVER
        if self.expired:
            task.uncancel()
        return result

    def close(self) -> None:
        """Stops the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set(self, at: float) -> None:
        self.close()
        self._timer = self._loop.call_at(at, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._due_at == NEVER:
            return
        if self._loop.time() < self._due_at:
            self._set(self._due_at)
        elif self._task is not None:
            self.expired = True
            self._task.cancel()
