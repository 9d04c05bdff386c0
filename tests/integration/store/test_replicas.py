"""The call budget among replicas: equal parts within seconds, and never more than the whole."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from bot.errors import StoreError
from bot.inbox.replicas import ALIVE_S, BEAT_S, NEWCOMER, REST_S, SETTLE_S, Replicas
from bot.storage.database import Database
from tests.support.clock import HandClock


@dataclass
class Fleet:
    """Replicas of one app on one store, whose clock is moved by hand."""

    database: Database
    clock: HandClock = field(default_factory=HandClock)
    alive: dict[str, Replicas] = field(default_factory=dict)
    told: list[tuple[str, float, int, bool]] = field(default_factory=list)

    def join(self, name: str, fixed: float | None = None) -> Replicas:
        def apply(share: float, replicas: int, rested: bool) -> None:
            self.told.append((name, round(share, 3), replicas, rested))

        replica = Replicas(self.database, "a", name, apply, fixed=fixed, clock=self.clock)
        self.alive[name] = replica
        return replica

    async def beats(self, times: int = 1) -> None:
        """Each beat of everybody, and the second after it."""
        for _ in range(times):
            for replica in list(self.alive.values()):
                await replica.beat()
            await self.clock.advance(BEAT_S)

    def shares(self) -> dict[str, float]:
        return {name: round(replica.share, 3) for name, replica in self.alive.items()}


@pytest.fixture
async def fleet(store_url: str) -> AsyncIterator[Fleet]:
    """Nobody yet."""
    database = Database(store_url)
    await asyncio.to_thread(database.migrate)
    yield Fleet(database)
    await asyncio.to_thread(database.close)


async def test_alone_everything_at_once_and_rested(fleet: Fleet) -> None:
    await fleet.join("one").beat()
    assert fleet.told == [("one", 1.0, 1, True)]
    await fleet.beats(3)
    assert len(fleet.told) == 1


async def test_a_newcomer_begins_small_and_has_its_part_within_seconds(fleet: Fleet) -> None:
    fleet.join("one")
    await fleet.beats(5)
    await fleet.join("two").beat()
    assert fleet.shares() == {"one": 1.0, "two": NEWCOMER}
    await fleet.beats(1)
    assert fleet.shares() == {"one": 0.5, "two": NEWCOMER}
    await fleet.beats(3)
    assert fleet.shares() == {"one": 0.5, "two": 0.5}
    assert fleet.told[-1] == ("two", 0.5, 2, False)


async def test_what_a_dead_one_used_goes_to_the_others(fleet: Fleet) -> None:
    for name in ("one", "two", "three"):
        fleet.join(name)
    await fleet.beats(6)
    assert set(fleet.shares().values()) == {0.333}
    del fleet.alive["two"]
    await fleet.beats(int(ALIVE_S) - 1)
    assert set(fleet.shares().values()) == {0.333}
    await fleet.beats(2)
    assert set(fleet.shares().values()) == {0.5}


async def test_who_leaves_in_order_leaves_its_part_at_once(fleet: Fleet) -> None:
    fleet.join("one")
    fleet.join("two")
    await fleet.beats(6)
    await fleet.alive.pop("two").leave()
    await fleet.beats(1)
    assert fleet.shares() == {"one": 1.0}
    assert fleet.told[-1][-1] is False, "the credit may have been spent just before"


async def test_a_successor_rests_only_when_nobody_used_the_budget_lately(fleet: Fleet) -> None:
    await fleet.join("one").beat()
    await fleet.alive.pop("one").leave()
    await fleet.join("two").beat()
    await fleet.beats(int(SETTLE_S) + 2)
    assert fleet.told[-1] == ("two", 1.0, 1, False)
    del fleet.alive["two"]
    await fleet.clock.advance(REST_S + ALIVE_S + 1)
    await fleet.join("three").beat()
    assert fleet.told[-1] == ("three", 1.0, 1, True)


async def test_who_stood_still_takes_less_before_anything_else(fleet: Fleet) -> None:
    fleet.join("one")
    sleeper = fleet.join("two")
    await fleet.beats(6)
    del fleet.alive["two"]
    await fleet.beats(8)
    assert fleet.shares() == {"one": 1.0}
    await sleeper.beat()
    assert sleeper.share == NEWCOMER
    fleet.alive["two"] = sleeper
    await fleet.beats(5)
    assert fleet.shares() == {"one": 0.5, "two": 0.5}


async def test_without_the_store_the_last_share_stays_and_nobody_grabs_afterwards(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.join("one")
    fleet.join("two")
    await fleet.beats(6)

    async def away(_work: object) -> None:
        raise StoreError("the store is away")

    with monkeypatch.context() as patch:
        patch.setattr(fleet.database, "write", away)
        await fleet.beats(20)
        assert fleet.shares() == {"one": 0.5, "two": 0.5}
    await fleet.alive["one"].beat()  # the other is not heard of, and uses its half all the same
    assert fleet.shares() == {"one": 0.5, "two": 0.5}
    await fleet.beats(4)
    assert fleet.shares() == {"one": 0.5, "two": 0.5}


async def test_shares_set_by_hand_stay_and_the_others_divide_the_rest(fleet: Fleet) -> None:
    fleet.join("hand", fixed=0.4)
    fleet.join("one")
    fleet.join("two")
    await fleet.beats(8)
    assert fleet.shares() == {"hand": 0.4, "one": 0.3, "two": 0.3}


async def test_another_apps_replicas_do_not_count(fleet: Fleet) -> None:
    other = Replicas(fleet.database, "b", "other", lambda *_: None, clock=fleet.clock)
    await other.beat()
    await fleet.join("one").beat()
    assert (other.share, fleet.shares()) == (1.0, {"one": 1.0})


@pytest.mark.parametrize("seed", [*range(3), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(3, 40))])
async def test_whoever_comes_goes_or_sleeps_the_whole_is_never_much_exceeded(fleet: Fleet, seed: int) -> None:
    """What is used: of those that work, their shares. A newcomer's part is the only one that comes on top."""
    chance = random.Random(seed)
    joined: dict[str, float] = {}
    for step in range(120):
        event = chance.random()
        if event < 0.06 and len(fleet.alive) < 5:
            fleet.join(f"r{step}")
            joined[f"r{step}"] = fleet.clock.time()
        elif event < 0.09 and len(fleet.alive) > 1:
            del fleet.alive[chance.choice(list(fleet.alive))]  # killed: it uses nothing any more
        for name in chance.sample(list(fleet.alive), len(fleet.alive)):
            await fleet.alive[name].beat()
            now = fleet.clock.time()
            new = sum(now - joined[name] < SETTLE_S for name in fleet.alive)
            assert sum(replica.share for replica in fleet.alive.values()) <= 1 + NEWCOMER * new + 1e-6
        await fleet.clock.advance(BEAT_S)
    await fleet.beats(12)
    assert all(abs(share - 1 / len(fleet.alive)) < 1e-3 for share in fleet.shares().values())
