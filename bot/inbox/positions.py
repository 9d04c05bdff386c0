"""Who may run, who waits, and behind how many: the inbox's questions to its table."""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    text,
    update,
)

from bot.job import CARD_LINE, ENDED_STATES, WRITING_KINDS
from bot.storage.tables import OPEN, jobs

TOLD_AFTER_S = 0.3
"""A question that is begun at once, here or by another replica, needs no card that says it waits."""
REFRESH_S = 5.0
SPREAD_S, SPREAD_STEPS = 2.0, 16


is_open = text(f"jobs.{OPEN}")
is_queued = text("jobs.state = 'queued'")
is_running = text("jobs.state = 'running'")
has_share = (jobs.c.asker != "") & ~jobs.c.conversation.startswith(CARD_LINE)
"""Whether a job counts as its person's and its chat's: not what changes a card that was answered already."""


def may_run(now: ColumnElement[float], owner: str) -> ColumnElement[bool]:
    """Queued, due, with nobody before it or running in its conversation; or `owner`'s, under a lease that ran out.

    A job that was stored late under a smaller number waits for the one that overtook it.
    """
    other = jobs.alias("other")
    in_the_way = exists(
        select(other.c.id).where(
            other.c.app_id == jobs.c.app_id,
            other.c.conversation == jobs.c.conversation,
            text(f"other.{OPEN}"),
            or_(other.c.id < jobs.c.id, and_(text("other.state = 'running'"), other.c.id != jobs.c.id)),
        )
    )
    is_free = jobs.c.lease_until < now
    return or_(
        and_(is_queued, jobs.c.run_after <= now, is_free, ~in_the_way), and_(is_running, is_free, jobs.c.owner == owner)
    )


def hold_waiting(connection: Connection, now: ColumnElement[float], limit: int, held: dict[str, Any]) -> list[Row[Any]]:
    """Takes hold of the questions that have to be told something; `shown_place` is how many are before each.

    Everyone hears so after `TOLD_AFTER_S`, again at most every `REFRESH_S` and only when the place has changed; who
    asked to be stopped is due at once. Suspects of a crash (`bot.inbox.crashes`) are left to the worker.
    """
    line = _line()
    is_new = line.c.shown_at == 0
    has_moved = ~is_new & (line.c.shown_place != line.c.ahead) & (line.c.shown_at < now - REFRESH_S)
    is_due = or_(is_new & (line.c.created_at < now - TOLD_AFTER_S), has_moved, (line.c.stop_by != "") & ~is_new)
    due = (
        select(line.c.id, line.c.fence, line.c.ahead)
        .where(text("state = 'queued'"), line.c.kind == "answer", line.c.attempt == 0, line.c.lease_until < now, is_due)
        .where(line.c.crashes == 0, line.c.given_up == "")
    )
    taken: list[Row[Any]] = []
    for row in connection.execute(due.order_by(line.c.ahead, line.c.id).limit(limit)).all():
        same = (jobs.c.id == row.id) & (jobs.c.fence == row.fence) & text("state = 'queued'")
        told = update(jobs).where(same).values(**held, shown_place=row.ahead, shown_at=now)
        taken += connection.execute(told.returning(*jobs.c, (now - jobs.c.created_at).label("waited_s"))).all()
    return taken


def survey(connection: Connection, now: ColumnElement[float]) -> dict[str, tuple[int, float]]:
    """State → number of jobs and the age of the oldest in seconds; see `Jobs.survey`."""
    asked_at = case((~jobs.c.conversation.startswith(CARD_LINE), jobs.c.created_at))
    age_s = now - func.coalesce(func.min(asked_at), now)
    still = select(jobs.c.state, func.count(), age_s).where(is_open)
    over = select(jobs.c.state, func.count(), literal(0.0)).where(
        jobs.c.finished_at.is_not(None), jobs.c.state.in_(ENDED_STATES)
    )
    rows = [*connection.execute(still.group_by(jobs.c.state)), *connection.execute(over.group_by(jobs.c.state))]
    return {state: (count, max(0.0, age)) for state, count, age in rows}


def waits(connection: Connection) -> dict[str, int]:
    """What queued jobs wait for → how many: the `platform`, or that their asker gets `notice` of being given up."""
    is_notice = jobs.c.given_up != ""
    kind = case((is_notice, "notice"), else_="platform").label("kind")
    some = select(kind, func.count()).where(is_open, is_queued, is_notice | (jobs.c.waits_for != ""))
    counted: dict[str, int] = dict(connection.execute(some.group_by(kind)).all())
    return {"platform": 0, "notice": 0} | counted


def wake_waiting(connection: Connection, now: ColumnElement[float], waits_for: str) -> int:
    """Jobs that wait for this are due within `SPREAD_S`, not all at once; how many there are."""
    soon = now + (jobs.c.id % SPREAD_STEPS) * (SPREAD_S / SPREAD_STEPS)
    waiting = update(jobs).where(is_open, is_queued, jobs.c.waits_for == waits_for)
    earlier = case((jobs.c.run_after < soon, jobs.c.run_after), else_=soon)
    return connection.execute(waiting.values(run_after=earlier, waits_for="")).rowcount


def _line() -> Any:
    """Open questions, each with the number of those before it, in any conversation: people take turns, as in
    `bot.inbox.claim`."""
    place = func.row_number().over(partition_by=(jobs.c.app_id, jobs.c.asker), order_by=jobs.c.id)
    asked = select(jobs, place.label("place")).where(text(f"jobs.{OPEN}"), jobs.c.kind.in_(WRITING_KINDS))
    turns = asked.subquery("turns")
    ahead = func.row_number().over(order_by=(turns.c.place, turns.c.id)) - 1
    return select(turns, ahead.label("ahead")).subquery("line")
