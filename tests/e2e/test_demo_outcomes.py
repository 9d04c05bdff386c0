"""The demo's scripted model comes to every outcome, on the card and in the web chat; their pictures."""

import base64
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, ViewportSize, expect

from bot.demo import SCRIPTED
from tests.e2e.browser import Watched
from tests.e2e.test_demo import DEADLINE_MS, PICTURES, QUESTION, ask_in_the_group, demo, picture, warmed_up

pytestmark = pytest.mark.asyncio(loop_scope="session")

TALL: ViewportSize = {"width": 1280, "height": 1300}
UNSURE = "飞长途能不能坐商务舱？"
NOT_THERE = "公司能帮忙办杭州落户吗？"
LONG = "请详细说明发票要求"
ENGLISH = "What do I need for the residence permit?"
LIMIT = "120"
"""Tokens of an answer: enough for a short one, too few for a long one, which then goes on to its end."""
COLUMNS = (("outcome-answered", "outcome-hedged"), ("outcome-no-evidence", "outcome-cut"))


async def closed(card: Locator) -> Locator:
    """The card once it has ended."""
    await expect(card.get_by_role("button", name="🔄 重新生成")).to_be_visible(timeout=DEADLINE_MS)
    return card


async def test_each_outcome_and_a_cut_answer_that_goes_on_stand_on_the_card(
    watched: Watched, browser: Browser, tmp_path: Path
) -> None:
    page = watched.page
    await page.set_viewport_size(TALL)
    async with demo(tmp_path, RAG__LLM__MAX_TOKENS=LIMIT) as (bot, url):
        await warmed_up(bot)
        await page.goto(url)
        answered = await closed(await ask_in_the_group(page))
        await expect(answered).to_contain_text("📎 参考资料")
        await picture(answered, "outcome-answered")
        hedged = await closed(await ask_in_the_group(page, UNSURE))
        await expect(hedged).to_contain_text("没有引用资料，请自行核实")
        await picture(hedged, "outcome-hedged")
        refused = await closed(await ask_in_the_group(page, NOT_THERE))
        await expect(refused).to_contain_text("根据现有资料无法回答此问题")
        await expect(refused).to_contain_text(SCRIPTED)  # the model's refusal, not the floor's
        await picture(refused, "outcome-no-evidence")
        await cut_and_gone_on(page)
        english = await ask_in_the_group(page, ENGLISH)
        await expect(english).to_contain_text("Within 30 days", timeout=DEADLINE_MS)
        await expect(english).to_contain_text("[1]")
        await expect(english.get_by_role("button", name="🔄 Regenerate")).to_be_visible(timeout=DEADLINE_MS)
        await picture(english, "outcome-english")
        assert watched.troubles == []
    if PICTURES:
        await put_together(await browser.new_page(viewport={"width": 900, "height": 600}), Path(PICTURES))


async def cut_and_gone_on(page: Page) -> None:
    """A long answer is cut by the limit of tokens, and goes on in the same card to its end."""
    card = await closed(await ask_in_the_group(page, LONG))
    await expect(card).to_contain_text("长度上限")
    await expect(card).not_to_contain_text("由财务经理审批")
    await picture(card, "outcome-cut")
    await card.get_by_role("button", name="▶ 继续写").click()
    await expect(card.get_by_role("button", name="⏹ 停止")).to_be_visible(timeout=DEADLINE_MS)
    await expect(card).to_contain_text("优先提供电子发票")
    await picture(card, "outcome-going-on")
    await expect(card).to_contain_text("2/2", timeout=DEADLINE_MS)
    await expect(card).to_contain_text("由财务经理审批", timeout=DEADLINE_MS)
    await picture(await closed(card), "outcome-gone-on")


async def test_each_outcome_stands_in_the_web_chat(watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    await page.set_viewport_size({"width": 900, "height": 1800})
    async with demo(tmp_path, RAG__LLM__MAX_TOKENS=LIMIT) as (bot, _):
        await page.goto(bot.web)
        await expect(page.locator("#language")).not_to_be_empty()
        for question, state in {QUESTION: "answered", UNSURE: "hedged", NOT_THERE: "no_evidence"}.items():
            await ask_on_the_page(page, question, state)
        await picture(page, "web-outcomes")
        await ask_on_the_page(page, LONG, "answered")
        await expect(page.locator(".notice").last).to_contain_text("长度上限")
        await picture(page, "web-cut")
        await page.locator("[data-act='goOn']").click()
        await expect(page.locator(".prose").last).to_contain_text("由财务经理审批", timeout=DEADLINE_MS)
        await expect(page.locator(".answer").last).to_have_attribute("data-state", "answered", timeout=DEADLINE_MS)
        await picture(page, "web-gone-on")
        assert watched.troubles == []


async def ask_on_the_page(page: Page, question: str, state: str) -> None:
    answers = await page.locator(".answer").count()
    await page.fill("#question", question)
    await page.press("#question", "Enter")
    await expect(page.locator(".answer")).to_have_count(answers + 1, timeout=DEADLINE_MS)
    await expect(page.locator(".answer").last).to_have_attribute("data-state", state, timeout=DEADLINE_MS)


async def put_together(page: Page, folder: Path) -> None:
    """One picture of the cards, in two columns."""

    def image(name: str) -> str:
        encoded = base64.b64encode((folder / f"{name}.png").read_bytes()).decode()
        return f'<img src="data:image/png;base64,{encoded}" style="display:block;margin:0 0 16px">'

    columns = "".join(f"<div>{''.join(map(image, names))}</div>" for names in COLUMNS)
    style = "display:inline-flex;gap:16px;padding:16px 16px 0;background:#f2f3f5;align-items:flex-start"
    await page.set_content(f'<body style="margin:0"><div id="all" style="{style}">{columns}</div>')
    await page.locator("#all").screenshot(path=folder / "outcomes.png")
    await page.close()
