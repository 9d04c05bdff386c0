"""Tokens, scopes and the budget of one API."""

import pytest

from feishu.sandbox import SandboxSettings
from tests.support.platform_client import platform_client


async def test_the_same_token_comes_back_while_half_an_hour_is_left() -> None:
    async with platform_client() as client:
        first = await client.sign_in()
        client.sandbox.advance(7200 - 1800)
        assert (await client.sign_in())["tenant_access_token"] == first["tenant_access_token"]
        client.sandbox.advance(1)
        second = await client.sign_in()
        assert second["tenant_access_token"] != first["tenant_access_token"]
        assert second["expire"] == 7200
        client.token = first["tenant_access_token"]
        assert await client.code("GET", "/bot/v3/info") == 0


@pytest.mark.parametrize("status", [200, 400])
async def test_an_expired_token_is_refused_under_either_status(status: int) -> None:
    async with platform_client(SandboxSettings(invalid_token_status=status)) as client:  # type: ignore[arg-type]
        client.sandbox.advance(7200)
        response = await client.raw("GET", "/bot/v3/info")
        assert (response.status_code, response.json()["code"]) == (status, 99991663)
        assert response.headers["x-tt-logid"] == response.json()["error"]["log_id"]
        assert client.sandbox.violations == []


@pytest.mark.parametrize(("token", "code"), [("", 99991661), ("x-1", 99991671), ("t-unknown", 99991663)])
async def test_tokens_that_are_none(token: str, code: int) -> None:
    async with platform_client() as client:
        client.token = token
        assert await client.code("GET", "/bot/v3/info") == code


async def test_wrong_credentials_have_their_own_codes() -> None:
    async with platform_client() as client:
        assert (await client.sign_in(app_id="cli_nobody"))["code"] == 10003
        assert (await client.sign_in(app_secret="wrong"))["code"] == 10014


async def test_bot_info_is_under_the_key_bot() -> None:
    async with platform_client() as client:
        reply = await client.call("GET", "/bot/v3/info")
        assert reply["bot"]["open_id"] == client.sandbox.world.apps["cli_sandbox"].open_id
        assert "data" not in reply


async def test_a_missing_scope_is_named() -> None:
    async with platform_client(SandboxSettings(scopes=("im:message",))) as client:
        reply = await client.create({})
        assert reply["code"] == 99991672
        assert "cardkit:card:write" in reply["msg"]


async def test_fifty_calls_a_second_then_429_with_the_time_to_wait() -> None:
    async with platform_client() as client:
        for _ in range(50):
            assert await client.code("GET", "/bot/v3/info") == 0
        refused = await client.raw("GET", "/bot/v3/info")
        assert (refused.status_code, refused.json()["code"]) == (429, 99991400)
        assert refused.headers["x-ogw-ratelimit-reset"] == "1"
        assert await client.code("GET", "/application/v6/scopes") == 0
        client.sandbox.advance(1)
        assert await client.code("GET", "/bot/v3/info") == 0


async def test_a_thousand_calls_a_minute() -> None:
    async with platform_client() as client:
        for _ in range(20):
            for _ in range(50):
                assert await client.code("GET", "/bot/v3/info") == 0
            client.sandbox.advance(1)
        refused = await client.raw("GET", "/bot/v3/info")
        assert refused.json()["code"] == 99991400
        assert refused.headers["x-ogw-ratelimit-reset"] == "40"
