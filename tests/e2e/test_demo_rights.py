"""The demo with rights: two people ask the same in private and in a group, and rights are taken away in between."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from feishu.sandbox.samples.rights import CHEN, LIN, ZHOU
from tests.e2e.browser import Watched
from tests.e2e.test_demo import DEADLINE_MS, demo, picture
from tests.e2e.test_sandbox_rights import show

pytestmark = pytest.mark.asyncio(loop_scope="session")

TRAVEL, PAY = "差旅预借款的单次上限是多少？", "薪酬复核在每月几日完成？"
ANSWERED = re.compile("重新生成")


async def ask(page: Page, person: str, chat: str, question: str, *, mention: bool) -> Locator:
    """Asks as somebody; gives the card once it is closed."""
    await page.get_by_test_id(f"me-{person}").click()
    await page.get_by_test_id(f"chat-{chat}").click()
    answered = page.locator(".card").filter(has=page.get_by_role("button", name=ANSWERED))
    before = await answered.count()
    if mention:
        await page.get_by_test_id("mention-bot").click()
    else:
        await page.get_by_test_id("composer-input").click()
    await page.keyboard.type(question)
    await page.get_by_test_id("send").click()
    await expect(answered).to_have_count(before + 1, timeout=DEADLINE_MS)
    return answered.nth(before)


async def in_private(page: Page, person: str, question: str) -> Locator:
    return await ask(page, person, f"oc_p2p_demo_{person.removeprefix('ou_')}", question, mention=False)


async def in_the_group(page: Page, person: str, question: str) -> Locator:
    return await ask(page, person, "oc_product", question, mention=True)


async def test_two_people_are_answered_from_what_each_may_open(watched: Watched, tmp_path: Path) -> None:
    async with demo(tmp_path, "--rights", "--speed", "0") as (bot, url):
        page = watched.page
        await page.goto(url)
        await expect(await in_private(page, LIN, TRAVEL)).to_contain_text("6000")
        await expect(await in_private(page, CHEN, PAY)).to_contain_text("18")
        await expect(await in_private(page, LIN, PAY)).not_to_contain_text("18 日")
        await expect(await in_the_group(page, ZHOU, TRAVEL)).to_contain_text("6000")
        card = await in_the_group(page, ZHOU, PAY)
        await expect(card).not_to_contain_text("18 日")
        await expect(page.get_by_role("button", name="在私聊中回答我")).to_be_visible(timeout=DEADLINE_MS)
        await picture(page, "rights-offer")
        await page.get_by_test_id(f"me-{LIN}").click()
        await expect(page.get_by_role("button", name="在私聊中回答我")).to_have_count(0)
        await page.get_by_test_id(f"me-{ZHOU}").click()
        await page.get_by_role("button", name="在私聊中回答我").click()
        await page.get_by_test_id("chat-oc_p2p_demo_zhouming").click()
        await expect(page.locator(".card").last).to_contain_text("18", timeout=DEADLINE_MS)
        await picture(page, "rights-private")
        looks = sum(line.get("event") == "rights_read" for line in bot.lines)
        shown = await show(page, "差旅预借款")
        await shown.get_by_test_id(f"revoke-user-{LIN}").click()
        await page.get_by_test_id("rights").locator(".close-panel").click()
        await bot.logged("rights_read", times=looks + 2)  # the one under way may have begun before
        await expect(await in_private(page, LIN, TRAVEL)).not_to_contain_text("6000")
        await expect(await in_the_group(page, LIN, TRAVEL)).not_to_contain_text("6000")
        await expect(await in_private(page, ZHOU, TRAVEL)).to_contain_text("6000")
        await picture(page, "rights-taken-away")
        assert watched.troubles == []
