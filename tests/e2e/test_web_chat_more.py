"""Votes, keys, history from the bot, dark and light, the API's viewers, and accessibility, in Chromium."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect
from pydantic import SecretStr

from bot.settings import BotSettings
from tests.e2e.browser import Watched
from tests.support.caller import caller
from tests.support.scripted_library import ScriptedLibrary, refusing, telling
from tests.support.web_door import web_door

pytestmark = pytest.mark.asyncio(loop_scope="session")

QUESTION = "出差回来多久内要报销？"
ANSWER = "出差结束后 **15 个自然日内** 提交 [1]，返程当日先关闭出差单 [2]。"
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 800}, "locale": "en-US", "has_touch": True}
DESK: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}, "locale": "zh-CN"}


def library() -> ScriptedLibrary:
    made = ScriptedLibrary()
    made.on(QUESTION, telling(ANSWER, citations=(1, 2)), telling("另一个说法 [1]", citations=(1,)))
    return made


async def ask(page: Page, url: str, question: str = QUESTION) -> None:
    await page.goto(url)
    await page.fill("#question", question)
    await page.press("#question", "Enter")
    await expect(page.locator(".answer").last).not_to_have_attribute("aria-busy", "true")


async def serious(page: Page) -> list[str]:
    """What axe-core calls serious or critical, with the elements concerned."""
    # What is half faded in has less contrast than it will have.
    ending = "document.getAnimations().filter(each => each.effect.getComputedTiming().iterations !== Infinity)"
    await page.evaluate(f"Promise.allSettled({ending}.map(each => each.finished))")
    found = (await Axe().run(page)).response["violations"]
    return [
        f"{fault['id']}: {[node['html'][:120] for node in fault['nodes']][:3]}"
        for fault in found
        if fault["impact"] in ("serious", "critical")
    ]


async def test_votes_with_reasons_reach_the_store(watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    async with web_door(library(), tmp_path) as door:
        await ask(page, door.url)
        await page.click("[data-act='up']")
        await expect(page.locator("[data-act='up']")).to_have_attribute("aria-pressed", "true")
        await page.click("[data-act='down']")
        await expect(page.locator(".reason").first).to_be_focused()
        await page.fill(".why-comment", "去年的标准")
        await page.click("[data-reason='outdated']")
        await expect(page.locator(".why")).to_have_count(0)
        await expect(page.locator("[data-act='down']")).to_be_focused()
        await page.reload()
        await expect(page.locator("[data-act='down']")).to_have_attribute("aria-pressed", "true")
        rows = await door.feedback.export()
    assert [(row["vote"], row["reason"], row["comment"]) for row in rows] == [("down", "outdated", "去年的标准")]
    assert watched.troubles == []


async def test_versions_and_history_come_from_the_bot(watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    async with web_door(library(), tmp_path) as door:
        await ask(page, door.url)
        await page.click("[data-act='again']")
        await expect(page.locator(".prose")).to_have_text("另一个说法1")
        await expect(page.locator(".versions")).to_contain_text("2 / 2")
        [key] = await page.evaluate("Object.keys(localStorage).filter(key => key.startsWith('feishu-rag.chat.'))")
        conversation = key.removeprefix("feishu-rag.chat.")
        async with caller(door.url) as http:
            told = (await http.get(f"/chat/conversations/{conversation}")).json()["turns"]
            assert [len(turn["answers"]) for turn in told] == [2]
            asked = {"question": "别处问的", "conversation_id": conversation}
            assert (await http.post("/chat", json=asked)).status_code == 200
        await page.reload()
        await expect(page.locator(".question")).to_have_count(2)
        await expect(page.locator(".question").last).to_contain_text("别处问的")
    assert watched.troubles == []


async def test_a_key_is_asked_for_and_stays_in_the_tab(watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    keys = [SecretStr(hashlib.sha256(b"right").hexdigest())]
    async with web_door(library(), tmp_path, BotSettings(api_keys=keys)) as door:
        await page.goto(door.url)
        await page.fill("#question", QUESTION)
        await page.press("#question", "Enter")
        await page.fill("#key", "wrong")
        await page.press("#key", "Enter")
        await expect(page.locator("#key-note")).to_contain_text("不对")
        await page.fill("#key", "right")
        await page.press("#key", "Enter")
        await expect(page.locator(".answer")).to_have_attribute("data-state", "answered")
        kept = await page.evaluate("[JSON.stringify(localStorage), JSON.stringify(sessionStorage)]")
        assert "right" not in kept[0] and json.loads(kept[1])["feishu-rag.key"] == "right"
        await page.reload()
        await page.fill("#question", "再问")
        await page.press("#question", "Enter")
        await expect(page.locator(".answer").last).to_have_attribute("data-state", "no_evidence")
        watched.forgive("401")
    assert watched.troubles == []


async def test_giving_up_on_the_key_is_told_in_words(watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    keys = [SecretStr(hashlib.sha256(b"right").hexdigest())]
    async with web_door(library(), tmp_path, BotSettings(api_keys=keys)) as door:
        await page.goto(door.url)
        await page.fill("#question", QUESTION)
        await page.press("#question", "Enter")
        await expect(page.locator("#key-dialog")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.locator(".answer")).to_have_attribute("data-state", "failed")
        watched.forgive("401")
    assert watched.troubles == []


async def test_dark_and_light_are_chosen_and_remembered(watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    ground = "getComputedStyle(document.body).backgroundColor"
    async with web_door(library(), tmp_path) as door:
        await page.goto(door.url)
        assert await page.evaluate(ground) == "rgb(251, 251, 252)"
        await page.click("#theme")
        await page.click("#theme")
        assert await page.evaluate(ground) == "rgb(22, 24, 29)"
        await page.reload()
        assert await page.evaluate(ground) == "rgb(22, 24, 29)"
    assert watched.troubles == []


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
async def test_the_viewers_show_the_schema_and_ask_nobody_else(watched: Watched, tmp_path: Path, path: str) -> None:
    async with web_door(library(), tmp_path) as door:
        await watched.page.goto(f"{door.url}{path}")
        await expect(watched.page.locator("text=Ask, and get the whole answer >> visible=true").first).to_be_visible()
        await watched.page.wait_for_load_state("networkidle")
        assert watched.outside(door.url) == []
    assert watched.troubles == []


@pytest.mark.parametrize("window", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_serious(browser: Browser, tmp_path: Path, window: dict[str, Any], scheme: Any) -> None:
    made = library()
    made.on("不知道", refusing())
    context = await browser.new_context(**window, color_scheme=scheme, reduced_motion="reduce")
    try:
        async with web_door(made, tmp_path) as door:
            page = await context.new_page()
            await page.goto(door.url)
            assert await serious(page) == []
            await ask(page, door.url)
            await page.click("[data-act='down']")
            await expect(page.locator(".reason").first).to_be_visible()
            assert await serious(page) == []
            await page.fill("#question", "不知道")
            await page.press("#question", "Enter")
            await expect(page.locator(".answer").last).to_have_attribute("data-state", "no_evidence")
            await page.locator(".prose button.cite").first.click()
            await expect(page.locator("#sheet")).to_be_visible()
            assert await serious(page) == []
    finally:
        await context.close()
