"""One handler for each kind of job, and what holds for all: the rules for people are asked again when a job runs."""

from collections.abc import Mapping
from typing import Protocol

from bot.cancellation import Ended, StopSignal
from bot.intake.policy import Policy, is_begun, refusal_of
from bot.job import Job, JobKind


class JobHandler(Protocol):
    """Does the jobs of one kind. What is raised means: not done yet, try again later (`LeaseLost`: another has it)."""

    async def run(self, job: Job, stop: StopSignal) -> Ended:
        """Do it; `stop` tells that somebody wishes it to end."""

    async def give_up(self, job: Job) -> None:
        """Tell whoever waits for it that it will not be done; `job.given_up` says why. May raise like `run`."""


class JobHandlers:
    """What the worker runs."""

    def __init__(self, handlers: Mapping[JobKind, JobHandler], policy: Policy) -> None:
        self._handlers = handlers
        self._policy = policy

    async def run(self, job: Job, stop: StopSignal) -> Ended:
        """One job, by the handler of its kind. An answer that may not be given is refused on its card, by its handler,
        and so is whatever has a card by now."""
        why = refusal_of(job, self._policy)
        if why and job.kind != "answer" and not is_begun(job):
            return Ended("cancelled", f"refused: {why}")
        return await self._handlers[job.kind].run(job, stop)

    async def give_up(self, job: Job) -> None:
        """Tell whoever waits for a job that was given up."""
        await self._handlers[job.kind].give_up(job)
