"""Waiting for a busy endpoint: as it asks, else growing, told, and never beyond the bound."""

from email.utils import formatdate

import pytest

from rag.embedding.backoff import LONGEST_WAIT_S, Patience, retry_after_s

NOW = 1_700_000_000.0


def patience(limit_s: float, slept: list[float], told: list[tuple[int, int]] | None = None) -> Patience:
    heard = told if told is not None else []
    return Patience(
        limit_s,
        tell=lambda done, total: heard.append((done, total)),
        sleep=slept.append,
        now=lambda: NOW,
        spread=lambda least, most: most,
    )


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"retry-after": "12"}, 12.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": formatdate(NOW + 30, usegmt=True)}, 30.0),
        ({"retry-after": formatdate(NOW - 30, usegmt=True)}, 0.0),
        ({"retry-after": "-5"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
    ],
)
def test_the_headers_say_how_long(headers: dict[str, str], expected: float | None) -> None:
    assert retry_after_s(headers, NOW) == expected


def test_it_waits_as_it_is_asked_and_tells_each_second() -> None:
    slept: list[float] = []
    told: list[tuple[int, int]] = []
    assert patience(900, slept, told).wait({"retry-after": "3"})
    assert slept == [1.0, 1.0, 1.0]
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_without_a_word_waits_grow_to_a_minute_and_start_anew_after_a_success() -> None:
    slept: list[float] = []
    waiting = patience(10_000, slept)
    waits = []
    for _ in range(9):
        slept.clear()
        assert waiting.wait({})
        waits.append(sum(slept))
    assert waits == [1, 2, 4, 8, 16, 32, LONGEST_WAIT_S, LONGEST_WAIT_S, LONGEST_WAIT_S]
    waiting.succeeded()
    slept.clear()
    assert waiting.wait({}) and sum(slept) == 1


def test_the_bound_is_between_two_successes_and_never_waited_beyond() -> None:
    slept: list[float] = []
    waiting = patience(30, slept)
    assert not waiting.wait({"retry-after": "31"}) and slept == []
    assert waiting.wait({"retry-after": "20"}) and not waiting.wait({"retry-after": "20"})
    waiting.succeeded()
    assert waiting.wait({"retry-after": "20"}) and sum(slept) == 40


def test_who_asks_for_no_wait_again_and_again_gets_a_growing_one() -> None:
    slept: list[float] = []
    waiting = patience(900, slept)
    assert all(waiting.wait({"retry-after": "0"}) for _ in range(8))
    assert sum(slept) > 8


def test_who_watches_can_end_the_wait() -> None:
    slept: list[float] = []

    def stop(done: int, total: int) -> None:
        if done == 2:
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        Patience(900, tell=stop, sleep=slept.append).wait({"retry-after": "600"})
    assert len(slept) == 2
