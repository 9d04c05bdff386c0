"""How often the answers of a period cite each document, and how people voted on them, as the figures count it."""

import asyncio
from dataclasses import dataclass

from sqlalchemy import func, select

from bot.repositories.analytics import Analytics
from bot.repositories.figures import documents
from bot.storage.database import Database
from bot.storage.tables import answers, votes
from feishu.clock import Clock
from rag.index.base.types import Key

KEPT_S = 15.0
"""Counting reads the sources of every answer: whoever types into a search field does not have them read each time, as
long as there is no newer question and no newer vote."""


@dataclass(slots=True)
class Cited:
    """Of one document: the questions whose answers cite it, and the votes (`bot.repositories.figures`)."""

    answers: int = 0
    up: int = 0
    down: int = 0


class Citations:
    """Raises `StoreError`."""

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._figures = Analytics(database, clock=clock)
        self._clock = clock
        self._kept: tuple[tuple[float, object], float, dict[Key, Cited]] | None = None

    async def of_documents(self, days: float) -> dict[Key, Cited]:
        """Of the last days, by collection and source; at most some seconds old."""
        newest = select(select(func.max(answers.c.created_at)).scalar_subquery(), func.max(votes.c.at))
        mark = days, tuple(await self._database.read(lambda connection: connection.execute(newest).one()))
        now = self._clock.monotonic()
        if self._kept is None or self._kept[0] != mark or now - self._kept[1] > KEPT_S:
            self._kept = mark, now, await self._counted(days)
        return self._kept[2]

    async def _counted(self, days: float) -> dict[Key, Cited]:
        questions = await self._figures.questions(days)
        rows = await asyncio.to_thread(documents, questions, limit=None)
        return {(row["collection"], row["source"]): Cited(row["cited"], row["up"], row["down"]) for row in rows}
