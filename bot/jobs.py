"""The durable inbox: what was accepted, who works on it, and how it ended.

Accepting is one transaction: the platform's ids (so that a redelivery is a no-op by constraint) and the job. Running
is a lease: a claim raises the job's fence, every later write carries it, and a worker whose lease was taken over finds
its fence gone and raises `LeaseLost`.
"""

import asyncio
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import orjson
from sqlalchemy import Connection, and_, delete, exists, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.database import Database
from bot.errors import BotError
from bot.tables import answers, jobs, seen
from feishu.clock import Clock, SystemClock

JobKind = Literal["answer", "regenerate", "redraw", "ask_reason"]
JobState = Literal["queued", "running", "done", "failed", "cancelled", "buried"]
OPEN_STATES = ("queued", "running")
MAX_ACCEPT_GROUP = 500
GATHER_S = 0.002


class LeaseLost(BotError):
    """Another worker owns the job now; this one must stop writing."""


@dataclass(frozen=True, slots=True)
class NewJob:
    """Work to accept. `keys` are the platform's ids that make it unique within the app, like `event:…`, `message:…`."""

    app_id: str
    kind: JobKind
    conversation: str
    payload: dict[str, Any]
    keys: tuple[str, ...]
    turn_id: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """A claimed or looked-up job."""

    id: int
    app_id: str
    kind: JobKind
    conversation: str
    payload: dict[str, Any]
    state: JobState
    attempt: int
    fence: int
    turn_id: str
    stop_by: str
    reason: str
    created_at: float


class Jobs:
    """The inbox of one or more apps, as seen by one worker process (`owner`)."""

    def __init__(self, database: Database, *, lease_s: float, clock: Clock | None = None, owner: str = "") -> None:
        self._database = database
        self._clock = clock or SystemClock()
        self._lease_s = lease_s
        self._insert = sqlite.insert if database.is_sqlite else postgresql.insert
        self._waiting: list[tuple[NewJob, asyncio.Future[bool]]] = []
        self._flush: asyncio.Task[None] | None = None
        self.owner = owner or secrets.token_hex(8)

    async def accept(self, job: NewJob) -> bool:
        """Durably accepts; False when one of its keys was accepted before. Raises `StoreError`."""
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((job, future))
        if self._flush is None:
            self._flush = asyncio.create_task(self._flush_waiting())
        return await future

    async def _flush_waiting(self) -> None:
        """Everything that arrives while one group is being committed makes the next group.

        Under load a group also waits `GATHER_S` for company, which saves most of the commits; a lone one never waits.
        """
        while self._waiting:
            group, self._waiting = self._waiting[:MAX_ACCEPT_GROUP], self._waiting[MAX_ACCEPT_GROUP:]
            try:
                fresh = await self._database.write(partial(self._accept_many, group=[job for job, _ in group]))
            except Exception as error:
                for _, future in group:
                    if not future.done():
                        future.set_exception(error)
            else:
                for (_, future), is_fresh in zip(group, fresh, strict=True):
                    if not future.done():
                        future.set_result(is_fresh)
            if len(group) > 1:
                await asyncio.sleep(GATHER_S)
        self._flush = None

    def _accept_many(self, connection: Connection, group: Sequence[NewJob]) -> list[bool]:
        now = self._clock.time()
        rows = [{"app_id": job.app_id, "key": key, "at": now} for job in group for key in job.keys]
        statement = self._insert(seen).on_conflict_do_nothing().returning(seen.c.app_id, seen.c.key)
        unclaimed = {(app_id, key) for app_id, key in connection.execute(statement, rows)}
        fresh = []
        for job in group:
            mine = {(job.app_id, key) for key in job.keys}
            fresh.append(mine <= unclaimed)
            unclaimed -= mine  # a twin in the same group comes second
        accepted = [_row(job, now) for job, is_fresh in zip(group, fresh, strict=True) if is_fresh]
        if accepted:
            connection.execute(insert(jobs), accepted)
        return fresh

    async def enqueue(self, job: NewJob) -> bool:
        """Like `accept`, but refuses (False) while an answer of the same turn is still to be written.

        A job that owes only its last frame does not count: the card shows its answer already, and people click.
        """

        def work(connection: Connection) -> bool:
            concluded = exists().where(answers.c.job_id == jobs.c.id, answers.c.outcome != "open")
            is_writing = (jobs.c.turn_id == job.turn_id) & jobs.c.state.in_(OPEN_STATES) & ~concluded
            if connection.scalar(select(jobs.c.id).where(is_writing).limit(1)) is not None:
                return False
            return self._accept_many(connection, [job])[0]

        return await self._database.write(work)

    async def enqueue_once(self, job: NewJob) -> bool:
        """Like `accept`, but False while a job of the same kind and turn waits: it will see what this one would."""

        def work(connection: Connection) -> bool:
            waits = (jobs.c.turn_id == job.turn_id) & (jobs.c.kind == job.kind) & (jobs.c.state == "queued")
            if connection.scalar(select(jobs.c.id).where(waits).limit(1)) is not None:
                return False
            return self._accept_many(connection, [job])[0]

        return await self._database.write(work)

    async def claim(self) -> Job | None:
        """The oldest job that may run: first open one of its conversation, due, and not leased by somebody alive."""
        return await self._database.write(self._claim)

    def _claim(self, connection: Connection) -> Job | None:
        now = self._clock.time()
        older = jobs.alias("older")
        due = or_(
            and_(jobs.c.state == "queued", jobs.c.run_after <= now),
            and_(jobs.c.state == "running", jobs.c.lease_until < now),
        )
        blocked = exists().where(
            older.c.app_id == jobs.c.app_id,
            older.c.conversation == jobs.c.conversation,
            older.c.id < jobs.c.id,
            older.c.state.in_(OPEN_STATES),
        )
        pick = select(jobs.c.id).where(jobs.c.state.in_(OPEN_STATES), due, ~blocked).order_by(jobs.c.id).limit(1)
        job_id = connection.scalar(pick.with_for_update(skip_locked=True))
        if job_id is None:
            return None
        taken = (
            update(jobs)
            .where(jobs.c.id == job_id)
            .values(
                state="running",
                fence=jobs.c.fence + 1,
                attempt=jobs.c.attempt + 1,
                owner=self.owner,
                lease_until=now + self._lease_s,
                started_at=func.coalesce(jobs.c.started_at, now),
            )
            .returning(*jobs.c)
        )
        return _job(connection.execute(taken).one())

    async def renew(self, held: Iterable[Job]) -> dict[int, str]:
        """Renews the leases of `held`: job id → who asked to stop it ("" for nobody). Absent: the lease is lost."""
        pairs = [(job.id, job.fence) for job in held]
        if not pairs:
            return {}

        def work(connection: Connection) -> dict[int, str]:
            mine = or_(*(and_(jobs.c.id == job_id, jobs.c.fence == fence) for job_id, fence in pairs))
            statement = (
                update(jobs)
                .where(mine, jobs.c.state == "running")
                .values(lease_until=self._clock.time() + self._lease_s)
                .returning(jobs.c.id, jobs.c.stop_by)
            )
            return dict(connection.execute(statement).all())

        return await self._database.write(work)

    async def finish(self, job: Job, state: JobState, reason: str = "") -> None:
        """Ends a job for good. Raises `LeaseLost`."""
        await self._settle(job, state=state, reason=reason, finished_at=self._clock.time(), lease_until=0.0)

    async def release(self, job: Job, *, delay_s: float = 0.0, reason: str = "", count_attempt: bool = True) -> None:
        """Puts a job back for whoever claims next, after `delay_s`. Raises `LeaseLost`."""
        attempt = job.attempt if count_attempt else job.attempt - 1
        await self._settle(
            job,
            state="queued",
            reason=reason,
            attempt=attempt,
            run_after=self._clock.time() + delay_s,
            lease_until=0.0,
        )

    async def _settle(self, job: Job, **values: Any) -> None:
        def work(connection: Connection) -> None:
            guard(connection, job)
            connection.execute(update(jobs).where(jobs.c.id == job.id).values(**values))

        await self._database.write(work)

    async def ask_to_stop(self, turn_id: str, *, by: str) -> int | None:
        """Marks the open job of a turn to be stopped; the id of the job marked, None when there is none."""

        def work(connection: Connection) -> int | None:
            marked = (
                update(jobs)
                .where(jobs.c.turn_id == turn_id, jobs.c.state.in_(OPEN_STATES))
                .values(stop_by=by)
                .returning(jobs.c.id)
            )
            job_id: int | None = connection.scalar(marked)
            return job_id

        return await self._database.write(work)

    async def reclaim_own_machine(self) -> int:
        """Frees every lease at once. Only where no other process can be alive (SQLite, under the serving lock)."""

        def work(connection: Connection) -> int:
            return connection.execute(update(jobs).where(jobs.c.state == "running").values(lease_until=0.0)).rowcount

        return await self._database.write(work)

    async def count_by_state(self) -> dict[str, int]:
        """State → number of jobs."""
        statement = select(jobs.c.state, func.count()).group_by(jobs.c.state)
        return await self._database.read(lambda c: dict(c.execute(statement).all()))

    async def forget_before(self, at: float) -> None:
        """Drops ids seen and jobs ended before `at`. Retention must exceed the platform's redelivery (7 h 06 min)."""

        def work(connection: Connection) -> None:
            connection.execute(delete(seen).where(seen.c.at < at))
            connection.execute(delete(jobs).where(jobs.c.finished_at < at, jobs.c.state.not_in(OPEN_STATES)))

        await self._database.write(work)


def guard(connection: Connection, job: Job) -> None:
    """Raises `LeaseLost` unless `job` still holds its lease; call it first in every write made for a job."""
    held = select(jobs.c.id).where(jobs.c.id == job.id, jobs.c.fence == job.fence, jobs.c.state == "running")
    if connection.scalar(held.with_for_update()) is None:
        raise LeaseLost(f"job {job.id} is no longer ours (fence {job.fence})")


def _row(job: NewJob, now: float) -> dict[str, Any]:
    return {
        "app_id": job.app_id,
        "kind": job.kind,
        "conversation": job.conversation,
        "payload": orjson.dumps(job.payload).decode(),
        "state": "queued",
        "turn_id": job.turn_id,
        "created_at": now,
    }


def _job(row: Any) -> Job:
    return Job(
        id=row.id,
        app_id=row.app_id,
        kind=row.kind,
        conversation=row.conversation,
        payload=orjson.loads(row.payload),
        state=row.state,
        attempt=row.attempt,
        fence=row.fence,
        turn_id=row.turn_id,
        stop_by=row.stop_by,
        reason=row.reason,
        created_at=row.created_at,
    )
