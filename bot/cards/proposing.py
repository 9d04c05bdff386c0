"""Questions to ask next, asked of the model beside the answer: from its first word on, and never waited for."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from bot.ending import cancel
from rag.documents import Passage
from rag.events import Proposed, Question


class Proposer(Protocol):
    """What this needs of `rag.library.Library`."""

    async def propose(self, question: Question, passages: Sequence[Passage]) -> Proposed: ...


class Proposing:
    """One answer's proposals. Close it, however the answer ends."""

    def __init__(self, proposer: Proposer) -> None:
        self._proposer = proposer
        self._task: asyncio.Task[Proposed] | None = None

    def begin(self, question: Question, passages: Sequence[Passage]) -> None:
        """Asks, once: a model that writes already is not kept from its first word."""
        if self._task is None and passages:
            self._task = asyncio.create_task(self._proposer.propose(question, passages))

    def ready(self) -> Proposed:
        """What has come; nothing where the model is not done yet, or failed."""
        task = self._task
        if task is None or not task.done() or task.cancelled() or task.exception() is not None:
            return Proposed()
        return task.result()

    async def aclose(self) -> None:
        """Gives up what has not come."""
        if self._task is not None:
            await cancel(self._task)
