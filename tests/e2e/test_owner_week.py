"""An owner's weekly card on the sandbox's page, and what they decided on /admin, where it is undone."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from bot.web_app import web_app
from tests.e2e.browser import Watched
from tests.e2e.test_demo import picture
from tests.e2e.test_sandbox_page import open_page
from tests.e2e.test_verified_answers import fits
from tests.e2e.test_web_chat_more import DESK
from tests.integration.conftest import ALICE
from tests.support.owners_house import PEOPLE, ask_all, decide, propose, week, weekly
from tests.support.serving import served
from tests.support.verified_house import open_house, private_chat

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_an_owner_decides_and_an_admin_undoes_it(watched: Watched, browser: Browser, tmp_path: Path) -> None:
    async with open_house(tmp_path, people=PEOPLE) as house:
        await ask_all(house)
        card = await week(house)
        page = await open_page(watched, house.url)
        await page.get_by_test_id(f"chat-{private_chat(ALICE)}").click()
        message_id = card["message_id"]
        shown = page.locator(f"[data-message-id={message_id}]")
        await expect(shown).to_contain_text("三十分钟")
        await picture(page, "owner-week")
        await shown.get_by_role("button", name="《办公室指南》已过时").click()
        await expect(shown).to_contain_text("林小满 标记《办公室指南》为过时")
        await decide(house, card, "own_right", "健身房", "仍然正确")
        await picture(page, "owner-week-decided")

        async with served(web_app(house.bot)) as url:
            context = await browser.new_context(**DESK, reduced_motion="reduce")
            admin = Watched(await context.new_page()).watch().page
            await admin.goto(f"{url}/admin")
            rows = admin.locator("#decisions tbody tr")
            await expect(rows).to_have_count(2)
            await expect(admin.locator("#library-list")).to_contain_text("林小满 说它已过时")
            await fits(admin)
            await admin.locator("#decisions").scroll_into_view_if_needed()
            await picture(admin, "admin-decisions")
            await rows.filter(has_text="健身房").get_by_role("button").click()
            await expect(rows.filter(has_text="健身房")).to_contain_text("已撤销")
            house.advance(7)
            assert await propose(house) == 2
            again = await house.sandbox.wait_for(lambda: weekly(house, ALICE)[1:], 60)
            assert "健身房 · 上次更新" in str(again) and "三十分钟" not in str(again)
            await context.close()
