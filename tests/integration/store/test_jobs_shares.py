"""What one person starts leaves the others theirs, the same on SQLite and on a real PostgreSQL."""

import asyncio
from dataclasses import replace

import pytest

from bot.inbox.acceptance import MINUTE_S
from bot.inbox.claim import Shares
from bot.inbox.positions import TOLD_AFTER_S
from bot.inbox.queue import Jobs
from bot.job import Bounds, NewJob, OverBound
from bot.repositories.erasure import Erasure
from tests.support.inbox import LEASE_S, Inbox, new, number

MANY = 40


def asked(n: int, person: str, chat: str = "", *, cost: float = 1.0, bounds: Bounds | None = None) -> NewJob:
    """A question of its own conversation."""
    job = new(n, chat=f"{chat or f'oc_{n}'}/{n}")
    return replace(job, asker=person, chat_id=chat or f"oc_{n}", cost=cost, bounds=bounds)


def redraw(n: int, person: str) -> NewJob:
    """What a vote asks for."""
    return replace(asked(n, person, cost=0.2), kind="redraw", conversation=f"card/t{n}")


def shared(inbox: Inbox, **shares: int) -> Jobs:
    """A replica whose people and chats have shares."""
    return Jobs(inbox.databases[0], lease_s=LEASE_S, clock=inbox.clock, shares=Shares(**shares))


async def accepted(inbox: Inbox, *jobs: NewJob) -> list[str]:
    """What became of each, accepted one after the other."""
    found = []
    for job in jobs:
        try:
            found.append("new" if await inbox.a.accept(job) else "known")
        except OverBound as error:
            found.append(error.bound)
    return found


async def test_a_person_with_many_waiting_delays_nobody_by_more_than_one_of_theirs(inbox: Inbox) -> None:
    for n in range(MANY):
        await inbox.a.accept(asked(n, "ou_many"))
    await inbox.a.accept(asked(100, "ou_one"))
    await inbox.a.accept(asked(101, "ou_other"))
    assert [number(job) for job in await inbox.a.claim_up_to(3)] == [0, 100, 101]
    await inbox.a.accept(asked(102, "ou_late"))
    assert number(await inbox.b.claim()) == 102, "one of the person with many runs already"
    assert [number(job) for job in await inbox.b.claim_up_to(2)] == [1, 2]


async def test_people_with_many_waiting_take_turns(inbox: Inbox) -> None:
    for n in range(6):
        await inbox.a.accept(asked(n, "ou_a"))
    for n in range(10, 14):
        await inbox.a.accept(asked(n, "ou_b"))
    claimed = [number(job) for _ in range(8) for job in await inbox.a.claim_up_to(1)]
    assert claimed == [0, 10, 1, 11, 2, 12, 3, 13]


async def test_people_take_turns_also_where_one_job_runs_at_a_time(inbox: Inbox) -> None:
    for n in range(MANY):
        await inbox.a.accept(asked(n, "ou_many"))
    await inbox.a.finish(await inbox.take(), "done")
    await inbox.a.accept(asked(100, "ou_one"))
    await inbox.a.accept(asked(101, "ou_one"))
    served = []
    for _ in range(4):
        job = await inbox.take()
        served.append(number(job))
        await inbox.a.finish(job, "done")
    assert served == [100, 1, 101, 2]


async def test_nobody_has_more_than_their_share_running_on_all_replicas_together(inbox: Inbox) -> None:
    one, other = shared(inbox, person=3), shared(inbox, person=3)
    for n in range(8):
        await inbox.a.accept(asked(n, "ou_many"))
    first = await one.claim_up_to(2)
    assert [number(job) for job in [*first, *await other.claim_up_to(8)]] == [0, 1, 2]
    assert await one.claim_up_to(8) == []
    await one.finish(first[0], "done")
    assert [number(job) for job in await other.claim_up_to(8)] == [3]


async def test_a_chats_share_goes_round_among_its_people(inbox: Inbox) -> None:
    jobs = shared(inbox, chat=3)
    for n in range(5):
        await inbox.a.accept(asked(n, "ou_many", "oc_busy"))
    await inbox.a.accept(asked(10, "ou_one", "oc_busy"))
    await inbox.a.accept(asked(11, "ou_elsewhere", "oc_calm"))
    assert [number(job) for job in await jobs.claim_up_to(9)] == [0, 1, 10, 11]


async def test_the_share_of_a_replica_that_died_is_free_again(inbox: Inbox) -> None:
    jobs = shared(inbox, person=2, chat=2)
    for n in range(3):
        await inbox.a.accept(asked(n, "ou_many", "oc_busy"))
    assert len(await jobs.claim_up_to(3)) == 2
    await inbox.clock.advance(LEASE_S + 1)
    assert [number(job) for job in await jobs.claim_up_to(3)] == [0, 1]


async def test_a_drawing_waits_for_no_share(inbox: Inbox) -> None:
    jobs = shared(inbox, person=1)
    await inbox.a.accept(asked(1, "ou_a"))
    await inbox.a.accept(redraw(2, "ou_a"))
    await inbox.a.accept(asked(3, "ou_a"))
    assert [number(job) for job in await jobs.claim_up_to(3)] == [1, 2]


@pytest.mark.parametrize(
    ("slots", "person", "chat"), [(1, 1, 1), (2, 1, 2), (3, 2, 2), (4, 2, 3), (64, 16, 48), (256, 64, 192)]
)
def test_a_slot_stays_free_for_somebody_else_where_there_are_two(slots: int, person: int, chat: int) -> None:
    assert Shares.of(slots) == Shares(person, chat)


async def test_places_are_told_in_the_order_in_which_people_take_turns(inbox: Inbox) -> None:
    for n in range(MANY):
        await inbox.a.accept(asked(n, "ou_many"))
    await inbox.a.accept(asked(100, "ou_one"))
    await inbox.take()
    await inbox.clock.advance(TOLD_AFTER_S + 0.1)
    held = await inbox.a.hold_waiting(3)
    assert [(number(job), place) for job, place in held] == [(100, 1), (1, 2), (2, 3)]


async def test_what_a_person_starts_in_a_minute_is_bounded_by_its_cost(inbox: Inbox) -> None:
    bounds = Bounds(person_per_min=3)
    costs = [1.0, 0.5, 0.5, 2.0, 0.2]
    jobs = [asked(n, "ou_a", cost=cost, bounds=bounds) for n, cost in enumerate(costs)]
    assert await accepted(inbox, *jobs) == ["new", "new", "new", "new", "too_many"]
    assert await accepted(inbox, asked(20, "ou_b", bounds=bounds)) == ["new"], "another person's is their own"
    await inbox.clock.advance(MINUTE_S + 1)
    assert await accepted(inbox, asked(30, "ou_a", bounds=bounds)) == ["new"]


async def test_two_hundred_at_one_moment_count_each_other(inbox: Inbox) -> None:
    jobs = [asked(n, "ou_a", bounds=Bounds(person_per_min=5)) for n in range(200)]
    results = await asyncio.gather(*(inbox.a.accept(job) for job in jobs), return_exceptions=True)
    assert results.count(True) == 5
    assert sum(isinstance(each, OverBound) for each in results) == 195
    assert await inbox.a.count_by_state() == {"queued": 5}


async def test_a_redelivery_is_known_also_when_everything_is_used_up(inbox: Inbox) -> None:
    bounds = Bounds(person_per_min=1)
    first, second = asked(1, "ou_a", bounds=bounds), asked(2, "ou_a", bounds=bounds)
    assert await accepted(inbox, first, first, second) == ["new", "known", "too_many"]
    twin = replace(first, keys=("event:another", "message:1"))
    assert await accepted(inbox, twin) == ["known"], "another event of the same message"


async def test_how_many_of_a_person_wait_is_bounded_and_a_place_comes_free_with_each_end(inbox: Inbox) -> None:
    bounds = Bounds(person_waiting=2)
    one, two, three, four = (asked(n, "ou_a", bounds=bounds) for n in range(4))
    assert await accepted(inbox, one, two, three) == ["new", "new", "too_many_waiting"]
    await inbox.clock.advance(3600.0)
    assert await accepted(inbox, three) == ["too_many_waiting"], "no time makes room, an end does"
    await inbox.a.finish(await inbox.take(), "done")
    assert await accepted(inbox, three, four) == ["new", "too_many_waiting"]


async def test_a_chats_bounds_are_those_of_all_its_people(inbox: Inbox) -> None:
    rate, line = Bounds(chat_per_min=2), Bounds(chat_waiting=3)
    jobs = [asked(n, f"ou_{n}", "oc_busy", bounds=rate) for n in range(3)]
    assert await accepted(inbox, *jobs) == ["new", "new", "too_many_here"]
    more = [asked(n, f"ou_{n}", "oc_busy", bounds=line) for n in range(10, 12)]
    assert await accepted(inbox, *more) == ["new", "too_many_waiting_here"]
    assert await accepted(inbox, asked(20, "ou_20", "oc_calm", bounds=rate)) == ["new"]


async def test_another_app_has_bounds_of_its_own(inbox: Inbox) -> None:
    bounds = Bounds(person_per_min=1, person_waiting=1)
    here = asked(1, "ou_a", bounds=bounds)
    assert await accepted(inbox, here, replace(here, app_id="cli_b"), asked(2, "ou_a", bounds=bounds)) == [
        *("new", "new", "too_many")
    ]


async def test_a_drawing_uses_up_no_place_among_those_who_wait(inbox: Inbox) -> None:
    await inbox.a.accept(asked(1, "ou_a"))
    await inbox.a.release(await inbox.take(), count_attempt=False, line="card/t1")  # its ending is owed
    more = redraw(2, "ou_a"), asked(3, "ou_a", bounds=Bounds(person_waiting=1))
    assert await accepted(inbox, *more) == ["new", "new"]


async def test_a_new_version_is_bounded_where_it_is_stored(inbox: Inbox) -> None:
    for n in range(3):
        version = replace(asked(n, "ou_a", bounds=Bounds(person_per_min=2)), kind="regenerate", turn_id=f"t{n}")
        if n < 2:
            assert await inbox.a.enqueue(version)
    with pytest.raises(OverBound, match="too_many"):
        await inbox.a.enqueue(version)
    with pytest.raises(OverBound):
        await inbox.a.check(version)
    assert await inbox.a.count_by_state() == {"queued": 2}


async def test_to_be_forgotten_does_not_begin_the_minute_anew(inbox: Inbox) -> None:
    bounds = Bounds(person_per_min=3)
    for n in range(2):
        await inbox.a.accept(asked(n, "ou_a", bounds=bounds))
        await inbox.a.finish(await inbox.take(), "done")
    await inbox.a.accept(asked(2, "ou_a", cost=0.5, bounds=bounds))
    forget = await inbox.take()
    await Erasure(inbox.databases[0], clock=inbox.clock).person("ou_a")
    await inbox.a.finish(forget, "done")
    assert await inbox.a.count_by_state() == {"done": 1}, "only the job that forgets is left"
    assert await accepted(inbox, *(asked(n, "ou_a", bounds=bounds) for n in (10, 11))) == ["new", "too_many"]
