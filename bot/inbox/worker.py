"""Claims jobs, runs them under a lease, turns stop marks into stops, and lets go in order."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from bot.cancellation import Ended, StopSignal
from bot.crash_points import reach
from bot.errors import Owed, StoreError
from bot.inbox.crashes import ANY
from bot.inbox.dead_letters import DeadLetters
from bot.inbox.notify import JOBS, STOP
from bot.inbox.queue import Jobs, Room
from bot.inbox.verdicts import FIRST_BACKOFF_S, Outages, exhausted, verdict
from bot.job import Job, LeaseLost
from bot.observability.metrics import Metrics
from feishu.clock import Clock
from feishu.errors import FeishuError

log = structlog.get_logger(__name__)

POLL_S = 1.0
TELL_EVERY_S = 0.5
FORGET_EVERY_S = 3_600.0


class Waiting(Protocol):
    """What this needs of `bot.jobs.queue_position.QueuePositions`."""

    @property
    def looked_after(self) -> int: ...

    async def tell(self, wake: Callable[[], None]) -> None: ...

    async def aclose(self) -> None: ...


class Runs(Protocol):
    """What runs a job, and what tells the asker of one that was given up (`job.given_up` says why)."""

    async def run(self, job: Job, stop: StopSignal) -> Ended: ...

    async def give_up(self, job: Job) -> None: ...


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """How many jobs run at once (`slots`), how long a lease holds without a heartbeat (`lease_s`), how often a job may
    fail before it is given up (`max_attempts`), and for how long ended jobs are remembered (`retention_s`)."""

    slots: int
    lease_s: float
    max_attempts: int
    retention_s: float


@dataclass(slots=True)
class _Running:
    """A job in hand."""

    job: Job
    stop: StopSignal
    task: "asyncio.Task[None] | None" = None


class Worker:
    """Runs up to `limits.slots` jobs at once. `run` until cancelled; `wake` after an accept; `drain` before the end."""

    def __init__(
        self,
        jobs: Jobs,
        turns: Runs,
        metrics: Metrics,
        limits: WorkerLimits,
        *,
        clock: Clock,
        waiting: Waiting | None = None,
    ) -> None:
        self._jobs = jobs
        self._turns = turns
        self._metrics = metrics
        self._clock = clock
        self._limits = limits
        self._waiting = waiting
        self.outages = Outages(jobs, clock=clock)
        self._dead_letters = DeadLetters(jobs, turns, metrics, max_attempts=limits.max_attempts)
        self._running: dict[int, _Running] = {}
        self._awake = asyncio.Event()
        self._draining = False
        self._loops: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Starts claiming."""
        self._count_slots()
        self._loops = [
            asyncio.create_task(self._claim_forever(), name="claim"),
            asyncio.create_task(self._beat_forever(), name="heartbeat"),
            asyncio.create_task(self._forget_forever(), name="forget"),
            asyncio.create_task(self._tell_forever(), name="places"),
            asyncio.create_task(self.outages.wake_forever(), name="outages"),
        ]

    def wake(self) -> None:
        """Something may be claimable now."""
        self._awake.set()

    def hear(self, kind: str, rest: str) -> None:
        """A notice from another replica (see `bot.inbox.notify`)."""
        if kind == JOBS:
            self.wake()
        elif kind == STOP:
            job_id, _, by = rest.partition(" ")
            self.stop_job(int(job_id), by=by)

    def stop_job(self, job_id: int, *, by: str) -> None:
        """Stops a job at once if it runs here; elsewhere its own worker sees the mark at its next heartbeat."""
        if job_id in self._running:
            self._running[job_id].stop.ask(by)

    async def drain(self, seconds: float) -> None:
        """Stops claiming, lets running jobs end for `seconds`, then gives the rest back for whoever comes next."""
        self._draining = True
        self._count_slots()
        self._awake.set()
        if self._loops:
            await asyncio.wait(self._loops[:1])  # a claim under way may still bring jobs
        if self._waiting:
            await self._waiting.aclose()
        tasks = [running.task for running in self._running.values() if running.task]
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)

    def _count_slots(self) -> int:
        """The slots that are free; also tells whether what is accepted here can start here."""
        free = 0 if self._draining else self._limits.slots - len(self._running)
        self._jobs.takes_more = free > 0
        return free

    async def _claim_forever(self) -> None:
        while not self._draining:
            self._awake.clear()  # before claiming: what is accepted meanwhile wakes the next round
            try:
                await self._claim()
            except StoreError as error:
                log.error("claim_failed", reason=str(error))
            await self._rest()

    async def _claim(self) -> None:
        free = self._count_slots()
        if free <= 0:
            return
        for job in await self._jobs.claim_up_to(free, self._room()):
            running = _Running(job, StopSignal())
            self._running[job.id] = running
            running.task = asyncio.create_task(self._run(running), name=f"job-{job.id}")
        self._count_slots()

    def _room(self) -> Room:
        """All that a crash now would make suspects of each other."""
        looked_after = self._waiting.looked_after if self._waiting else 0
        return Room([running.job for running in self._running.values()], looked_after)

    async def _rest(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(POLL_S):
                await self._awake.wait()

    async def _run(self, running: _Running) -> None:
        job = running.job
        with structlog.contextvars.bound_contextvars(job_id=job.id, turn_id=job.turn_id, attempt=job.attempt):
            try:
                if job.stop_by:
                    running.stop.ask(job.stop_by)
                await self._run_and_settle(job, running.stop)
            except asyncio.CancelledError:
                await self._give_back(job)
                raise
            except LeaseLost as error:
                log.warning("lease_lost", reason=str(error))
            except StoreError as error:
                log.error("store_failed", reason=str(error))
                await self._give_back(job, reason="the store failed", delay_s=FIRST_BACKOFF_S)
            finally:
                if self._running.get(job.id) is running:
                    del self._running[job.id]
                self._count_slots()
                self._awake.set()

    async def _run_and_settle(self, job: Job, stop: StopSignal) -> None:
        log.info("job_started", kind=job.kind, waited_s=round(job.waited_s, 3), taken_over=job.taken_over)
        self._metrics.job_claimed(job.waited_s, resumed=job.is_resumed, taken_over=job.taken_over)
        if why := exhausted(job, self._limits.max_attempts):
            await self._dead_letters.give_up(job, why)
            return
        try:
            ended = await self._turns.run(job, stop)
        except (LeaseLost, StoreError, asyncio.CancelledError):
            raise
        except Exception as error:
            await self._try_later(job, error)
            return
        reach("before-done")
        await self._jobs.finish(job, ended.state, ended.reason)
        self._metrics.job_ended(job.kind, ended.state)
        log.info("job_ended", state=ended.state, reason=ended.reason)

    async def _try_later(self, job: Job, error: Exception) -> None:
        found, reason = verdict(job, error), f"{type(error).__name__}: {error}"[:500]
        if found.too_old:
            await self._dead_letters.give_up(replace(job, reason=reason), "age")
            return
        expected = isinstance(error, FeishuError | Owed)
        log.warning(
            "job_failed", reason=str(error), retry_in_s=round(found.delay_s, 1), exc_info=None if expected else error
        )
        await self._jobs.release(
            job,
            delay_s=found.delay_s,
            reason=reason,
            count_attempt=found.counts,
            line=found.line,
            waits_for=found.waits_for,
        )
        if found.waits_for:
            await self.outages.waited_for(found.waits_for, str(error))

    async def _give_back(self, job: Job, *, reason: str = "shutdown", delay_s: float = 0.0) -> None:
        """Not the job's fault, so no attempt of it; where even this fails, its lease runs out."""
        with contextlib.suppress(LeaseLost, StoreError):
            await asyncio.shield(
                self._jobs.release(
                    job,
                    reason=job.reason if job.given_up else reason,
                    delay_s=delay_s,
                    count_attempt=False,
                    given_up=job.given_up,
                    survived=False,
                )
            )

    async def _beat_forever(self) -> None:
        interval_s = min(1.0, self._limits.lease_s / 3)
        while True:
            await self._clock.sleep(interval_s)
            if self._running:
                await self._beat()

    async def _beat(self) -> None:
        held = dict(self._running)
        try:
            renewed = await self._jobs.renew([running.job for running in held.values()])
        except StoreError as error:
            log.error("heartbeat_failed", reason=str(error))
            return
        for job_id, running in held.items():
            if job_id not in self._running:
                continue
            if job_id not in renewed:
                log.warning("lease_lost", job_id=job_id)
                if running.task:
                    running.task.cancel()
            elif renewed[job_id]:
                running.stop.ask(renewed[job_id])

    async def _tell_forever(self) -> None:
        """Who waits is told so. With nothing running here nobody waits for us."""
        while self._waiting is not None:
            await self._clock.sleep(TELL_EVERY_S)
            if not self._running or self._draining or self._room().most < ANY:  # a suspect runs without company
                continue
            try:
                await self._waiting.tell(self.wake)
            except StoreError as error:
                log.error("waiting_not_told", reason=str(error))

    async def _forget_forever(self) -> None:
        while True:
            try:
                await self._jobs.forget_older_than(self._limits.retention_s)
            except StoreError as error:
                log.error("forgetting_failed", reason=str(error))
            await self._clock.sleep(FORGET_EVERY_S)
