"""The statements of a claim, built once: building them would cost more than running them.

People take turns: a job's place is the number of jobs of the same person that stand before it, run, or were done in the
last minute. The lowest place goes first, so that two hundred waiting questions of one person delay another's by one at
most, also where there is a single slot. Beside that nobody holds more than a share of the slots, neither a person nor a
chat: what comes next finds one free.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import (
    ColumnElement,
    Connection,
    Double,
    FromClause,
    Select,
    Subquery,
    and_,
    bindparam,
    case,
    func,
    literal,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.exc import IntegrityError

from bot.inbox.crashes import ANY, CRASHED, OVERDUE_S, dead_owners, fitting, most_together, requeue_orphans
from bot.inbox.positions import has_share, is_open, is_running, may_run
from bot.job import ENDED_STATES, Job
from bot.storage.tables import jobs

LOOKED_AT = 500
"""The oldest jobs that may run, among which people take turns: more than one person may have waiting."""

SERVED_S = 60.0
MOST_SUSPECTS = 200
"""How far ahead is looked where suspects stand in the way."""


class Collision(Exception):
    """Another replica claimed in the same conversation at the same moment."""


@dataclass(frozen=True, slots=True)
class Shares:
    """How many jobs of a person and of a chat run at once, on all replicas together; 0 is any number."""

    person: int = 0
    chat: int = 0

    @classmethod
    def of(cls, slots: int) -> "Shares":
        """For a worker with so many slots: wherever there are two, one person leaves one to the others."""
        return cls(person=min(max(1, slots - 1), max(2, slots // 4)), chat=min(slots, max(2, slots * 3 // 4)))


NO_SHARES = Shares()


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
        self,
        time: Callable[[], float] | None,
        now: ColumnElement[float],
        *,
        lease_s: float,
        owner: str,
        shares: Shares = NO_SHARES,
    ) -> None:
        self._time = time
        self._owner = owner
        if time is not None:
            now = bindparam("now", type_=Double)
        self._now = now
        turns = _in_turn(now, shares, owner)
        in_hand = jobs.c.id.in_(bindparam("in_hand", expanding=True))
        overdue = (jobs.c.run_after < now - OVERDUE_S).label("overdue")
        self._pick = (
            select(jobs.c.id, jobs.c.state, jobs.c.started_at, jobs.c.reason, jobs.c.company, overdue)
            .join(turns, turns.c.id == jobs.c.id)
            .where(is_open, ~in_hand)
            .where(jobs.c.lease_until < now)  # again, of the row that is locked: another replica may have it
            .order_by(turns.c.place, jobs.c.id)
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


def _in_turn(now: ColumnElement[float], shares: Shares, owner: str) -> Subquery:
    """Id and place of the jobs that may run within the shares. A chat's are counted in the order of their places, so
    that one of its people does not use up what the others have."""
    columns = (jobs.c.id, jobs.c.app_id, jobs.c.asker, jobs.c.chat_id, has_share.label("has_share"))
    found = select(*columns).where(is_open, may_run(now, owner)).order_by(jobs.c.id).limit(LOOKED_AT).subquery("found")
    runs = is_running & (jobs.c.lease_until >= now)
    was_served = jobs.c.state.in_(ENDED_STATES) & (jobs.c.finished_at > now - SERVED_S)
    of_person = _numbered(found, "asker", (found.c.id,), running=runs, place=or_(runs, was_served)).subquery(
        "of_person"
    )
    order = (of_person.c.place, of_person.c.id)
    within = _within(of_person, "running", shares.person)
    of_chat = _numbered(of_person, "chat_id", order, running_in_chat=runs).where(within).subquery("of_chat")
    may = _within(of_chat, "running_in_chat", shares.chat)
    return select(of_chat.c.id, of_chat.c.place).where(may).subquery("turns")


def _numbered(
    rows: Subquery, name: str, order: tuple[ColumnElement[Any], ...], **before: ColumnElement[bool]
) -> Select[Any]:
    """The rows with their number among those of the same person or chat, once for each of `before`: the jobs of the
    same that it is counted behind. What is nobody's has the number 1."""
    source: FromClause = rows
    numbers = []
    rank = func.row_number().over(partition_by=(rows.c.app_id, rows.c[name], rows.c.has_share), order_by=order)
    is_nobodys = ~rows.c.has_share | (rows.c[name] == "")
    for label, which in before.items():
        whose = (jobs.c.app_id, jobs.c[name])
        counted = select(*whose, func.count().label("count")).where(which, has_share).group_by(*whose)
        others = counted.subquery(f"{label}_before")
        same = and_(others.c.app_id == rows.c.app_id, others.c[name] == rows.c[name])
        source = source.outerjoin(others, same)
        numbers.append(case((is_nobodys, 1), else_=rank + func.coalesce(others.c["count"], 0)).label(label))
    return select(rows, *numbers).select_from(source)


def _within(rows: Subquery, number: str, most: int) -> ColumnElement[bool]:
    return rows.c[number] <= most if most else true()


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
        chat_id=row.chat_id,
        waited_s=max(0.0, row.waited_s),
        is_resumed=was.started_at is not None,
        taken_over=was.state == "running" or was.reason == CRASHED,
        deferrals=row.deferrals,
        given_up=row.given_up,
        alone=row.alone,
        company=row.company,
    )
