"""While the platform is down jobs wait, and count nothing; what is given up owes its asker a sentence."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.cancellation import Ended, StopSignal
from bot.errors import Owed
from bot.inbox import verdicts
from bot.inbox.admin import JobList
from bot.job import Job
from bot.storage.tables import jobs as table
from feishu.errors import (
    BadReply,
    CredentialsRejected,
    InvalidRequest,
    RateLimited,
    ServerError,
    Timeout,
    TokenRejected,
    Unreachable,
)
from tests.unit.bot.test_worker import Bench, forever

DAY_S = 86_400.0
OUTAGES = [
    Unreachable("no route", endpoint="reply"),
    Timeout("slow", endpoint="reply"),
    BadReply("HTTP 502 without the platform's JSON", endpoint="reply"),
    ServerError(2200, "internal error", endpoint="reply", http_status=500),
    RateLimited(99991400, "too many", endpoint="reply", http_status=429),
    TokenRejected(99991663, "invalid token", endpoint="reply"),
    CredentialsRejected(10014, "app disabled", endpoint="tenant_token"),
]


@pytest.fixture
async def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    """Retries come at once."""
    for name in ("FIRST_BACKOFF_S", "OWED_EVERY_S", "FIRST_PLATFORM_S"):
        monkeypatch.setattr(verdicts, name, 0.0)
    monkeypatch.setattr(RateLimited, "wait_s", 0.0)
    bench = Bench(tmp_path)
    yield bench
    await bench.worker.drain(0)
    await asyncio.to_thread(bench.database.close)


async def grow_older(bench: Bench, seconds: float) -> None:
    older = table.update().values(created_at=table.c.created_at - seconds)
    await bench.database.write(lambda connection: connection.execute(older).rowcount)


@pytest.mark.parametrize("error", OUTAGES, ids=lambda error: type(error).__name__)
async def test_an_outage_never_uses_up_attempts(bench: Bench, error: Exception) -> None:
    attempts: list[int] = []

    async def fail(job: Job, _stop: StopSignal) -> Ended:
        attempts.append(job.attempt)
        if len(attempts) < 12:
            raise error
        return Ended("done")

    bench.script.does = fail
    bench.worker.start()
    await bench.ask(1)
    await bench.states(done=1)
    assert attempts == [1] * 12
    assert bench.script.buried == []


async def test_a_refusal_of_what_was_sent_is_an_attempt(bench: Bench) -> None:
    async def fail(_job: Job, _stop: StopSignal) -> Ended:
        raise InvalidRequest(230001, "bad parameter")

    bench.script.does = fail
    bench.worker.start()
    await bench.ask(1)
    await bench.states(buried=1)
    assert len(bench.script.began) == 3


async def test_no_slot_waits_with_a_job_and_its_conversation_keeps_its_order(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verdicts, "FIRST_PLATFORM_S", 3_600.0)
    monkeypatch.setattr(verdicts, "LONGEST_PLATFORM_S", 3_600.0)
    down = True

    async def fail(job: Job, _stop: StopSignal) -> Ended:
        if down and job.conversation == "oc_1":
            raise OUTAGES[0]
        return Ended("done")

    bench.script.does = fail
    bench.worker.start()
    for number in (1, 2):
        await bench.ask(number, chat="oc_1")
    await bench.ask(3)
    await bench.states(queued=2, done=1)
    assert await bench.jobs.waits() == {"platform": 1, "notice": 0}
    (waiting,) = [each for each in await JobList(bench.database).entries(("queued",)) if each.waits_for]
    assert waiting.waits_for == "reply" and "no route" in waiting.reason and waiting.again_in_s > 2_000
    down = False
    bench.worker.outages.recovered("card_create", 9.0)  # not what it waits for
    bench.worker.outages.recovered("reply", 9.0)
    await bench.states(done=3)
    assert bench.script.began == [1, 3, 1, 2]


async def test_an_outage_is_told_with_the_number_of_those_who_wait_and_so_is_its_end(bench: Bench) -> None:
    back = asyncio.Event()

    async def fail(job: Job, _stop: StopSignal) -> Ended:
        if not back.is_set():
            raise OUTAGES[3]
        return Ended("done")

    bench.script.does = fail
    with capture_logs() as lines:
        bench.worker.start()
        await bench.ask(1)
        await bench.script.until(lambda: len(bench.script.began) > 3)
        back.set()
        bench.worker.outages.recovered("reply", 12.34)
        await bench.states(done=1)
        async with asyncio.timeout(30):
            while not any(line["event"] == "platform_back" for line in lines):
                await asyncio.sleep(0)
    (down,) = [line for line in lines if line["event"] == "platform_down"]
    assert (down["waits_for"], down["waiting"]) == ("reply", 1)
    (up,) = [line for line in lines if line["event"] == "platform_back"]
    assert (up["waits_for"], up["down_s"]) == ("reply", 12.3)


class Told:
    """How askers are told that their job was given up, while the platform is down or not."""

    def __init__(self, bench: Bench) -> None:
        self.down = True
        self.tries: list[tuple[int, str]] = []
        bench.script.give_up = self.give_up  # type: ignore[method-assign]
        self._changed = bench.script.changed

    async def give_up(self, job: Job) -> None:
        self.tries.append((job.payload["number"], job.given_up))
        self._changed.set()
        if self.down:
            raise OUTAGES[0]


async def test_a_job_older_than_a_day_ends_with_a_sentence_that_is_owed_until_it_is_told(
    bench: Bench, tmp_path: Path
) -> None:
    async def fail(job: Job, _stop: StopSignal) -> Ended:
        if job.payload["number"] == 1:
            raise OUTAGES[0]
        return Ended("done")

    told = Told(bench)
    bench.script.does = fail
    await bench.ask(1, chat="oc_1")
    await grow_older(bench, DAY_S + 1)
    await bench.ask(2, chat="oc_1")
    bench.worker.start()
    await bench.script.until(lambda: len(told.tries) > 3 and 2 in bench.script.began)
    await bench.states(queued=1, done=1)
    assert bench.script.began == [1, 2], "it is not tried again, and nobody waits for it"
    await bench.worker.drain(0)
    assert (await bench.jobs.waits())["notice"] == 1
    (entry,) = await JobList(bench.database).entries(("queued",))
    assert entry.given_up == "age" and "no route" in entry.reason
    again = Bench(tmp_path)
    told_again = Told(again)
    told_again.down = False
    again.worker.start()
    await again.states(buried=1, done=1)
    assert told_again.tries == [(1, "age")]
    assert 'jobs_ended_total{kind="answer",state="buried"} 0.0' in again.metrics.render().decode(), "counted once"
    assert 'jobs_ended_total{kind="answer",state="buried"} 1.0' in bench.metrics.render().decode()
    await again.worker.drain(0)
    await asyncio.to_thread(again.database.close)


async def test_a_notice_that_is_owed_can_be_retried_or_cancelled_by_the_admin(bench: Bench) -> None:
    async def fail(_job: Job, _stop: StopSignal) -> Ended:
        raise OUTAGES[0]

    told = Told(bench)
    bench.script.does = fail
    await bench.ask(1)
    await grow_older(bench, DAY_S + 1)
    bench.worker.start()
    await bench.script.until(lambda: len(told.tries) > 1)
    await bench.worker.drain(0)
    (entry,) = await JobList(bench.database).entries()
    await JobList(bench.database).retry(entry.id)
    job = await bench.jobs.claim()
    assert job is not None and (job.given_up, job.attempt) == ("", 1) and job.waited_s < DAY_S / 2


async def test_a_notice_that_cannot_be_told_for_a_week_is_let_go(bench: Bench) -> None:
    async def fail(_job: Job, _stop: StopSignal) -> Ended:
        raise OUTAGES[0]

    Told(bench)
    bench.script.does = fail
    await bench.ask(1)
    await grow_older(bench, 7 * DAY_S + 1)
    with capture_logs() as lines:
        bench.worker.start()
        await bench.states(buried=1)
    assert [line["retry_in_s"] for line in lines if line["event"] == "dead_letter_notice_failed"] == [None]


async def test_a_debt_of_a_day_is_given_up_too(bench: Bench) -> None:
    async def owe(_job: Job, _stop: StopSignal) -> Ended:
        raise Owed("the card is not closed", line="card/t1", since_s=DAY_S) from OUTAGES[0]

    told = Told(bench)
    told.down = False
    bench.script.does = owe
    await bench.ask(1)
    await grow_older(bench, DAY_S + 1)
    bench.worker.start()
    await bench.states(buried=1)
    assert told.tries == [(1, "age")]


async def test_what_ends_the_process_even_while_it_is_told_is_let_go(bench: Bench) -> None:
    told = Told(bench)
    await bench.ask(1)
    alone = table.update().values(alone=2 * 3)
    await bench.database.write(lambda connection: connection.execute(alone).rowcount)
    bench.worker.start()
    await bench.states(buried=1)
    assert told.tries == [] and bench.script.began == []


async def test_a_shutdown_keeps_that_a_job_was_given_up(bench: Bench) -> None:
    told = Told(bench)
    await bench.ask(1)
    owed = table.update().values(given_up="age")
    await bench.database.write(lambda connection: connection.execute(owed).rowcount)

    async def stand(job: Job) -> None:
        told.tries.append((1, job.given_up))
        told._changed.set()
        await forever(job, StopSignal())

    bench.script.give_up = stand  # type: ignore[method-assign]
    bench.worker.start()
    await bench.script.until(lambda: told.tries)
    await bench.worker.drain(0)
    again = await bench.jobs.claim()
    assert again is not None and again.given_up == "age"


def job(**values: Any) -> Job:
    known: dict[str, Any] = {
        "id": 1,
        "app_id": "a",
        "kind": "answer",
        "conversation": "c",
        "payload": {},
        "state": "running",
        "attempt": 1,
        "fence": 1,
        "turn_id": "",
        "stop_by": "",
        "reason": "",
        "created_at": 0.0,
    }
    return Job(**known | values)


def test_pauses_grow_to_a_minute_and_no_further() -> None:
    pauses = [verdicts.verdict(job(deferrals=n), OUTAGES[0]).delay_s for n in range(12)]
    for n, pause_s in enumerate(pauses):
        assert 0.8 * min(2.0 * 2**n, 60.0) <= pause_s <= 1.2 * min(2.0 * 2**n, 60.0)


def test_rates_are_waited_for_as_long_as_the_platform_asks() -> None:
    refused = RateLimited(99991400, "too many", endpoint="reply", http_status=429)
    refused.wait_s = 45.0
    found = verdicts.verdict(job(), refused)
    assert (found.waits_for, found.counts) == (verdicts.RATES, False)
    assert found.delay_s >= 0.8 * 45.0


def test_an_old_job_that_fails_by_itself_is_an_attempt_like_any() -> None:
    found = verdicts.verdict(job(waited_s=2 * DAY_S), RuntimeError("no"))
    assert found.counts and not found.too_old
