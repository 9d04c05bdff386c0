"""The demo's citations of Feishu documents: a click opens the sandbox's viewer in a new tab, at the place."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from rag.ingestion.readers.ocr import can_ocr
from tests.e2e.browser import Watched
from tests.e2e.test_demo import DEADLINE_MS, ask_in_the_group, demo, picture

pytestmark = pytest.mark.asyncio(loop_scope="session")


@dataclass
class Demo:
    """A demo that runs for all tests here, and a page of its own for each."""

    url: str


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shown(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Demo]:
    async with demo(tmp_path_factory.mktemp("demo")) as (_, url):
        yield Demo(url)


@dataclass
class Opened:
    """A tab that a citation opened."""

    page: Page
    watched: Watched

    @property
    def document(self) -> Locator:
        return self.page.get_by_test_id("document")


async def opened(watched: Watched, demo: Demo, question: str) -> Opened:
    """Asks, opens the answer's first citation, and gives the tab."""
    await watched.page.goto(demo.url)
    card = await ask_in_the_group(watched.page, question)
    await expect(card.get_by_role("button", name=re.compile("重新生成|Regenerate"))).to_be_visible(timeout=DEADLINE_MS)
    citation = card.get_by_role("link").first
    async with watched.page.context.expect_page() as popup:
        await citation.click()
    tab = Watched(await popup.value).watch()
    await tab.page.wait_for_load_state()
    assert tab.page.url.startswith(f"{demo.url}/sandbox/documents/")
    return Opened(tab.page, tab)


async def test_a_sheet_opens_at_the_sheet(watched: Watched, shown: Demo) -> None:
    tab = await opened(watched, shown, "2 号线早班在科技路几点发车？")
    await expect(tab.document.locator("h1")).to_contain_text("园区班车时刻表")
    await expect(tab.page.get_by_test_id("tabs").locator("[aria-current]")).to_have_text("班车")
    await expect(tab.page.get_by_test_id("tabs").locator("a")).to_have_count(1)  # the other sheet is hidden
    row = tab.document.locator("tr", has_text="科技路")
    await expect(row).to_be_in_viewport()
    await expect(row).to_contain_text("07:30")
    await expect(row).to_contain_text("¥3.00")
    await expect(tab.document.locator("td[rowspan='2']")).to_have_text("1 号线")
    await picture(tab.page, "viewer-sheet")
    assert watched.troubles + tab.watched.troubles == []


async def test_a_bitable_opens_at_the_table(watched: Watched, shown: Demo) -> None:
    tab = await opened(watched, shown, "投影仪 P-17 谁借走了？")
    await expect(tab.page.get_by_test_id("tabs").locator("[aria-current]")).to_have_text("借用记录")
    row = tab.document.locator("tr", has_text="投影仪 P-17")
    await expect(row).to_be_in_viewport()
    await expect(row.locator("td")).to_have_text(["投影仪 P-17", "林小满", "2026/12/31", "借出", "¥500.00"])
    await picture(tab.page, "viewer-bitable")
    assert watched.troubles + tab.watched.troubles == []


async def test_a_file_opens_at_the_heading(watched: Watched, shown: Demo) -> None:
    tab = await opened(watched, shown, "访客停车免费几小时？")
    await expect(tab.document.locator(":target")).to_have_text("# 访客停车须知")
    await expect(tab.document.locator(":target")).to_be_in_viewport()
    await expect(tab.document).to_contain_text("免费停车 4 小时")
    await picture(tab.page, "viewer-file")
    assert watched.troubles + tab.watched.troubles == []


@pytest.mark.skipif(not can_ocr(), reason="the extra ocr is not installed, without which no picture is read")
async def test_a_picture_opens_in_its_document(watched: Watched, shown: Demo) -> None:
    tab = await opened(watched, shown, "Where do visitors register, at which gate?")
    await expect(tab.document.locator("h1")).to_contain_text("园区地图")
    await expect(tab.document.locator(":target")).to_be_in_viewport()
    drawn = tab.document.locator("figure img")
    await expect(drawn).to_be_in_viewport()
    assert await drawn.evaluate("image => image.complete && image.naturalWidth > 0")
    await picture(tab.page, "viewer-document")
    assert watched.troubles + tab.watched.troubles == []
