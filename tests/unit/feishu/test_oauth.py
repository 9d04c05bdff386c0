"""Login: which endpoint gives the token, and which refusals are final."""

import asyncio
from collections.abc import Iterator

import httpx
import pytest
import respx

from feishu.api.client import FeishuClient
from feishu.api.oauth import Login, Person
from feishu.errors import ApiError
from feishu.settings import FeishuSettings

V2 = "/open-apis/authen/v2/oauth/token"
REFUSED = httpx.Response(400, json={"code": 20003, "msg": "The authorization code is invalid or used."})
TOKEN = httpx.Response(200, json={"code": 0, "access_token": "u-1", "expires_in": 7200, "token_type": "Bearer"})
TOLD = {"code": 0, "msg": "success", "data": {"open_id": "ou_1", "name": "王小明", "tenant_key": "t1"}}


@pytest.fixture
def router() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as router:
        router.get("https://open.feishu.cn/open-apis/authen/v1/user_info").respond(json=TOLD)
        router.get("https://open.larksuite.com/open-apis/authen/v1/user_info").respond(json=TOLD)
        yield router


def logged_in(base_url: str) -> Person:
    settings = FeishuSettings(app_id="cli_a", app_secret="secret", base_url=base_url)

    async def work() -> Person:
        client = FeishuClient(settings)
        try:
            return await Login(client, settings).person(code="c", redirect_uri="https://x", verifier="v")
        finally:
            await client.aclose()

    return asyncio.run(work())


@pytest.mark.parametrize("platform", ["feishu.cn", "larksuite.com"])
def test_the_token_comes_from_the_host_of_accounts(platform: str, router: respx.MockRouter) -> None:
    asked = router.post(f"https://accounts.{platform}/oauth/v3/token").mock(return_value=TOKEN)
    assert logged_in(f"https://open.{platform}") == Person("ou_1", "王小明", "t1")
    assert b'"code_verifier":"v"' in asked.calls.last.request.content.replace(b": ", b":")


@pytest.mark.parametrize(
    "gone", [httpx.Response(404, text="<html>"), httpx.ConnectError("no such host")], ids=["404", "host"]
)
def test_where_the_current_endpoint_is_not_there_the_former_one_is_asked(
    gone: httpx.Response | Exception, router: respx.MockRouter
) -> None:
    router.post("https://accounts.feishu.cn/oauth/v3/token").mock(side_effect=[gone])
    before = router.post(f"https://open.feishu.cn{V2}").mock(return_value=TOKEN)
    assert logged_in("https://open.feishu.cn").open_id == "ou_1"
    assert before.call_count == 1


def test_a_refused_code_is_not_tried_elsewhere(router: respx.MockRouter) -> None:
    router.post("https://accounts.feishu.cn/oauth/v3/token").mock(return_value=REFUSED)
    before = router.post(f"https://open.feishu.cn{V2}").mock(return_value=TOKEN)
    with pytest.raises(ApiError) as refused:
        logged_in("https://open.feishu.cn")
    assert refused.value.code == 20003 and before.call_count == 0
