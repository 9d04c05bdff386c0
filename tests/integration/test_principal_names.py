"""What those are called to whom documents are shared, as far as the platform tells."""

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from bot.intake.principal_names import PrincipalNames
from bot.intake.user_names import UserNames
from feishu.api.client import FeishuClient
from feishu.sandbox import Sandbox, SandboxSettings, running
from feishu.settings import FeishuSettings
from tests.support.clock import AheadClock
from tests.support.rights_house import CARLA, EVE, HR, LEADERS, PRIVATE, STAFF, furnish

NAMES = {
    f"user:{CARLA}": "卡拉",
    f"department:{HR}": "人事部",
    f"chat:{STAFF}": "外联群",
    f"group:{LEADERS}": "组长",
    f"space:{PRIVATE}": "人事",
}
UNTOLD = (
    f"user:{EVE}",
    "department:od-none",
    "chat:oc_none",
    "group:og-none",
    "space:1",
    "tenant",
    "email:a@b.c",
    "x:",
)


@pytest.fixture
async def sandbox() -> AsyncIterator[tuple[Sandbox, FeishuClient]]:
    sandbox = furnish(Sandbox(SandboxSettings(app_secret="s")))
    async with running(sandbox) as url:
        client = FeishuClient(FeishuSettings(app_id="cli_sandbox", app_secret=SecretStr("s"), base_url=url))
        yield sandbox, client
        await client.aclose()


async def test_names_are_told_and_kept_for_an_hour(sandbox: tuple[Sandbox, FeishuClient]) -> None:
    platform, client = sandbox
    clock = AheadClock()
    names = PrincipalNames(client, UserNames(client, clock=clock), clock=clock)
    assert await names.of_all([*NAMES, *UNTOLD], within_s=60) == NAMES
    platform.office.department(HR, "人力资源部")
    assert await names.of_all(NAMES, within_s=60) == NAMES, "it was asked just now"
    clock.leapt_s = 3_601
    assert (await names.of_all(NAMES, within_s=60))[f"department:{HR}"] == "人力资源部"


async def test_without_scopes_and_without_time_there_is_no_name(sandbox: tuple[Sandbox, FeishuClient]) -> None:
    platform, client = sandbox
    platform.world.apps["cli_sandbox"].scopes -= {"contact:department.base:readonly", "im:chat:readonly"}
    names = PrincipalNames(client, UserNames(client), clock=AheadClock())
    assert await names.of_all(NAMES, within_s=0) == {}
    told = await names.of_all(NAMES, within_s=60)
    assert told == {name: said for name, said in NAMES.items() if not name.startswith(("department:", "chat:"))}
