"""The job `refuse`: a sentence that says why something was not accepted."""

from bot.cancellation import Ended, StopSignal
from bot.inbox.queue import Job
from bot.intake.intake import MessageIntake
from bot.job import RefusePayload
from feishu.errors import TargetGone


class RefuseHandler:
    """Raises `FeishuError` for what should be tried again."""

    def __init__(self, reading: MessageIntake) -> None:
        self._reading = reading

    async def run(self, job: Job, stop: StopSignal) -> Ended:
        """Say it, unless it was said lately."""
        refused = RefusePayload.of(job)
        try:
            await self._reading.refuse(job, refused)
        except TargetGone as error:
            return Ended("cancelled", str(error))
        return Ended("done", f"refused: {refused.why}")

    async def give_up(self, job: Job) -> None:
        """A refusal that cannot be said is missed by nobody."""
