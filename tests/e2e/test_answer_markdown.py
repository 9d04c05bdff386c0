"""What models write beyond CommonMark, as people see it: web chat, admin page, and the cards of the local platform."""

from pathlib import Path

import pytest
from playwright.async_api import Locator, expect

from bot.web.auth import LOCAL
from feishu.cards.markdown import safe_markdown
from feishu.sandbox import Sandbox, SandboxSettings, running
from rag.scope import EVERYTHING
from tests.e2e.browser import Watched
from tests.e2e.test_sandbox_page import open_page, post_card
from tests.e2e.web_chat import QUESTION, Chat
from tests.support.platform_client import card, markdown
from tests.support.scripted_library import ScriptedLibrary, telling
from tests.support.web_door import web_door

pytestmark = pytest.mark.asyncio(loop_scope="session")

BOLD = {
    "**注意：**超期不予报销": "注意：",
    "**差旅（含住宿）**费用为每晚四百元": "差旅（含住宿）",
    "**“十五个工作日”**内提交": "“十五个工作日”",
    "依照**《差旅办法》**第三条": "《差旅办法》",
    "请填**「出差单」**，再交": "「出差单」",
    "标准为**【一类】**城市": "【一类】",
    "**提交、审批；付款！**三步": "提交、审批；付款！",
    "**到底行吗？**Yes": "到底行吗？",
    "**稍候……**再试，": "稍候……",
    "约**¥500**元": "¥500",
    "满**50%**以上": "50%",
    "***务必：***当天": "务必：",
    "见**[手册](https://example.com/a)**即可": "手册",
    "用**`git push`**推送": "git push",
    "> **引：**文": "引：",
    "- **项：**文": "项：",
    "### **题：**文": "题：",
    "| **头：**文 |\n|---|\n| 甲 |": "头：",
}
TEXT = "\n\n".join(
    [*BOLD, "*（注）*文", "~~（旧）~~新", "方法__init__和 a**（b", "补贴=基数*（天数+1）*系数", "`**码：**文`"]
)
BREAKS = (
    "| 项目 | 说明 |\n|---|---|\n| 差旅 | 15 日内<br>需审批<BR/>`<br>` [1] |\n\n甲<br>\n乙<br />丙\n\n```\n<br>\n```"
)


async def check_emphasis(shown: Locator) -> None:
    """Every strong text of `BOLD`, and nothing of the rest."""
    await expect(shown.locator("strong")).to_have_text(list(BOLD.values()))
    await expect(shown.locator("s")).to_have_text("（旧）")
    for kept in ("方法__init__和", "a**（b", "补贴=基数*（天数+1）*系数", "**码：**文"):
        await expect(shown).to_contain_text(kept)


async def check_breaks(shown: Locator) -> None:
    """A line break in the cell and in the paragraph, and text in code."""
    cell = shown.locator("td", has_text="15 日内")
    assert [line.strip() for line in (await cell.inner_text()).split("\n")][:2] == ["15 日内", "需审批"]
    await expect(cell.locator("code")).to_have_text("<br>")
    paragraph = shown.locator("p", has_text="甲")
    assert (await paragraph.inner_text()).split("\n") == ["甲", "乙", "丙"]
    await expect(shown.locator("pre")).to_have_text("<br>")


async def test_the_web_chat_shows_emphasis_beside_chinese_signs(chat: Chat) -> None:
    chat.library.on(QUESTION, telling(TEXT, size=3))
    await chat.ask(QUESTION, "answered")
    prose = chat.page.locator(".answer .prose")
    await check_emphasis(prose)
    await expect(prose.locator("em", has_text="（注）")).to_have_count(1)
    chat.check()


async def test_the_web_chat_breaks_lines_where_the_model_did(chat: Chat) -> None:
    chat.library.on(QUESTION, telling(BREAKS, citations=(1,), size=3))
    await chat.ask(QUESTION, "answered")
    await check_breaks(chat.page.locator(".answer .prose"))
    await expect(chat.page.locator("td button.cite")).to_have_text("1")
    chat.check()


async def test_the_web_chat_numbers_a_list_from_where_it_begins(chat: Chat) -> None:
    chat.library.on(QUESTION, telling("3. 提交\n4. 审批", size=3))
    await chat.ask(QUESTION, "answered")
    assert await chat.page.locator(".answer .prose ol").evaluate("list => list.start") == 3
    chat.check()


async def test_the_admin_page_shows_answers_as_their_readers_saw_them(watched: Watched, tmp_path: Path) -> None:
    library = ScriptedLibrary()
    hostile = '<img src=x onerror="window.__pwned=1">'
    library.otherwise = telling(f"{TEXT}\n\n{BREAKS}\n\n{hostile}")
    async with web_door(library, tmp_path) as door:
        run = await door.turns.ask(LOCAL, QUESTION, conversation_id="c", scope=EVERYTHING)
        await run.whole()
        await door.tracing.settle()
        await watched.page.goto(f"{door.url}/admin")
        await watched.page.locator(".open-turn").first.click()
        answer = watched.page.locator("#drawer .answer-text")
        await check_emphasis(answer)
        await check_breaks(answer)
        await expect(answer).to_contain_text(hostile)
        assert await watched.page.evaluate("window.__pwned") is None
        assert watched.troubles == [] and watched.outside(door.url) == []


@pytest.mark.parametrize("through_the_bot", [True, False])
async def test_a_card_shows_both(watched: Watched, through_the_bot: bool) -> None:
    """As the bot writes it, and as another sender might."""
    sandbox = Sandbox(SandboxSettings())
    async with running(sandbox) as url:
        page = await open_page(watched, url)
        for text in (TEXT, BREAKS):
            post_card(sandbox, card(markdown(safe_markdown(text) if through_the_bot else text)))
        cards = page.get_by_test_id("card")
        await expect(cards).to_have_count(2)
        await check_emphasis(cards.first)
        if through_the_bot:
            await check_breaks(cards.last)
        assert watched.troubles == [] and watched.outside(url) == []
