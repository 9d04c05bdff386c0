"""Events about documents become jobs that read them again."""

from bot.inbox.queue import Jobs
from bot.job import NewJob, RefreshPayload
from bot.jobs.refresh import LINE
from bot.observability.metrics import Metrics
from feishu.events.types import DocumentChanged


class DocumentEventHandler:
    """Takes what the platform says of documents that the app subscribed to."""

    def __init__(self, jobs: Jobs, metrics: Metrics) -> None:
        self._jobs = jobs
        self._metrics = metrics

    async def take(self, event: DocumentChanged) -> bool:
        """Whether there is work for the worker now. What is new in a folder is found by looking through all. Raises
        `StoreError`."""
        is_new = event.change == "created"
        payload = RefreshPayload() if is_new else RefreshPayload(event.token, event.kind)
        job = NewJob(event.app_id, "refresh", LINE, payload, (f"event:{event.event_id}",))
        fresh = await self._jobs.accept(job)
        self._metrics.event_received("refresh", "accepted" if fresh else "duplicate")
        return fresh
