"""One Chromium for all browser tests; a fresh context (its own storage) and a watched page for each; the web chat."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, async_playwright, expect

from tests.e2e.browser import CHROMIUM, CHROMIUM_ARGUMENTS, Watched
from tests.e2e.web_chat import Chat
from tests.support.scripted_library import ScriptedLibrary
from tests.support.web_door import web_door

expect.set_options(timeout=30_000)
"""As long as a click waits. The default of five seconds is short for a page on a machine with much else to do."""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Headless Chromium. Tests that use it run on the session's loop: `pytest.mark.asyncio(loop_scope="session")`."""
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine (Debian: apt install chromium)")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """A desktop window of a Chinese reader."""
    context = await browser.new_context(viewport={"width": 1280, "height": 800}, locale="zh-CN")
    yield context
    await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def watched(context: BrowserContext) -> Watched:
    """A blank page that is watched from its first request on."""
    return Watched(await context.new_page()).watch()


@pytest_asyncio.fixture(loop_scope="session")
async def library() -> ScriptedLibrary:
    return ScriptedLibrary()


@pytest_asyncio.fixture(loop_scope="session")
async def base_url(library: ScriptedLibrary, tmp_path: Path) -> AsyncIterator[str]:
    async with web_door(library, tmp_path) as door:
        yield f"{door.url}/"


@pytest_asyncio.fixture(loop_scope="session")
async def chat(library: ScriptedLibrary, base_url: str, watched: Watched) -> Chat:
    chat = Chat(library, base_url, watched)
    await chat.open()
    return chat
