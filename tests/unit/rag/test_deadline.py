"""A limit for each of many waits, as strict as `asyncio.timeout` about who cancelled whom."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from rag.deadline import Deadline

SOON_S = 0.01
LATE_S = 60.0


@pytest.fixture
async def deadline() -> AsyncIterator[Deadline]:
    with contextlib.closing(Deadline()) as deadline:
        yield deadline


def cancels_pending() -> int:
    task = asyncio.current_task()
    assert task is not None
    return task.cancelling()


async def soon(number: int) -> int:
    await asyncio.sleep(0)
    return number


async def ringing(after_s: float) -> str:
    """Ends after every timer that was set for less."""
    rang = asyncio.Event()
    asyncio.get_running_loop().call_later(after_s, rang.set)
    await rang.wait()
    return "late"


async def never() -> None:
    await asyncio.Event().wait()


async def test_what_comes_in_time_is_given(deadline: Deadline) -> None:
    for number in range(3):
        assert await deadline.within(LATE_S, soon(number)) == number
    assert not deadline.expired


async def test_what_does_not_come_is_cancelled(deadline: Deadline) -> None:
    waiting = asyncio.create_task(never())
    with pytest.raises(TimeoutError):
        await deadline.within(SOON_S, waiting)
    assert waiting.cancelled() and deadline.expired and not cancels_pending()


async def test_no_time_at_all_is_over_at_once(deadline: Deadline) -> None:
    with pytest.raises(TimeoutError):
        await deadline.within(-1.0, never())


async def test_the_timer_of_an_earlier_wait_ends_no_later_one(deadline: Deadline) -> None:
    await deadline.within(SOON_S, asyncio.sleep(0))
    assert await deadline.within(LATE_S, ringing(SOON_S * 5)) == "late"


async def test_a_shorter_limit_holds_after_a_longer_one(deadline: Deadline) -> None:
    await deadline.within(LATE_S, asyncio.sleep(0))
    with pytest.raises(TimeoutError):
        await deadline.within(SOON_S, never())


async def test_after_an_end_the_next_wait_is_free_again(deadline: Deadline) -> None:
    with pytest.raises(TimeoutError):
        await deadline.within(SOON_S, never())
    assert await deadline.within(LATE_S, soon(1)) == 1
    assert not deadline.expired


async def test_between_waits_nobody_is_cancelled(deadline: Deadline) -> None:
    await deadline.within(SOON_S, asyncio.sleep(0))
    await ringing(SOON_S * 5)
    assert not cancels_pending()


async def test_a_cancellation_from_outside_stays_one(deadline: Deadline) -> None:
    waiting = asyncio.create_task(deadline.within(LATE_S, never()))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_cancellation_from_outside_wins_over_the_end(deadline: Deadline) -> None:
    async def cancelled_twice() -> None:
        try:
            await never()
        except asyncio.CancelledError:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            raise

    waiting = asyncio.create_task(deadline.within(SOON_S, cancelled_twice()))
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert waiting.cancelling() == 1


@pytest.mark.parametrize("turned_into", [ValueError, None])
async def test_an_end_that_is_turned_into_something_else_leaves_no_cancellation(
    deadline: Deadline, turned_into: type[Exception] | None
) -> None:
    async def stubborn() -> str:
        try:
            await never()
        except asyncio.CancelledError:
            if turned_into:
                raise turned_into from None
        return "all the same"

    if turned_into:
        with pytest.raises(turned_into):
            await deadline.within(SOON_S, stubborn())
    else:
        assert await deadline.within(SOON_S, stubborn()) == "all the same"
    assert deadline.expired and not cancels_pending()
