"""Jobs that were given up. Each owes its asker a sentence until that has been delivered, over restarts and outages.

Until then it stays in the inbox, queued with `given_up` set, in a line of its own: nobody's next question waits for it.
"""

from dataclasses import replace
from typing import Protocol

import structlog

from bot.errors import Owed, StoreError
from bot.inbox.queue import Jobs
from bot.inbox.verdicts import notice_verdict
from bot.job import GivenUp, Job, LeaseLost
from bot.observability.metrics import Metrics
from feishu.errors import FeishuError

log = structlog.get_logger(__name__)


class Buries(Protocol):
    """What tells the asker of a job that was given up; `job.given_up` says why."""

    async def give_up(self, job: Job) -> None: ...


class DeadLetters:
    """Ends jobs that are not tried any more."""

    def __init__(self, jobs: Jobs, turns: Buries, metrics: Metrics, *, max_attempts: int) -> None:
        self._jobs = jobs
        self._turns = turns
        self._metrics = metrics
        self._max_attempts = max_attempts

    async def give_up(self, job: Job, why: GivenUp) -> None:
        """Its asker is told, now or later. Raises `LeaseLost` and `StoreError`."""
        if not job.given_up:
            log.error("job_dead_letter", why=why, reason=job.reason, attempts=job.attempt - 1 + job.alone)
            self._metrics.job_ended(job.kind, "buried")
        if job.alone >= 2 * self._max_attempts:
            log.error("dead_letter_notice_failed", reason="telling it ended the process, too", retry_in_s=None)
        elif not (job.given_up and job.stop_by):  # then nobody waits for it
            try:
                await self._turns.give_up(replace(job, given_up=why))
            except (LeaseLost, StoreError):
                raise
            except Exception as error:
                if await self._is_told_later(job, why, error):
                    return
        await self._jobs.finish(job, "buried", job.reason)

    async def _is_told_later(self, job: Job, why: GivenUp, error: Exception) -> bool:
        found = notice_verdict(job, error, self._max_attempts)
        retry_in_s = round(found.delay_s, 1) if found else None
        expected = isinstance(error, FeishuError | Owed)
        log.error(
            "dead_letter_notice_failed",
            reason=str(error),
            retry_in_s=retry_in_s,
            exc_info=None if expected else error,
        )
        if found:
            await self._jobs.release(
                job,
                delay_s=found.delay_s,
                reason=job.reason,
                count_attempt=found.counts,
                line=found.line,
                waits_for=found.waits_for,
                given_up=why,
            )
        return found is not None
