"""Answers that had to go another way: counted for `/metrics`, and by day in the store, where the doctor reads them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, get_args

import structlog
from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from bot.errors import StoreError
from bot.observability.metrics import Metrics
from bot.storage.database import Database
from bot.storage.tables import fallbacks
from feishu.clock import Clock, SystemClock
from feishu.errors import ApiError, CardRejected, FeishuError

log = structlog.get_logger(__name__)

Way = Literal[
    "raw_card",  # no card entity: a card as raw JSON, replaced as a whole
    "new_card",  # the card can never be written again, or is gone: another one
    "repaired",  # the same words on a card without markup
    "plain_text",  # no card may hold it: a text message
    "new_message",  # the whole answer as a message of its own, because its card cannot be written
    "neutral_close",  # the card says that the answer stands below
    "withheld",  # the platform does not let the answer pass: fixed words in its place
    "unsaid",  # not even the fixed words were taken
]
WAYS: tuple[Way, ...] = get_args(Way)
KEPT_DAYS = 30
DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Fallback:
    """How often a way had to be taken after a refusal of `code` (0: no answer, or none was needed)."""

    way: Way
    code: int
    count: int


class DeliveryFallbacks:
    """Counts them. Without a store only `/metrics` hears of it."""

    def __init__(
        self, metrics: Metrics | None = None, database: Database | None = None, *, clock: Clock | None = None
    ) -> None:
        self._metrics = metrics
        self._database = database
        self._clock = clock or SystemClock()
        if metrics is not None:
            metrics.ways_to_fall_back(WAYS)

    async def note(self, way: Way, because: FeishuError | None = None) -> None:
        """One more. Never raises: an answer under way is worth more than its place in a table."""
        log.warning("fallback_used", way=way, reason=str(because or ""))
        if self._metrics is not None:
            self._metrics.fallback_used(way)
        if self._database is None:
            return
        try:
            await self._count(self._database, way, _code_of(because))
        except StoreError as error:
            log.error("fallback_not_counted", way=way, reason=str(error))

    async def of_days(self, days: int) -> list[Fallback]:
        """Those of the last `days` days, the most frequent first. Raises `StoreError`."""
        if self._database is None:
            return []
        total = func.sum(fallbacks.c.count)
        since = fallbacks.c.day > self._day(days)
        statement = select(fallbacks.c.way, fallbacks.c.code, total).where(since)
        statement = statement.group_by(fallbacks.c.way, fallbacks.c.code).order_by(total.desc())
        return await self._database.read(
            lambda connection: [Fallback(way, code, int(count)) for way, code, count in connection.execute(statement)]
        )

    async def _count(self, database: Database, way: Way, code: int) -> None:
        insert = sqlite.insert if database.is_sqlite else postgresql.insert
        row = insert(fallbacks).values(day=self._day(), way=way, code=code, count=1)
        key = [fallbacks.c.day, fallbacks.c.way, fallbacks.c.code]
        counted = row.on_conflict_do_update(index_elements=key, set_={"count": fallbacks.c.count + 1})
        old = delete(fallbacks).where(fallbacks.c.day < self._day(KEPT_DAYS))

        def work(connection: Connection) -> None:
            connection.execute(old)
            connection.execute(counted)

        await database.write(work)

    def _day(self, ago: int = 0) -> str:
        return datetime.fromtimestamp(self._clock.time() - ago * DAY_S, UTC).date().isoformat()


def _code_of(error: FeishuError | None) -> int:
    if isinstance(error, CardRejected) and error.sub_code:
        return error.sub_code
    return error.code if isinstance(error, ApiError) else 0
