"""The job `ingest`: documents are read because an admin asked for it on /admin.

It stands in one line with the looks at Feishu (`bot.jobs.refresh`), so that one runs at a time; for an ingest of
another process (`feishu-rag ingest`) it waits. After a restart it runs again: vectors that were made are kept.
"""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from bot.cancellation import Ended, StopSignal, unless_stopped
from bot.documents.ingesting import Ingested, Ingesting
from bot.inbox.queue import Jobs
from bot.job import IngestPayload, Job, NewJob
from bot.jobs.refresh import LINE
from bot.repositories.ingest_runs import IngestRuns, what_of
from feishu.clock import Clock
from feishu.errors import FeishuError
from rag.errors import IndexBusy, RagError
from rag.index.base.manifest import is_being_written
from rag.index.base.types import Key
from rag.index.outline import DocumentState

log = structlog.get_logger(__name__)

TELL_EVERY_S = 0.5
LOOK_EVERY_S = 2.0
"""How often it is looked whether another process has ended its ingest."""
READS_ALL = frozenset({"all", "rebuild"})
OTHER_WRITER = "other_writer"
"""The stage in which that is waited for."""


class KnowsDocuments(Protocol):
    """What this needs of `rag.knowledge_base.KnowledgeBase`."""

    async def document(self, collection: str, source: str) -> DocumentState | None: ...


class _Progress:
    """What the ingest's thread told last."""

    def __init__(self) -> None:
        self.now: tuple[str, int, int] = ("", 0, 0)

    def tell(self, stage: str, done: int, total: int) -> None:
        self.now = stage, done, total


@dataclass(frozen=True, slots=True)
class IngestHandler:
    """Accepts ingests, and does them."""

    ingesting: Ingesting
    library: KnowsDocuments
    runs: IngestRuns
    jobs: Jobs
    clock: Clock

    async def start(self, by: str, *, again: Sequence[Key] = (), rebuild: bool = False) -> bool:
        """Accepts one; False where another that will read the same waits already. Raises `StoreError`."""
        waiting = [run.what for run in await self.runs.newest(1) if run.state == "queued"]
        if what_of(again, rebuild=rebuild) == "all" and not READS_ALL.isdisjoint(waiting):
            return False
        payload = IngestPayload(by, [list(key) for key in again], rebuild)
        app_id = self.ingesting.settings.feishu.app_id
        job = NewJob(app_id, "ingest", LINE, payload, (f"ingest:{secrets.token_hex(12)}",))
        return await self.jobs.accept(job)

    async def run(self, job: Job, stop: StopSignal) -> Ended:
        """Raises `FeishuError` where the platform does not answer, `StoreError`: it is tried again."""
        wanted, progress = IngestPayload.of(job), _Progress()
        await self.runs.begin(job.id, what_of(wanted.again, rebuild=wanted.rebuild), by=wanted.by)
        told = self._tell_forever(job, progress)
        try:
            working = await unless_stopped(self._ingested(wanted, progress), stop, meanwhile=told)
            if working is None:
                return await self._stopped(job, stop.by)
            return await self._done(job, working.result())
        except RagError as error:
            await self.runs.end(job.id, "failed", reason=str(error))
            log.warning("ingest_failed", reason=str(error))
            return Ended("failed", str(error)[:500])
        except FeishuError as error:
            await self.runs.end(job.id, "waiting", reason=str(error))
            raise

    async def give_up(self, job: Job) -> None:
        """Whoever asked for it reads so on the page."""
        await self.runs.end(job.id, "failed", reason=job.reason or "it was tried too often")

    async def _ingested(self, wanted: IngestPayload, progress: _Progress) -> Ingested:
        while True:
            await self._wait_for_others(progress)
            try:
                if not wanted.again:
                    return await self.ingesting.everything(progress.tell, rebuild=wanted.rebuild)
                documents = [await self._state(collection, source) for collection, source in wanted.again]
                return await self.ingesting.again(documents, progress.tell)
            except IndexBusy:  # it began after we looked
                await self.clock.sleep(LOOK_EVERY_S)

    async def _state(self, collection: str, source: str) -> DocumentState:
        try:
            known = await self.library.document(collection, source)
        except RagError:  # there is no index yet, or none that can be read
            known = None
        return known or DocumentState(collection, source, "")

    async def _wait_for_others(self, progress: _Progress) -> None:
        while await asyncio.to_thread(is_being_written, self.ingesting.settings.rag.index_dir):
            progress.tell(OTHER_WRITER, 0, 0)
            await self.clock.sleep(LOOK_EVERY_S)

    async def _tell_forever(self, job: Job, progress: _Progress) -> None:
        told = progress.now
        while True:
            if progress.now != told:
                told = progress.now
                await self.runs.tell(job.id, *told)
            await self.clock.sleep(TELL_EVERY_S)

    async def _stopped(self, job: Job, by: str) -> Ended:
        await self.runs.end(job.id, "stopped")
        log.info("ingest_stopped", by=by)
        return Ended("cancelled", "stopped on /admin")

    async def _done(self, job: Job, done: Ingested) -> Ended:
        report = done.report
        await self.runs.end(job.id, "done", report=done.body())
        changes = f"{report.new} new, {report.changed} changed, {report.gone} gone, {len(report.skipped)} skipped"
        log.info("documents_ingested", changes=changes, seconds=round(report.seconds, 2))
        return Ended("done", changes)
