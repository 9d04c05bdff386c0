"""The web chat page in Chromium: languages, examples, keyboards, and a phone's width."""

import re

import pytest
from playwright.async_api import Browser, BrowserContext, expect

from bot.web.pages import PAGE_FOLDER
from tests.e2e.browser import Watched
from tests.e2e.web_chat import ANSWER, QUESTION, Chat
from tests.support.scripted_library import (
    ScriptedLibrary,
    telling,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_language_switches_and_is_remembered(chat: Chat) -> None:
    page = chat.page
    await expect(page.locator("#welcome h2")).to_have_text("想了解什么？")
    await page.click("#language")
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    await expect(page.locator("#welcome h2")).to_have_text("What would you like to know?")
    await page.reload()
    await expect(page.locator("#language")).to_have_text("中文")
    await expect(page.locator("#question")).to_have_attribute("placeholder", "Ask a question…")
    chat.check()


async def test_an_example_asks_itself(chat: Chat) -> None:
    chat.library.on(QUESTION, telling(ANSWER))
    await expect(chat.page.locator(".example")).to_have_count(3)
    await chat.page.click(f".example:has-text('{QUESTION}')")
    await expect(chat.page.locator(".answer")).to_have_attribute("data-state", "answered")
    chat.check()


async def test_after_an_example_one_goes_on_typing(chat: Chat) -> None:
    chat.library.on(QUESTION, telling(ANSWER))
    await chat.page.locator(f".example:has-text('{QUESTION}')").focus()
    await chat.page.keyboard.press("Enter")
    await expect(chat.page.locator(".answer")).to_have_attribute("data-state", "answered")
    await expect(chat.page.locator("#question")).to_be_focused()
    await chat.page.keyboard.type("年假")
    await expect(chat.page.locator("#question")).to_have_value("年假")
    chat.check()


async def test_enter_of_an_input_method_sends_nothing_and_shift_enter_breaks_the_line(chat: Chat) -> None:
    page = chat.page
    await page.fill("#question", "chuchai")
    composing = "new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true, cancelable: true})"
    assert await page.evaluate(f"document.getElementById('question').dispatchEvent({composing})")
    await page.press("#question", "Shift+Enter")
    assert await page.input_value("#question") == "chuchai\n"
    assert chat.library.asked == []
    chat.check()


async def test_a_phone_has_everything_within_its_width(
    library: ScriptedLibrary, base_url: str, browser: Browser
) -> None:
    context: BrowserContext = await browser.new_context(
        viewport={"width": 360, "height": 740}, locale="en-US", has_touch=True, color_scheme="dark"
    )
    try:
        chat = Chat(library, base_url, Watched(await context.new_page()).watch())
        row = f"| {' | '.join(['很长的表头很长的表头'] * 6)} |"
        wide = "\n\n".join([ANSWER, f"{row}\n|{'---|' * 6}\n{row}", f"```\n{'x' * 300}\n```", "y" * 300])
        library.on("q" * 200, telling(wide, citations=(1, 2)))
        await chat.open()
        page = chat.page
        await expect(page.locator("#side")).to_be_hidden()
        await chat.ask("q" * 200, "answered")
        assert await page.evaluate("document.documentElement.scrollWidth") == 360
        assert await page.evaluate("document.getElementById('scroll').scrollWidth") <= 360
        await page.locator(".prose button.cite").first.tap()
        await expect(page.locator("#sheet-text")).to_be_in_viewport()
        await page.tap("#sheet-close")
        await page.tap("#menu")
        await expect(page.locator(".chat-open")).to_be_in_viewport()
        await page.keyboard.press("Escape")
        await expect(page.locator("#side")).to_be_hidden()
        await expect(page.locator("#menu")).to_be_focused()
        assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(22, 24, 29)"
        chat.check()
    finally:
        await context.close()


async def test_both_languages_have_every_word(chat: Chat) -> None:
    source = (PAGE_FOLDER / "js" / "texts.js").read_text(encoding="utf-8")
    chinese, english = re.findall(r"const (?:ZH|EN) = \{(.*?)\n\};", source, re.DOTALL)
    keys = [set(re.findall(r"^  (\w+):", part, re.MULTILINE)) for part in (chinese, english)]
    assert keys[0] == keys[1]
    used = set(re.findall(r'data-(?:text|label|placeholder)="(\w+)"', (PAGE_FOLDER / "index.html").read_text("utf-8")))
    assert used
    assert used <= keys[0]
