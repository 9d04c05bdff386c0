"""What becomes of a job whose run raised: when it is tried again, whether that counts, and when it is given up.

A failure of the platform's servers, of the way to them, of rates, or of what only an admin can mend is no failure of
the job: it goes back into the inbox (no worker waits with it) and counts nothing, however often that happens. Its
pauses grow to `LONGEST_PLATFORM_S`; the first success of the API that failed (`waits_for`) makes it due at once. Order
within its conversation stays, since nothing overtakes a queued job. What is older than `LONGEST_WAIT_S` is given up.

A card that is not closed (`Owed`) waits likewise, in its own line. Anything else counts as an attempt. While the
platform is down, `Outages` says so and wakes the jobs that wait for it.
"""

import asyncio
import math
import random
from dataclasses import dataclass

import structlog

from bot.errors import Owed, StoreError
from bot.inbox.queue import Jobs
from bot.job import CARD_LINE, GivenUp, Job
from feishu.api.availability import is_outage
from feishu.api.error_codes import remedy_of
from feishu.api.recovery import Remedy
from feishu.clock import Clock, backoff_s
from feishu.errors import ApiError, FeishuError, RateLimited, TransportError

log = structlog.get_logger(__name__)

FIRST_BACKOFF_S = 1.0
LONGEST_BACKOFF_S = 60.0
FIRST_PLATFORM_S = 2.0
LONGEST_PLATFORM_S = 60.0
OWED_EVERY_S = 15.0
OWED_SHARE = 10.0
"""What has been owed for ten minutes is tried each minute, and so on."""
LONGEST_OWED_S = 600.0
LONGEST_WAIT_S = 24 * 3_600.0
LONGEST_NOTICE_S = 7 * 24 * 3_600.0
"""Who asked so long ago is told nothing any more."""
RATES, ADMIN = "rates", "an admin"
"""What jobs wait for beside the APIs of `feishu.api.endpoints`."""
TOLD_EVERY_S = 60.0
WAKE_EVERY_S = 1.0
"""An API that comes and goes wakes those who wait for it no more often."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`delay_s` until the next try; `counts` as an attempt or not; `waits_for` an API, `RATES`, `ADMIN` or nothing;
    `line` to wait in, "" for its own; `too_old` to be tried again."""

    delay_s: float
    counts: bool = False
    waits_for: str = ""
    line: str = ""
    too_old: bool = False


def verdict(job: Job, error: Exception) -> Verdict:
    """What is done with `job` after `error`."""
    too_old = job.waited_s > LONGEST_WAIT_S
    if isinstance(error, Owed):
        pause_s = max(OWED_EVERY_S, min(error.since_s / OWED_SHARE, LONGEST_OWED_S))
        waits_for = _awaited(error.__cause__) if error.__cause__ else ""
        return Verdict(_spread(pause_s), waits_for=waits_for, line=error.line, too_old=too_old)
    if waits_for := _awaited(error):
        asked_s = error.wait_s if isinstance(error, RateLimited) else 0.0
        growing_s = backoff_s(job.deferrals + 1, first_s=FIRST_PLATFORM_S, longest_s=LONGEST_PLATFORM_S)
        pause_s = max(growing_s, asked_s)
        return Verdict(_spread(pause_s), waits_for=waits_for, too_old=too_old)
    pause_s = backoff_s(job.attempt, first_s=FIRST_BACKOFF_S, longest_s=LONGEST_BACKOFF_S)
    return Verdict(_spread(pause_s), counts=True)


def exhausted(job: Job, max_attempts: int) -> GivenUp:
    """Why a claimed job is not run any more; "" for one that is."""
    if job.given_up:
        return job.given_up
    if job.attempt > max_attempts:
        return "attempts"
    return "crashes" if job.alone >= max_attempts else ""


def notice_verdict(job: Job, error: Exception, max_attempts: int) -> Verdict | None:
    """When the asker of a job that was given up is told so again, after that failed; None where it has been tried in
    vain for a week, or as often as the job itself for a reason that does not pass."""
    tried = verdict(job, error)
    if job.waited_s > LONGEST_NOTICE_S or (tried.counts and job.attempt >= 2 * max_attempts):
        return None
    pause_s = max(tried.delay_s, _spread(min(job.deferrals * OWED_EVERY_S, LONGEST_OWED_S)))
    line = f"{CARD_LINE}{job.turn_id or f'job-{job.id}'}"
    return Verdict(pause_s, counts=tried.counts, waits_for=tried.waits_for, line=line)


def _awaited(error: BaseException) -> str:
    """What has to be there again before the same may go well; "" where trying again is an attempt."""
    if isinstance(error, RateLimited):
        return RATES
    if is_outage(error) and isinstance(error, ApiError | TransportError):
        return error.endpoint or "platform"
    is_theirs_to_mend = isinstance(error, FeishuError) and remedy_of(error) is Remedy.LATER
    return ADMIN if is_theirs_to_mend else ""


def _spread(seconds: float) -> float:
    return seconds * random.uniform(0.8, 1.2)  # noqa: S311 - spreads retries, guards nothing


class Outages:
    """Hears of recoveries from `feishu.api.availability` and of jobs that were put back from the worker."""

    def __init__(self, jobs: Jobs, *, clock: Clock) -> None:
        self._jobs = jobs
        self._clock = clock
        self._told_at: dict[str, float] = {}
        self._recovered: dict[str, float] = {}
        self._news = asyncio.Event()

    def recovered(self, name: str, down_s: float) -> None:
        """An API answers again after so long (0: for the first time since the start)."""
        self._recovered[name] = down_s
        self._news.set()

    async def waited_for(self, name: str, reason: str) -> None:
        """A job waits for it from now on. Told once a minute, with the number of those that do."""
        now = self._clock.monotonic()
        if now - self._told_at.get(name, -math.inf) < TOLD_EVERY_S:
            return
        self._told_at[name] = now
        try:
            waiting = (await self._jobs.waits())["platform"]
        except StoreError:
            return
        log.error("platform_down", waits_for=name, waiting=waiting, reason=reason)

    async def wake_forever(self) -> None:
        """Makes jobs due again as soon as what they wait for answers."""
        while True:
            await self._news.wait()
            self._news.clear()
            recovered, self._recovered = self._recovered, {}
            for name, down_s in recovered.items():
                await self._wake(name, down_s)
            await self._clock.sleep(WAKE_EVERY_S)

    async def _wake(self, name: str, down_s: float) -> None:
        try:
            woken = await self._jobs.wake_waiting(name)
        except StoreError as error:  # they come by themselves, when their pause is over
            log.error("waking_failed", reason=str(error))
            return
        self._told_at.pop(name, None)
        if down_s or woken:
            log.info("platform_back", waits_for=name, down_s=round(down_s, 1), woken=woken)
