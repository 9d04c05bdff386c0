"""What is remembered of ingests, and how often documents are cited, on either store."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from bot.inbox.queue import Jobs
from bot.job import IngestPayload, NewJob
from bot.repositories.citations import KEPT_S, Citations
from bot.repositories.erasure import Erasure
from bot.repositories.ingest_runs import MOST_KEPT, IngestRuns
from bot.storage.database import Database
from tests.support.clock import HandClock
from tests.support.seeded_store import seed


@pytest.fixture
async def database(store_url: str) -> AsyncIterator[Database]:
    database = Database(store_url)
    database.migrate()
    yield database
    await asyncio.to_thread(database.close)


async def test_an_ingest_is_told_from_its_acceptance_to_its_report(database: Database) -> None:
    clock = HandClock()
    runs, jobs = IngestRuns(database, clock=clock), Jobs(database, lease_s=60)
    await jobs.accept(NewJob("cli", "ingest", "documents", IngestPayload("ou_a", [["hr", "a"]]), ("ingest:1",)))
    [queued] = await runs.newest()
    assert (queued.state, queued.what, queued.started_by, queued.ended_at) == ("queued", "again", "ou_a", None)
    job = await jobs.claim()
    assert job is not None
    await runs.begin(job.id, "again", by="ou_a")
    await runs.tell(job.id, "documents", 3, 9)
    await runs.begin(job.id, "again", by="ou_a")
    [anew] = await runs.newest()
    assert (anew.state, anew.stage, anew.done, anew.started_at) == ("running", "", 0, clock.time())
    await clock.advance(5)
    await runs.end(job.id, "done", report={"new": 1})
    await jobs.finish(job, "done")
    [done] = await runs.newest()
    assert (done.state, done.report, done.ended_at) == ("done", {"new": 1}, clock.time())
    await Erasure(database, clock=clock).person("ou_a")
    assert [run.started_by for run in await runs.newest()] == [""]


async def test_the_newest_are_kept_and_one_look_of_the_bot_itself(database: Database) -> None:
    runs = IngestRuns(database, clock=HandClock())
    for number in range(1, MOST_KEPT + 6):
        await runs.begin(number, "links" if number % 10 == 0 else "all")
    kept = await runs.newest(1_000)
    assert kept[0].job_id == MOST_KEPT + 5 and len(kept) <= MOST_KEPT
    assert [run.job_id for run in kept if run.what == "links"] == [MOST_KEPT]
    assert {run.state for run in kept} == {"stopped"}, "nobody works on them: their jobs are gone"
    assert all(run.ended_at is not None for run in kept)


async def test_citations_are_counted_anew_when_something_was_asked_or_time_has_passed(database: Database) -> None:
    clock = HandClock(time.time())
    citations = Citations(database, clock=clock)
    assert await citations.of_documents(30) == {}
    await asyncio.to_thread(seed, database, clock.time())
    found = await citations.of_documents(30)
    assert sum(one.answers for one in found.values()) > 0 and any(one.down for one in found.values())
    assert {collection for collection, _ in found} == {"default"}
    assert await citations.of_documents(30) is found
    await clock.advance(KEPT_S + 1)
    assert await citations.of_documents(30) is not found
    assert sum(one.answers for one in (await citations.of_documents(1)).values()) < sum(
        one.answers for one in found.values()
    )
