"""Guessing gets slow, for the guesser: others, and whoever has proved right before, are looked at as ever."""

import pytest

from bot.web import failed_attempts
from bot.web.errors import Refused
from bot.web.failed_attempts import FORGOTTEN_S, FREE, LONGEST_S, FailedAttempts
from tests.support.clock import AheadClock

GUESSER, OTHER = "198.51.100.7", "198.51.100.8"


@pytest.fixture
def clock() -> AheadClock:
    return AheadClock()


@pytest.fixture
def attempts(clock: AheadClock) -> FailedAttempts:
    return FailedAttempts("API key", clock=clock)


def wait_of(attempts: FailedAttempts, address: str = GUESSER, offered: str = "") -> int:
    try:
        attempts.check(address, offered)
    except Refused as refused:
        assert refused.status == 429 and refused.retry_after_s is not None
        return int(refused.response().headers["Retry-After"])
    return 0


def guess(attempts: FailedAttempts, times: int) -> None:
    for _ in range(times):
        attempts.failed(GUESSER)


def test_the_first_failures_are_free_and_then_the_wait_doubles_up_to_a_bound(
    attempts: FailedAttempts, clock: AheadClock
) -> None:
    guess(attempts, FREE)
    assert wait_of(attempts) == 0
    waits = []
    for _ in range(12):
        guess(attempts, 1)
        waits.append(wait_of(attempts))
        clock.leapt_s += waits[-1]
        assert wait_of(attempts) == 0, "after the wait it is looked at again"
    assert waits[:5] == [1, 2, 4, 8, 16] and waits[-1] == LONGEST_S


def test_others_are_not_slowed_nor_who_has_proved_right_at_this_address(attempts: FailedAttempts) -> None:
    attempts.proved(GUESSER, "right")
    guess(attempts, FREE + 3)
    assert wait_of(attempts) > 0
    assert wait_of(attempts, offered="wrong") > 0
    assert wait_of(attempts, offered="right") == 0
    assert wait_of(attempts, OTHER, "wrong") == wait_of(attempts, OTHER) == 0
    attempts.proved(GUESSER, "right")
    assert wait_of(attempts, offered="wrong") > 0, "one right key does not make room for guessing others"


def test_failures_are_forgotten_in_time_and_memory_is_bounded(
    attempts: FailedAttempts, clock: AheadClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    guess(attempts, FREE + 1)
    clock.leapt_s += FORGOTTEN_S + 1
    guess(attempts, FREE)
    assert wait_of(attempts) == 0
    monkeypatch.setattr(failed_attempts, "MOST_ADDRESSES", 50)
    guess(attempts, 1)
    for number in range(500):
        attempts.failed(f"address {number}")
        attempts.proved(f"address {number}", "key")
        if number % 20 == 0:
            guess(attempts, 1)
    assert len(attempts._failures) == len(attempts._proven) == 50
    assert wait_of(attempts) > 0, "who goes on is not the one that is forgotten"
