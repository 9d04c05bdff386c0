"""How often the answers of a period cite each document, and how people voted on those answers."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, Subquery, func, select

from bot.storage.database import Database
from bot.storage.tables import NO_SOURCES, answers, votes
from feishu.clock import Clock
from rag.index.base.types import Key
from rag.scope import DEFAULT_COLLECTION

DAY_S = 86_400.0
MOST_ROWS = 100_000
KEPT_S = 15.0
"""Counting reads the sources of every answer: whoever types into a search field does not have them read each time, as
long as there is no newer question and no newer vote."""
CITED = '"cited":true'


@dataclass(slots=True)
class Cited:
    """Of one document: the answers that cite it, and the votes on them."""

    answers: int = 0
    up: int = 0
    down: int = 0


class Citations:
    """Raises `StoreError`."""

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
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
        since = self._clock.time() - days * DAY_S
        up, down = _votes("up"), _votes("down")
        statement = (
            select(answers.c.sources, func.coalesce(up.c.n, 0), func.coalesce(down.c.n, 0))
            .outerjoin(up, up.c.answer_id == answers.c.id)
            .outerjoin(down, down.c.answer_id == answers.c.id)
            .where(answers.c.created_at >= since, answers.c.outcome != "open", answers.c.sources != NO_SOURCES)
            .order_by(answers.c.created_at.desc())
            .limit(MOST_ROWS)
        )

        def work(connection: Connection) -> dict[Key, Cited]:
            return counted(connection.execute(statement))

        return await self._database.read(work)


def counted(rows: Iterable[Any]) -> dict[Key, Cited]:
    """Of rows with the sources of an answer (JSON), its 👍 and its 👎."""
    found: dict[Key, Cited] = {}
    for sources, up, down in rows:
        if CITED not in sources:
            continue
        for key in {
            (each.get("collection", DEFAULT_COLLECTION), each["source"])
            for each in orjson.loads(sources)
            if each["cited"]
        }:
            one = found.setdefault(key, Cited())
            one.answers += 1
            one.up += up
            one.down += down
    return found


def _votes(vote: str) -> Subquery:
    counted = select(votes.c.answer_id, func.count().label("n")).where(votes.c.vote == vote)
    return counted.group_by(votes.c.answer_id).subquery(vote)
