"""Bad luck on demand, seen by a real HTTP client."""

import httpx
import pytest

from feishu.sandbox import Sandbox, SandboxSettings, running
from tests.support.caller import caller
from tests.support.fake_bot import fake_bot
from tests.support.platform_client import GROUP

TEXT = {"receive_id": GROUP, "msg_type": "text", "content": '{"text":"hi"}'}
SEND = "/im/v1/messages?receive_id_type=chat_id"


async def test_the_second_call_fails_with_the_planned_code() -> None:
    sandbox = Sandbox(SandboxSettings())
    async with running(sandbox) as url, fake_bot(sandbox, url) as bot:
        sandbox.faults.plan("message.create", skip=1, code=230020)
        codes = [(await bot.call("POST", SEND, **TEXT))["code"] for _ in range(3)]
        assert codes == [0, 230020, 0]
        assert len(sandbox.messages_in(GROUP)) == 2
        assert sandbox.violations == []


async def test_a_lost_acknowledgement_took_effect_and_a_dropped_call_did_not() -> None:
    sandbox = Sandbox(SandboxSettings())
    async with running(sandbox) as url, fake_bot(sandbox, url) as bot:
        sandbox.faults.plan("message.create", drop=True, applied=True)
        with pytest.raises(httpx.TransportError):
            await bot.call("POST", SEND, **TEXT)
        assert len(sandbox.messages_in(GROUP)) == 1
        sandbox.faults.plan("message.create", drop=True)
        with pytest.raises(httpx.TransportError):
            await bot.call("POST", SEND, **TEXT)
        assert len(sandbox.messages_in(GROUP)) == 1


async def test_html_of_a_proxy_a_revoked_token_and_only_matching_bodies() -> None:
    sandbox = Sandbox(SandboxSettings())
    async with running(sandbox) as url, fake_bot(sandbox, url) as bot:
        sandbox.faults.plan("message.*", status=502, html="<html>502</html>", match="magic")
        assert (await bot.call("POST", SEND, **TEXT))["code"] == 0
        with pytest.raises(ValueError):
            await bot.call("POST", SEND, **{**TEXT, "content": '{"text":"magic"}'})
        sandbox.faults.plan("message.create", revoke_token=True)
        assert (await bot.call("POST", SEND, **TEXT))["code"] == 99991663
        assert (await bot.call("POST", SEND, **TEXT))["code"] == 0


async def test_faults_are_planned_and_cleared_over_http() -> None:
    sandbox = Sandbox(SandboxSettings())
    async with running(sandbox) as url, fake_bot(sandbox, url) as bot, caller(url) as http:
        fault = {"endpoint": "message.*", "code": 2200, "times": None}
        assert (await http.post("/sandbox/faults", json=fault)).status_code == 200
        assert (await http.post("/sandbox/faults", json={"endpoint": "*", "bogus": 1})).status_code == 400
        assert (await bot.call("POST", SEND, **TEXT))["code"] == 2200
        assert (await http.delete("/sandbox/faults")).status_code == 200
        assert (await bot.call("POST", SEND, **TEXT))["code"] == 0
