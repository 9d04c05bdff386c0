"""Accepting, the same on SQLite and on a real PostgreSQL: each id once, for as long as it is kept."""

import asyncio

import pytest
from sqlalchemy import text

from bot.errors import StoreError
from bot.job import NewJob
from tests.support.inbox import Inbox, new


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
    monkeypatch.setattr("bot.inbox.queue.FORGET_AT_ONCE", 3)
    for n in range(8):
        await inbox.a.accept(new(n))
        await inbox.a.finish(await inbox.take(), "done")
    await inbox.clock.advance(1000)
    assert await inbox.a.forget_older_than(999) == 8
    assert await inbox.a.count_by_state() == {}


async def test_what_is_acknowledged_survives_a_power_cut(inbox: Inbox) -> None:
    """The durable settings of both stores, as a write sees them; the cut itself is the store's promise."""
    database = inbox.databases[0]
    if database.is_sqlite:
        wanted = {"PRAGMA journal_mode": "wal", "PRAGMA synchronous": 2}
    else:
        wanted = {"SHOW synchronous_commit": "on"}
    for statement, value in wanted.items():
        assert await database.write(lambda connection, ask=statement: connection.scalar(text(ask))) == value
