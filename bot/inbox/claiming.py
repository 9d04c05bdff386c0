"""The statements of a claim, built once: building them would cost more than running them."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, Connection, Double, bindparam, func, select, update
from sqlalchemy.exc import IntegrityError

from bot.inbox.waiting_list import is_open, may_run
from bot.store.tables import jobs


class Collision(Exception):
    """Another replica claimed in the same conversation at the same moment."""


class Claiming:
    """Claims for one worker. `time` is None where `now`, the store's own clock in SQL, counts."""

    def __init__(
        self, time: Callable[[], float] | None, now: ColumnElement[float], *, lease_s: float, owner: str
    ) -> None:
        self._time = time
        if time is not None:
            now = bindparam("now", type_=Double)
        self._pick = (
            select(jobs.c.id, jobs.c.state, jobs.c.started_at)
            .where(is_open, may_run(now))
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
                lease_until=now + lease_s,
                started_at=func.coalesce(jobs.c.started_at, now),
            )
            .returning(*jobs.c, (now - jobs.c.created_at).label("waited_s"))
        )

    def claim(self, connection: Connection, limit: int) -> list[tuple[Any, Any]]:
        """A row of each job taken, as it is now and as it was; oldest first. Raises `Collision`."""
        known: dict[str, Any] = {} if self._time is None else {"now": self._time()}
        found = connection.execute(self._pick, {**known, "most": limit}).all()
        if not found:
            return []
        picked = {row.id: row for row in found}
        try:
            rows = connection.execute(self._take, {**known, "picked": list(picked)}).all()
        except IntegrityError as error:
            raise Collision from error
        return [(row, picked[row.id]) for row in sorted(rows, key=lambda row: row.id)]
