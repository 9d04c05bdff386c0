"""What the language model costs: tokens by day, model and purpose, as its server counts them.

Calls are counted in memory and added to the store now and then: an answer does not wait for it, and a process that dies
loses a few seconds of counting. A call that was stopped or cut off by an error is told by few servers, and counts here
only if it was.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects import postgresql, sqlite

from bot.repositories.figures import DAY_S, day_of
from bot.storage.database import Database
from bot.storage.tables import token_usage
from feishu.clock import Clock
from rag.events import ModelCall

LONGEST_MODEL = 128
_COUNTS = ("calls", "prompt", "completion")


@dataclass(frozen=True, slots=True)
class Spent:
    """Tokens of one day, model and purpose."""

    day: str
    model: str
    purpose: str
    calls: int
    prompt: int
    completion: int


class TokenUsage:
    """Counts, and tells what was counted. `flush`, `of_days` and `of_month` raise `StoreError`."""

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._insert = sqlite.insert if database.is_sqlite else postgresql.insert
        self._counted: Counter[tuple[str, str, str, str]] = Counter()

    def note(self, call: ModelCall) -> None:
        """One more call. Cheap, and never raises."""
        key = (day_of(self._clock.time()), call.model[:LONGEST_MODEL], call.purpose)
        self._counted[(*key, "calls")] += 1
        self._counted[(*key, "prompt")] += call.usage.prompt_tokens
        self._counted[(*key, "completion")] += call.usage.completion_tokens

    async def flush(self) -> None:
        """Adds to the store what was counted since; where that fails it is kept for the next time."""
        counted, self._counted = self._counted, Counter()
        if not counted:
            return
        try:
            await self._database.write(lambda connection: self._add(connection, counted))
        except BaseException:
            self._counted += counted
            raise

    async def of_days(self, days: float) -> list[Spent]:
        """What the days cost that the last `days` times 24 hours touch, oldest first."""
        table = token_usage.c
        since = day_of(self._clock.time() - days * DAY_S)
        statement = select(*(table[name] for name in Spent.__slots__)).where(table.day >= since)
        ordered = statement.order_by(table.day, table.model, table.purpose)
        return await self._database.read(lambda connection: [Spent(*row) for row in connection.execute(ordered)])

    async def of_month(self) -> tuple[str, int]:
        """This month, like 2026-05, and the tokens that it cost so far."""
        month = datetime.fromtimestamp(self._clock.time()).strftime("%Y-%m")
        total = func.coalesce(func.sum(token_usage.c.prompt + token_usage.c.completion), 0)
        statement = select(total).where(token_usage.c.day.startswith(month))
        return month, int(await self._database.read(lambda connection: connection.scalar(statement)) or 0)

    def _add(self, connection: Connection, counted: Counter[tuple[str, str, str, str]]) -> None:
        for day, model, purpose in sorted({key[:3] for key in counted}):
            values: dict[str, Any] = {name: counted[day, model, purpose, name] for name in _COUNTS}
            row = self._insert(token_usage).values(day=day, model=model, purpose=purpose, **values)
            more = {name: token_usage.c[name] + values[name] for name in _COUNTS}
            key = [token_usage.c.day, token_usage.c.model, token_usage.c.purpose]
            connection.execute(row.on_conflict_do_update(index_elements=key, set_=more))
