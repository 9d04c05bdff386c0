"""The web chat page in Chromium: a source opens its whole passage, marked where the answer leans on it."""

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Route, expect

from bot.settings import BotSettings
from rag.documents import Chunk, Place
from rag.events import Retrieved
from tests.e2e.browser import Watched
from tests.e2e.test_web_chat_more import PHONE, serious
from tests.e2e.web_chat import QUESTION, Chat
from tests.integration.test_api_keys import hashed
from tests.support.scripted_library import ScriptedLibrary, passages, telling
from tests.support.web_door import web_door

pytestmark = pytest.mark.asyncio(loop_scope="session")

PICTURES = os.environ.get("PICTURES_DIR", "")
ANSWER = "出差结束后 **10 个工作日内** 提交报销单 [1]。北京的住宿标准是每晚 600 元 [1]。逾期要说明原因 [2]。"
LONG = (
    "## 三、时限\n\n" + "本条适用于国内出差与境外出差，境外出差另见附则。" * 6 + "\n\n"
    "员工应在出差结束后 **10 个工作日内** 提交报销单，并附上[行程单](https://wiki.example.com/form)。\n\n"
    "| 城市 | 住宿标准 |\n|---|---|\n| 北京 | 每晚 600 元 |\n| 其他城市 | 每晚 400 元 |\n\n"
    "- 票据须在有效期内\n- 抬头须与公司名称一致\n"
)


PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n%%EOF"


def retrieved() -> Retrieved:
    found = passages(
        ("差旅报销制度", ("差旅报销制度", "三、时限"), LONG),
        ("财务常见问题", ("财务常见问题",), '逾期提交须说明原因。\n\n<img src=x onerror="window.__pwned=1">'),
    )
    first, second = found.passages
    placed = replace(first.chunk, source="差旅.pdf", collection="default", place=Place("page", "3"))
    return replace(found, passages=(replace(first, chunk=placed), second))


def whole_text() -> tuple[Chunk, ...]:
    """The first passage deep inside a long document."""
    parts = [(("差旅报销制度", f"第 {number} 章"), "其余的规定很长。" * 60) for number in range(12)]
    parts.insert(8, (("差旅报销制度", "三、时限"), LONG))
    starts = [sum(len(text) for _, text in parts[:at]) for at in range(len(parts))]
    return tuple(
        Chunk(at, "差旅.pdf", "差旅报销制度", headings, text, start, start + len(text), collection="default")
        for at, ((headings, text), start) in enumerate(zip(parts, starts, strict=True))
    )


@pytest.fixture
def library() -> ScriptedLibrary:
    made = ScriptedLibrary()
    made.on(QUESTION, telling(ANSWER, retrieved=retrieved(), citations=(1, 2)))
    made.texts["default", "差旅.pdf"] = whole_text()
    made.files["default", "差旅.pdf"] = PDF
    return made


async def picture(chat: Chat, name: str) -> None:
    if PICTURES:
        await chat.page.screenshot(path=Path(PICTURES) / f"{name}.png")


async def test_the_whole_passage_is_shown_with_its_page_and_marked(chat: Chat) -> None:
    await chat.ask(QUESTION, "answered")
    page = chat.page
    await page.locator(".prose button.cite").first.click()
    await expect(page.locator("#sheet-path")).to_have_text("三、时限 · 第 3 页")
    await expect(page.locator("#sheet-text")).to_contain_text("抬头须与公司名称一致")
    await expect(page.locator("#sheet-text table")).to_be_visible()
    marked = "".join(await page.locator("#sheet-text p mark").all_inner_texts())
    assert marked.replace(" ", "") == "员工应在出差结束后10个工作日内提交报销单，并附上行程单。"
    assert await page.locator("#sheet-text td mark").all_inner_texts() == ["北京", "每晚 600 元"]
    await expect(page.locator("#sheet-text mark").first).to_be_in_viewport()
    await expect(page.locator("#sheet-cut")).to_be_hidden()
    await picture(chat, "source-desk-light")
    await page.keyboard.press("ArrowRight")
    await expect(page.locator("#sheet-text mark")).to_have_text("逾期提交须说明原因。")
    await expect(page.locator("#sheet-text img")).to_have_count(0)
    await expect(page.locator("#sheet-path")).to_be_hidden()
    chat.check()


async def test_a_citation_leads_to_the_page_of_the_pdf_and_to_the_passage_in_the_whole_text(chat: Chat) -> None:
    await chat.ask(QUESTION, "answered")
    page = chat.page
    await page.locator(".prose button.cite").first.click()
    file = page.locator("#sheet-file")
    await expect(file).to_have_text("打开原文件（第 3 页）")
    address = str(await file.get_attribute("href"))
    assert address.startswith("chat/") and address.endswith("/sources/1/file#page=3")
    given = await page.request.get(f"{chat.url}{address.partition('#')[0]}")
    assert (await given.body(), given.headers["content-type"]) == (PDF, "application/pdf")
    await expect(page.locator("#sheet-link")).to_have_attribute("href", "https://wiki.example.com/x#page=3")
    await page.get_by_role("button", name="在全文中查看").click()
    await expect(page.locator("#sheet-text .here")).to_have_count(1)
    await expect(page.locator("#sheet-text .here mark").first).to_be_in_viewport()
    await expect(page.locator("#sheet-text")).to_contain_text("第 11 章")
    assert await page.evaluate("document.getElementById('sheet-body').scrollTop") > 500
    assert await serious(page) == []
    await picture(chat, "source-whole-text")
    await page.get_by_role("button", name="只看这一段").click()
    await expect(page.locator("#sheet-text")).not_to_contain_text("第 11 章")
    await page.keyboard.press("ArrowRight")
    await page.get_by_role("button", name="在全文中查看").click()
    await expect(page.locator("#sheet-whole-note")).to_have_text("这份文档已不在资料库中，看不了全文。")
    chat.watched.forgive(r"Failed to load resource")
    chat.check()


async def test_where_a_key_is_wanted_the_file_is_fetched_with_it(
    library: ScriptedLibrary, tmp_path: Path, watched: Watched
) -> None:
    library.texts.clear()
    settings = BotSettings(api_keys=[hashed("secret-key")], web_host="0.0.0.0")
    async with web_door(library, tmp_path, settings) as door:
        chat = Chat(library, f"{door.url}/", watched)
        await chat.open()
        await chat.ask(QUESTION)
        await chat.page.fill("#key", "secret-key")
        await chat.page.press("#key", "Enter")
        await expect(chat.page.locator(".answer").last).to_have_attribute("data-state", "answered")
        await chat.page.locator(".prose button.cite").first.click()
        async with chat.page.expect_popup() as opened:
            await chat.page.locator("#sheet-file").click()
        tab = await opened.value
        await tab.wait_for_url(re.compile("^blob:.*#page=3$"), wait_until="commit")
        await picture(chat, "source-file-with-key")
        chat.watched.forgive(r"Failed to load resource")
        chat.check()


async def test_where_only_the_beginning_is_kept_it_is_said(chat: Chat) -> None:
    async def forgotten(route: Route) -> None:
        await route.fulfill(status=404, json={"error": {"type": "NotFound", "message": "", "what_to_do": ""}})

    await chat.page.route("**/chat/*/sources/*", forgotten)
    await chat.ask(QUESTION, "answered")
    await chat.page.locator(".prose button.cite").first.click()
    await expect(chat.page.locator("#sheet-cut")).to_have_text("只留有这一段的开头，全文见原文档。")
    await expect(chat.page.locator("#sheet-text")).to_contain_text("…")
    chat.watched.forgive(r"Failed to load resource")
    chat.check()


@pytest.mark.parametrize(("window", "scheme"), [(PHONE, "dark"), (PHONE, "light")])
async def test_a_phone_shows_the_passage_without_sideways_scrolling(
    library: ScriptedLibrary, base_url: str, browser: Browser, window: dict[str, Any], scheme: Any
) -> None:
    context = await browser.new_context(**window, color_scheme=scheme)
    try:
        chat = Chat(library, base_url, Watched(await context.new_page()).watch())
        await chat.open()
        await chat.ask(QUESTION, "answered")
        await chat.page.locator(".prose button.cite").first.tap()
        await expect(chat.page.locator("#sheet-text mark").first).to_be_in_viewport()
        await expect(chat.page.locator("#sheet-path")).to_have_text("三、时限 · page 3")
        assert await chat.page.evaluate("document.getElementById('sheet-body').scrollWidth") <= 390
        assert await serious(chat.page) == []
        await picture(chat, f"source-phone-{scheme}")
        chat.check()
    finally:
        await context.close()
