"""The doctor against the sandbox platform over real HTTP: right and wrong credentials."""

import time
from typing import Any

import pytest
from pydantic import SecretStr

from bot.doctor.findings import Finding
from bot.doctor.long_connection import check_long_connection
from bot.doctor.platform import check_platform
from bot.settings import BotSettings, Settings
from bot.settings.people import PeopleSettings
from feishu.clock import SystemClock
from feishu.sandbox import ConnectionSettings, Sandbox, SandboxSettings, running
from feishu.settings import FeishuSettings

SECRET = "right-secret"


async def states(app_id: str, secret: str, bot: BotSettings | None = None) -> dict[str, tuple[str, str]]:
    sandbox = Sandbox(SandboxSettings(app_id="cli_sandbox", app_secret=SECRET))
    async with running(sandbox) as url:
        feishu = FeishuSettings(app_id=app_id, app_secret=SecretStr(secret), base_url=url)
        findings = await check_platform(Settings(feishu=feishu, bot=bot or BotSettings()), call_s=60.0)
    return {finding.name: (finding.state, finding.fix) for finding in findings}


async def test_right_credentials_are_well() -> None:
    wanted = {"token": ("ok", ""), "bot": ("ok", ""), "clock": ("ok", ""), "scopes": ("ok", "")}
    assert await states("cli_sandbox", SECRET) == wanted


@pytest.mark.parametrize(("wrong_s", "state"), [(-300.0, "warn"), (90_000.0, "fail")])
async def test_a_wrong_clock_is_told(monkeypatch: pytest.MonkeyPatch, wrong_s: float, state: str) -> None:
    monkeypatch.setattr(SystemClock, "time", lambda _self: time.time() + wrong_s)
    found = await states("cli_sandbox", SECRET)
    assert found["clock"][0] == state and "NTP" in found["clock"][1]


async def test_a_missing_scope_is_named_where_something_needs_it() -> None:
    found = await states("cli_sandbox", SECRET, BotSettings(people=PeopleSettings(owners={"*": ["ou_owner"]})))
    assert found["scopes"][0] == "warn" and "auth?q=im:message.group_msg&" in found["scopes"][1]


@pytest.mark.parametrize(
    ("app_id", "secret", "variable"),
    [("cli_other", SECRET, "FEISHU__APP_ID"), ("cli_sandbox", "wrong", "FEISHU__APP_SECRET")],
)
async def test_wrong_credentials_name_what_to_correct(app_id: str, secret: str, variable: str) -> None:
    found = await states(app_id, secret)
    assert found["token"][0] == "fail"
    assert variable in found["token"][1]
    assert "bot" not in found


async def long_connection(sandbox: Sandbox, secret: str = "sandbox-secret", **feishu: Any) -> list[Finding]:
    async with running(sandbox) as url:
        given = {"app_id": "cli_sandbox", "app_secret": SecretStr(secret), "base_url": url, "transport": "websocket"}
        return await check_long_connection(Settings(feishu=FeishuSettings(**(given | feishu))))


async def test_the_long_connection_is_opened_and_pinged() -> None:
    [found] = await long_connection(Sandbox())
    assert (found.name, found.state) == ("long connection", "ok")
    assert await long_connection(Sandbox(), transport="webhook") == []


@pytest.mark.parametrize(
    ("settings", "secret", "fault", "fix"),
    [
        ({}, "wrong", None, "FEISHU__APP_SECRET"),
        ({}, "", None, "settings"),
        ({"long_connection": ConnectionSettings(most=0)}, "sandbox-secret", None, "50 long connections"),
        ({}, "sandbox-secret", ("ws.endpoint", {"code": 1}), "busy"),
        ({}, "sandbox-secret", ("ws.endpoint", {"html": "<html>"}), "a proxy"),
        ({}, "sandbox-secret", ("ws.handshake", {"code": 403}), "self-built"),
        ({}, "sandbox-secret", ("ws.handshake", {"drop": True}), "wss://"),
    ],
)
async def test_why_there_is_no_long_connection_is_told_with_its_fix(
    settings: dict[str, Any], secret: str, fault: tuple[str, dict[str, Any]] | None, fix: str
) -> None:
    sandbox = Sandbox(SandboxSettings(**settings))
    if fault:
        sandbox.faults.plan(fault[0], **fault[1])
    [found] = await long_connection(sandbox, secret)
    assert found.state == ("warn" if not secret else "fail")
    assert fix in found.fix
