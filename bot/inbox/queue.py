"""The durable inbox: what was accepted, who works on it, and how it ended.

Accepting is one transaction: the platform's ids (so that a redelivery is a no-op by constraint) and the job. Running
is a lease: a claim raises the job's fence, every later write carries it, and a worker whose lease was taken over finds
its fence gone and raises `LeaseLost`.
"""

import secrets
import time
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Connection, Double, and_, delete, exists, literal, or_, select, text, update

from bot.inbox import crashes
from bot.inbox import positions as waiting_list
from bot.inbox.acceptance import Acceptance, Result, row_of, settled
from bot.inbox.claim import NO_SHARES, Claiming, Collision, Room, Shares, job_of
from bot.inbox.notify import JOBS, STOP, notify
from bot.inbox.positions import hold_waiting
from bot.inbox.positions import is_open as _is_open
from bot.inbox.positions import is_queued as _is_queued
from bot.inbox.positions import is_running as _is_running
from bot.job import (
    ENDED_STATES,
    WRITING_KINDS,
    Job,
    JobState,
    Lease,
    LeaseLost,
    NewJob,
    OverBound,
)
from bot.storage.database import Database
from bot.storage.tables import answers, jobs
from feishu.clock import Clock

__all__ = ["Jobs", "Room", "guard"]

CLAIM_TRIES = 3
FORGET_AT_ONCE = 2_000

_is_held = text("jobs.lease_until > 0")  # a job that was put back still has the fence of its last holder


class Jobs:
    """The inbox of one or more apps, as seen by one worker process (`owner`).

    Times are the store's (`Database.now`), so that replicas need not agree on theirs; a `clock` is for tests.
    """

    def __init__(
        self,
        database: Database,
        *,
        lease_s: float,
        clock: Clock | None = None,
        owner: str = "",
        shares: Shares = NO_SHARES,
    ) -> None:
        self._database = database
        self._clock = clock
        self._lease_s = lease_s
        self._monotonic = clock.monotonic if clock else time.monotonic
        own_time = clock.time if clock else time.time if database.is_sqlite else None
        self.owner = owner or secrets.token_hex(8)
        self._acceptance = Acceptance(database, own_time, self._announce)
        self._claiming = Claiming(own_time, self._now(), lease_s=lease_s, owner=self.owner, shares=shares)
        self.takes_more = False
        """Whether this process claims what it accepts at once; if not, accepting calls the other replicas."""

    def _now(self) -> ColumnElement[float]:
        return literal(self._clock.time(), Double) if self._clock else self._database.now()

    def _announce(self, connection: Connection) -> None:
        if not self.takes_more:
            notify(connection, JOBS)

    async def accept(self, job: NewJob) -> bool:
        """Durably accepts; False when one of its keys was accepted before. Raises `OverBound` and `StoreError`."""
        return await self._acceptance.accept(job)

    async def check(self, job: NewJob) -> None:
        """Raises `OverBound` where `accept` would now, and stores nothing. Raises `StoreError`."""
        bound = await self._database.read(lambda connection: self._acceptance.bound_of(connection, job))
        if bound is not None:
            raise OverBound(bound)

    async def enqueue(self, job: NewJob) -> bool:
        """Like `accept`, but False while an answer of the same turn is still to be written.

        A job that owes only its last frame does not count: the card shows its answer already, and people click.
        """
        entry = (job, row_of(job))

        def work(connection: Connection) -> Result:
            concluded = exists().where(answers.c.job_id == jobs.c.id, answers.c.outcome != "open")
            is_writing = select(jobs.c.id).where(_writes(job.turn_id), _is_open, ~concluded)
            if connection.scalar(is_writing.limit(1)) is not None:
                return False
            return self._acceptance.insert(connection, [entry])[0]

        return settled(await self._database.write(work))

    async def enqueue_once(self, job: NewJob) -> bool:
        """Like `accept`, but False while a job of the same kind and turn waits: it will see what this one would."""
        entry = (job, row_of(job))

        def work(connection: Connection) -> Result:
            waits = select(jobs.c.id).where(
                jobs.c.turn_id == job.turn_id, jobs.c.kind == job.kind, _is_open, _is_queued
            )
            if connection.scalar(waits.limit(1)) is not None:
                return False
            return self._acceptance.insert(connection, [entry])[0]

        return settled(await self._database.write(work))

    async def claim(self) -> Job | None:
        """The oldest job that may run, or None; see `claim_up_to`."""
        return next(iter(await self.claim_up_to(1)), None)

    async def claim_up_to(self, limit: int, room: Room | None = None) -> list[Job]:
        """Jobs that may run: each the first open one of its conversation, due, and held by nobody alive. Of the person
        who has least running and waiting before it comes first, then the oldest; nobody exceeds their share. What dead
        processes held is put back first. `room`: what this process has in hand already."""
        room = room or Room()
        for _ in range(CLAIM_TRIES):
            sure_until = self._monotonic() + self._lease_s
            try:
                claimed = await self._database.write(lambda connection: self._claiming.claim(connection, limit, room))
            except Collision:
                continue
            return [self._leased(job_of(row, was=was), sure_until) for row, was in claimed]
        return []

    def _leased(self, job: Job, sure_until: float) -> Job:
        async def renew_it() -> bool:
            return job.id in await self.renew([leased])

        lease = Lease(renew_it, self._monotonic)
        lease.sure_until = sure_until
        leased = Job(**{**{name: getattr(job, name) for name in Job.__slots__}, "lease": lease})
        return leased

    async def renew(self, held: Iterable[Job]) -> dict[int, str]:
        """Renews the leases of `held`: job id → who asked to stop it ("" for nobody). Absent: the lease is lost."""
        held = list(held)
        if not held:
            return {}
        sure_until = self._monotonic() + self._lease_s
        mine = or_(*(and_(jobs.c.id == job.id, jobs.c.fence == job.fence) for job in held))

        def work(connection: Connection) -> dict[int, str]:
            statement = update(jobs).where(mine, _is_open, _is_held).values(lease_until=self._now() + self._lease_s)
            return {row.id: row.stop_by for row in connection.execute(statement.returning(jobs.c.id, jobs.c.stop_by))}

        renewed = await self._database.write(work)
        for job in held:
            if job.lease and job.id in renewed:
                job.lease.sure_until = sure_until
        return renewed

    async def finish(self, job: Job, state: JobState, reason: str = "") -> None:
        """Ends a job for good. Raises `LeaseLost`."""
        await self._settle(job, lambda: {"state": state, "reason": reason, "finished_at": self._now()})

    async def release(
        self,
        job: Job,
        *,
        delay_s: float = 0.0,
        reason: str = "",
        count_attempt: bool = True,
        line: str = "",
        waits_for: str = "",
        given_up: str = "",
        survived: bool = True,
    ) -> None:
        """Puts a job back for whoever claims next, after `delay_s` or once `waits_for` is there again; with `line`,
        into another conversation's line. `survived`: its run came to an end, so that it is no suspect of a crash.
        Raises `LeaseLost`."""
        moved = ({"conversation": line} if line else {}) | (crashes.CLEARED if survived else {})
        values = {
            "state": "queued",
            "reason": reason,
            "attempt": job.attempt if count_attempt else job.attempt - 1,
            "waits_for": waits_for,
            "deferrals": job.deferrals + 1 if waits_for else 0,
            "given_up": given_up,
            **moved,
        }
        await self._settle(job, lambda: {**values, "run_after": self._now() + delay_s}, announce=not delay_s)

    async def _settle(self, job: Job, values: Any, *, announce: bool = False) -> None:
        def work(connection: Connection) -> None:
            mine = and_(jobs.c.id == job.id, jobs.c.fence == job.fence, _is_open, _is_held)
            if connection.execute(update(jobs).where(mine).values(lease_until=0.0, **values())).rowcount != 1:
                raise _lost(job)
            if announce:
                notify(connection, JOBS)

        await self._database.write(work)

    async def hold_waiting(self, limit: int) -> list[tuple[Job, int]]:
        """Queued questions whose card is to be opened or to tell a new place, held under a new fence while they stay
        queued; each with the number of questions before it. Give them back by `put_back`, or `finish` them."""
        sure_until = self._monotonic() + self._lease_s
        held = await self._database.write(lambda connection: hold_waiting(connection, self._now(), limit, self._held()))
        return [(self._leased(job_of(row, was=row), sure_until), row.shown_place) for row in held]

    def _held(self) -> dict[str, Any]:
        return {"fence": jobs.c.fence + 1, "owner": self.owner, "lease_until": self._now() + self._lease_s}

    async def put_back(self, job: Job) -> None:
        """Lets go of a job that stayed queued. Raises `LeaseLost`."""
        await self._settle(job, dict)

    async def ask_to_stop(self, turn_id: str, *, by: str) -> int | None:
        """Marks the open job of a turn to be stopped; the id of the job marked, None when there is none."""
        return await self._mark_stopped(_writes(turn_id), by)

    async def ask_to_stop_in(self, app_id: str, conversation: str, *, by: str) -> int | None:
        """Like `ask_to_stop`, for the answer that is being written in a conversation."""
        here = (jobs.c.app_id == app_id) & (jobs.c.conversation == conversation)
        return await self._mark_stopped(here & jobs.c.kind.in_(WRITING_KINDS) & _is_running, by)

    async def ask_to_stop_message(self, app_id: str, message_id: str, *, by: str) -> int | None:
        """Like `ask_to_stop`, for the question that came with a message."""
        its = (jobs.c.app_id == app_id) & (jobs.c.second_key == f"message:{message_id}")
        return await self._mark_stopped(its & jobs.c.kind.in_(WRITING_KINDS), by)

    async def is_open(self, app_id: str, message_id: str) -> bool:
        """Whether the question that came with a message still waits or is being answered."""
        its = (jobs.c.app_id == app_id) & (jobs.c.second_key == f"message:{message_id}")
        statement = select(jobs.c.id).where(its, _is_open).limit(1)
        return await self._database.read(lambda connection: connection.scalar(statement)) is not None

    async def _mark_stopped(self, which: ColumnElement[bool], by: str) -> int | None:
        def work(connection: Connection) -> int | None:
            marked = update(jobs).where(which, _is_open).values(stop_by=by, run_after=0.0).returning(jobs.c.id)
            job_id: int | None = connection.scalar(marked)
            if job_id is not None:
                notify(connection, STOP, f"{job_id} {by}")
            return job_id

        return await self._database.write(work)

    async def reclaim_own_machine(self) -> int:
        """Puts back at once what others held. Only where none can be alive (SQLite, under the serving lock)."""

        def work(connection: Connection) -> int:
            owners = crashes.all_owners(connection)
            return crashes.requeue_orphans(connection, self._now(), owners)

        return await self._database.write(work)

    async def count_by_state(self) -> dict[str, int]:
        """State → number of jobs."""
        return {state: count for state, (count, _) in (await self.survey()).items()}

    async def survey(self) -> dict[str, tuple[int, float]]:
        """State → number of jobs and the age of the oldest in seconds (0 for those that have ended). What only waits to
        change a card that was answered already (a redraw, an ending that is owed) has no age: nobody waits for it."""
        return await self._database.read(lambda connection: waiting_list.survey(connection, self._now()))

    async def waits(self) -> dict[str, int]:
        """What queued jobs wait for → how many: `platform`, `notice` (see `bot.inbox.verdicts`)."""
        return await self._database.read(waiting_list.waits)

    async def wake_waiting(self, waits_for: str) -> int:
        """Makes jobs that wait for an API of the platform due soon, in every replica; how many there are."""

        def work(connection: Connection) -> int:
            woken = waiting_list.wake_waiting(connection, self._now(), waits_for)
            if woken:
                notify(connection, JOBS)
            return woken

        return await self._database.write(work)

    async def forget_older_than(self, seconds: float) -> int:
        """Drops jobs (and the ids that came with them) that ended so long ago; open ones stay, however old.

        Must exceed the platform's redelivery (7 h 06 min). Goes in small steps, so that accepting never waits long.
        """
        total = 0
        while True:
            forgotten = await self._database.write(lambda connection: self._forget_some(connection, seconds))
            total += forgotten
            if forgotten < FORGET_AT_ONCE:
                return total

    def _forget_some(self, connection: Connection, seconds: float) -> int:
        is_old = (jobs.c.finished_at < self._now() - seconds) & jobs.c.state.in_(ENDED_STATES)
        some = select(jobs.c.id).where(is_old).limit(FORGET_AT_ONCE).scalar_subquery()
        return connection.execute(delete(jobs).where(jobs.c.id.in_(some))).rowcount


def _writes(turn_id: str) -> ColumnElement[bool]:
    return and_(jobs.c.turn_id == turn_id, jobs.c.kind.in_(WRITING_KINDS))


def guard(connection: Connection, job: Job) -> None:
    """Raises `LeaseLost` unless `job` still holds its lease; call it first in every write made for a job."""
    held = select(jobs.c.id).where(jobs.c.id == job.id, jobs.c.fence == job.fence, _is_open, _is_held)
    if connection.scalar(held.with_for_update()) is None:
        raise _lost(job)


def _lost(job: Job) -> LeaseLost:
    return LeaseLost(f"job {job.id} is no longer ours (fence {job.fence})")
