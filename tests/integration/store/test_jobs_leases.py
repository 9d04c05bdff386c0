"""Leases and fences, the same on SQLite and on a real PostgreSQL: who holds a job, and how it is let go."""

import pytest

from bot.inbox.queue import guard
from bot.job import LeaseLost
from tests.support.inbox import LEASE_S, Inbox, new, number


async def test_a_lease_that_runs_out_is_taken_over_under_a_new_fence(inbox: Inbox) -> None:
    await inbox.a.accept(new(1))
    held = await inbox.take()
    await inbox.clock.advance(LEASE_S - 0.1)
    assert await inbox.b.claim() is None
    await inbox.clock.advance(0.2)
    taken = await inbox.take(inbox.b)
    assert (taken.id, taken.fence, taken.attempt) == (held.id, held.fence + 1, 1), "a crash is no attempt"
    assert taken.alone == 1
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


async def test_a_restart_frees_what_the_dead_process_held(inbox: Inbox) -> None:
    await inbox.a.accept(new(1))
    held = await inbox.take()
    assert await inbox.b.claim() is None
    assert await inbox.b.reclaim_own_machine() == 1
    assert (await inbox.take(inbox.b)).id == held.id
