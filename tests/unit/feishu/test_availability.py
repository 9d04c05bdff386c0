"""What is known of each API: down after a few failures in a row, back with the first success."""

import pytest

from feishu.api.availability import BEING_SENT, DOWN_AFTER, NO_RETRY_AFTER_S, Availability, is_outage
from feishu.errors import (
    BadReply,
    CardRejected,
    FeishuError,
    Forbidden,
    RateLimited,
    SequenceBehind,
    ServerError,
    TargetGone,
    Timeout,
    TokenRejected,
    Unreachable,
)
from tests.support.clock import HandClock

DOWN = ServerError(2200, "internal error", endpoint="reply", http_status=500)


@pytest.mark.parametrize(
    ("error", "outage"),
    [
        (Timeout("slow"), True),
        (Unreachable("gone"), True),
        (BadReply("HTTP 502"), True),
        (DOWN, True),
        (RateLimited(99991400, "slow down"), True),
        (TokenRejected(99991663, "token"), True),
        (ServerError(BEING_SENT, "the message is being sent"), False),
        (Forbidden(230002, "not in the group"), False),
        (TargetGone(230011, "recalled"), False),
        (CardRejected(230099, "content"), False),
        (SequenceBehind(300317, "sequence"), False),
    ],
)
def test_what_is_an_outage(error: FeishuError, outage: bool) -> None:
    assert is_outage(error) is outage


def watched() -> tuple[Availability, HandClock, list[tuple[str, float]]]:
    clock, heard = HandClock(), list[tuple[str, float]]()
    return Availability(clock, on_recovery=lambda name, down_s: heard.append((name, down_s))), clock, heard


async def test_an_api_is_down_after_failures_in_a_row_and_its_first_success_is_heard() -> None:
    found, clock, heard = watched()
    found.note("reply", None)
    assert heard == [("reply", 0.0)], "what was before the start is not known"
    for _ in range(DOWN_AFTER):
        assert found.down() == {}
        found.note("reply", DOWN)
        await clock.advance(10.0)
    assert found.down() == {"reply": 30.0}
    found.note("card_create", None)
    found.note("reply", None)
    assert found.down() == {}
    assert heard[1:] == [("card_create", 0.0), ("reply", 30.0)]


async def test_single_failures_and_refusals_are_no_outage() -> None:
    found, _, heard = watched()
    for _ in range(DOWN_AFTER + 1):
        found.note("reply", DOWN)
        found.note("reply", Forbidden(230002, "not in the group"))
    assert found.down() == {} and heard == [("reply", 0.0)]


async def test_rates_say_nothing_about_the_servers() -> None:
    found, _, _ = watched()
    for _ in range(DOWN_AFTER + 1):
        found.note("reply", RateLimited(99991400, "slow down"))
    assert found.down() == {}


async def test_what_has_been_down_for_long_is_not_called_twice_in_one_call() -> None:
    found, clock, _ = watched()
    for _ in range(DOWN_AFTER):
        found.note("reply", DOWN)
    assert found.is_worth_a_retry("reply")
    await clock.advance(NO_RETRY_AFTER_S)
    assert not found.is_worth_a_retry("reply") and found.is_worth_a_retry("card_create")
    found.note("reply", None)
    assert found.is_worth_a_retry("reply")
