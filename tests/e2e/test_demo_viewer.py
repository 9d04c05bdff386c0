"""The demo's citations of Feishu documents: a click opens the sandbox's viewer in a new tab, at the place."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from rag.ingestion.readers.ocr import can_ocr
from tests.e2e.browser import Watched
from tests.e2e.test_demo import DEADLINE_MS, ask_in_the_group, demo, picture

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_each_kind_of_citation_opens_its_document_at_the_place(watched: Watched, tmp_path: Path) -> None:
    """One demo for all: it takes most of the time."""
    async with demo(tmp_path) as (_, url):
        await watched.page.goto(url)
        await a_sheet(watched.page)
        await a_bitable(watched.page)
        await a_file(watched.page)
        if can_ocr():
            await a_picture(watched.page)
        assert watched.troubles == []
    if not can_ocr():
        pytest.skip("all but the picture were opened: the extra ocr, which reads pictures, is not installed")


@asynccontextmanager
async def opened(page: Page, question: str, name: str) -> AsyncIterator[Page]:
    """Asks, and opens the answer's citation: gives the tab, takes its picture and closes it."""
    card = await ask_in_the_group(page, question)
    await expect(card.get_by_role("button", name=re.compile("重新生成|Regenerate"))).to_be_visible(timeout=DEADLINE_MS)
    async with page.context.expect_page() as popup:
        await card.get_by_role("link").first.click()
    tab = Watched(await popup.value).watch()
    await expect(tab.page.get_by_test_id("document")).to_be_visible()
    yield tab.page
    await picture(tab.page, name)
    assert tab.troubles == []
    await tab.page.close()


async def a_sheet(page: Page) -> None:
    async with opened(page, "2 号线早班在科技路几点发车？", "viewer-sheet") as tab:
        await expect(tab.locator("h1")).to_contain_text("园区班车时刻表")
        await expect(tab.get_by_test_id("tabs").locator("a")).to_have_text(["班车"])  # the other sheet is hidden
        row = tab.locator("tr", has_text="科技路")
        await expect(row).to_be_in_viewport()
        await expect(row.locator("td")).to_have_text(["2 号线", "科技路", "07:30", "18:20", "¥3.00", "71%"])
        await expect(tab.locator("td[rowspan='2']")).to_have_text("1 号线")


async def a_bitable(page: Page) -> None:
    async with opened(page, "投影仪 P-17 谁借走了？", "viewer-bitable") as tab:
        await expect(tab.get_by_test_id("tabs").locator("[aria-current]")).to_have_text("借用记录")
        row = tab.locator("tr", has_text="投影仪 P-17")
        await expect(row).to_be_in_viewport()
        await expect(row.locator("td")).to_have_text(["投影仪 P-17", "林小满", "2026/12/31", "借出", "¥500.00"])


async def a_file(page: Page) -> None:
    async with opened(page, "访客停车免费几小时？", "viewer-file") as tab:
        await expect(tab.locator(":target")).to_have_text("# 访客停车须知")
        await expect(tab.locator(":target")).to_be_in_viewport()
        await expect(tab.get_by_test_id("document")).to_contain_text("免费停车 4 小时")


async def a_picture(page: Page) -> None:
    async with opened(page, "Where do visitors register, at which gate?", "viewer-document") as tab:
        await expect(tab.locator("h1")).to_contain_text("园区地图")
        drawn = tab.locator("figure:target img")
        await expect(drawn).to_be_in_viewport()
        assert await drawn.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
