"""The job `rights`: who may read which document on Feishu is read again, because it is time, or an event named one.

The platform tells of few changes (people and chats that are added to or taken from a document that the app manages), so
that looking is what can be relied on. Each replica proposes the look of a period; its key is the period.
"""

from dataclasses import dataclass

import structlog

from bot.cancellation import Ended, StopSignal
from bot.documents.rights_reading import RightsFound, rights_of, rights_of_links
from bot.errors import StoreError
from bot.inbox.queue import Jobs
from bot.job import Job, NewJob, RightsPayload
from bot.models import ON_FEISHU
from bot.repositories.document_rights import DocumentRights
from bot.settings import Settings
from feishu.api.client import FeishuClient
from feishu.clock import Clock

log = structlog.get_logger(__name__)

CHECK_S = 30.0
LINE = "rights"


@dataclass(frozen=True, slots=True)
class RightsHandler:
    """Proposes the looks, and does both kinds."""

    settings: Settings
    client: FeishuClient
    kept: DocumentRights
    jobs: Jobs
    clock: Clock

    @property
    def is_on(self) -> bool:
        """Whether rights are mirrored and there is anything on Feishu."""
        return self.settings.bot.access.rights == "mirror" and any(self.settings.links())

    async def propose_forever(self) -> None:
        """Proposes a look whenever it is due, and takes up what other processes read."""
        while self.is_on:
            try:
                await self.propose()
                await self.kept.refresh()
            except StoreError as error:
                log.warning("rights_look_not_proposed", reason=str(error))
            await self.clock.sleep(min(CHECK_S, self.settings.bot.access.rights_min * 60))

    async def propose(self) -> bool:
        """Accepts the look of this period; False when it was accepted before."""
        every_s = self.settings.bot.access.rights_min * 60
        key = f"rights:{every_s:g}:{int(self.clock.time() // every_s)}"
        return await self.jobs.accept(NewJob(self.settings.feishu.app_id, "rights", LINE, RightsPayload(), (key,)))

    async def run(self, job: Job, stop: StopSignal) -> Ended:
        """Raises `FeishuError`, `StoreError`: it is tried again, and what was known stays until it is too old."""
        if not self.is_on:
            return Ended("cancelled", "rights are not mirrored")
        token = RightsPayload.of(job).token
        page = await self.kept.page(f"{ON_FEISHU}{token}") if token else None
        if token and page is None:
            return Ended("cancelled", "no document of ours")
        looked = await (rights_of([page], self.settings, self.client) if page else self._everything())
        await self.kept.keep(looked.found)
        closed = sum(not rights.readers for _, rights in looked.found.values())
        log.info("rights_read", documents=len(looked.found), closed=closed, failed=looked.failed)
        return Ended("done", f"{len(looked.found)} documents, {closed} closed, {looked.failed} failed")

    async def give_up(self, job: Job) -> None:
        """Nobody waits for it, and the next look sees the same."""
        log.warning("rights_not_read", reason=job.reason)

    async def _everything(self) -> RightsFound:
        looked = await rights_of_links(self.settings, self.client)
        if looked.is_whole and not looked.failed:  # what could not be read this time is not gone
            known = {each.source for each in await self.kept.all()}
            await self.kept.forget(known - looked.found.keys())
        return looked
