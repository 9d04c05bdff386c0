"""The web chat page as the tests use it."""

from dataclasses import dataclass

from playwright.async_api import Page, expect

from tests.e2e.browser import Watched
from tests.support.scripted_library import ScriptedLibrary

DEADLINE_S = 20.0
QUESTION = "出差回来多久内要报销？"
ANSWER = "出差结束后 **15 个自然日内** 提交 [1]，返程当日先关闭出差单 [2]。"


@dataclass
class Chat:
    """The page, what it asked, and how it fared."""

    library: ScriptedLibrary
    url: str
    watched: Watched

    @property
    def page(self) -> Page:
        return self.watched.page

    async def open(self) -> None:
        await self.page.goto(self.url)
        await expect(self.page.locator("#language")).not_to_be_empty()

    async def ask(self, question: str, state: str | None = None) -> None:
        await self.page.fill("#question", question)
        await self.page.press("#question", "Enter")
        if state:
            await expect(self.page.locator(".answer").last).to_have_attribute("data-state", state)

    def check(self) -> None:
        """Nothing went wrong in the browser and nothing left for elsewhere."""
        assert self.watched.troubles == []
        assert self.watched.outside(self.url) == []
