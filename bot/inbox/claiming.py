"""The statements of a claim, built once: building them would cost more than running them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Double, bindparam, func, literal, select, update
from sqlalchemy.exc import IntegrityError

from bot.inbox.crashes import ANY, CRASHED, OVERDUE_S, dead_owners, fitting, most_together, requeue_orphans
from bot.inbox.waiting_list import is_open, may_run
from bot.job import Job
from bot.store.tables import jobs

MOST_SUSPECTS = 200
"""How far ahead is looked where suspects stand in the way."""


class Collision(Exception):
    """Another replica claimed in the same conversation at the same moment."""


@dataclass(frozen=True, slots=True)
class Room:
    """What a process has in hand: the jobs that run there, and how many it looks after while they wait."""

    running: Sequence[Job] = ()
    looked_after: int = 0

    @property
    def count(self) -> int:
        """All that would be in a crash."""
        return len(self.running) + self.looked_after

    @property
    def most(self) -> int:
        """How many may run together with what runs now."""
        return most_together(job.company for job in self.running)


class Claiming:
    """Claims for one worker. `time` is None where `now`, the store's own clock in SQL, counts."""

    def __init__(
        self, time: Callable[[], float] | None, now: ColumnElement[float], *, lease_s: float, owner: str
    ) -> None:
        self._time = time
        self._owner = owner
        if time is not None:
            now = bindparam("now", type_=Double)
        self._now = now
        in_hand = jobs.c.id.in_(bindparam("in_hand", expanding=True))
        overdue = (jobs.c.run_after < now - OVERDUE_S).label("overdue")
        self._pick = (
            select(jobs.c.id, jobs.c.state, jobs.c.started_at, jobs.c.reason, jobs.c.company, overdue)
            .where(is_open, may_run(now, owner), ~in_hand)
            .order_by(jobs.c.id)
            .limit(bindparam("most"))
            .with_for_update(of=jobs, skip_locked=True)
        )
        self._take = (
            update(jobs)
            .where(jobs.c.id.in_(bindparam("picked", expanding=True)))
            .values(
                state="running",
                fence=jobs.c.fence + 1,
                attempt=jobs.c.attempt + 1,
                owner=owner,
                waits_for="",
                lease_until=now + lease_s,
                started_at=func.coalesce(jobs.c.started_at, now),
            )
            .returning(*jobs.c, (now - jobs.c.created_at).label("waited_s"))
        )

    def claim(self, connection: Connection, limit: int, room: Room) -> list[tuple[Any, Any]]:
        """A row of each job taken, as it is now and as it was; oldest first. Raises `Collision`."""
        known: dict[str, Any] = {} if self._time is None else {"now": self._time()}
        now = self._now if self._time is None else literal(known["now"], Double)
        if dead := dead_owners(connection, now, self._owner):
            requeue_orphans(connection, now, dead)
        picked = {row.id: row for row in self._picked(connection, limit, room, known)}
        if not picked:
            return []
        try:
            rows = connection.execute(self._take, {**known, "picked": list(picked)}).all()
        except IntegrityError as error:
            raise Collision from error
        return [(row, picked[row.id]) for row in sorted(rows, key=lambda row: row.id)]

    def _picked(self, connection: Connection, limit: int, room: Room, known: dict[str, Any]) -> list[Any]:
        limit = min(limit, room.most - room.count)
        if limit <= 0:
            return []
        wanted = {**known, "in_hand": [job.id for job in room.running]}
        found = connection.execute(self._pick, {**wanted, "most": limit}).all()
        if room.most == ANY and not any(row.company for row in found):
            return list(found)
        if len(found) == limit:
            found = connection.execute(self._pick, {**wanted, "most": limit + MOST_SUSPECTS}).all()
        return fitting(found, running=room.count, most=room.most)[:limit]


def job_of(row: Any, *, was: Any) -> Job:
    """A claimed job: `row` as it is now, `was` what it was before the claim."""
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
        asker=row.asker,
        waited_s=max(0.0, row.waited_s),
        is_resumed=was.started_at is not None,
        taken_over=was.state == "running" or was.reason == CRASHED,
        deferrals=row.deferrals,
        given_up=row.given_up,
        alone=row.alone,
        company=row.company,
    )
