"""The admin page on documents in Chromium: dropped, read with progress, looked into, searched, replaced and removed."""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from feishu.sandbox import Sandbox, SandboxSettings, running
from rag.index.base.manifest import writing
from tests.e2e.browser import Watched
from tests.e2e.test_demo import picture
from tests.e2e.test_web_chat_more import serious
from tests.support.bot_process import SECRETS, BotProcess, bot_process
from tests.support.feishu_content import SPACE

pytestmark = pytest.mark.asyncio(loop_scope="session")

HOSTILE = "<img src=x onerror='window.__pwned=1'>"
QUESTION = "渡轮每天几点开？"
TIMETABLE = "# 渡轮\n\n渡轮每天早上八点十五分从西码头开。\n"
DROP = """([place, name, text]) => {
  const given = new DataTransfer();
  given.items.add(new File([text], name, {type: "text/markdown"}));
  for (const kind of ["dragenter", "dragover", "drop"])
    document.querySelector(place).dispatchEvent(new DragEvent(kind, {dataTransfer: given, cancelable: true}));
}"""


@dataclass
class Shelf:
    """A bot on the sandbox, with folders of its own."""

    bot: BotProcess
    handbook: Path
    files: Path
    index: Path


@pytest_asyncio.fixture(loop_scope="session")
async def shelf(tmp_path: Path) -> AsyncIterator[Shelf]:
    handbook, closed, files = tmp_path / "handbook", tmp_path / "hr", tmp_path / "mine"
    for folder in (handbook, closed, files):
        folder.mkdir()
    for number in range(60):
        (handbook / f"rule-{number:02}.md").write_text(f"# 规定 {number:02}\n\n第 {number} 条规定。\n", "utf-8")
    (handbook / "broken.pdf").write_bytes(b"%PDF-1.4 broken")
    (handbook / "long.md").write_text("\n\n".join(f"# {n}\n\n{HOSTILE} {'长' * 400}" for n in range(25)), "utf-8")
    (closed / "pay.md").write_text("# 薪酬\n\n年终奖三个月。\n", "utf-8")
    sandbox = Sandbox(SandboxSettings(**{name.split("__")[1].lower(): value for name, value in SECRETS.items()}))
    sandbox.platform.documents.node(SPACE, "露营须知", "帐篷押金为每顶 320 元。")
    settings = {
        "RAG__KNOWLEDGE": json.dumps([str(handbook)]),
        "RAG__COLLECTIONS": json.dumps({"hr": {"folders": [str(closed)]}, "default": {"public": True}}),
        "RAG__LINKS": json.dumps([SPACE]),
    }
    async with running(sandbox) as url, bot_process(url, tmp_path, **settings) as bot:
        yield Shelf(bot, handbook, files, tmp_path / "index")


async def read(page: Page, times: int) -> None:
    """Until so many ingests have ended; the newest is shown, the others are folded below it."""
    await expect(page.locator(".ingest .run[data-state='done']")).to_have_count(times)
    await expect(page.locator(".ingest .run[data-state='running'], .ingest .run[data-state='queued']")).to_have_count(0)


async def test_documents_are_dropped_read_looked_into_replaced_and_removed(watched: Watched, shelf: Shelf) -> None:
    page = watched.page
    await page.goto(f"{shelf.bot.web}/admin")
    await expect(page.locator("#library-note")).to_contain_text("There is no index")
    await expect(page.locator("#library-count")).to_contain_text("共 63 份，第 1 / 2 页")
    await page.click("#read-changes")
    await read(page, 1)
    await expect(page.locator(".ingest .run").first).to_contain_text("新增 63")
    await page.locator(".links summary").click()
    await expect(page.locator(".links li")).to_contain_text("1 篇")

    first = page.locator("#library-list tbody tr").first
    await expect(first).to_contain_text("broken.pdf")
    await expect(first).to_contain_text("读不了")
    await page.get_by_role("button", name="下一页").click()
    await expect(page.locator("#library-count")).to_contain_text("第 2 / 2 页")
    await page.fill("#library-words", "long")
    await page.get_by_role("button", name="查看“0”的段落").click()
    await expect(page.locator("#passages .note")).to_have_text(re.compile(r"^索引里共 50 段$"))
    await expect(page.locator("#passages .passage")).to_have_count(20)
    await picture(page, "admin-documents-passages")
    assert await serious(page) == []
    await page.locator("#passages").get_by_role("button", name="下一页").click()
    await expect(page.locator("#passages .passage h3").first).to_contain_text("第 21 段")
    await page.keyboard.press("Escape")

    await page.fill("#trial-question", QUESTION)
    await page.press("#trial-question", "Enter")
    await expect(page.locator("#trial-said .verdict")).to_contain_text("拒答")
    await page.evaluate(DROP, ["#library .drop", "渡轮.md", TIMETABLE])
    await expect(page.locator(".uploads li")).to_contain_text("已上传")
    await read(page, 2)
    await expect(page.locator(".compared")).to_contain_text("新出现 1 段")
    await expect(page.locator(".found > li").first).to_contain_text("新出现")
    await expect(page.locator(".found mark").first).to_contain_text("渡轮")
    await page.locator(".signals summary").click()
    await expect(page.locator(".signals table")).to_contain_text("最佳段落的词匹配")
    assert (shelf.handbook / "渡轮.md").read_text("utf-8") == TIMETABLE
    assert await serious(page) == []
    await picture(page.locator("#trial"), "admin-documents-search")

    mine = shelf.files / "渡轮.md"
    mine.write_text(TIMETABLE.replace("八点十五分", "九点"), "utf-8")
    await page.set_input_files("#upload-files", [mine])
    await expect(page.locator(".uploads [role='alert']")).to_contain_text("已有同名文件，要替换吗？")
    assert "八点十五分" in (shelf.handbook / "渡轮.md").read_text("utf-8")
    await page.get_by_role("button", name="替换").press("Enter")
    await read(page, 3)
    await expect(page.locator(".compared")).to_contain_text("内容有变 1 段")
    await expect(page.locator(".found > li").first).to_contain_text("九点")
    watched.forgive("409")

    await page.fill("#library-words", "渡轮")
    await expect(page.locator("#library-list tbody tr")).to_have_count(1)
    await page.get_by_role("button", name="移除“渡轮”").press("Enter")
    await expect(page.locator("#confirm")).to_contain_text("从文件夹里删除“渡轮”？")
    assert await serious(page) == []
    await page.keyboard.press("Enter")  # which cancels
    await expect(page.locator("#confirm")).to_be_hidden()
    assert (shelf.handbook / "渡轮.md").exists()
    await page.get_by_role("button", name="移除“渡轮”").click()
    await page.locator("#confirm .primary").click()
    await read(page, 4)
    await expect(page.locator(".compared")).to_contain_text("不再出现 1 段")
    await expect(page.locator("#library-list tbody tr")).to_have_count(0)
    assert not (shelf.handbook / "渡轮.md").exists()
    assert await page.evaluate("window.__pwned") is None
    assert watched.troubles == [] and watched.outside(shelf.bot.web) == []


async def test_an_ingest_is_followed_and_stopped_on_a_phone_in_english(browser: Browser, shelf: Shelf) -> None:
    window = {"viewport": {"width": 375, "height": 800}, "locale": "en-US", "has_touch": True}
    context = await browser.new_context(**window, color_scheme="dark", reduced_motion="reduce")  # type: ignore[arg-type]
    try:
        watched = Watched(await context.new_page()).watch()
        page = watched.page
        shelf.index.mkdir(exist_ok=True)
        with writing(shelf.index):
            await page.goto(f"{shelf.bot.web}/admin")
            await expect(page.locator(".ingest")).to_contain_text("The index is being written to")
            await page.locator("#read-all").tap()
            await page.locator("#confirm .primary").tap()
            run = page.locator(".ingest .run")
            await expect(run).to_contain_text("Another process (feishu-rag ingest) writes to the index; waiting")
            assert await page.evaluate("document.documentElement.scrollWidth") <= 375
            assert await serious(page) == []
            await run.get_by_role("button", name="Stop").tap()
            await expect(run).to_contain_text("The ingest was stopped")
        (shelf.files / "setup.exe").write_bytes(b"MZ")
        (shelf.files / "empty.md").write_bytes(b"")
        await page.set_input_files("#upload-files", [shelf.files / "setup.exe", shelf.files / "empty.md"])
        await expect(page.locator(".uploads li").nth(0)).to_contain_text("This kind of file is not read.")
        await expect(page.locator(".uploads li").nth(1)).to_contain_text("The file is empty.")
        watched.forgive("415|422")
        await page.locator("#read-changes").tap()
        await read(page, 1)
        await page.select_option("#library-state", "failed")
        await expect(page.locator("#library-list tbody tr")).to_have_count(1)
        await expect(page.locator("#library-list")).to_contain_text("could not be read")
        await expect(page.locator("#library-state option:checked")).to_have_text("could not be read (1)")
        await page.select_option("#library-state", "")
        await page.select_option("#library-collection", "hr")
        await expect(page.locator("#library-list tbody tr")).to_have_count(1)
        await page.fill("#trial-question", "年终奖几个月？")
        await page.select_option("#trial-collection", "default")
        await page.locator("#trial-form button").tap()
        await expect(page.locator("#trial-said .verdict")).to_have_text(re.compile("Refused|decides|passages"))
        await expect(page.locator("#trial-said")).not_to_contain_text("pay.md")
        await page.select_option("#trial-collection", "hr")
        await page.locator("#trial-form button").tap()
        await expect(page.locator("#trial-said .found > li").first).to_contain_text("pay.md")
        assert await page.evaluate("document.documentElement.scrollWidth") <= 375
        assert await serious(page) == []
        await picture(page.locator("#library"), "admin-documents-phone")
        await page.click("#language")
        await expect(page.locator("#library-title")).to_have_text("资料")
        await expect(page.locator("#library-count")).to_contain_text("共 1 份")
        await expect(page.locator("#trial-said .found-scores").first).to_contain_text("词 第 1 名")
        assert watched.troubles == [] and watched.outside(shelf.bot.web) == []
    finally:
        await context.close()
