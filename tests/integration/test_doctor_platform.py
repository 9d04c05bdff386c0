"""The doctor against the sandbox platform over real HTTP: right and wrong credentials."""

import pytest
from pydantic import SecretStr

from bot.doctor_platform import check_platform
from bot.settings import Settings
from feishu.sandbox import Sandbox, SandboxSettings, running
from feishu.settings import FeishuSettings

SECRET = "right-secret"


async def states(app_id: str, secret: str) -> dict[str, tuple[str, str]]:
    sandbox = Sandbox(SandboxSettings(app_id="cli_sandbox", app_secret=SECRET))
    async with running(sandbox) as url:
        feishu = FeishuSettings(app_id=app_id, app_secret=SecretStr(secret), base_url=url)
        findings = await check_platform(Settings(feishu=feishu))
    return {finding.name: (finding.state, finding.fix) for finding in findings}


async def test_right_credentials_are_well() -> None:
    assert await states("cli_sandbox", SECRET) == {"token": ("ok", ""), "bot": ("ok", "")}


@pytest.mark.parametrize(
    ("app_id", "secret", "variable"),
    [("cli_other", SECRET, "FEISHU__APP_ID"), ("cli_sandbox", "wrong", "FEISHU__APP_SECRET")],
)
async def test_wrong_credentials_name_what_to_correct(app_id: str, secret: str, variable: str) -> None:
    found = await states(app_id, secret)
    assert found["token"][0] == "fail"
    assert variable in found["token"][1]
    assert "bot" not in found
