"""The admin page on rights in Chromium: who may see what and why, a verdict, asking as somebody, the record of it."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from bot.settings import BotSettings
from feishu.documents.listing import Page
from feishu.documents.rights import Grant, Rights
from feishu.sandbox import Sandbox, SandboxSettings, running
from rag.index.outline import DocumentState
from rag.scope import Scope
from tests.e2e.browser import Watched
from tests.e2e.test_web_chat_more import DESK, PHONE, serious
from tests.support.rights_house import CARLA, DAN, EVE, HR, LEADERS, PRIVATE, furnish
from tests.support.scripted_library import ScriptedLibrary, passages, telling
from tests.support.web_door import WebDoor, web_door

pytestmark = pytest.mark.asyncio(loop_scope="session")

HOSTILE = '<img src=x onerror="window.__pwned=1">薪酬与奖金'
PAY, HIDDEN = "feishu:pay", "feishu:hidden"
GRANTS = (
    Grant("user:ou_linxiaoman", "owner", "pay"),
    Grant(f"department:{HR}", "space_member", PRIVATE),
    Grant(f"group:{LEADERS}", "inherited", "wikHidden"),
)


class Library(ScriptedLibrary):
    """One that has the documents whose rights are known."""

    async def documents(self, scope: Scope) -> tuple[DocumentState, ...]:
        return tuple(DocumentState("default", source, "1 page") for source in (PAY, HIDDEN))


@pytest_asyncio.fixture(loop_scope="session")
async def door(tmp_path: Path) -> AsyncIterator[WebDoor]:
    library = Library()
    library.otherwise = telling("三个月 [1]", retrieved=passages((HOSTILE, (), "年终奖三个月。")), citations=(1,))
    settings = BotSettings.model_validate({"access": {"rights": "mirror"}})
    async with (
        running(furnish(Sandbox(SandboxSettings(app_secret="s")))) as platform,
        web_door(library, tmp_path, settings, feishu={"base_url": platform}) as opened,
    ):
        pay = Page("pay", HOSTILE, "https://sandbox.feishu.cn/docx/pay", "", "docx")
        link = "https://sandbox.feishu.cn/wiki/wikHidden"
        hidden = Page("hidden", "董事会纪要", link, "", "docx", node="wikHidden")
        closed = Rights(closed="members_hidden", incomplete=("fldTop",))
        await opened.rights.keep({PAY: (pay, Rights(GRANTS)), HIDDEN: (hidden, closed)})
        yield opened


@pytest.mark.parametrize("window", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_readers_and_reasons_are_drawn_and_accessible(
    browser: Browser, door: WebDoor, window: dict[str, Any], scheme: Any
) -> None:
    context = await browser.new_context(**window, color_scheme=scheme, reduced_motion="reduce")
    try:
        watched = Watched(await context.new_page()).watch()
        page = watched.page
        await page.goto(f"{door.url}/admin")
        await expect(page.locator("#access-note")).to_contain_text(
            re.compile("其中 1 份对所有人关闭|1 of them are closed")
        )
        first, second = page.locator("#access tbody tr").nth(0), page.locator("#access tbody tr").nth(1)
        await expect(first).to_contain_text("董事会纪要")
        await expect(first).to_contain_text(re.compile("应用看不到协作者|may not see its collaborators"))
        await expect(first).to_contain_text("fldTop")
        await second.locator("summary").focus()
        await page.keyboard.press("Enter")
        for said in ("林小满", "人事部", "人事", "组长", "董事会纪要"):
            await expect(second.locator("ul")).to_contain_text(said)
        assert await page.evaluate("document.documentElement.scrollWidth") <= window["viewport"]["width"]
        assert await serious(page) == []
        assert await page.evaluate("window.__pwned") is None
        assert watched.troubles == [] and watched.outside(door.url) == []
    finally:
        await context.close()


async def test_a_verdict_names_the_rule_or_the_reason(watched: Watched, door: WebDoor) -> None:
    page = watched.page
    await page.goto(f"{door.url}/admin")
    said = page.locator("#verdict-said")
    for person, document, words in (
        (CARLA, PAY, ["能看到", "部门 人事部", "知识空间“人事”的成员"]),
        (DAN, PAY, ["能看到", "用户组 组长", "从“董事会纪要”继承"]),
        (EVE, PAY, ["看不到", "没有一项权限", "按组织外的人处理"]),
        (CARLA, "https://sandbox.feishu.cn/wiki/wikHidden", ["看不到", "应用看不到协作者"]),
        (CARLA, "feishu:none", ["there is no such document"]),
    ):
        await page.fill("#verdict-person", person)
        await page.fill("#verdict-document", document)
        await page.press("#verdict-document", "Enter")
        for each in words:
            await expect(said).to_contain_text(each)
    assert await serious(page) == []
    watched.forgive("409")
    assert watched.troubles == []


async def test_asking_as_somebody_is_answered_and_recorded(watched: Watched, door: WebDoor) -> None:
    page = watched.page
    await page.goto(f"{door.url}/admin")
    await page.fill("#ask-as-person", CARLA)
    await page.fill("#ask-as-question", "年终奖是几个月工资？")
    await page.locator("#ask-as button").click()
    await expect(page.locator("#ask-as-said")).to_contain_text("三个月")
    row = page.locator("#shown tbody tr").first
    await expect(row).to_contain_text(f"local，以 卡拉 ({CARLA}) 的身份")
    await expect(row).to_contain_text("管理页")
    await page.fill("#shown-person", "ou_nobody")
    await expect(page.locator("#shown tbody tr")).to_have_count(0)
    await page.fill("#shown-person", CARLA)
    await expect(page.locator("#shown tbody tr")).to_have_count(1)
    async with page.expect_download() as waiting:
        await page.click("#shown-csv")
    assert CARLA in (await (await waiting.value).path()).read_text("utf-8-sig")
    await page.click("#language")
    await expect(page.locator("#access-title")).to_have_text("Who may see what")
    await expect(page.locator("#shown tbody tr").first).to_contain_text(f"local, as 卡拉 ({CARLA})")
    assert await serious(page) == [] and watched.troubles == []
