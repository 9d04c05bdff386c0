"""The budget itself: no window ever holds more than its limit, and the wait that is told is enough."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from feishu.sandbox.refusal import Refused
from feishu.sandbox.rules.rates import API_WINDOWS, Rates, Window, message_rate

TICKS = st.lists(st.integers(0, 2_000), min_size=1, max_size=200)


@given(TICKS, st.integers(1, 8))
def test_no_window_holds_more_than_its_limit(steps_ms: list[int], limit: int) -> None:
    now_ms, window, accepted = 0, Window(limit, 1.0), []
    rates = Rates(lambda: now_ms / 1000)
    for step_ms in steps_ms:
        now_ms += step_ms
        try:
            rates.take("chat", window, message_rate("chat_rate"))
        except Refused as refused:
            assert refused.code == 230020
            recent = [at for at in accepted if at > now_ms - 1000]
            assert len(recent) == limit, "refused although there was room"
        else:
            accepted.append(now_ms)
    for first, last in pairwise([*accepted[::limit]]):
        assert last - first >= 1000


@given(st.integers(0, 59_000))
def test_the_wait_that_is_told_is_enough_and_not_too_long(at_ms: int) -> None:
    now_ms = at_ms
    rates = Rates(lambda: now_ms / 1000)
    for _ in range(50):
        rates.take_api("app")
    wait_s = rates.wait_s("app", API_WINDOWS[0])
    assert 0.999 < wait_s < 1.001
    now_ms += 999
    assert rates.wait_s("app", API_WINDOWS[0]) > 0
    now_ms += 1
    assert rates.wait_s("app", API_WINDOWS[0]) == 0
