"""Traces in the store, for as long as people look at them."""

from typing import Any

import orjson
from sqlalchemy import Connection, delete, insert, select

from bot.storage.database import Database
from bot.storage.tables import answers, traces, turns
from feishu.clock import Clock

KEPT_S = 30 * 86_400.0
FORGET_EVERY = 200


class TraceStore:
    """One trace an answer, found by the answer's job id."""

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._puts = 0

    async def put(self, job_id: int, body: dict[str, Any]) -> None:
        """Stores a trace in place of an earlier one, unless its question was taken back or forgotten meanwhile; now and
        then forgets what is older than a month."""
        self._puts += 1
        forgets, now = self._puts % FORGET_EVERY == 1, self._clock.time()
        of_it = select(answers.c.id).join(turns, turns.c.id == answers.c.turn_id)
        still_there = of_it.where(answers.c.job_id == job_id, ~turns.c.recalled).limit(1)
        text = orjson.dumps(body, default=str).decode().replace("\\u0000", "")

        def work(connection: Connection) -> None:
            if forgets:
                connection.execute(delete(traces).where(traces.c.created_at < now - KEPT_S))
            connection.execute(delete(traces).where(traces.c.job_id == job_id))
            if connection.scalar(still_there) is None:
                return
            connection.execute(insert(traces).values(job_id=job_id, body=text, created_at=now))

        await self._database.write(work)

    async def get(self, job_id: int) -> dict[str, Any] | None:
        """The trace, if there is one still."""
        statement = select(traces.c.body).where(traces.c.job_id == job_id)
        body = await self._database.read(lambda connection: connection.scalar(statement))
        return orjson.loads(body) if body else None
