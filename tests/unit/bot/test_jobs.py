"""The inbox's contract, the same on SQLite and on a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from bot.database import Database
from bot.errors import StoreError
from bot.job import Job, NewJob
from bot.jobs import Jobs, LeaseLost, guard
from tests.support.clock import HandClock

LEASE_S = 8.0


def new(number: int, *, chat: str = "", app: str = "cli_a", message: str = "", turn: str = "") -> NewJob:
    """A question; each in its own chat unless told otherwise."""
    keys = (f"event:{number}", f"message:{message or number}")
    return NewJob(app, "answer", chat or f"oc_{number}", {"number": number}, keys, turn, asker="ou_a")


class Inbox:
    """Two replicas on one store, and a clock moved by hand."""

    def __init__(self, url: str) -> None:
        self.clock = HandClock()
        self.databases = [Database(url), Database(url)]
        self.databases[0].migrate()
        self.a, self.b = (Jobs(database, lease_s=LEASE_S, clock=self.clock) for database in self.databases)

    async def take(self, jobs: Jobs | None = None) -> Job:
        """Claims what must be there."""
        job = await (jobs or self.a).claim()
        assert job is not None
        return job

    def close(self) -> None:
        for database in self.databases:
            database.close()


@pytest.fixture
async def inbox(store_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Inbox]:
    """An empty inbox. On SQLite two processes never serve; here they may have to wait for each other."""
    monkeypatch.setattr("bot.engines.BUSY_TIMEOUT_MS", 60_000)
    inbox = Inbox(store_url)
    yield inbox
    await asyncio.to_thread(inbox.close)


def number(job: Job | None) -> int | None:
    return job.payload["number"] if job else None


async def test_one_event_delivered_fifty_times_at_once_is_one_job(inbox: Inbox) -> None:
    fresh = await asyncio.gather(*(inbox.a.accept(new(1)) for _ in range(50)))
    assert sum(fresh) == 1
    assert await inbox.a.count_by_state() == {"queued": 1}


async def test_fifty_deliveries_over_two_replicas_are_one_job(inbox: Inbox) -> None:
    fresh = await asyncio.gather(*(jobs.accept(new(1)) for jobs in (inbox.a, inbox.b) for _ in range(25)))
    assert sum(fresh) == 1
    assert await inbox.b.count_by_state() == {"queued": 1}


async def test_many_events_crossing_over_two_replicas_are_each_one_job(inbox: Inbox) -> None:
    there = [inbox.a.accept(new(number)) for number in range(100)]
    back = [inbox.b.accept(new(number)) for number in reversed(range(100))]
    fresh = await asyncio.gather(*there, *back)
    assert sum(fresh) == 100
    assert await inbox.a.count_by_state() == {"queued": 100}


async def test_a_message_under_another_event_id_is_the_same_question(inbox: Inbox) -> None:
    assert await inbox.a.accept(new(1, message="m"))
    assert not await inbox.a.accept(new(2, message="m"))
    assert await inbox.a.accept(new(1, app="cli_b", message="m"))  # ids are unique within an app


async def test_ids_stay_known_after_the_job_has_ended(inbox: Inbox) -> None:
    await inbox.a.accept(new(1))
    await inbox.a.finish(await inbox.take(), "done")
    assert not await inbox.a.accept(new(1))


async def test_what_cannot_be_stored_fails_alone(inbox: Inbox) -> None:
    poisoned = NewJob("cli_a", "answer", "oc_\0", {}, ("event:poison",))
    results = await asyncio.gather(inbox.a.accept(new(1)), inbox.a.accept(poisoned), return_exceptions=True)
    assert results[0] is True
    assert isinstance(results[1], ValueError)


async def test_a_conversation_is_answered_in_order_one_at_a_time(inbox: Inbox) -> None:
    for n in (1, 2, 3):
        await inbox.a.accept(new(n, chat="oc"))
    first = await inbox.take()
    assert number(first) == 1
    assert await inbox.b.claim() is None
    await inbox.a.finish(first, "done")
    assert number(await inbox.take(inbox.b)) == 2
    assert await inbox.a.claim() is None


async def test_other_conversations_overtake_a_busy_one(inbox: Inbox) -> None:
    for n, chat in enumerate(["x", "x", "y", "z"]):
        await inbox.a.accept(new(n, chat=chat))
    assert [number(job) for job in await inbox.a.claim_up_to(10)] == [0, 2, 3]


async def test_no_more_are_claimed_than_there_are_slots(inbox: Inbox) -> None:
    for n in range(5):
        await inbox.a.accept(new(n))
    assert [number(job) for job in await inbox.a.claim_up_to(2)] == [0, 1]
    assert [number(job) for job in await inbox.b.claim_up_to(2)] == [2, 3]


async def test_replicas_that_claim_at_once_never_get_the_same_job(inbox: Inbox) -> None:
    for n in range(60):
        await inbox.a.accept(new(n, chat=f"oc_{n % 20}"))
    running: set[int] = set()
    done: list[int] = []

    async def work(jobs: Jobs) -> None:
        while len(done) < 60:
            for job in await jobs.claim_up_to(3):
                assert job.id not in running
                running.add(job.id)
                await jobs.finish(job, "done")
                done.append(job.id)

    await asyncio.gather(*(work(jobs) for jobs in (inbox.a, inbox.a, inbox.b, inbox.b)))
    assert sorted(done) == sorted(running)
    assert await inbox.a.count_by_state() == {"done": 60}


async def test_a_job_stored_late_waits_for_the_one_that_overtook_it(inbox: Inbox) -> None:
    """Two replicas number their jobs in one order and commit them in the other."""
    await inbox.a.accept(new(2, chat="oc"))
    await inbox.take()
    await inbox.databases[0].write(lambda connection: connection.execute(text("UPDATE jobs SET id = 1000")))
    await inbox.b.accept(new(1, chat="oc"))
    await inbox.databases[0].write(
        lambda connection: connection.execute(text("UPDATE jobs SET id = 5 WHERE state = 'queued'"))
    )
    await inbox.a.accept(new(3))
    assert number(await inbox.b.claim()) == 3
    assert await inbox.b.claim() is None
    await inbox.clock.advance(LEASE_S + 1)
    assert sorted(job.payload["number"] for job in await inbox.b.claim_up_to(5)) == [2, 3]


async def test_a_lease_that_runs_out_is_taken_over_under_a_new_fence(inbox: Inbox) -> None:
    await inbox.a.accept(new(1))
    held = await inbox.take()
    await inbox.clock.advance(LEASE_S - 0.1)
    assert await inbox.b.claim() is None
    await inbox.clock.advance(0.2)
    taken = await inbox.take(inbox.b)
    assert (taken.id, taken.fence, taken.attempt) == (held.id, held.fence + 1, 2)
    assert taken.taken_over and not held.taken_over


async def test_a_renewed_lease_is_not_taken_over(inbox: Inbox) -> None:
    await inbox.a.accept(new(1))
    held = await inbox.take()
    for _ in range(5):
        await inbox.clock.advance(LEASE_S - 1)
        assert await inbox.a.renew([held]) == {held.id: ""}
        assert await inbox.b.claim() is None


async def test_who_has_lost_the_fence_can_write_nothing(inbox: Inbox) -> None:
    await inbox.a.accept(new(1))
    lost = await inbox.take()
    await inbox.clock.advance(LEASE_S + 1)
    taken = await inbox.take(inbox.b)
    assert await inbox.a.renew([lost]) == {}
    for write in (inbox.a.finish(lost, "done"), inbox.a.release(lost), lost.confirm()):
        with pytest.raises(LeaseLost):
            await write
    with pytest.raises(LeaseLost):
        await inbox.databases[0].write(lambda connection: guard(connection, lost))
    await inbox.b.finish(taken, "done")
    assert await inbox.a.count_by_state() == {"done": 1}


async def test_a_standstill_without_takeover_keeps_the_job(inbox: Inbox) -> None:
    await inbox.a.accept(new(1))
    held = await inbox.take()
    await inbox.clock.advance(LEASE_S * 3)
    await held.confirm()
    assert await inbox.b.claim() is None
    await inbox.a.finish(held, "done")


async def test_a_stop_mark_of_one_replica_reaches_the_other(inbox: Inbox) -> None:
    await inbox.a.accept(new(1, turn="t1"))
    held = await inbox.take()
    assert await inbox.b.ask_to_stop("t1", by="ou_b") == held.id
    assert await inbox.a.renew([held]) == {held.id: "ou_b"}
    await inbox.a.finish(held, "cancelled")
    assert await inbox.b.ask_to_stop("t1", by="ou_b") is None


async def test_a_job_stopped_before_it_runs_says_so_when_claimed(inbox: Inbox) -> None:
    await inbox.a.accept(new(1, turn="t1"))
    assert await inbox.a.ask_to_stop("t1", by="ou_b") is not None
    assert (await inbox.take()).stop_by == "ou_b"


async def test_a_released_job_waits_and_keeps_its_place(inbox: Inbox) -> None:
    for n in (1, 2):
        await inbox.a.accept(new(n, chat="oc"))
    await inbox.a.release(await inbox.take(), delay_s=5, reason="the platform is away")
    assert await inbox.a.claim() is None
    await inbox.clock.advance(5.1)
    again = await inbox.take()
    assert (number(again), again.attempt, again.reason) == (1, 2, "the platform is away")


async def test_a_release_at_shutdown_is_no_attempt(inbox: Inbox) -> None:
    await inbox.a.accept(new(1))
    await inbox.a.release(await inbox.take(), count_attempt=False)
    again = await inbox.take(inbox.b)
    assert (again.attempt, again.fence, again.is_resumed) == (1, 2, True)


async def test_a_buried_job_lets_its_conversation_go_on(inbox: Inbox) -> None:
    for n in (1, 2):
        await inbox.a.accept(new(n, chat="oc"))
    await inbox.a.finish(await inbox.take(), "buried", "the card was refused")
    assert number(await inbox.take()) == 2
    assert await inbox.a.count_by_state() == {"buried": 1, "running": 1}


async def test_what_has_ended_is_forgotten_and_what_is_open_never(inbox: Inbox) -> None:
    for n in (1, 2, 3):
        await inbox.a.accept(new(n, chat="oc" if n > 1 else ""))
    await inbox.a.finish(await inbox.take(), "done")
    held = await inbox.take()
    await inbox.clock.advance(49 * 3600)
    await inbox.a.renew([held])
    assert await inbox.a.forget_older_than(50 * 3600) == 0
    assert await inbox.a.forget_older_than(48 * 3600) == 1
    assert await inbox.a.accept(new(1))
    assert not await inbox.a.accept(new(2)) and not await inbox.a.accept(new(3))


async def test_more_is_forgotten_than_fits_one_step(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.jobs.FORGET_AT_ONCE", 3)
    for n in range(8):
        await inbox.a.accept(new(n))
        await inbox.a.finish(await inbox.take(), "done")
    await inbox.clock.advance(1000)
    assert await inbox.a.forget_older_than(999) == 8
    assert await inbox.a.count_by_state() == {}


async def test_a_restart_frees_what_the_dead_process_held(inbox: Inbox) -> None:
    await inbox.a.accept(new(1))
    held = await inbox.take()
    assert await inbox.b.claim() is None
    assert await inbox.b.reclaim_own_machine() == 1
    assert (await inbox.take(inbox.b)).id == held.id


async def test_the_survey_tells_the_age_of_the_oldest(inbox: Inbox) -> None:
    await inbox.a.accept(new(1))
    await inbox.clock.advance(30)
    await inbox.a.accept(new(2))
    counted, age_s = (await inbox.a.survey())["queued"]
    assert (counted, round(age_s)) == (2, 30)


async def test_regenerating_twice_at_once_makes_one_job(inbox: Inbox) -> None:
    again = [NewJob("cli_a", "regenerate", "oc", {}, (f"event:{n}",), "t1") for n in range(10)]
    assert sum(await asyncio.gather(*(inbox.a.enqueue(job) for job in again))) == 1


async def test_waiting_redraws_of_a_card_become_one(inbox: Inbox) -> None:
    redraws = [NewJob("cli_a", "redraw", "card/t1", {}, (f"event:{n}",), "t1") for n in range(3)]
    assert await inbox.a.enqueue_once(redraws[0])
    assert not await inbox.a.enqueue_once(redraws[1])
    await inbox.take()
    assert await inbox.a.enqueue_once(redraws[2])
    assert await inbox.a.ask_to_stop("t1", by="ou_b") is None  # a redraw is no answer that could be stopped
    assert await inbox.a.enqueue(NewJob("cli_a", "regenerate", "oc", {}, ("event:r",), "t1"))


async def test_a_closed_store_refuses(inbox: Inbox) -> None:
    await asyncio.to_thread(inbox.close)
    with pytest.raises(StoreError):
        await inbox.a.accept(new(1))
    with pytest.raises(StoreError):
        await inbox.a.count_by_state()
