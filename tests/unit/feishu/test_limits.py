"""No API is ever asked more often than its budget allows, and waiting is fair."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feishu.api.endpoints import Endpoint, Retry
from feishu.ratelimit import MOST_LANES, SECOND_S, Budget, Budgets, Lanes, Urgency, part_of
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


async def test_the_end_of_an_answer_goes_first() -> None:
    clock = HandClock()
    budget = Budget(per_second=1, per_minute=100, clock=clock)
    order: list[str] = []

    async def caller(name: str, urgency: Urgency) -> None:
        await budget.take(urgency)
        order.append(name)

    await budget.take()
    tasks = [
        asyncio.create_task(caller("reset", Urgency.FIRST)),
        asyncio.create_task(caller("other", Urgency.NORMAL)),
        asyncio.create_task(caller("end", Urgency.TERMINAL)),
    ]
    await clock.advance(10)
    await asyncio.gather(*tasks)
    assert order == ["end", "reset", "other"]


async def test_each_chat_has_its_own_lane() -> None:
    clock = HandClock()
    lanes = Lanes(per_second=5, clock=clock)
    starts: dict[str, list[float]] = {"a": [], "b": []}

    async def caller(lane: str) -> None:
        await lanes.take(lane)
        starts[lane].append(clock.monotonic())

    async def everybody() -> None:
        await asyncio.gather(*(caller(lane) for lane in "aabababbaabbab" * 2))

    await clock.run(everybody())
    for times in starts.values():
        assert most_in_any(times, 1.0) == 5
    lanes.hold("a", 9.0)
    began = clock.monotonic()
    await clock.run(lanes.take("a"))
    assert clock.monotonic() == began + 9.0


async def test_idle_lanes_are_forgotten() -> None:
    clock = HandClock()
    lanes = Lanes(per_second=5, clock=clock)
    for number in range(3 * MOST_LANES):
        await lanes.take(f"om_{number}")
        await clock.advance(1)
    assert len(lanes._lanes) <= MOST_LANES


async def test_budgets_take_another_share_and_remember_what_was_started() -> None:
    clock = HandClock()
    budgets, api = (
        Budgets(share=1.0, clock=clock),
        Endpoint("x", "GET", "/x", Retry.ALWAYS, per_second=10, per_minute=1000),
    )
    for _ in range(6):
        assert await budgets.of(api).take() == 0.0
    budgets.set_share(0.5)
    assert await clock.run(budgets.of(api).take()) == pytest.approx(SECOND_S), "six were started, five are allowed"
    budgets.set_share(1.0)
    for _ in range(9):
        assert await budgets.of(api).take() == 0.0
    assert part_of(1, 0.01) == 1
    assert part_of(999, 1 / 3) == 333


async def test_lanes_take_another_share() -> None:
    clock = HandClock()
    lanes = Lanes(per_second=5, clock=clock)
    await lanes.take("oc_1")
    lanes.set_share(0.5)
    assert await lanes.take("oc_1") == 0.0
    assert await clock.run(lanes.take("oc_1")) == pytest.approx(SECOND_S)
    assert await lanes.take("oc_2") == 0.0
