"""The job `ingest`: how far it is can be read while it runs, and how it ended afterwards."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest

from bot.cancellation import Ended, StopSignal
from bot.documents.ingesting import Ingested, Ingesting, ingested
from bot.documents.library_sources import LinkFound
from bot.inbox.queue import Jobs
from bot.job import IngestPayload, Job
from bot.jobs.ingest import TELL_EVERY_S, IngestHandler
from bot.repositories.ingest_runs import IngestRun, IngestRuns
from bot.settings import Settings
from bot.storage.database import Database
from feishu.errors import TransportError
from rag.errors import IndexBusy, IngestError, Unreadable
from rag.index.base.types import Key
from rag.index.outline import DocumentState
from rag.ingestion.pipeline import IngestReport, Progress
from rag.settings import RagSettings
from tests.support.clock import HandClock

REPORT = IngestReport(3, 9, (Unreadable("a.pdf", "is damaged"),), 1.5, "v-1", "words only", new=2)
FOUND = Ingested(REPORT, (LinkFound("default", "https://x/wiki/1", 4, 1),))


class Scripted:
    """In the place of `Ingesting`: does what a test says, step by step."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(rag=RagSettings(index_dir=folder / "index"))
        self.go = asyncio.Event()
        self.steps: list[Callable[[], None]] = []
        self.read: list[Any] = []

    async def everything(self, progress: Progress, *, rebuild: bool = False) -> Ingested:
        self.read.append("rebuild" if rebuild else "all")
        progress("documents", 7, 20)
        await self.go.wait()
        for step in self.steps[:1]:
            self.steps = self.steps[1:]
            step()
        return FOUND

    async def again(self, documents: list[DocumentState], progress: Progress) -> Ingested:
        self.read += [(each.collection, each.source, each.title) for each in documents]
        return Ingested(REPORT)

    async def document(self, collection: str, source: str) -> DocumentState | None:
        return DocumentState(collection, source, "", title="Known") if source == "known.md" else None


class House:
    def __init__(self, folder: Path, database: Database) -> None:
        self.clock = HandClock()
        self.work = Scripted(folder)
        self.runs = IngestRuns(database, clock=self.clock)
        self.jobs = Jobs(database, lease_s=15, clock=self.clock)
        ingesting = cast(Ingesting, self.work)
        self.handler = IngestHandler(ingesting, self.work, self.runs, self.jobs, self.clock)

    async def begun(self, by: str = "ou_admin", **wanted: Any) -> tuple[Job, StopSignal, "asyncio.Task[Ended]"]:
        assert await self.handler.start(by, **wanted)
        job = await self.jobs.claim()
        assert job is not None
        stop = StopSignal()
        return job, stop, asyncio.create_task(self.handler.run(job, stop))

    async def told(self, wanted: Callable[[IngestRun], bool]) -> IngestRun:
        """The newest run, once it is as wanted."""
        async with asyncio.timeout(30):
            while not (run := (await self.runs.newest())[0:1]) or not wanted(run[0]):
                await self.clock.advance(TELL_EVERY_S)
        return run[0]


def in_house(tmp_path: Path, play: Callable[[House], Any]) -> None:
    async def played() -> None:
        with closing(Database(f"sqlite:///{tmp_path / 'bot.db'}")) as database:
            database.migrate()
            await play(House(tmp_path, database))

    asyncio.run(played())


def test_its_progress_and_its_report_can_be_read(tmp_path: Path) -> None:
    async def play(house: House) -> None:
        _job, _stop, running = await house.begun()
        run = await house.told(lambda run: run.stage == "documents")
        assert (run.state, run.done, run.total, run.started_by, run.report) == ("running", 7, 20, "ou_admin", None)
        house.work.go.set()
        assert (await running).state == "done"
        [run] = await house.runs.newest()
        assert run.state == "done" and run.ended_at is not None and run.report is not None
        assert run.report["skipped"] == [{"source": "a.pdf", "reason": "is damaged"}] and run.report["new"] == 2
        assert run.report["links"][0] == {
            "collection": "default",
            "link": "https://x/wiki/1",
            "pages": 4,
            "unread": 1,
            "reason": "",
        }

    in_house(tmp_path, play)


def test_it_is_stopped_at_once(tmp_path: Path) -> None:
    async def play(house: House) -> None:
        _job, stop, running = await house.begun(rebuild=True)
        await house.told(lambda run: run.what == "rebuild")
        stop.ask("admin")
        assert (await running).state == "cancelled"
        assert (await house.runs.newest())[0].state == "stopped"

    in_house(tmp_path, play)


def test_documents_are_read_again_by_what_is_known_of_them(tmp_path: Path) -> None:
    async def play(house: House) -> None:
        keys: list[Key] = [("hr", "known.md"), ("hr", "new.md")]
        _job, _stop, running = await house.begun(again=keys)
        assert (await running).state == "done"
        assert house.work.read == [("hr", "known.md", "Known"), ("hr", "new.md", "")]

    in_house(tmp_path, play)


def refuse(error: Exception) -> Callable[[], None]:
    def step() -> None:
        raise error

    return step


def test_what_cannot_be_mended_by_trying_again_ends_it_with_the_reason(tmp_path: Path) -> None:
    async def play(house: House) -> None:
        _job, _stop, running = await house.begun()
        house.work.steps = [refuse(IngestError("There is no folder"))]
        house.work.go.set()
        assert await running == Ended("failed", "There is no folder")
        [run] = await house.runs.newest()
        assert (run.state, run.reason) == ("failed", "There is no folder")

    in_house(tmp_path, play)


def test_a_platform_that_is_away_makes_it_wait_for_another_try(tmp_path: Path) -> None:
    async def play(house: House) -> None:
        job, _stop, running = await house.begun()
        house.work.steps = [refuse(TransportError("no answer", endpoint="drive.metas"))]
        house.work.go.set()
        with pytest.raises(TransportError):
            await running
        [run] = await house.runs.newest()
        assert (run.state, run.ended_at) == ("waiting", None) and "no answer" in run.reason
        assert (await house.handler.run(job, StopSignal())).state == "done"
        assert [run.state for run in await house.runs.newest()] == ["done"], "it is the same one"

    in_house(tmp_path, play)


def test_an_ingest_that_began_meanwhile_is_waited_for(tmp_path: Path) -> None:
    async def play(house: House) -> None:
        _job, _stop, running = await house.begun()
        house.work.steps = [refuse(IndexBusy("Another ingest is writing"))]
        house.work.go.set()
        await house.told(lambda run: run.state == "done")
        assert (await running).state == "done" and house.work.read == ["all", "all"]

    in_house(tmp_path, play)


def test_only_one_waits_and_what_was_ended_by_hand_is_told_as_stopped(tmp_path: Path) -> None:
    async def play(house: House) -> None:
        job, _stop, running = await house.begun("ou_a")
        await house.told(lambda run: run.state == "running")
        assert await house.handler.start("ou_b", again=[("hr", "pay.md")])
        assert [await house.handler.start(by) for by in ("ou_b", "ou_c")] == [True, False], "one reads all that changed"
        assert await house.handler.start("ou_c", rebuild=True)
        assert [(run.state, run.what, run.started_by) for run in await house.runs.newest()] == [
            ("queued", "rebuild", "ou_c"),
            ("queued", "all", "ou_b"),
            ("queued", "again", "ou_b"),
            ("running", "all", "ou_a"),
        ]
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await house.jobs.finish(job, "cancelled")
        assert [run.state for run in await house.runs.newest()] == [*["queued"] * 3, "stopped"]

    in_house(tmp_path, play)


def test_a_payload_is_stored_as_it_was_meant() -> None:
    stored = {"by": "ou_a", "again": [["hr", "pay.md"]], "rebuild": False}
    assert IngestPayload.read(stored) == IngestPayload("ou_a", [["hr", "pay.md"]])


def test_an_ingest_that_nobody_waits_for_any_more_ends_with_the_next_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def endless(_settings: RagSettings, *, progress: Progress) -> IngestReport:
        begun.set()
        try:
            while go_on.wait(30):
                progress("documents", 1, 2)
            return REPORT
        finally:
            ended.set()

    monkeypatch.setattr("bot.documents.ingesting.ingest", endless)

    async def stopped() -> None:
        waiting = asyncio.create_task(ingested(Settings(rag=RagSettings(index_dir=tmp_path))))
        assert await asyncio.to_thread(begun.wait, 30)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        go_on.set()
        assert await asyncio.to_thread(ended.wait, 30)

    asyncio.run(stopped())
