"""Between the worker and what it runs: the wish that a job stops, and how it ended."""

import asyncio
from dataclasses import dataclass

from bot.job import JobState


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
