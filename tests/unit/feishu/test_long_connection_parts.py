"""Fragments and waiting times of the long connection, with time moved by hand."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feishu.errors import BadReply, CredentialsRejected, RateLimited, ServerError, TooManyConnections
from feishu.events.parsing import MAX_EVENT_BYTES
from feishu.long_connection.fragments import KEPT_S, MOST_BYTES, MOST_EVENTS, BadFragment, Fragments
from feishu.long_connection.pace import STEADY_S, ClientConfig, Pace
from tests.support.clock import HandClock


@given(st.binary(min_size=2, max_size=400), st.integers(1, 40), st.randoms())
def test_parts_are_joined_whatever_order_they_come_in(whole: bytes, size: int, random: object) -> None:
    parts = [whole[at : at + size] for at in range(0, len(whole), size)]
    order = list(enumerate(parts))
    random.shuffle(order)  # type: ignore[attr-defined]
    fragments = Fragments(HandClock())
    results = [fragments.add("m", str(len(parts)), str(seq), part) for seq, part in order]
    assert results[:-1] == [None] * (len(parts) - 1)
    assert results[-1] == whole
    assert fragments.expired() == 0


def test_a_frame_without_a_sum_is_an_event_of_its_own() -> None:
    fragments = Fragments(HandClock())
    assert fragments.add("m", "", "", b"{}") == fragments.add("", "1", "0", b"{}") == b"{}"


def test_parts_of_two_events_do_not_mix() -> None:
    fragments = Fragments(HandClock())
    assert fragments.add("a", "2", "0", b"a0") is None
    assert fragments.add("b", "2", "1", b"b1") is None
    assert fragments.add("a", "2", "1", b"a1") == b"a0a1"
    assert fragments.add("b", "2", "0", b"b0") == b"b0b1"


async def test_what_waits_in_vain_is_forgotten_and_counted() -> None:
    clock = HandClock()
    fragments = Fragments(clock)
    fragments.add("m", "2", "0", b"first")
    await clock.advance(KEPT_S - 0.1)
    assert fragments.expired() == 0
    await clock.advance(0.1)
    assert fragments.expired() == 1
    assert fragments.add("m", "2", "1", b"late") is None  # the redelivery begins anew
    assert fragments.add("m", "2", "0", b"again ") == b"again late"


def test_no_number_of_half_events_fills_the_memory() -> None:
    fragments = Fragments(HandClock())
    for number in range(MOST_EVENTS + 5):
        fragments.add(f"m{number}", "2", "0", b"x")
    assert fragments.expired() == 5
    assert fragments.add("m0", "2", "1", b"y") is None
    assert fragments.add(f"m{MOST_EVENTS}", "2", "1", b"y") == b"xy"


def test_no_size_of_half_events_fills_the_memory() -> None:
    fragments = Fragments(HandClock())
    part = b"x" * (MAX_EVENT_BYTES - 1)
    for number in range(MOST_BYTES // MAX_EVENT_BYTES + 3):
        fragments.add(f"m{number}", "2", "0", part)
    assert fragments.expired() == 3


@pytest.mark.parametrize(("total", "seq"), [("2", "2"), ("x", "0"), ("2", "-1"), ("99999", "0"), ("2", "9" * 12)])
def test_numbers_that_cannot_be_are_refused(total: str, seq: str) -> None:
    with pytest.raises(BadFragment):
        Fragments(HandClock()).add("m", total, seq, b"")


def test_an_event_that_is_too_large_is_refused_as_by_the_webhook() -> None:
    fragments = Fragments(HandClock())
    fragments.add("m", "3", "0", b"x" * MAX_EVENT_BYTES)
    with pytest.raises(BadFragment, match="bytes"):
        fragments.add("m", "3", "1", b"x")


TERMS = ClientConfig(120, 120, 30)


def test_the_platforms_terms_are_taken_as_far_as_they_make_sense() -> None:
    told = {"PingInterval": 90, "ReconnectInterval": 60, "ReconnectNonce": 0, "ReconnectCount": 3}
    assert TERMS.updated(told) == ClientConfig(90, 60, 0)
    odd = {"PingInterval": 0, "ReconnectInterval": "soon", "ReconnectNonce": True}
    assert TERMS.updated(odd) == TERMS.updated(None) == TERMS


def test_a_refusal_waits_longer_each_time_up_to_the_platforms_interval() -> None:
    pace = Pace()
    waits = [pace.after_refusal(ServerError(1, "busy"), TERMS) for _ in range(12)]
    for wait_s, grown_s in zip(waits, itertools.chain([1, 2, 4, 8, 16, 32, 64], itertools.repeat(120)), strict=False):
        assert grown_s / 2 <= wait_s <= grown_s


@pytest.mark.parametrize("error", [CredentialsRejected(514, ""), TooManyConnections(1000040350, "")])
def test_what_only_an_admin_ends_is_tried_again_seldom(error: CredentialsRejected | TooManyConnections) -> None:
    assert Pace().after_refusal(error, TERMS) >= 60


def test_the_wait_that_the_platform_asks_for_is_kept() -> None:
    limited = RateLimited(99991400, "")
    limited.wait_s = 40.0
    assert Pace().after_refusal(limited, TERMS) >= 40


def test_connections_that_the_platform_closed_come_back_spread_over_its_nonce() -> None:
    waits = [Pace().after_loss(STEADY_S, TERMS, noticed_by_us=False) for _ in range(400)]
    assert min(waits) < 5 and 25 < max(waits) <= 30


def test_a_silent_peer_is_left_at_once() -> None:
    assert all(Pace().after_loss(STEADY_S, TERMS, noticed_by_us=True) <= 1 for _ in range(50))


def test_a_connection_that_never_lasts_is_opened_ever_more_seldom_and_one_that_does_makes_good() -> None:
    pace = Pace()
    waits = [pace.after_loss(0.1, ClientConfig(120, 120, 0), noticed_by_us=True) for _ in range(400)]
    assert max(waits) > 60
    assert pace.after_loss(STEADY_S, TERMS, noticed_by_us=True) <= 1
    assert pace.after_refusal(BadReply(), TERMS) <= 2
