"""The web chat page in Chromium: a source opens its whole passage, marked where the answer leans on it."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Route, expect

from rag.documents import Place
from rag.events import Retrieved
from tests.e2e.browser import Watched
from tests.e2e.test_web_chat_more import PHONE, serious
from tests.e2e.web_chat import QUESTION, Chat
from tests.support.scripted_library import ScriptedLibrary, passages, telling

pytestmark = pytest.mark.asyncio(loop_scope="session")

PICTURES = os.environ.get("PICTURES_DIR", "")
ANSWER = "出差结束后 **10 个工作日内** 提交报销单 [1]。北京的住宿标准是每晚 600 元 [1]。逾期要说明原因 [2]。"
LONG = (
    "## 三、时限\n\n" + "本条适用于国内出差与境外出差，境外出差另见附则。" * 6 + "\n\n"
    "员工应在出差结束后 **10 个工作日内** 提交报销单，并附上[行程单](https://wiki.example.com/form)。\n\n"
    "| 城市 | 住宿标准 |\n|---|---|\n| 北京 | 每晚 600 元 |\n| 其他城市 | 每晚 400 元 |\n\n"
    "- 票据须在有效期内\n- 抬头须与公司名称一致\n"
)


def retrieved() -> Retrieved:
    found = passages(
        ("差旅报销制度", ("差旅报销制度", "三、时限"), LONG),
        ("财务常见问题", ("财务常见问题",), '逾期提交须说明原因。\n\n<img src=x onerror="window.__pwned=1">'),
    )
    first, second = found.passages
    return replace(found, passages=(replace(first, chunk=replace(first.chunk, place=Place("page", "3"))), second))


@pytest.fixture
def library() -> ScriptedLibrary:
    made = ScriptedLibrary()
    made.on(QUESTION, telling(ANSWER, retrieved=retrieved(), citations=(1, 2)))
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
