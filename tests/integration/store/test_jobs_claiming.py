"""Claiming, the same on SQLite and on a real PostgreSQL: in order, one of a conversation, by one replica."""

import asyncio

from sqlalchemy import text

from bot.inbox.queue import Jobs
from tests.support.inbox import LEASE_S, Inbox, new, number


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
    assert sorted(job.payload["number"] for job in await inbox.b.claim_up_to(5)) == [1, 3], "now they go by number"


async def test_a_buried_job_lets_its_conversation_go_on(inbox: Inbox) -> None:
    for n in (1, 2):
        await inbox.a.accept(new(n, chat="oc"))
    await inbox.a.finish(await inbox.take(), "buried", "the card was refused")
    assert number(await inbox.take()) == 2
    assert await inbox.a.count_by_state() == {"buried": 1, "running": 1}


async def test_the_survey_tells_the_age_of_the_oldest(inbox: Inbox) -> None:
    await inbox.a.accept(new(1))
    await inbox.clock.advance(30)
    await inbox.a.accept(new(2))
    counted, age_s = (await inbox.a.survey())["queued"]
    assert (counted, round(age_s)) == (2, 30)


async def test_an_ending_that_is_owed_is_nobodys_wait(inbox: Inbox) -> None:
    await inbox.a.accept(new(1))
    await inbox.a.release(await inbox.take(), delay_s=600.0, count_attempt=False, line="card/t1")
    await inbox.clock.advance(300)
    assert (await inbox.a.survey())["queued"] == (1, 0.0)
    await inbox.a.accept(new(2))
    await inbox.clock.advance(5)
    counted, age_s = (await inbox.a.survey())["queued"]
    assert (counted, round(age_s)) == (2, 5)


async def test_a_job_that_changes_its_line_lets_the_next_of_its_conversation_begin(inbox: Inbox) -> None:
    await inbox.a.accept(new(1, chat="oc"))
    await inbox.a.accept(new(2, chat="oc"))
    await inbox.a.release(await inbox.take(), delay_s=60.0, count_attempt=False, line="card/t1")
    assert number(await inbox.b.claim()) == 2
    await inbox.clock.advance(61)
    again = next(job for job in await inbox.a.claim_up_to(2) if number(job) == 1)
    assert (again.conversation, again.attempt) == ("card/t1", 1)
