"""Who waits is held, told and given back under a fence, the same on both stores."""

import pytest

from bot.inbox.positions import REFRESH_S, TOLD_AFTER_S
from bot.job import LeaseLost
from tests.support.inbox import LEASE_S, Inbox, new, number


async def waiting(inbox: Inbox) -> dict[int | None, int]:
    """Question → place, for those that are due; given back at once."""
    held = await inbox.a.hold_waiting(10)
    for job, _ in held:
        await inbox.a.put_back(job)
    return {number(job): place for job, place in held}


async def test_a_question_that_is_begun_at_once_is_told_nothing(inbox: Inbox) -> None:
    await inbox.a.accept(new(1))
    assert await waiting(inbox) == {}
    await inbox.take()
    await inbox.clock.advance(60)
    assert await waiting(inbox) == {}


async def test_nor_is_one_behind_others_that_are_answered_already(inbox: Inbox) -> None:
    await inbox.a.accept(new(1))
    await inbox.take()
    await inbox.a.accept(new(2))
    assert await waiting(inbox) == {}, "a free slot takes it in a moment"
    await inbox.clock.advance(TOLD_AFTER_S + 0.1)
    assert await waiting(inbox) == {2: 1}


async def test_each_is_told_its_place_once_and_again_when_it_moves(inbox: Inbox) -> None:
    for n in (1, 2, 3):
        await inbox.a.accept(new(n))
    first = await inbox.take()
    await inbox.clock.advance(TOLD_AFTER_S + 0.1)
    assert await waiting(inbox) == {2: 1, 3: 2}
    await inbox.clock.advance(REFRESH_S + 0.1)
    await inbox.a.renew([first])
    assert await waiting(inbox) == {}
    await inbox.a.finish(first, "done")
    assert await waiting(inbox) == {2: 0, 3: 1}
    await inbox.clock.advance(REFRESH_S - 0.1)
    await inbox.a.finish(await inbox.take(), "done")
    assert await waiting(inbox) == {}, "not before the interval has passed"


async def test_while_one_replica_tells_neither_another_nor_a_worker_takes_it(inbox: Inbox) -> None:
    for n in (1, 2):
        await inbox.a.accept(new(n, chat="oc"))
    first = await inbox.take()
    await inbox.clock.advance(TOLD_AFTER_S + 0.1)
    [(held, place)] = await inbox.a.hold_waiting(10)
    assert (number(held), place) == (2, 1)
    assert await inbox.b.hold_waiting(10) == []
    await inbox.a.finish(first, "done")
    assert await inbox.b.claim() is None
    await inbox.a.put_back(held)
    begun = await inbox.take(inbox.b)
    assert (number(begun), begun.attempt, begun.is_resumed) == (2, 1, False)


async def test_a_teller_that_dies_holds_nobody_up_for_longer_than_its_lease(inbox: Inbox) -> None:
    for n in (1, 2):
        await inbox.a.accept(new(n, chat="oc"))
    first = await inbox.take()
    await inbox.clock.advance(TOLD_AFTER_S + 0.1)
    [(held, _)] = await inbox.a.hold_waiting(10)
    await inbox.b.finish(first, "done")
    await inbox.clock.advance(LEASE_S + 0.1)
    assert number(await inbox.take(inbox.b)) == 2
    with pytest.raises(LeaseLost):
        await inbox.a.put_back(held)


async def test_who_was_told_and_asks_to_be_stopped_is_due_at_once(inbox: Inbox) -> None:
    for n in (1, 2):
        await inbox.a.accept(new(n, chat="oc", turn=f"t{n}"))
    await inbox.take()
    await inbox.clock.advance(TOLD_AFTER_S + 0.1)
    assert await waiting(inbox) == {2: 1}
    await inbox.b.ask_to_stop("t2", by="ou_b")
    [(held, _)] = await inbox.a.hold_waiting(10)
    assert held.stop_by == "ou_b"
    await inbox.a.finish(held, "cancelled")
    assert await inbox.a.count_by_state() == {"running": 1, "cancelled": 1}
