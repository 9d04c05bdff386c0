"""A machine whose clock is wrong says so, instead of refusing everything without a word."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import structlog
from fastapi import FastAPI

from bot.handlers.acknowledgement import Ack
from bot.handlers.http import add_platform_routes
from bot.observability.clock_offset import LOG_EVERY_S, REMEMBERED_S, ClockOffset
from feishu.events.webhook import Webhook
from tests.integration.test_doors import APP, KEY, TOKEN, encrypted, message, signed
from tests.support.clock import AheadClock

DAY_S = 86_400.0


class Silent:
    """Admits whatever comes."""

    async def admit(self, _event: Any) -> Ack:
        return Ack({})

    def refused(self, _reason: str) -> None:
        """Notes nothing."""


@pytest.fixture
def clock() -> AheadClock:
    return AheadClock()


@pytest.fixture
def offset(clock: AheadClock) -> ClockOffset:
    return ClockOffset(clock)


@pytest.fixture
async def http(clock: AheadClock, offset: ClockOffset) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    webhook = Webhook(encrypt_key=KEY, verification_token=TOKEN, app_id=APP, clock=clock)
    add_platform_routes(app, webhook, Silent(), offset)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bot") as client:
        yield client


async def post(http: httpx.AsyncClient, *, key: str = KEY) -> int:
    body = encrypted(message(1), key=key)
    return (await http.post("/feishu/webhook", content=body, headers=signed(body, key=key))).status_code


async def test_a_clock_a_day_ahead_refuses_and_says_why(
    http: httpx.AsyncClient, clock: AheadClock, offset: ClockOffset
) -> None:
    clock.ahead_s = DAY_S + 600
    with structlog.testing.capture_logs() as lines:
        assert [await post(http) for _ in range(3)] == [401, 401, 401]
    told = [line for line in lines if line["event"] == "clock_differs"]
    assert len(told) == 1 and "behind this machine's clock: check NTP" in told[0]["what_to_do"]
    assert all("signed, but" in line["hint"] for line in lines if line["event"] == "webhook_refused")
    assert offset.part()["ok"] is False and "NTP" in offset.part()["detail"]


async def test_a_clock_that_is_behind_serves_and_says_so(
    http: httpx.AsyncClient, clock: AheadClock, offset: ClockOffset
) -> None:
    clock.ahead_s = -2 * DAY_S
    assert await post(http) == 200
    assert "ahead of this machine's clock: check NTP" in offset.part()["detail"]


async def test_a_stranger_says_nothing_about_the_clock(
    http: httpx.AsyncClient, clock: AheadClock, offset: ClockOffset
) -> None:
    before = offset.part()
    clock.ahead_s = 2 * DAY_S
    with structlog.testing.capture_logs() as lines:
        assert await post(http, key="another") == 401
    assert offset.part() == before
    assert not any(line["event"] == "clock_differs" or "old" in line.get("hint", "") for line in lines)


def test_it_is_said_once_an_hour_and_forgotten_when_it_is_mended(clock: AheadClock, offset: ClockOffset) -> None:
    with structlog.testing.capture_logs() as lines:
        for _ in range(100):
            offset.show("answer", 300.0)
        clock.leapt_s += LOG_EVERY_S
        offset.show("answer", 300.0)
        offset.show("answer", 0.4)
    assert [line["seconds"] for line in lines] == [300, 300]
    assert offset.part()["ok"] is True
    offset.show("event", -90_000.0)
    assert offset.part()["ok"] is False
    clock.leapt_s += REMEMBERED_S
    assert offset.part()["ok"] is True
