"""Verified answers in Chromium: made of a gap on /admin, what speaks against one, given with ✓ in the chat, changed and
withdrawn on a phone; and the owner's form on the sandbox's page."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from bot.repositories.verified_answers import Approver, VerifiedDraft
from bot.web_app import web_app
from tests.e2e.browser import Watched
from tests.e2e.test_demo import picture
from tests.e2e.test_sandbox_page import open_page
from tests.e2e.test_web_chat_more import DESK, PHONE, ask, serious
from tests.integration.conftest import ALICE, BOB, DEADLINE_S, GROUP, button
from tests.support.serving import served
from tests.support.verified_house import LUNCH, WEEKEND, House, open_house, private_chat

pytestmark = pytest.mark.asyncio(loop_scope="session")
DEPOSIT = "餐卡押金是多少？"


@pytest_asyncio.fixture(loop_scope="session")
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as house:
        yield house


async def fits(page: Page) -> None:
    """Nothing stands beside the window, and axe finds nothing serious."""
    width = await page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width[0] <= width[1], width
    assert await serious(page) == []


async def test_an_answer_is_made_of_a_gap_given_with_a_tick_and_withdrawn(browser: Browser, house: House) -> None:
    async with served(web_app(house.bot)) as url:
        context = await browser.new_context(**DESK, reduced_motion="reduce")
        watched = Watched(await context.new_page()).watch()
        page = watched.page
        gap = "停车位一个月多少钱？"
        await ask(page, url, gap)
        await page.goto(f"{url}/admin")
        await expect(page.locator("#verified-count")).to_contain_text("还没有核实过的答案")
        await page.locator(".gap", has_text=gap).locator("[data-act='verify']").click()
        await expect(page.locator("#verified-wording")).to_have_value(gap)
        await page.fill("#verified-variants", "停车费每月多少钱？")
        await page.fill("#verified-answer", "每月 **300 元**。")
        await expect(page.locator("#verified-collection option:checked")).to_have_text("请选择")
        await page.select_option("#verified-collection", "open")
        await page.fill("#verified-by", "林小满")
        await fits(page)
        await picture(page, "admin-verified")
        await page.click("#verified-save")
        await expect(page.locator("#toast")).to_contain_text("已保存")
        item = page.locator("#verified-list li")
        await expect(item).to_contain_text(gap)
        await expect(item).to_contain_text("林小满 于")
        await page.reload()
        await expect(page.locator("#gaps")).to_contain_text("没有答不上的问题")
        await fits(page)

        await ask(page, url, "请问停车费每月多少钱")
        await expect(page.locator(".answer .assurance").last).to_contain_text("由林小满核实 · 有效期至")
        await page.locator("[data-act='again']").last.click()
        await expect(page.locator(".notice-place").last).to_contain_text("这一版是按资料重新回答的")

        await page.goto(f"{url}/admin")
        await page.locator("#turns .open-turn", has_text="请问停车费").first.click()
        await expect(page.locator("#drawer .mark[data-tone='verified']")).to_contain_text("林小满")
        await page.locator("#drawer [data-act='verify']").click()
        await expect(page.locator("#verified-editor")).to_be_visible()
        await page.click("#verified-close")
        await page.click("#verified-new")
        await page.fill("#verified-wording", DEPOSIT)
        await page.fill("#verified-answer", "押金 50 元。")
        await page.select_option("#verified-collection", "open")
        await page.fill("#verified-by", "周明")
        await page.click("#verified-find")
        await page.locator("#verified-passages input").first.check()
        await page.click("#verified-save")
        await expect(page.locator("#verified-said")).to_contain_text("是 20元，不是 50元")
        await fits(page)
        await page.fill("#verified-wording", gap)
        await page.click("#verified-save")
        await expect(page.locator("#verified-said")).to_contain_text("同一个问题已有另一个答案")
        await picture(page, "admin-verified-conflict")
        assert watched.troubles == [] and watched.outside(url) == []
        await context.close()

        context = await browser.new_context(**PHONE, reduced_motion="reduce")
        watched = Watched(await context.new_page()).watch()
        page = watched.page
        stored = (await house.bot.verified.all())[0]
        await page.goto(f"{url}/admin#verified={stored.id}")
        await expect(page.locator("#verified-title")).to_have_text("Change a verified answer")
        await page.fill("#verified-by", "Lin")
        await page.fill("#verified-answer", "每月 320 元。")
        await fits(page)
        await picture(page, "admin-verified-phone")
        await page.click("#verified-save")
        await expect(page.locator("#toast")).to_contain_text("Saved")
        await page.locator("#verified-list .open-turn").click()
        await page.locator("#verified-versions summary").click()
        await expect(page.locator("#verified-versions")).to_contain_text("300 元")
        await page.click("#verified-withdraw")
        await expect(page.locator("#verified-withdraw")).to_have_text("Withdraw? Press again")
        await page.click("#verified-withdraw")
        await expect(page.locator("#verified-list .mark")).to_have_text("Withdrawn")
        assert watched.troubles == []
        await context.close()


async def test_the_owners_form_is_filled_in_on_the_sandboxs_page(watched: Watched, house: House) -> None:
    gap = await house.ask(WEEKEND)
    await house.sandbox.click(gap["message_id"], BOB, value=button(gap, "person"))
    messages = house.sandbox.messages_in

    def asked() -> object:
        return next((each for each in messages(GROUP) if ALICE in each.content and "周末" in each.content), None)

    mention = await house.sandbox.wait_for(asked, DEADLINE_S)
    await house.sandbox.say(GROUP, ALICE, "周末不开门。", reply_to=mention.message_id, mention_bot=True)  # type: ignore[attr-defined]
    await house.form("approve")
    page = await open_page(watched, house.url)
    await page.get_by_test_id(f"chat-{private_chat(ALICE)}").click()
    form = page.get_by_test_id("form-verified_form")
    await expect(form.get_by_test_id("input-wording")).to_have_value(WEEKEND)
    await expect(form.get_by_test_id("input-answer")).to_have_value("周末不开门。")
    form_alone = {"include": [["[data-testid=form-verified_form]"]]}
    assert [fault["id"] for fault in (await Axe().run(page, context=form_alone)).response["violations"]] == []
    await picture(page, "verified-card")
    await form.get_by_test_id("select-days").select_option("90")
    await form.get_by_role("button").click()
    await expect(page.get_by_text("✓ 已存为核实过的答案", exact=False).first).to_be_visible()
    verifying, owner = house.bot.verifying, Approver(ALICE, "林小满")
    for question, answer in ((LUNCH, "11:30。"), ("When does the canteen serve lunch?", "At 11:30.")):
        await verifying.make(VerifiedDraft(question, (), answer, "open", until=verifying.until(2)), owner)
    await house.look()
    for title in ("这个答案还对吗？", "Is this answer still right?"):
        await expect(page.get_by_text(title).first).to_be_visible()
    await page.get_by_test_id("inspector-toggle").click()
    await page.set_viewport_size({"width": 390, "height": 800})
    await page.get_by_role("button", name="仍然正确").last.scroll_into_view_if_needed()
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await picture(page, "verified-again-card")
    assert watched.troubles == []
