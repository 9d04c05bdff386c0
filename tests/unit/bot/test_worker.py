"""The worker against a real store: slots, retries, burying, stops, drain and lost leases, with time moved by hand."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from bot.cancellation import Ended, StopSignal
from bot.errors import Owed, StoreError
from bot.inbox.queue import Jobs
from bot.inbox.worker import POLL_S, Worker, WorkerLimits
from bot.job import Job, LeaseLost, NewJob
from bot.observability.metrics import Metrics
from bot.settings.models import BotSettings
from bot.storage.database import Database
from feishu.clock import SystemClock
from feishu.errors import FeishuError

DEADLINE_S = 30.0
LEASE_S = 600.0


class Script:
    """Turns that do what the test says, and note what was asked of them."""

    def __init__(self) -> None:
        self.does: Callable[[Job, StopSignal], Awaitable[Ended]] = self.end
        self.began: list[int] = []
        self.buried: list[int] = []
        self.running = 0
        self.most = 0
        self.changed = asyncio.Event()

    async def end(self, _job: Job, _stop: StopSignal) -> Ended:
        return Ended("done")

    async def run(self, job: Job, stop: StopSignal) -> Ended:
        self.began.append(job.payload["number"])
        self.running += 1
        self.most = max(self.most, self.running)
        self.changed.set()
        try:
            return await self.does(job, stop)
        finally:
            self.running -= 1
            self.changed.set()

    async def give_up(self, job: Job) -> None:
        self.buried.append(job.payload["number"])

    async def until(self, condition: Callable[[], Any]) -> None:
        """Returns when it holds."""
        async with asyncio.timeout(DEADLINE_S):
            while not condition():
                self.changed.clear()
                await self.changed.wait()


class Bench:
    """A worker on a store of its own."""

    def __init__(self, folder: Path, **more: Any) -> None:
        self.database = Database(f"sqlite:///{folder}/bot.db")
        self.database.migrate()
        self.jobs = Jobs(self.database, lease_s=LEASE_S)
        self.script = Script()
        limits = {"slots": 2, "lease_s": LEASE_S, "max_attempts": 3, "retention_s": 72 * 3600}
        limits |= {name: more.pop(name) for name in list(more) if name in limits}
        self.metrics = Metrics()
        self.worker = Worker(
            self.jobs,
            self.script,  # type: ignore[arg-type]  # all of `Turns` that a worker uses
            self.metrics,
            WorkerLimits(**limits),  # type: ignore[arg-type]  # whole numbers and seconds by name
            clock=SystemClock(),
            **more,
        )

    async def ask(self, number: int, *, chat: str = "", turn: str = "") -> None:
        keys = (f"event:{number}",)
        await self.jobs.accept(NewJob("a", "answer", chat or f"oc_{number}", {"number": number}, keys, turn))
        self.worker.wake()

    async def states(self, **expected: int) -> None:
        """Returns when the inbox counts like this."""
        async with asyncio.timeout(DEADLINE_S):
            while await self.jobs.count_by_state() != expected:
                self.worker.wake()
                await asyncio.sleep(0)


@pytest.fixture
async def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    """Retries come at once."""
    monkeypatch.setattr("bot.inbox.worker.FIRST_BACKOFF_S", 0.0)
    monkeypatch.setattr("bot.inbox.verdicts.FIRST_BACKOFF_S", 0.0)
    monkeypatch.setattr("bot.inbox.verdicts.OWED_EVERY_S", 0.0)
    bench = Bench(tmp_path)
    yield bench
    await bench.worker.drain(0)
    await asyncio.to_thread(bench.database.close)


async def forever(_job: Job, _stop: StopSignal) -> Ended:
    await asyncio.Event().wait()
    raise AssertionError("nothing ends this")


async def test_no_more_run_at_once_than_there_are_slots(bench: Bench) -> None:
    go = asyncio.Event()

    async def hold(_job: Job, _stop: StopSignal) -> Ended:
        await go.wait()
        return Ended("done")

    bench.script.does = hold
    bench.worker.start()
    for number in range(6):
        await bench.ask(number)
    await bench.script.until(lambda: bench.script.running == 2)
    assert not bench.jobs.takes_more
    go.set()
    await bench.states(done=6)
    assert bench.script.most == 2
    assert bench.script.began == list(range(6))


async def test_what_fails_is_tried_again_and_then_buried_with_its_reason(bench: Bench) -> None:
    async def fail(_job: Job, _stop: StopSignal) -> Ended:
        raise FeishuError("the platform is away")

    bench.script.does = fail
    bench.worker.start()
    await bench.ask(1)
    await bench.states(buried=1)
    assert bench.script.began == [1, 1, 1]
    assert bench.script.buried == [1]


async def test_a_burial_that_cannot_be_announced_is_a_burial_all_the_same(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_job: Job) -> None:
        raise ZeroDivisionError

    async def fail(_job: Job, _stop: StopSignal) -> Ended:
        raise RuntimeError("no")

    monkeypatch.setattr(bench.script, "give_up", broken)
    bench.script.does = fail
    bench.worker.start()
    await bench.ask(1)
    await bench.states(buried=1)


async def test_a_debt_is_no_failed_attempt(bench: Bench) -> None:
    async def owe(_job: Job, _stop: StopSignal) -> Ended:
        if len(bench.script.began) <= 8:
            raise Owed("the card is not closed")
        return Ended("done")

    bench.script.does = owe
    bench.worker.start()
    await bench.ask(1)
    await bench.states(done=1)


async def test_a_debt_stands_in_a_line_of_its_own_and_nobody_waits_for_it(bench: Bench) -> None:
    paid = asyncio.Event()

    async def owe(job: Job, _stop: StopSignal) -> Ended:
        if job.payload["number"] == 1 and not paid.is_set():
            raise Owed("the card is not closed", line="card/t1")
        return Ended("done")

    bench.script.does = owe
    bench.worker.start()
    await bench.ask(1, chat="oc_1", turn="t1")
    await bench.script.until(lambda: bench.script.began.count(1) > 2)
    await bench.ask(2, chat="oc_1")
    await bench.script.until(lambda: 2 in bench.script.began)
    paid.set()
    await bench.states(done=2)


@pytest.mark.parametrize(("since_s", "wait_s"), [(0.0, 15.0), (100.0, 15.0), (1_200.0, 120.0), (86_000.0, 600.0)])
async def test_what_is_owed_for_long_is_tried_less_often(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, since_s: float, wait_s: float
) -> None:
    monkeypatch.setattr("bot.inbox.verdicts.OWED_EVERY_S", 15.0)
    waits: list[float] = []
    release = bench.jobs.release

    async def noted(job: Job, *, delay_s: float = 0.0, **how: Any) -> None:
        waits.append(delay_s)
        await release(job, delay_s=delay_s, **how)
        bench.script.changed.set()

    async def owe(_job: Job, _stop: StopSignal) -> Ended:
        raise Owed("the card is not closed", since_s=since_s)

    monkeypatch.setattr(bench.jobs, "release", noted)
    bench.script.does = owe
    bench.worker.start()
    await bench.ask(1)
    await bench.script.until(lambda: waits)
    assert 0.8 * wait_s <= waits[0] <= 1.2 * wait_s


async def test_a_store_that_fails_in_the_middle_is_no_failed_attempt(bench: Bench) -> None:
    async def lose(_job: Job, _stop: StopSignal) -> Ended:
        if len(bench.script.began) <= 8:
            raise StoreError("away")
        return Ended("done")

    bench.script.does = lose
    bench.worker.start()
    await bench.ask(1)
    await bench.states(done=1)


async def test_who_has_lost_the_lease_leaves_the_job_alone(bench: Bench) -> None:
    async def lose(_job: Job, _stop: StopSignal) -> Ended:
        raise LeaseLost("another has it")

    bench.script.does = lose
    bench.worker.start()
    await bench.ask(1)
    await bench.script.until(lambda: bench.script.began and not bench.script.running)
    assert await bench.jobs.count_by_state() == {"running": 1}


async def test_a_stop_reaches_the_running_job(bench: Bench) -> None:
    async def wait(_job: Job, stop: StopSignal) -> Ended:
        return Ended("cancelled", await stop.wait())

    bench.script.does = wait
    bench.worker.start()
    await bench.ask(1, turn="t1")
    await bench.script.until(lambda: bench.script.running)
    job_id = await bench.jobs.ask_to_stop("t1", by="ou_b")
    bench.worker.hear("stop", f"{job_id} ou_b")
    await bench.states(cancelled=1)


async def test_a_stop_mark_is_seen_at_the_next_heartbeat_without_any_notice(bench: Bench) -> None:
    async def wait(_job: Job, stop: StopSignal) -> Ended:
        return Ended("cancelled", await stop.wait())

    bench.script.does = wait
    bench.worker.start()
    await bench.ask(1, turn="t1")
    await bench.script.until(lambda: bench.script.running)
    await bench.jobs.ask_to_stop("t1", by="ou_b")
    await bench.states(cancelled=1)


async def test_drain_gives_back_what_does_not_end_and_takes_nothing_new(bench: Bench) -> None:
    bench.script.does = forever
    bench.worker.start()
    await bench.ask(1)
    await bench.script.until(lambda: bench.script.running)
    await bench.ask(2, chat="oc_1")
    await bench.worker.drain(0)
    assert await bench.jobs.count_by_state() == {"queued": 2}
    again = await bench.jobs.claim()
    assert again is not None and (again.payload["number"], again.attempt) == (1, 1)


async def test_drain_lets_end_what_ends(bench: Bench) -> None:
    go = asyncio.Event()

    async def hold(_job: Job, _stop: StopSignal) -> Ended:
        await go.wait()
        return Ended("done")

    bench.script.does = hold
    bench.worker.start()
    await bench.ask(1)
    await bench.script.until(lambda: bench.script.running)
    draining = asyncio.create_task(bench.worker.drain(DEADLINE_S))
    await asyncio.sleep(0)
    go.set()
    await draining
    assert await bench.jobs.count_by_state() == {"done": 1}


async def test_the_counters_tell_what_was_resumed_and_taken_over(bench: Bench) -> None:
    await bench.ask(1)
    assert await bench.jobs.claim() is not None
    await bench.jobs.reclaim_own_machine()
    bench.worker.start()
    await bench.states(done=1)
    text = bench.metrics.render().decode()
    assert "feishu_rag_jobs_resumed_total 1.0" in text
    assert "feishu_rag_jobs_taken_over_total 1.0" in text


def test_a_dead_replica_is_replaced_within_ten_seconds_by_default() -> None:
    """Its last sign of life, the lease, and the next look of the others; what is left is for the claim itself."""
    assert BotSettings().lease_s + POLL_S <= 9.0
