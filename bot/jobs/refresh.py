"""The job `refresh`: documents on Feishu are read again, because an event named one, or because it is time to look.

For wikis, and for documents that the app does not manage, the platform reports nothing: looking is what can be relied
on, and an event only makes it quicker. Each replica proposes the look of an hour; its key is the hour, so the inbox
takes it once.
"""

from dataclasses import dataclass

import structlog

from bot.cancellation import Ended, StopSignal
from bot.documents.refreshing import Refresher
from bot.errors import StoreError
from bot.inbox.queue import Jobs
from bot.job import Job, NewJob, RefreshPayload, RightsPayload
from bot.repositories.ingest_runs import IngestRuns
from feishu.clock import Clock
from feishu.errors import FeishuError
from rag.errors import RagError
from rag.ingestion.pipeline import IngestReport

log = structlog.get_logger(__name__)

CHECK_S = 60.0
LINE = "documents"
"""One after the other: an ingest holds the index."""


@dataclass(frozen=True, slots=True)
class RefreshHandler:
    """Proposes the looks, and does both kinds."""

    refresher: Refresher
    jobs: Jobs
    every_s: float
    app_id: str
    runs: IngestRuns
    clock: Clock

    async def propose_forever(self) -> None:
        """Proposes a look whenever it is due; never where `every_s` is 0 or nothing is on Feishu."""
        while self.every_s and self.refresher.has_links:
            await self.clock.sleep(min(CHECK_S, self.every_s))
            try:
                await self.propose()
            except StoreError as error:
                log.warning("refresh_not_proposed", reason=str(error))

    async def propose(self) -> bool:
        """Accepts the look of this period; False when it was accepted before."""
        key = f"refresh:{self.every_s:g}:{int(self.clock.time() // self.every_s)}"
        return await self.jobs.accept(NewJob(self.app_id, "refresh", LINE, RefreshPayload(), (key,)))

    async def run(self, job: Job, stop: StopSignal) -> Ended:
        """Raises `FeishuError`, and `RagError` where the index cannot be written: it is tried again."""
        wanted = RefreshPayload.of(job)
        report = None
        if wanted.token:
            report = await self.refresher.one(wanted.token, wanted.kind)
        elif self.refresher.has_links:
            report = await self._everything(job)
        if report is None:
            return Ended("cancelled", "no document of ours")
        if report.new:  # of what is new it is not known yet who may read it: until then nobody may
            rights = NewJob(self.app_id, "rights", "rights", RightsPayload(), (f"rights:after:{job.id}",))
            await self.jobs.accept(rights)
        changes = f"{report.new} new, {report.changed} changed, {report.gone} gone"
        log.info("documents_refreshed", changes=changes, skipped=len(report.skipped), seconds=round(report.seconds, 2))
        return Ended("done", changes)

    async def _everything(self, job: Job) -> IngestReport | None:
        """Told on /admin, too: what each link led to."""
        await self.runs.begin(job.id, "links")
        try:
            done = await self.refresher.everything()
        except (FeishuError, RagError) as error:
            await self.runs.end(job.id, "waiting", reason=str(error))
            raise
        if done is None:
            await self.runs.end(job.id, "stopped", reason="There is no index yet")
            return None
        await self.runs.end(job.id, "done", report=done.body())
        return done.report

    async def give_up(self, job: Job) -> None:
        """Nobody waits for it, and the next look sees the same."""
        await self.runs.end(job.id, "failed", reason=job.reason)
        log.warning("documents_not_refreshed", reason=job.reason)
