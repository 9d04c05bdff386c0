"""Events about documents become jobs; after those about people, who reads an answer is looked up anew."""

from bot.access.audience import Audiences
from bot.inbox.queue import Jobs
from bot.job import NewJob, RefreshPayload, RightsPayload
from bot.jobs import mirror_rights, refresh
from bot.observability.metrics import Metrics
from feishu.events.types import DocumentChanged, PeopleChanged


class DocumentEventHandler:
    """Takes what the platform says of documents that the app subscribed to."""

    def __init__(self, jobs: Jobs, metrics: Metrics, audiences: Audiences) -> None:
        self._audiences = audiences
        self._jobs = jobs
        self._metrics = metrics

    async def take(self, event: DocumentChanged) -> bool:
        """Whether there is work for the worker now. What is new in a folder is found by looking through all. Raises
        `StoreError`."""
        keys = (f"event:{event.event_id}",)
        if event.change == "rights":
            job = NewJob(event.app_id, "rights", mirror_rights.LINE, RightsPayload(event.token), keys)
        else:
            payload = RefreshPayload() if event.change == "created" else RefreshPayload(event.token, event.kind)
            job = NewJob(event.app_id, "refresh", refresh.LINE, payload, keys)
        fresh = await self._jobs.accept(job)
        self._metrics.event_received(job.kind, "accepted" if fresh else "duplicate")
        return fresh

    def forget_people(self, event: PeopleChanged) -> None:
        """Who reads an answer is looked up anew. Nothing is stored: what is not heard of becomes too old soon."""
        self._audiences.heard(event)
        self._metrics.event_received("people", "accepted")
