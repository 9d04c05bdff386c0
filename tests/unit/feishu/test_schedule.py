"""One stream of frames for the whole app: fair, never too fast, never standing still."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feishu.ratelimit import CREDIT, REFILL_PER_S, FrameSchedule, Urgency
from tests.support.clock import HandClock


class Crowd:
    """Cards that always have something new to show."""

    def __init__(self, cards: int, *, share: float = 1.0, interval_s: float = 0.2, latency_s: float = 0.08) -> None:
        self.clock = HandClock()
        self.schedule = FrameSchedule(share=share, clock=self.clock)
        self.starts: list[tuple[float, int]] = []
        self.tasks = [
            asyncio.create_task(self._card(number, interval_s, latency_s), name=f"card-{number}")
            for number in range(cards)
        ]

    async def _card(self, number: int, interval_s: float, latency_s: float) -> None:
        served_at, urgency = 0.0, Urgency.FIRST
        while True:
            await self.schedule.turn(urgency, since=served_at)
            served_at, urgency = self.clock.monotonic(), Urgency.NORMAL
            self.starts.append((served_at, number))
            await self.clock.sleep(max(interval_s, latency_s))

    async def watch(self, seconds: float) -> None:
        await self.clock.advance(seconds)

    async def end(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    def most_in_any(self, window_s: float) -> int:
        times = [at for at, _ in self.starts]
        return max(sum(1 for other in times if at <= other < at + window_s) for at in times)

    def gaps(self, after_s: float = 0.0) -> list[float]:
        by_card: dict[int, list[float]] = {}
        for at, number in self.starts:
            by_card.setdefault(number, []).append(at)
        return [
            later - earlier
            for times in by_card.values()
            for earlier, later in itertools.pairwise(times)
            if earlier >= after_s
        ]


async def test_alone_a_card_gets_five_frames_a_second() -> None:
    crowd = Crowd(1)
    await crowd.watch(60)
    await crowd.end()
    assert 290 <= len(crowd.starts) <= 301


async def test_forty_cards_all_move_and_no_minute_holds_too_much() -> None:
    crowd = Crowd(40)
    await crowd.watch(130)
    await crowd.end()
    assert {number for _, number in crowd.starts} == set(range(40))
    assert crowd.most_in_any(1.0) <= 50
    assert crowd.most_in_any(60.0) <= CREDIT + 60 * REFILL_PER_S + 2
    first_five_s = [at for at, _ in crowd.starts if at < 5]
    assert len(first_five_s) / 5 / 40 > 0.7, "a rested budget gives short answers most of a frame a second each"
    assert max(crowd.gaps()) < 40 / REFILL_PER_S * 1.2, "nobody is forgotten"


async def test_the_unused_share_goes_to_the_others() -> None:
    crowd = Crowd(40)
    await crowd.watch(60)
    for task in crowd.tasks[2:]:
        task.cancel()
    before = len(crowd.starts)
    await crowd.watch(10)
    await crowd.end()
    assert len(crowd.starts) - before >= 95, "two cards that are left get all they can use"


async def test_first_frames_overtake_and_the_longest_waiting_is_next() -> None:
    clock = HandClock()
    schedule = FrameSchedule(clock=clock)
    order: list[str] = []

    async def card(name: str, urgency: Urgency, since: float) -> None:
        await schedule.turn(urgency, since=since)
        order.append(name)

    schedule.slow_down(0.5)
    waiting = [
        card("aside", Urgency.ASIDE, 0.0),
        card("served lately", Urgency.NORMAL, 9.0),
        card("waited long", Urgency.NORMAL, 1.0),
        card("new", Urgency.FIRST, 10.0),
    ]
    tasks = [asyncio.create_task(each) for each in waiting]
    await clock.advance(2)
    await asyncio.gather(*tasks)
    assert order == ["new", "waited long", "served lately", "aside"]


async def test_a_refusal_slows_everybody_down_and_the_pace_comes_back() -> None:
    crowd = Crowd(40)
    await crowd.watch(5)
    for _ in range(5):  # all refusals of one moment count once
        crowd.schedule.slow_down(2.0)
    refused_at = crowd.clock.monotonic()
    assert crowd.schedule.ease == 0.5
    await crowd.watch(40)
    await crowd.end()
    assert not [at for at, _ in crowd.starts if refused_at < at < refused_at + 2.0]
    assert [at for at, _ in crowd.starts if refused_at + 2.0 <= at < refused_at + 2.5]
    assert crowd.schedule.ease == 1.0


async def test_refusals_that_go_on_never_stop_the_frames_for_good() -> None:
    crowd = Crowd(5)
    for _ in range(20):
        crowd.schedule.slow_down(0.0)
        await crowd.watch(0.3)
    before = len(crowd.starts)
    await crowd.watch(5)
    await crowd.end()
    assert len(crowd.starts) > before


@settings(deadline=None, max_examples=15)
@given(st.sampled_from([0.1, 0.25, 0.5]), st.integers(1, 30))
def test_a_replica_keeps_to_its_share(share: float, cards: int) -> None:
    async def scenario() -> None:
        crowd = Crowd(cards, share=share)
        await crowd.watch(70)
        await crowd.end()
        assert crowd.most_in_any(60.0) <= share * (CREDIT + 60 * REFILL_PER_S) + 2
        assert crowd.most_in_any(1.0) <= 50 * share + 4

    asyncio.run(scenario())


@pytest.mark.parametrize("leave", [0, 1, 2])
async def test_who_gives_up_is_not_waited_for(leave: int) -> None:
    clock = HandClock()
    schedule = FrameSchedule(clock=clock)
    schedule.slow_down(1.0)
    through: list[int] = []

    def card(number: int) -> Callable[[], Awaitable[None]]:
        async def go() -> None:
            await schedule.turn(Urgency.NORMAL, since=float(number))
            through.append(number)

        return go

    tasks = [asyncio.ensure_future(card(number)()) for number in range(3)]
    await clock.settle()
    tasks[leave].cancel()
    await clock.advance(5)
    assert through == [number for number in range(3) if number != leave]
    await asyncio.gather(*tasks, return_exceptions=True)
    assert len(asyncio.all_tasks()) == 1


async def test_a_share_that_passes_to_another_replica_brings_no_minute_with_too_much() -> None:
    one, other = Crowd(20, share=0.5), Crowd(20, share=0.5)
    for _ in range(30):
        await one.watch(1)
        await other.watch(1)
    await one.end()  # killed; five seconds later the other one knows
    await other.watch(5)
    other.schedule.set_share(1.0)
    await other.watch(100)
    await other.end()
    both = Crowd(0)
    both.starts = sorted(one.starts + other.starts)
    assert both.most_in_any(60.0) <= CREDIT + 60 * REFILL_PER_S + 2
    last_s = [at for at, _ in other.starts if at > other.clock.monotonic() - 20]
    assert len(last_s) / 20 > 0.9 * REFILL_PER_S, "the whole pace is used"


async def test_a_smaller_share_counts_at_once_and_a_rested_one_brings_its_credit() -> None:
    crowd = Crowd(20)
    crowd.schedule.set_share(0.1)
    await crowd.watch(60)
    assert len(crowd.starts) <= 0.1 * (CREDIT + 60 * REFILL_PER_S) + 2
    crowd.schedule.set_share(1.0, rested=True)
    before = len(crowd.starts)
    await crowd.watch(5)
    await crowd.end()
    assert len(crowd.starts) - before > 20 * 5, "the full credit's pace"
