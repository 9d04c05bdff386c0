"""The admin page in Chromium: charts, gaps, a turn's trace, keys and login, on a desk and on a phone."""

import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect
from pydantic import SecretStr

from bot.repositories.analytics import Analytics
from bot.server import bind
from bot.settings import BotSettings
from bot.web.auth import LOCAL
from feishu.clock import SystemClock
from feishu.sandbox import Sandbox, SandboxSettings, running
from rag.scope import EVERYTHING
from tests.e2e.browser import Watched
from tests.e2e.test_web_chat_more import DESK, PHONE, serious
from tests.support.scripted_library import ScriptedLibrary, telling
from tests.support.seeded_store import reply, seed
from tests.support.web_door import WebDoor, web_door

pytestmark = pytest.mark.asyncio(loop_scope="session")
HOSTILE = '<img src=x onerror="window.__pwned=1">=1+1'


@pytest_asyncio.fixture(loop_scope="session")
async def door(tmp_path: Path) -> AsyncIterator[WebDoor]:
    library = ScriptedLibrary()
    library.otherwise = telling("好的 [1]", citations=(1,))
    async with web_door(library, tmp_path, before=lambda database: seed(database, time.time())) as opened:
        run = await opened.turns.ask(LOCAL, HOSTILE, conversation_id="c", scope=EVERYTHING)
        await run.whole()
        await opened.tracing.settle()
        yield opened


@pytest.mark.parametrize("window", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_board_is_drawn_and_accessible(
    browser: Browser, door: WebDoor, window: dict[str, Any], scheme: Any
) -> None:
    context = await browser.new_context(**window, color_scheme=scheme, reduced_motion="reduce")
    try:
        watched = Watched(await context.new_page()).watch()
        page = watched.page
        await page.goto(f"{door.url}/admin")
        await expect(page.locator(".tile b").first).to_have_text("241")
        await expect(page.locator(".chart canvas")).to_have_count(5)
        await expect(page.locator(".sections a")).to_have_count(8)
        assert await page.evaluate("document.documentElement.scrollWidth") <= window["viewport"]["width"]
        assert await serious(page) == []
        await page.locator(".open-turn").first.click()
        await expect(page.locator("#drawer-title")).to_have_text(HOSTILE)
        await expect(page.locator("#drawer-body")).to_contain_text(re.compile("找到 3 段|Finds 3 passages"))
        assert await serious(page) == []
        assert await page.evaluate("window.__pwned") is None
        assert watched.troubles == [] and watched.outside(door.url) == []
    finally:
        await context.close()


async def test_gaps_are_handed_on_and_drafts_downloaded(watched: Watched, door: WebDoor) -> None:
    page = watched.page
    await page.goto(f"{door.url}/admin")
    first = page.locator(".gap").first
    question = await first.locator(".gap-question").inner_text()
    async with page.expect_download() as waiting:
        await first.get_by_text("下载草稿").click()
    path = await (await waiting.value).path()
    assert question in path.read_text("utf-8")
    before = await page.locator(".gap").count()
    await first.locator("[data-act='settle']").click()
    await expect(page.locator(".gap")).to_have_count(before - 1)
    assert watched.troubles == []


async def test_what_an_owner_replied_stands_beside_the_gap(watched: Watched, door: WebDoor) -> None:
    page = watched.page
    [gap, other, *_] = await Analytics(door.database, clock=SystemClock()).gaps(30)
    await reply(door.database, gap.members[0].turn_id, gap.question, f"周六开到两点。\n{HOSTILE}", "ou_owner")
    await reply(door.database, other.members[0].turn_id, other.question, "很长的回复。" * 100, "ou_other")
    await page.goto(f"{door.url}/admin")
    said = page.locator(".gap").first.locator(".gap-reply")
    await expect(said.locator("summary")).to_contain_text("负责人 ou_owner 在 20")
    await expect(said.locator("p")).to_have_text(f"周六开到两点。\n{HOSTILE}")
    await expect(said.locator("p")).to_be_visible()
    await expect(page.locator(".gap").nth(1).locator(".gap-reply p")).to_be_hidden()
    assert await serious(page) == []
    async with page.expect_download() as waiting:
        await page.locator(".gap").first.get_by_text("下载草稿").click()
    assert "周六开到两点。" in (await (await waiting.value).path()).read_text("utf-8")
    assert watched.troubles == []


async def test_questions_are_searched_filtered_and_exported(watched: Watched, door: WebDoor) -> None:
    page = watched.page
    await page.goto(f"{door.url}/admin")
    await expect(page.locator(".open-turn")).to_have_count(50)
    await page.select_option("#outcome", "hedged")
    await expect(page.locator("#turns .mark").first).to_have_text("无资料依据")
    await page.locator(".open-turn").first.click()
    await expect(page.locator("#drawer-body .marks").first).to_contain_text("无资料依据")
    await expect(page.locator("#drawer-body .version p").first).to_contain_text(
        re.compile(r"把握(较高|一般|较低) \(0\.\d\d\)")
    )
    await page.click("#drawer-close")
    await page.select_option("#outcome", "failed")
    await expect(page.locator("#turns .mark").first).to_have_text("出错")
    await page.fill("#words", "没有这样的问题")
    await expect(page.locator(".open-turn")).to_have_count(0)
    await page.select_option("#days", "7")
    await expect(page.locator(".tile b").first).not_to_have_text("241")
    async with page.expect_download() as waiting:
        await page.click("#csv")
    assert HOSTILE.replace('"', '""') in (await (await waiting.value).path()).read_text("utf-8-sig")
    await page.click("#language")
    await expect(page.locator("h1")).to_have_text("Ask the docs · Admin")
    assert watched.troubles == []


async def test_a_prompt_is_tried_on_real_questions_saved_and_put_back(watched: Watched, door: WebDoor) -> None:
    page = watched.page
    await page.goto(f"{door.url}/admin")
    await expect(page.locator("#prompt-save")).to_be_disabled()
    before = await page.input_value("#prompt-text")
    await page.fill("#prompt-text", f"{before}\n{HOSTILE}")
    await page.click("#prompt-try")
    await expect(page.locator("#trials > .note")).to_contain_text("试了 5/5 个问题")
    await expect(page.locator(".trial")).to_have_count(5)
    await expect(page.locator(".trial").first.locator("section").nth(1)).to_contain_text("好的 [1]")
    assert await serious(page) == []
    await page.fill("#prompt-text", "{tone}")
    await page.fill("#prompt-note", "语气")
    for name in ("Ask the docs · Admin", "资料问答 · 管理"):
        await page.click("#language")
        await expect(page.locator("h1")).to_have_text(name)
    assert await page.input_value("#prompt-text") == "{tone}"  # what is not saved stays
    await page.click("#prompt-save")
    await expect(page.locator("#prompt-said .failure")).to_contain_text("{tone}")
    watched.forgive("422")
    await page.fill("#prompt-text", f"{before}\n{HOSTILE}")
    await page.click("#prompt-save")
    await expect(page.locator("#prompt-variables")).to_contain_text("在这里改过")
    await expect(page.locator("#prompt-versions tbody tr").first).to_contain_text("语气")
    await page.locator("#prompt-versions button").last.click()
    await expect(page.locator("#prompt-variables")).to_contain_text("配置里的")
    assert await page.input_value("#prompt-text") == before
    await page.fill("#settings-words", "app_secret")
    await expect(page.locator("#settings tbody tr")).to_have_count(1)
    await expect(page.locator("#settings .setting-value")).to_have_text("•••")
    assert await page.evaluate("window.__pwned") is None
    assert watched.troubles == []


async def test_people_log_in_with_feishu(watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    keys = [SecretStr("0" * 64)]
    async with running(Sandbox(SandboxSettings(app_secret="s"))) as platform:
        listener = bind("127.0.0.1", 0, setting="")
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        settings = BotSettings(api_keys=keys, web_url=address, admins=["ou_linxiaoman"], admin_tenant="sandbox_tenant")
        async with web_door(
            ScriptedLibrary(), tmp_path, settings, listener=listener, feishu={"base_url": platform}
        ) as door:
            await page.goto(f"{door.url}/admin")
            await page.click("#login")
            await page.click("text=周明")
            await expect(page.locator("#gate-note")).to_contain_text("不在管理员名单")
            await page.click("#login")
            await page.click("text=林小满")
            await expect(page.locator("#who")).to_have_text("林小满")
            await expect(page.locator(".tile").first).to_be_visible()
            await page.click("#leave")
            await expect(page.locator("#gate")).to_be_visible()
            watched.forgive("401")
    assert watched.troubles == []


async def test_an_admin_of_another_organisation_is_refused(watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    async with running(Sandbox(SandboxSettings(app_secret="s"))) as platform:
        listener = bind("127.0.0.1", 0, setting="")
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        settings = BotSettings(web_url=address, admins=["ou_linxiaoman"], admin_tenant="another_tenant")
        async with web_door(
            ScriptedLibrary(), tmp_path, settings, listener=listener, feishu={"base_url": platform}
        ) as door:
            await page.goto(f"{door.url}/admin")
            await page.click("#login")
            await page.click("text=林小满")
            await expect(page.locator("#gate-note")).to_contain_text("不在管理员名单")
            await expect(page.locator("#board")).to_be_hidden()
            assert not [each for each in await page.context.cookies(f"{door.url}/admin") if each["value"]]
            watched.forgive("401")
    assert watched.troubles == []
