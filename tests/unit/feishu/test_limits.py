"""No API is ever asked more often than its budget allows, and waiting is fair."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from feishu.limits import Budget
from tests.support.clock import HandClock


def most_in_any(starts: list[float], window_s: float) -> int:
    return max(sum(1 for other in starts if start <= other < start + window_s) for start in starts)


@given(
    st.lists(st.sampled_from([0.0, 0.05, 0.3, 1.0, 5.0]), min_size=1, max_size=60),
    st.integers(1, 5),
    st.integers(5, 20),
)
def test_no_window_holds_more_starts_than_allowed(gaps: list[float], per_second: int, per_minute: int) -> None:
    async def scenario() -> list[float]:
        clock = HandClock()
        budget = Budget(per_second=per_second, per_minute=per_minute, clock=clock)
        starts: list[float] = []

        async def caller() -> None:
            await budget.take()
            starts.append(clock.monotonic())

        async def everybody() -> None:
            callers = []
            for gap in gaps:
                await clock.sleep(gap)
                callers.append(asyncio.create_task(caller()))
            await asyncio.gather(*callers)

        await clock.run(everybody())
        return starts

    starts = asyncio.run(scenario())
    assert len(starts) == len(gaps)
    assert most_in_any(starts, 1.0) <= per_second
    assert most_in_any(starts, 60.0) <= per_minute


async def test_first_come_first_served() -> None:
    clock = HandClock()
    budget = Budget(per_second=1, per_minute=100, clock=clock)
    order: list[int] = []

    async def caller(number: int) -> None:
        await budget.take()
        order.append(number)

    async def everybody() -> None:
        await asyncio.gather(*(caller(number) for number in range(6)))

    await clock.run(everybody())
    assert order == [0, 1, 2, 3, 4, 5]


async def test_who_gives_up_waiting_takes_nothing() -> None:
    clock = HandClock()
    budget = Budget(per_second=1, per_minute=100, clock=clock)
    await budget.take()
    impatient = asyncio.create_task(budget.take())
    await clock.settle()
    impatient.cancel()
    await clock.run(budget.take())
    assert clock.monotonic() < 1.2


async def test_a_spent_budget_is_held_for_everybody() -> None:
    clock = HandClock()
    budget = Budget(per_second=50, per_minute=1000, clock=clock)
    budget.hold(7.0)
    assert await clock.run(budget.take()) == 7.0
