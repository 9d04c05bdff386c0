"""The demo's /admin: a login as with Feishu, for the one who may, on the laptop where the demo runs."""

import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.e2e.browser import Watched
from tests.e2e.test_demo import demo, picture
from tests.e2e.test_web_chat_more import serious
from tests.support.caller import caller

pytestmark = pytest.mark.asyncio(loop_scope="session")

DEADLINE_MS = 60_000


async def test_the_admin_logs_in_and_out_and_nobody_else_gets_in(watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    async with demo(tmp_path) as (bot, platform), caller() as http:
        await http.post(f"{bot.web}/chat", json={"question": "出差回来多久内要报销？"})
        await page.goto(f"{bot.web}/admin")
        await expect(page.locator("#gate")).to_be_visible(timeout=DEADLINE_MS)
        assert (await http.get(f"{bot.web}/admin/api/overview")).status_code == 401
        await picture(page, "demo-admin-gate")
        assert await serious(page) == []

        await page.click("#login")
        await expect(page).to_have_url(re.compile(f"^{re.escape(platform)}/open-apis/authen/v1/authorize"))
        await page.click("text=周明")
        await expect(page.locator("#gate-note")).to_contain_text("不在管理员名单")
        await expect(page.locator("#board")).to_be_hidden()

        await page.click("#login")
        await page.click("text=林小满")
        await expect(page.locator("#who")).to_have_text("林小满")
        await expect(page.locator(".tile b").first).to_have_text("1")
        cookies = {cookie["name"]: cookie for cookie in await page.context.cookies(f"{bot.web}/admin")}
        assert cookies["feishu_rag_admin"]["httpOnly"] and cookies["feishu_rag_admin"]["sameSite"] == "Lax"
        await picture(page, "demo-admin-board")

        await page.click("#leave")
        await expect(page.locator("#gate")).to_be_visible()
        await page.reload()
        await expect(page.locator("#gate")).to_be_visible()
    watched.forgive("401")
    assert watched.troubles == []
