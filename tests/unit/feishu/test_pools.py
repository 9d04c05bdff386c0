"""Which pool a call takes."""

from contextlib import ExitStack

import httpx

from feishu.api.client import CALLS, Pools

FIRST, SECOND = httpx.AsyncClient(trust_env=False), httpx.AsyncClient(trust_env=False)


def test_calls_one_after_the_other_share_their_connections() -> None:
    pools = Pools((FIRST, SECOND))
    for _ in range(2 * CALLS):
        with pools.one() as pool:
            assert pool is FIRST


def test_calls_at_once_go_on_to_the_next_pool_and_then_to_the_one_with_the_fewest() -> None:
    pools = Pools((FIRST, SECOND))
    with ExitStack() as under_way:
        taken = [under_way.enter_context(pools.one()) for _ in range(2 * CALLS + 2)]
    assert taken == [FIRST] * CALLS + [SECOND] * CALLS + [FIRST, SECOND]
    with pools.one() as pool:
        assert pool is FIRST


def test_a_call_that_fails_makes_room() -> None:
    pools = Pools((FIRST, SECOND))
    for _ in range(CALLS):
        try:
            with pools.one():
                raise httpx.ConnectError("away")
        except httpx.ConnectError:
            pass
    with pools.one() as pool:
        assert pool is FIRST
