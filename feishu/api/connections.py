"""Connections to the platform: several small pools; a large one looks at all its connections with each call."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx

from feishu.errors import Timeout, Unreachable
from feishu.settings import LOOPBACK_HOSTS, FeishuSettings

POOLS = 16
CALLS = 3
"""Calls at once that a pool takes before the next one is used: few calls share few connections, which stay warm."""
CONNECT_TIMEOUT_S = 5.0
JSON = "application/json; charset=utf-8"


class Pools:
    """Lends a pool to each call: the first with room, else the one with the fewest calls."""

    def __init__(self, pools: tuple[httpx.AsyncClient, ...]) -> None:
        self._pools = pools
        self._calls = [0] * len(pools)

    @contextmanager
    def one(self) -> Iterator[httpx.AsyncClient]:
        """A pool for one call."""
        calls = self._calls
        at = next((at for at, under_way in enumerate(calls) if under_way < CALLS), None)
        if at is None:
            at = calls.index(min(calls))
        calls[at] += 1
        try:
            yield self._pools[at]
        finally:
            calls[at] -= 1


def open_pools(settings: FeishuSettings) -> tuple[httpx.AsyncClient, ...]:
    """Pools with the settings' time-outs; to be closed by whoever opened them."""
    loopback = (urlsplit(settings.base_url).hostname or "") in LOOPBACK_HOSTS
    verify = httpx.create_ssl_context()
    return tuple(
        httpx.AsyncClient(
            timeout=httpx.Timeout(settings.timeout_s, connect=min(CONNECT_TIMEOUT_S, settings.timeout_s)),
            limits=httpx.Limits(max_connections=25, max_keepalive_connections=CALLS, keepalive_expiry=30.0),
            follow_redirects=False,
            trust_env=not loopback,  # a proxy of the environment has no business with a sandbox on this machine
            verify=verify,
        )
        for _ in range(POOLS)
    )


async def post(url: str, body: bytes, *, timeout_s: float, kind: str = JSON) -> tuple[int, bytes]:
    """One POST to any address: status and body, redirects not followed. Raises `Timeout`, `Unreachable`."""
    loopback = (urlsplit(url).hostname or "") in LOOPBACK_HOSTS
    try:
        async with httpx.AsyncClient(timeout=timeout_s, trust_env=not loopback) as http:
            response = await http.post(url, content=body, headers={"Content-Type": kind})
            return response.status_code, response.content
    except httpx.TimeoutException as error:
        raise Timeout(f"no answer within {timeout_s:g} s", endpoint=url) from error
    except httpx.HTTPError as error:
        raise Unreachable(str(error) or type(error).__name__, endpoint=url) from error
