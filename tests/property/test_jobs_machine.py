"""The inbox against a model: whatever replicas, clock and platform do in whatever order, the same rules hold."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.inbox.crashes import OVERDUE_S
from bot.inbox.positions import REFRESH_S, TOLD_AFTER_S
from bot.inbox.queue import Jobs
from bot.job import Job, LeaseLost, NewJob
from bot.storage.database import Database
from tests.support.clock import HandClock
from tests.support.postgres import Postgres

LEASE_S, KEEP_S = 8.0, 3600.0
STEP_S = 60.0
"""A step that lasts so long waits for what does not come: better an error that names it than a run cut off."""
CHATS = st.sampled_from(["x", "y", "z"])
REPLICAS = st.sampled_from([0, 1])


@dataclass
class Expected:
    """What the model knows of a job."""

    number: int
    chat: str
    id: int = 0  # known once it was held: what is forgotten and delivered again is another job
    state: str = "queued"
    attempt: int = 0
    fence: int = 0
    lease_until: float = 0.0
    run_after: float = 0.0
    stop_by: str = ""
    ended_at: float = 0.0
    created_at: float = 0.0
    shown_at: float = 0.0
    shown_place: int = 0
    owner: int = -1
    crashes: int = 0
    alone: int = 0
    company: int = 0
    was_in_crash: bool = False  # the last that happened to it

    @property
    def is_open(self) -> bool:
        return self.state in ("queued", "running")


class InboxMachine(RuleBasedStateMachine):
    """Two replicas on one store."""

    url = ""
    folder: Path

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock = HandClock()
        self.expected: dict[int, Expected] = {}  # event number → job
        self.held: list[tuple[int, Job]] = []  # claims ever made: who, what
        self.next_number = 0

    @initialize()
    def open(self) -> None:
        self.databases = [Database(self.url), Database(self.url)]
        self.databases[0].migrate()
        self.run(self.databases[0].write(lambda c: c.exec_driver_sql("DELETE FROM jobs") and None))
        self.jobs = [Jobs(database, lease_s=LEASE_S, clock=self.clock) for database in self.databases]

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(asyncio.wait_for(work, STEP_S))

    def teardown(self) -> None:
        for database in getattr(self, "databases", []):
            database.close()
        self.loop.close()

    @property
    def now(self) -> float:
        return self.clock.time()

    @rule(who=REPLICAS, chat=CHATS)
    def accept(self, who: int, chat: str) -> None:
        number = self.next_number
        self.next_number += 1
        assert self.run(self.jobs[who].accept(self.new(number, chat)))
        self.expected[number] = Expected(number, chat, created_at=self.now)

    @precondition(lambda self: self.next_number)
    @rule(who=REPLICAS, data=st.data())
    def deliver_again(self, who: int, data: st.DataObject) -> None:
        number = data.draw(st.integers(0, self.next_number - 1))
        known = number in self.expected
        chat = self.expected[number].chat if known else "x"
        assert self.run(self.jobs[who].accept(self.new(number, chat))) is not known
        if not known:  # forgotten long after its end: it is new again
            self.expected[number] = self.expected.pop(number, Expected(number, chat, created_at=self.now))

    def new(self, number: int, chat: str) -> NewJob:
        payload = {"number": number}
        return NewJob("a", "answer", chat, payload, (f"event:{number}", f"message:{number}"), f"t{number}")

    def order(self) -> list[Expected]:
        """Jobs as they were stored (a forgotten and redelivered one is last: dicts keep their order)."""
        return list(self.expected.values())

    def find_the_dead(self, who: int) -> None:
        """What `who` finds of the other when it claims: all leases have run out, one of them of a running job."""
        group = [job for job in self.order() if job.is_open and job.lease_until > 0 and job.owner == 1 - who]
        lapsed = any(job.state == "running" and job.lease_until < self.now for job in group)
        if not lapsed or any(job.lease_until >= self.now for job in group):
            return
        for job in group:
            job.run_after = self.now + (min(2.0 ** (job.crashes - 1), 60.0) if job.crashes else 0.0)
            job.company = max(1, len(group) // 2) if job.crashes else 0
            job.crashes += 1
            job.alone += len(group) == 1
            job.attempt -= job.state == "running"
            job.state, job.lease_until, job.was_in_crash = "queued", 0.0, True

    def claimed_by(self, who: int, limit: int) -> list[Expected]:
        """The oldest that may run, as long as there are no more together than the suspects among them allow."""
        taken: list[Expected] = []
        most = 1_000
        for job in self.claimable(who):
            together = min(most, job.company or 1_000)
            if len(taken) < together:
                taken.append(job)
                most = together
            elif job.run_after < self.now - OVERDUE_S:
                break
        return taken[:limit]

    def claimable(self, who: int) -> list[Expected]:
        found, blocked = [], set()
        for job in self.order():
            if job.state == "running":
                if job.lease_until < self.now and job.owner == who:
                    found.append(job)
                blocked.add(job.chat)
            elif job.state == "queued":
                if job.chat not in blocked and job.run_after <= self.now and job.lease_until < self.now:
                    found.append(job)
                blocked.add(job.chat)
        return found

    @rule(who=REPLICAS, limit=st.integers(1, 4))
    def claim(self, who: int, limit: int) -> None:
        claimed = self.run(self.jobs[who].claim_up_to(limit))
        self.find_the_dead(who)
        expected = self.claimed_by(who, limit)
        assert [job.payload["number"] for job in claimed] == [job.number for job in expected]
        for job, model in zip(claimed, expected, strict=True):
            assert job.taken_over == (model.state == "running" or model.was_in_crash)
            assert (job.alone, job.company) == (model.alone, model.company)
            model.id, model.state, model.lease_until = job.id, "running", self.now + LEASE_S
            model.owner = who
            model.attempt += 1
            model.fence += 1
            assert (job.attempt, job.fence, job.stop_by) == (model.attempt, model.fence, model.stop_by)
            self.held.append((who, job))

    def of(self, job: Job) -> Expected | None:
        """The job's model, if this claim still holds it."""
        model = self.expected.get(job.payload["number"])
        if model is None or model.id != job.id or not model.is_open:
            return None
        return model if model.fence == job.fence and model.lease_until > 0 else None

    @rule(who=REPLICAS, limit=st.integers(1, 4))
    def hold_waiting(self, who: int, limit: int) -> None:
        held = self.run(self.jobs[who].hold_waiting(limit))
        expected = [(job, place) for place, job in self.places() if self.is_due(job, place)][:limit]
        assert [(job.payload["number"], place) for job, place in held] == [(job.number, at) for job, at in expected]
        for (job, _), (model, place) in zip(held, expected, strict=True):
            model.fence += 1
            model.id, model.owner = job.id, who
            model.lease_until, model.shown_at, model.shown_place = self.now + LEASE_S, self.now, place
            assert (job.fence, job.attempt, job.state) == (model.fence, 0, "queued")
            self.held.append((who, job))

    def places(self) -> list[tuple[int, Expected]]:
        """Open jobs, each with the number of those before it."""
        return list(enumerate(job for job in self.order() if job.is_open))

    def is_due(self, job: Expected, place: int) -> bool:
        """Whether the card of one who waits has something new to tell."""
        if job.state != "queued" or job.attempt or job.crashes or job.lease_until >= self.now:
            return False
        if not job.shown_at:
            return job.created_at < self.now - TOLD_AFTER_S
        return bool(job.stop_by) or (job.shown_place != place and job.shown_at < self.now - REFRESH_S)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), state=st.sampled_from(["done", "failed", "cancelled", "buried"]))
    def finish(self, data: st.DataObject, state: Any) -> None:
        who, job = data.draw(st.sampled_from(self.held))
        if (model := self.of(job)) is not None:
            self.run(self.jobs[who].finish(job, state))
            model.state, model.ended_at, model.lease_until = state, self.now, 0.0
        else:
            with pytest.raises(LeaseLost):
                self.run(self.jobs[who].finish(job, state))

    @precondition(lambda self: self.held)
    @rule(data=st.data(), delay_s=st.sampled_from([0.0, 2.0, 30.0]), counts=st.booleans(), survived=st.booleans())
    def release(self, data: st.DataObject, delay_s: float, counts: bool, survived: bool) -> None:
        who, job = data.draw(st.sampled_from(self.held))
        model = self.of(job)
        if model is not None and model.state == "queued":  # who waits is put back as it is
            self.run(self.jobs[who].put_back(job))
            model.lease_until = 0.0
        elif model is not None:
            self.run(self.jobs[who].release(job, delay_s=delay_s, count_attempt=counts, survived=survived))
            model.state, model.run_after, model.lease_until = "queued", self.now + delay_s, 0.0
            model.was_in_crash = False
            if survived:
                model.crashes = model.alone = model.company = 0
            model.attempt -= 0 if counts else 1
        else:
            with pytest.raises(LeaseLost):
                self.run(self.jobs[who].release(job, delay_s=delay_s, count_attempt=counts))

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def renew(self, data: st.DataObject) -> None:
        who, job = data.draw(st.sampled_from(self.held))
        model = self.of(job)
        renewed = self.run(self.jobs[who].renew([job]))
        assert renewed == ({job.id: model.stop_by} if model else {})
        if model:
            model.lease_until = self.now + LEASE_S

    @precondition(lambda self: self.expected)
    @rule(who=REPLICAS, data=st.data())
    def stop(self, who: int, data: st.DataObject) -> None:
        model = data.draw(st.sampled_from(self.order()))
        marked = self.run(self.jobs[who].ask_to_stop(f"t{model.number}", by="ou_b"))
        assert (marked is not None) == model.is_open
        if model.is_open:
            model.stop_by, model.run_after = "ou_b", 0.0

    @rule(seconds=st.sampled_from([0.5, 3.0, 9.0, 45.0, 2000.0]))
    def wait(self, seconds: float) -> None:
        self.run(self.clock.advance(seconds))

    @rule(who=REPLICAS)
    def forget(self, who: int) -> None:
        old = [job.number for job in self.order() if not job.is_open and job.ended_at < self.now - KEEP_S]
        assert self.run(self.jobs[who].forget_older_than(KEEP_S)) == len(old)
        for number in old:
            del self.expected[number]

    @invariant()
    def the_counts_agree(self) -> None:
        if hasattr(self, "jobs"):
            counted: dict[str, int] = {}
            for job in self.order():
                counted[job.state] = counted.get(job.state, 0) + 1
            assert self.run(self.jobs[0].count_by_state()) == counted


def play(url: str, examples: int, steps: int) -> None:
    """Runs the machine on the store at `url`."""
    machine = type("Machine", (InboxMachine,), {"url": url})
    case = machine.TestCase
    case.settings = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=list(HealthCheck)
    )
    case().runTest()


def test_the_inbox_keeps_its_rules_on_sqlite() -> None:
    with TemporaryDirectory() as folder:
        play(f"sqlite:///{folder}/bot.db", examples=15, steps=30)


def test_the_inbox_keeps_its_rules_on_postgresql(postgres: Postgres) -> None:
    play(postgres.url(), examples=6, steps=20)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_the_inbox_keeps_its_rules_for_long(store_url: str) -> None:
    play(store_url, examples=400, steps=60)
