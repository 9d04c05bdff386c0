"""One Chromium for all browser tests; a fresh context (its own storage) and a watched page for each."""

import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, async_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class Watched:
    """A page with everything that went wrong in it: `troubles` must stay empty, `requested` names every address."""

    page: Page
    troubles: list[str] = field(default_factory=list)
    requested: list[str] = field(default_factory=list)

    def watch(self) -> "Watched":
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.troubles.append(f"page error: {error}"))
        self.page.on("request", self._request)
        self.page.on("dialog", self._dialog)
        return self

    def outside(self, base_url: str) -> list[str]:
        """The requests that left for another server."""
        return [url for url in self.requested if not url.startswith((base_url, "data:", "blob:"))]

    def forgive(self, pattern: str) -> None:
        """Takes out troubles that the test itself caused, such as the browser's own line about a refused request."""
        self.troubles = [trouble for trouble in self.troubles if not re.search(pattern, trouble)]

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.troubles.append(f"console {message.type}: {message.text}")

    def _request(self, request: Request) -> None:
        self.requested.append(request.url)

    async def _dialog(self, dialog: object) -> None:
        self.troubles.append("a script opened a dialog")
        await dialog.dismiss()  # type: ignore[attr-defined]


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
