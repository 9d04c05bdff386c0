"""The web chat's three outcomes, cut answers and going on with one, in Chromium."""

from typing import Any

import pytest
from playwright.async_api import Browser, expect

from rag.events import Ending
from tests.e2e.browser import Watched
from tests.e2e.test_web_chat_more import DESK, PHONE, serious
from tests.e2e.web_chat import ANSWER, QUESTION, Chat
from tests.support.scripted_library import (
    PASSAGES,
    Gate,
    ScriptedLibrary,
    going_on,
    passages,
    refusing,
    telling,
    turning_down,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")
CUT = "出差结束后 **15 个自然日内** 提交 [1]，"


async def test_an_answer_with_sources_says_how_sure_it_is_in_words(chat: Chat) -> None:
    chat.library.on(QUESTION, telling(ANSWER, citations=(1, 2), confidence=0.81, level="high"))
    await chat.ask(QUESTION, "answered")
    await expect(chat.page.locator(".assurance")).to_have_text("有资料依据 · 把握较高")
    await expect(chat.page.locator(".foot")).not_to_contain_text("%")
    calibrated = telling(ANSWER, citations=(1, 2), confidence=0.81, level="high", is_calibrated=True)
    chat.library.on("校准过", calibrated)
    await chat.ask("校准过", "answered")
    await expect(chat.page.locator(".assurance").last).to_have_text("有资料依据 · 把握 81%")
    await chat.page.reload()
    await expect(chat.page.locator(".assurance")).to_have_text(["有资料依据 · 把握较高", "有资料依据 · 把握 81%"])
    chat.check()


async def test_an_answer_that_cites_nothing_says_so_and_claims_no_confidence(chat: Chat) -> None:
    chat.library.on(QUESTION, telling("大概 15 天。", outcome="hedged", confidence=0.9, level="high"))
    await chat.ask(QUESTION, "hedged")
    await expect(chat.page.locator(".notice")).to_contain_text("没有引用资料，请自行核实")
    await expect(chat.page.locator(".sources-title")).to_have_text("最接近的资料")
    await expect(chat.page.locator(".assurance")).to_have_count(0)
    await expect(chat.page.locator(".foot")).not_to_contain_text("把握")
    await expect(chat.page.locator("#status")).to_have_text("回答完毕，但没有资料作依据。")
    await expect(chat.page.locator("[data-act='up']")).to_have_count(1)
    await chat.page.reload()
    await expect(chat.page.locator(".notice")).to_contain_text("没有引用资料，请自行核实")
    chat.check()


async def test_near_passages_without_a_model_claim_nothing(chat: Chat) -> None:
    script = telling(
        "> 返程当日关闭出差单 [2]", citations=(2,), model=None, outcome="hedged", confidence=0.6, level="medium"
    )
    chat.library.on(QUESTION, script)
    await chat.ask(QUESTION, "hedged")
    await expect(chat.page.locator(".notice")).to_contain_text("只是最接近的原文")
    await expect(chat.page.locator(".sources-title").first).to_have_text("最接近的资料")
    await expect(chat.page.locator(".foot")).not_to_contain_text("把握")
    chat.check()


async def test_what_the_documents_do_not_say_has_words_of_its_own(chat: Chat) -> None:
    chat.library.on(QUESTION, refusing())
    await chat.ask(QUESTION, "no_evidence")
    await expect(chat.page.locator(".notice")).to_contain_text("资料里没有答案")
    await expect(chat.page.locator("#status")).to_have_text("资料里没有答案")
    chat.check()


async def test_a_refusal_that_turns_out_late_takes_the_place_of_what_was_written(chat: Chat) -> None:
    chat.library.on(QUESTION, turning_down("我先看一下"))
    await chat.ask(QUESTION, "no_evidence")
    await expect(chat.page.locator(".prose")).to_have_text("根据现有资料无法回答此问题")
    chat.check()


@pytest.mark.parametrize(
    ("ending", "said", "goes_on"),
    [
        ("length", "长度上限", True),
        ("broken", "中途断开", True),
        ("overloaded", "资源不足", True),
        ("filtered", "内容过滤", False),
    ],
)
async def test_a_cut_answer_says_how_it_was_cut(chat: Chat, ending: Ending, said: str, goes_on: bool) -> None:
    chat.library.on(QUESTION, telling(CUT, citations=(1,), ending=ending))
    await chat.ask(QUESTION, "answered")
    await expect(chat.page.locator(".notice")).to_contain_text(said)
    await expect(chat.page.locator("#status")).to_contain_text(said)
    await expect(chat.page.locator("[data-act='goOn']")).to_have_count(int(goes_on))
    await chat.page.reload()
    await expect(chat.page.locator("[data-act='goOn']")).to_have_count(int(goes_on))
    chat.check()


async def test_a_cut_answer_goes_on_in_its_bubble_with_the_keyboard(chat: Chat) -> None:
    page, gate = chat.page, Gate(["返程当日", "关闭出差单 [2]。"], (1, 2), so_far=CUT)
    chat.library.on(QUESTION, telling(CUT, citations=(1,), ending="length"), gate.script)
    await chat.ask(QUESTION, "answered")
    await page.locator("[data-act='goOn']").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator(".answer")).to_have_attribute("aria-busy", "true")
    await expect(page.locator("#question")).to_be_focused()
    await expect(page.locator(".prose")).to_contain_text("15 个自然日内")  # it stands there all the time
    for _ in range(4):
        gate.open()
    await expect(page.locator(".answer")).to_have_attribute("data-state", "answered")
    await expect(page.locator(".prose")).to_have_text("出差结束后 15 个自然日内 提交1，返程当日关闭出差单2。")
    await expect(page.locator(".answer")).to_have_count(1)
    await expect(page.locator(".versions")).to_contain_text("2 / 2")
    await expect(page.locator(".notice")).to_have_count(0)
    assert chat.library.questions[-1].so_far == CUT
    chat.check()


async def test_over_other_passages_the_answer_is_a_new_one_and_says_so(chat: Chat) -> None:
    changed = passages(("差旅报销制度", ("差旅报销制度",), "10 个自然日内提交。"))
    chat.library.on(
        QUESTION,
        telling(CUT, citations=(1,), ending="length"),
        going_on(CUT, "返程", changed),
        telling("10 个自然日内 [1]。", citations=(1,), retrieved=changed),
    )
    await chat.ask(QUESTION, "answered")
    await chat.page.click("[data-act='goOn']")
    await expect(chat.page.locator(".prose")).to_have_text("10 个自然日内1。")
    await expect(chat.page.locator(".notice")).to_contain_text("资料有变动")
    chat.check()


@pytest.mark.parametrize("window", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_serious_in_any_outcome(
    browser: Browser, library: ScriptedLibrary, base_url: str, window: dict[str, Any], scheme: Any
) -> None:
    shown = {
        "answered": telling(ANSWER, citations=(1, 2), confidence=0.8, level="high"),
        "hedged": telling("大概 15 天。", outcome="hedged"),
        "near": telling(f"> {PASSAGES[1][2]} [2]", citations=(2,), model=None, outcome="hedged"),
        "none": refusing(),
        "cut": telling(CUT, citations=(1,), ending="length"),
    }
    context = await browser.new_context(**window, color_scheme=scheme, reduced_motion="reduce")
    try:
        chat = Chat(library, base_url, Watched(await context.new_page()).watch())
        await chat.open()
        for question, script in shown.items():
            library.on(question, script)
            await chat.ask(question)
            await expect(chat.page.locator(".answer").last).not_to_have_attribute("aria-busy", "true")
        assert await serious(chat.page) == []
        assert await chat.page.evaluate("document.documentElement.scrollWidth") <= window["viewport"]["width"]
        chat.check()
    finally:
        await context.close()
