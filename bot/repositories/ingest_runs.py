"""The ingests of the bot's own inbox: how far each is, and what it did. Kept longer than its job, for /admin."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson
from sqlalchemy import Connection, Select, delete, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.job import OPEN_STATES
from bot.storage.database import Database
from bot.storage.tables import OPEN, ingest_runs, jobs
from feishu.clock import Clock

What = Literal["all", "rebuild", "again", "links"]
"""What is read: what changed, everything, some documents, what changed of the Feishu links (the bot's own looks)."""
RunState = Literal["queued", "running", "waiting", "done", "failed", "stopped"]
UNDER_WAY = ("running", "waiting")
MOST_KEPT = 50


@dataclass(frozen=True, slots=True)
class IngestRun:
    """One ingest. `done` of `total` (documents, or seconds of a wait) in its `stage`; `reason` says why it waits or
    failed; `report` is what it did, None until then. Times are epoch seconds."""

    job_id: int
    started_by: str
    what: What
    state: RunState
    stage: str
    done: int
    total: int
    reason: str
    report: dict[str, Any] | None
    started_at: float
    ended_at: float | None


class IngestRuns:
    """Raises `StoreError`."""

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._insert = sqlite.insert if database.is_sqlite else postgresql.insert

    async def begin(self, job_id: int, what: What, *, by: str = "") -> None:
        """It runs now, for the first time or again after a restart. Drops the oldest ones, and of the bot's own looks
        all but the newest: there is one an hour."""
        fresh = {"state": "running", "stage": "", "done": 0, "total": 0, "reason": "", "ended_at": None}
        values = {**fresh, "what": what, "started_by": by, "started_at": self._clock.time()}
        begun = self._insert(ingest_runs).values(job_id=job_id, **values)
        kept = select(ingest_runs.c.job_id).order_by(ingest_runs.c.job_id.desc()).limit(MOST_KEPT).scalar_subquery()

        def work(connection: Connection) -> None:
            connection.execute(begun.on_conflict_do_update(index_elements=["job_id"], set_=fresh))
            if what == "links":
                connection.execute(
                    delete(ingest_runs).where(ingest_runs.c.what == what, ingest_runs.c.job_id != job_id)
                )
            connection.execute(delete(ingest_runs).where(ingest_runs.c.job_id.not_in(kept)))

        await self._database.write(work)

    async def tell(self, job_id: int, stage: str, done: int, total: int) -> None:
        """How far it is."""
        await self._set(job_id, stage=stage, done=done, total=total)

    async def end(self, job_id: int, state: RunState, *, reason: str = "", report: object = None) -> None:
        """How it ended, or why it waits for another try."""
        ended = None if state == "waiting" else self._clock.time()
        told = orjson.dumps(report).decode()
        await self._set(job_id, state=state, reason=reason[:2_000], report=told, ended_at=ended)

    async def newest(self, limit: int = 10) -> list[IngestRun]:
        """The newest first; those that wait for their turn before them."""

        def work(connection: Connection) -> list[IngestRun]:
            waiting = [_queued(row) for row in connection.execute(_waiting())]
            its_job = jobs.c.id == ingest_runs.c.job_id
            known = select(ingest_runs, jobs.c.state.label("job_state"), jobs.c.finished_at).outerjoin(jobs, its_job)
            known = known.order_by(ingest_runs.c.job_id.desc()).limit(limit)
            return [*waiting, *(_run(row) for row in connection.execute(known))]

        return await self._database.read(work)

    async def _set(self, job_id: int, **values: object) -> None:
        statement = update(ingest_runs).where(ingest_runs.c.job_id == job_id).values(**values)
        await self._database.write(lambda connection: connection.execute(statement).rowcount)


def _waiting() -> Select[Any]:
    """Ingests that somebody asked for and that nobody has begun yet, the last one first."""
    begun = select(ingest_runs.c.job_id)
    columns = (jobs.c.id, jobs.c.payload, jobs.c.created_at)
    return (
        select(*columns).where(text(OPEN), jobs.c.kind == "ingest", jobs.c.id.not_in(begun)).order_by(jobs.c.id.desc())
    )


def _queued(row: Any) -> IngestRun:
    wanted = orjson.loads(row.payload)
    by, what = str(wanted.get("by", "")), what_of(wanted.get("again") or (), rebuild=bool(wanted.get("rebuild")))
    return IngestRun(row.id, by, what, "queued", "", 0, 0, "", None, row.created_at, None)


def _run(row: Any) -> IngestRun:
    """What still seems to run or wait and whose job has ended was ended by hand (`feishu-rag jobs cancel`)."""
    values = {name: getattr(row, name) for name in IngestRun.__slots__}
    values["report"] = orjson.loads(row.report)
    if row.state in UNDER_WAY and row.job_state not in OPEN_STATES:
        values |= {"state": "stopped", "ended_at": row.finished_at or row.started_at}
    return IngestRun(**values)


def what_of(again: Sequence[object], *, rebuild: bool) -> What:
    """What an ingest reads."""
    return "again" if again else "rebuild" if rebuild else "all"
