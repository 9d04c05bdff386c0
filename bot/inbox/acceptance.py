"""Accepting jobs: within the bounds of a person and a chat, unique by the platform's ids, many in one commit.

Jobs that arrive together become one multi-row insert. How much a person and a chat may start in a minute and have open
at once is counted in the same transaction of the writer, so that two hundred requests at one moment count each other.
Replicas on PostgreSQL count what the others have committed; at one moment each may let one group more through.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Double, String, bindparam, cast, func, literal, select, union_all

from bot.crash_points import reach
from bot.errors import StoreError
from bot.inbox.positions import has_share, is_open
from bot.job import CARD_LINE, MOST_KEYS, Bound, NewJob, OverBound
from bot.storage.database import POSTGRES_NOW, Database
from bot.storage.tables import jobs

MINUTE_S = 60.0
PEOPLE, CHATS = "people", "chats"
STARTED, OPEN = "started", "open"
Used = dict[tuple[str, str, str, str], float]
"""Of people or chats, started or open, app, id → how much."""
MAX_GROUP = 400
GATHER_S = 0.002
BUDGET_S = 2.5
"""The platform hangs up after 3 s; before that it should hear that it has to deliver again."""
NUL = "\0"
COLUMNS = (
    *("app_id", "key", "second_key", "kind", "conversation", "asker", "chat_id", "cost", "payload", "state", "turn_id"),
    "created_at",
)
Row = tuple[str | float | None, ...]
Entry = tuple[NewJob, Row]
Result = bool | Bound
"""Whether a job was stored (False: known before), or the bound that refused it."""
_Waiting = tuple[Entry, asyncio.Future[bool]]


class Usage:
    """What people and chats have started and have open, as one transaction sees it."""

    def __init__(self, now: ColumnElement[float]) -> None:
        recent = jobs.c.created_at > now - MINUTE_S
        self._statement = union_all(
            *(
                select(literal(whose, String), literal(measure, String), jobs.c.app_id, column, amount)
                .where(column.in_(bindparam(whose, expanding=True)), which)
                .group_by(jobs.c.app_id, column)
                for whose, column in ((PEOPLE, jobs.c.asker), (CHATS, jobs.c.chat_id))
                for measure, amount, which in (
                    (STARTED, func.sum(jobs.c.cost), recent),
                    (OPEN, cast(func.count(), Double), is_open & has_share),
                )
            )
        )

    def over(self, connection: Connection, wanted: Sequence[NewJob], parameters: dict[str, Any]) -> list[Bound | None]:
        """For each job the bound that it would break if those before it were stored; None for none. `parameters` are
        those of `now`."""
        bounded = [job for job in wanted if job.bounds is not None]
        if not bounded:
            return [None] * len(wanted)
        names = {PEOPLE: sorted({job.asker for job in bounded}), CHATS: sorted({job.chat_id for job in bounded})}
        used: Used = defaultdict(float)
        for whose, measure, app_id, name, amount in connection.execute(self._statement, {**parameters, **names}):
            used[whose, measure, app_id, name] = amount
        found = []
        for job in wanted:
            found.append(_broken_by(job, used))
            if found[-1] is None:
                for whose, name in ((PEOPLE, job.asker), (CHATS, job.chat_id)):
                    used[whose, STARTED, job.app_id, name] += job.cost
                    used[whose, OPEN, job.app_id, name] += not job.conversation.startswith(CARD_LINE)
        return found


def _broken_by(job: NewJob, used: Used) -> Bound | None:
    most = job.bounds
    if most is None:
        return None
    checks: tuple[tuple[Bound, str, str, str, float], ...] = (
        ("too_many", PEOPLE, STARTED, job.asker, most.person_per_min),
        ("too_many_waiting", PEOPLE, OPEN, job.asker, most.person_waiting),
        ("too_many_here", CHATS, STARTED, job.chat_id, most.chat_per_min),
        ("too_many_waiting_here", CHATS, OPEN, job.chat_id, most.chat_waiting),
    )
    return next(
        (
            bound
            for bound, whose, measure, name, most in checks
            if most and used[whose, measure, job.app_id, name] >= most
        ),
        None,
    )


class Acceptance:
    """Durable acceptance of jobs. `time` is None where the store's own clock counts; `announce` adds a statement to the
    same transaction (a notice to other replicas)."""

    def __init__(
        self,
        database: Database,
        time: Callable[[], float] | None,
        announce: Callable[[Connection], None] = lambda _connection: None,
    ) -> None:
        self._database = database
        self._time = time
        self._announce = announce
        self._mark = "?" if database.is_sqlite else "%s"
        self._usage = Usage(database.now() if time is None else bindparam("now", type_=Double))
        self._waiting: list[_Waiting] = []
        self._flush: asyncio.Task[None] | None = None

    async def accept(self, job: NewJob) -> bool:
        """Durably accepts; False when one of its keys was accepted before. Raises `OverBound`, `StoreError`."""
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(
            ((job, row_of(job)), future)
        )  # what cannot be stored fails here, and nobody else's job with it
        if self._flush is None:
            self._flush = asyncio.create_task(self._flush_waiting(), name="accept")
        return await future

    async def _flush_waiting(self) -> None:
        """Everything that arrives while one group is being committed makes the next group.

        Under load a group also waits `GATHER_S` for company, which saves most of the commits; a lone one never waits.
        """
        try:
            while self._waiting:
                group, self._waiting = self._waiting[:MAX_GROUP], self._waiting[MAX_GROUP:]
                await self._accept_group(group)
                if len(group) > 1:
                    await asyncio.sleep(GATHER_S)
        finally:
            self._flush = None

    async def _accept_group(self, group: list[_Waiting]) -> None:
        work = partial(self.insert, entries=[entry for entry, _ in group])
        try:
            async with asyncio.timeout(BUDGET_S):
                results = await self._database.write(work)
        except TimeoutError:
            waiting, self._waiting = self._waiting, []  # they have waited as long, behind the same store
            _refuse([*group, *waiting], StoreError("the store does not answer in time"))
        except Exception as error:
            _refuse(group, error)
        except BaseException:  # cancelled at the end of the loop: whoever waits is not answered with a 200
            _refuse(group, StoreError("the store is closing"))
            raise
        else:
            reach("after-accept")
            for (_, future), is_fresh in zip(group, results, strict=True):
                if not future.done():
                    _settle(future, is_fresh)

    def insert(self, connection: Connection, entries: Sequence[Entry]) -> list[Result]:
        """In the caller's transaction: which of the jobs are new and within their bounds, each stored with its ids. Of
        twins the first one is new."""
        bounds = self._usage.over(connection, [job for job, _ in entries], self._parameters())
        rows = [row for (_, row), bound in zip(entries, bounds, strict=True) if bound is None]
        fresh = iter(self._insert(connection, rows) if rows else ())
        results: list[Result] = []
        for (job, _), bound in zip(entries, bounds, strict=True):
            is_known = bound is not None and self._is_known(connection, job)
            results.append(next(fresh) if bound is None else False if is_known else bound)
        return results

    def bound_of(self, connection: Connection, job: NewJob) -> Bound | None:
        """The bound that a job would break now; None for none."""
        return self._usage.over(connection, [job], self._parameters())[0]

    def _parameters(self) -> dict[str, float]:
        return {} if self._time is None else {"now": self._time()}

    def _is_known(self, connection: Connection, job: NewJob) -> bool:
        """Whether it was accepted before: a redelivery is no news, whatever else was started meanwhile."""
        its = jobs.c.key.in_(job.keys) | jobs.c.second_key.in_(job.keys)
        return connection.scalar(select(jobs.c.id).where(jobs.c.app_id == job.app_id, its).limit(1)) is not None

    def _insert(self, connection: Connection, rows: Sequence[Row]) -> list[bool]:
        statement = _statement(len(rows), self._mark, own_time=self._time is None)
        if self._time is None:
            values: tuple[Any, ...] = tuple(value for row in rows for value in row)
        else:
            now = self._time()
            values = tuple(value for row in rows for value in (*row, now))
        stored = {(app_id, key) for app_id, key in connection.exec_driver_sql(statement, values)}
        if stored:
            self._announce(connection)
        fresh = []
        for row in rows:
            fresh.append(row[:2] in stored)
            stored.discard(row[:2])
        return fresh


def settled(result: Result) -> bool:
    """Whether a job was stored. Raises `OverBound`."""
    if isinstance(result, str):
        raise OverBound(result)
    return result


def _settle(future: asyncio.Future[bool], result: Result) -> None:
    if isinstance(result, str):
        future.set_exception(OverBound(result))
    else:
        future.set_result(result)


def _refuse(group: Sequence[_Waiting], error: Exception) -> None:
    for _, future in group:
        if not future.done():
            future.set_exception(error)


@lru_cache(maxsize=2 * MAX_GROUP)
def _statement(rows: int, mark: str, *, own_time: bool) -> str:
    """One statement for all rows; built by hand, since its compilation would cost more than its execution."""
    marks = [mark] * (len(COLUMNS) - 1) + [POSTGRES_NOW if own_time else mark]
    values = ", ".join([f"({', '.join(marks)})"] * rows)
    return f"INSERT INTO jobs ({', '.join(COLUMNS)}) VALUES {values} ON CONFLICT DO NOTHING RETURNING app_id, key"  # noqa: S608  # marks only


def row_of(job: NewJob) -> Row:
    """The values of `COLUMNS` but the last. Raises ValueError for what no store could take."""
    if not 1 <= len(job.keys) <= MOST_KEYS:
        raise ValueError(f"a job has one or two keys, not {len(job.keys)}")
    key, second = (*job.keys, None)[:MOST_KEYS]
    payload = orjson.dumps(job.payload).decode()
    row: Row = (
        *(job.app_id, key, second, job.kind, job.conversation, job.asker, job.chat_id, job.cost, payload, "queued"),
        job.turn_id,
    )
    if any(isinstance(value, str) and NUL in value for value in row):
        raise ValueError("an id holds a NUL character, which PostgreSQL cannot store")
    return row
