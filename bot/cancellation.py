"""Between the worker and what it runs: the wish that a job stops, and how it ended."""

import asyncio
import contextlib
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from bot.job import JobState

T = TypeVar("T")


class StopSignal:
    """Set by the worker when somebody asked to stop the job."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()
        self.by = ""

    def ask(self, by: str) -> None:
        self.by = by
        self._asked.set()

    async def wait(self) -> str:
        await self._asked.wait()
        return self.by


@dataclass(frozen=True, slots=True)
class Ended:
    """How a job ended, for the store."""

    state: JobState
    reason: str = ""


async def unless_stopped(
    work: Coroutine[Any, Any, T], stop: StopSignal, *, meanwhile: Coroutine[Any, Any, None]
) -> "asyncio.Task[T] | None":
    """`unless` somebody asks to stop."""
    return await unless(stop.wait(), work, meanwhile)


async def unless(
    ending: Coroutine[Any, Any, object], work: Coroutine[Any, Any, T], *meanwhile: Coroutine[Any, Any, None]
) -> "asyncio.Task[T] | None":
    """`work` as a task that is done; None where `ending` was over first. `meanwhile` runs beside it. Whichever way this
    ends, also cancelled, nothing of it runs on."""
    working = asyncio.create_task(work)
    over = asyncio.create_task(ending)
    beside = [asyncio.create_task(each) for each in meanwhile]
    try:
        await asyncio.wait({working, over}, return_when=asyncio.FIRST_COMPLETED)
        return working if working.done() else None
    finally:
        for task in (working, over, *beside):
            await cancel(task)


async def cancel(task: "asyncio.Task[Any]") -> None:
    """Cancels a task and waits for its end, whatever that is."""
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError, Exception):
        await task
