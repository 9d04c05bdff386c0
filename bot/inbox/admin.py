"""The inbox as an admin sees it: what is in it, and putting single jobs back or ending them."""

from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, Row, func, select, text, update

from bot.errors import BotError
from bot.inbox import crashes
from bot.inbox.notify import JOBS, STOP, notify
from bot.job import ENDED_STATES, JobState
from bot.storage.database import Database
from bot.storage.tables import OPEN, answers, jobs, turns

ADMIN = "admin"


class NotPossible(BotError):
    """There is no such job, or it is not in a state for this; the message says what it is."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One job in the list. `age_s` is counted from its acceptance; `waits_for` says what a queued job that was tried
    before waits for ("" for its turn or its pause), `again_in_s` when it is tried again at the latest; `given_up` why
    it is not tried any more, while its asker is still to be told (`bot.job.GivenUp`)."""

    id: int
    kind: str
    state: str
    attempt: int
    conversation: str
    age_s: float
    reason: str
    is_stopping: bool
    waits_for: str = ""
    again_in_s: float = 0.0
    given_up: str = ""


class JobList:
    """Works beside running bots: they see a change at once (PostgreSQL) or within a second."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def entries(self, states: tuple[JobState, ...] = (), *, limit: int = 50) -> list[Entry]:
        """Jobs of these states (all when none is named): open ones first, then the newest."""
        now = self._database.now()
        age, again = (now - jobs.c.created_at).label("age_s"), (jobs.c.run_after - now).label("again_in_s")
        statement = select(jobs, age, again).order_by(text(f"CASE WHEN {OPEN} THEN 0 ELSE 1 END"), jobs.c.id.desc())
        if states:
            statement = statement.where(jobs.c.state.in_(states))
        rows = await self._database.read(lambda connection: connection.execute(statement.limit(limit)).all())
        return [_entry(row) for row in rows]

    async def everything(self, job_id: int) -> dict[str, Any]:
        """All that is stored of a job, with its turn and its answer (None if there is none). Raises `NotPossible`."""

        def work(connection: Connection) -> dict[str, Any]:
            row = _one(connection, job_id)
            turn = connection.execute(select(turns).where(turns.c.id == row.turn_id)).one_or_none()
            answer = connection.execute(select(answers).where(answers.c.job_id == job_id)).one_or_none()
            job = {**_plain(row), "payload": orjson.loads(row.payload)}
            return {"job": job, "turn": turn and _plain(turn), "answer": answer and _plain(answer)}

        return await self._database.read(work)

    async def retry(self, job_id: int) -> None:
        """Puts a job that has ended back, as if it had never been tried; its answer is written anew on its card.

        Raises `NotPossible` for one that is still open or was answered.
        """

        def work(connection: Connection) -> None:
            row = _one(connection, job_id)
            is_owed = row.state == "queued" and row.given_up
            if row.state not in ("failed", "buried", "cancelled") and not is_owed:
                raise NotPossible(f"job {job_id} is {row.state}; only failed, buried and cancelled ones can be retried")
            fresh = {
                "state": "queued",
                "attempt": 0,
                "run_after": 0.0,
                "reason": "",
                "stop_by": "",
                "finished_at": None,
                "created_at": self._database.now(),
                **dict.fromkeys(("waits_for", "given_up"), ""),
                **dict.fromkeys(("deferrals", *crashes.CLEARED), 0),
            }
            connection.execute(update(jobs).where(jobs.c.id == job_id).values(**fresh))
            blank = {"outcome": "open", "text": "", "notice": "", "concluded_at": None, "sent_apart": False}
            connection.execute(update(answers).where(answers.c.job_id == job_id).values(**blank))
            notify(connection, JOBS)

        await self._database.write(work)

    async def cancel(self, job_id: int) -> bool:
        """Ends a job: at once (True) where nobody has begun it, else by a stop mark, and its card says so (False).

        Raises `NotPossible` for one that has ended.
        """

        def work(connection: Connection) -> bool:
            row = _one(connection, job_id)
            if row.state in ENDED_STATES:
                raise NotPossible(f"job {job_id} has ended already: {row.state}")
            if row.state == "queued" and not row.turn_id:
                ended = {"state": "cancelled", "reason": "cancelled by the admin", "finished_at": self._database.now()}
                connection.execute(update(jobs).where(jobs.c.id == job_id).values(fence=jobs.c.fence + 1, **ended))
                return True
            connection.execute(update(jobs).where(jobs.c.id == job_id).values(stop_by=ADMIN, run_after=0.0))
            notify(connection, STOP, f"{job_id} {ADMIN}")
            return False

        return await self._database.write(work)

    async def counts(self) -> dict[str, int]:
        """State → number of jobs."""
        statement = select(jobs.c.state, func.count()).group_by(jobs.c.state)
        return await self._database.read(lambda c: dict(c.execute(statement).all()))


def _one(connection: Connection, job_id: int) -> Row[Any]:
    row = connection.execute(select(jobs).where(jobs.c.id == job_id).with_for_update()).one_or_none()
    if row is None:
        raise NotPossible(f"there is no job {job_id}")
    return row


def _entry(row: Row[Any]) -> Entry:
    is_stopping = bool(row.stop_by) and row.state not in ENDED_STATES
    age_s = max(0.0, row.age_s)
    again_in_s = max(0.0, row.again_in_s) if row.state == "queued" else 0.0
    waiting = (row.waits_for, again_in_s, row.given_up)
    return Entry(row.id, row.kind, row.state, row.attempt, row.conversation, age_s, row.reason, is_stopping, *waiting)


def _plain(row: Row[Any]) -> dict[str, Any]:
    return {str(name): value for name, value in row._mapping.items()}  # the names are of a subclass of str
