"""What a person and a chat may start in a minute and have open at once, counted where it is stored.

Counting and storing are one transaction of the writer, so that two hundred requests at one moment count each other.
Replicas on PostgreSQL count what the others have committed; at one moment each may let one group more through.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Double, String, bindparam, cast, func, literal, select, union_all

from bot.inbox.positions import has_share, is_open
from bot.job import CARD_LINE, Bound, NewJob
from bot.storage.tables import jobs

MINUTE_S = 60.0
PEOPLE, CHATS = "people", "chats"
STARTED, OPEN = "started", "open"
Used = dict[tuple[str, str, str, str], float]
"""Of people or chats, started or open, app, id → how much."""


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
