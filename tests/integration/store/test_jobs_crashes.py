"""What ends processes is found and given up, and nothing else is: the same on SQLite and on PostgreSQL."""

import random
from dataclasses import dataclass, field

import pytest

from bot.inbox.claim import Room
from bot.inbox.crashes import OVERDUE_S
from bot.inbox.queue import Jobs
from bot.inbox.verdicts import exhausted
from bot.job import Job
from tests.support.inbox import LEASE_S, Inbox, new, number

MAX_ATTEMPTS = 3


@dataclass
class Process:
    """One run of a bot: claims what fits, and dies or ends what it runs."""

    jobs: Jobs
    slots: int
    running: list[Job] = field(default_factory=list)

    async def claim(self) -> None:
        self.running += await self.jobs.claim_up_to(self.slots - len(self.running), Room(list(self.running)))

    async def give_up(self) -> set[int]:
        """Ends what has been tried too often."""
        dead = [job for job in self.running if exhausted(job, MAX_ATTEMPTS)]
        for job in dead:
            await self.jobs.finish(job, "buried")
            self.running.remove(job)
        return {job.payload["number"] for job in dead}

    async def end_one(self, job: Job) -> None:
        await self.jobs.finish(job, "done")
        self.running.remove(job)


def process(inbox: Inbox, slots: int, at: int = 0) -> Process:
    return Process(Jobs(inbox.databases[at % 2], lease_s=LEASE_S, clock=inbox.clock), slots)


async def crash(inbox: Inbox, *dead: Process) -> None:
    """The processes die; their leases run out."""
    for each in dead:
        each.running.clear()
    await inbox.clock.advance(LEASE_S + 0.1)
    await inbox.b.claim_up_to(0)  # finds the dead


async def suspect(inbox: Inbox) -> None:
    """Job 0 was alone in two crashes, and pauses."""
    await inbox.a.accept(new(0))
    for _ in range(2):
        dying = process(inbox, 1)
        await dying.claim()
        await crash(inbox, dying)


@dataclass
class Play:
    """Jobs of which some end the process that runs them, in `replicas` processes that are started again."""

    inbox: Inbox
    killers: set[int]
    slots: int
    replicas: int
    chance: random.Random
    crashes: int = 0
    blamed: set[int] = field(default_factory=set)

    async def through(self, count: int, *, outside_kills: int = 0) -> None:
        """Until nothing is open. Killers kill as soon as they run; `outside_kills` come first, every three seconds."""
        for n in range(count):
            await self.inbox.a.accept(new(n))
        processes = [process(self.inbox, self.slots, at) for at in range(self.replicas)]
        while await self.is_open():
            for at, each in enumerate(processes):
                await each.claim()
                self.blamed |= await each.give_up()
                if outside_kills or any(number(job) in self.killers for job in each.running):
                    outside_kills = max(0, outside_kills - 1)
                    self.crashes += 1
                    each.running.clear()
                    processes[at] = process(self.inbox, self.slots, at)
                elif each.running:
                    await each.end_one(self.chance.choice(each.running))
            if not any(each.running for each in processes):
                await self.inbox.clock.advance(LEASE_S + 0.1)  # until leases and pauses are over
            else:
                await self.beat(processes)

    async def beat(self, processes: list[Process]) -> None:
        await self.inbox.clock.advance(1.0)
        for each in processes:
            await each.jobs.renew(each.running)

    async def is_open(self) -> bool:
        counts = await self.inbox.a.count_by_state()
        return bool(counts.keys() & {"queued", "running"})


@pytest.mark.parametrize(("killers", "replicas"), [(set[int](), 1), ({7}, 1), ({3, 11}, 1), ({0, 5}, 2)])
async def test_what_ends_its_process_is_given_up_and_all_others_are_answered(
    inbox: Inbox, killers: set[int], replicas: int
) -> None:
    play = Play(inbox, killers, slots=8, replicas=replicas, chance=random.Random(replicas))
    await play.through(16)
    assert play.blamed == killers
    assert await inbox.a.count_by_state() == {
        state: n for state, n in {"done": 16 - len(killers), "buried": len(killers)}.items() if n
    }
    assert play.crashes <= len(killers) * (3 + 2 + MAX_ATTEMPTS), "the bound of bot.inbox.crashes"


async def test_a_storm_of_kills_from_outside_gives_nobody_up(inbox: Inbox) -> None:
    play = Play(inbox, set(), slots=8, replicas=1, chance=random.Random(1))
    await play.through(20, outside_kills=10)
    assert await inbox.a.count_by_state() == {"done": 20}


async def test_a_kill_is_no_attempt_and_the_first_one_isolates_nobody(inbox: Inbox) -> None:
    for n in range(4):
        await inbox.a.accept(new(n))
    first = process(inbox, 3)
    await first.claim()
    await crash(inbox, first)
    second = process(inbox, 4)
    await second.claim()
    assert [(number(job), job.attempt, job.alone, job.company) for job in second.running] == [
        (n, 1, 0, 0) for n in range(4)
    ]


async def test_who_was_in_two_crashes_runs_among_half_as_many(inbox: Inbox) -> None:
    for n in range(4):
        await inbox.a.accept(new(n))
    for _ in range(2):
        dying = process(inbox, 4)
        await dying.claim()
        await crash(inbox, dying)
    await inbox.a.accept(new(9))
    await inbox.clock.advance(1.1)
    alive = process(inbox, 4)
    await alive.claim()
    assert [number(job) for job in alive.running] == [0, 1], "nobody else beside two suspects out of four"
    await alive.end_one(alive.running[0])
    await alive.end_one(alive.running[0])
    await alive.claim()
    assert [number(job) for job in alive.running] == [2, 3]


async def test_a_lone_suspect_lets_others_go_first_until_it_is_overdue(inbox: Inbox) -> None:
    await suspect(inbox)
    alive = process(inbox, 4)
    await inbox.a.accept(new(1))
    await alive.claim()
    assert [number(job) for job in alive.running] == [1], "the suspect still pauses"
    await inbox.a.accept(new(2))
    await inbox.clock.advance(2.0)
    await alive.claim()
    assert [number(job) for job in alive.running] == [1, 2], "others are begun before it where it does not fit"
    await inbox.a.accept(new(3))
    for _ in range(2):
        await inbox.clock.advance(OVERDUE_S / 2)
        await alive.jobs.renew(alive.running)
    await alive.claim()
    assert [number(job) for job in alive.running] == [1, 2], "nothing is begun before one that has waited long"
    for job in list(alive.running):
        await alive.end_one(job)
    await alive.claim()
    assert [(number(job), job.alone, job.company) for job in alive.running] == [(0, 2, 1)]
    await alive.end_one(alive.running[0])
    await alive.claim()
    assert [number(job) for job in alive.running] == [3]


async def test_a_run_that_ends_by_itself_clears_a_suspect(inbox: Inbox) -> None:
    await suspect(inbox)
    await inbox.clock.advance(1.1)
    job = await inbox.take()
    assert (job.alone, job.attempt) == (2, 1)
    await inbox.a.release(job, waits_for="reply", count_attempt=False)
    again = await inbox.take()
    assert (again.alone, again.company, again.deferrals, again.attempt) == (0, 0, 1, 1)


async def test_a_shutdown_proves_nothing(inbox: Inbox) -> None:
    await inbox.a.accept(new(0))
    dying = process(inbox, 1)
    await dying.claim()
    await crash(inbox, dying)
    await inbox.a.release(await inbox.take(), count_attempt=False, survived=False)
    assert (await inbox.take()).alone == 1


async def test_what_a_dead_process_looked_after_while_it_waited_is_named_too(inbox: Inbox) -> None:
    for n in range(2):
        await inbox.a.accept(new(n))
    await inbox.clock.advance(1.0)
    dying = process(inbox, 1)
    await dying.claim()
    assert len(await dying.jobs.hold_waiting(5)) == 1
    await crash(inbox, dying)
    jobs = await inbox.b.claim_up_to(5)
    assert [(job.alone, job.attempt) for job in jobs] == [(0, 1), (0, 1)]


async def test_a_process_that_still_renews_one_lease_is_not_dead(inbox: Inbox) -> None:
    for n in range(2):
        await inbox.a.accept(new(n))
    slow = process(inbox, 2)
    await slow.claim()
    await inbox.clock.advance(LEASE_S - 1)
    await slow.jobs.renew(slow.running[1:])
    await inbox.clock.advance(2.0)
    assert await inbox.b.claim_up_to(5) == []
    await inbox.clock.advance(LEASE_S)
    assert [job.alone for job in await inbox.b.claim_up_to(5)] == [0, 0]
