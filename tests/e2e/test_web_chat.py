"""The web chat page in Chromium: an answer, its sources, its stages, stopping it."""

import asyncio

import pytest
from playwright.async_api import expect

from tests.e2e.web_chat import ANSWER, DEADLINE_S, QUESTION, Chat
from tests.support.scripted_library import (
    PASSAGES,
    Gate,
    refusing,
    telling,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_an_answer_cites_passages_that_open_and_close_by_keyboard(chat: Chat) -> None:
    chat.library.on(QUESTION, telling(ANSWER, citations=(1, 2)))
    await chat.ask(QUESTION, "answered")
    page = chat.page
    await expect(page.locator(".prose")).to_have_text("出差结束后 15 个自然日内 提交1，返程当日先关闭出差单2。")
    await expect(page.locator(".prose strong")).to_have_text("15 个自然日内")
    await expect(page.locator(".facts")).to_contain_text("qwen-plus · 356 tokens")
    await page.locator(".prose button.cite").nth(1).press("Enter")
    await expect(page.locator("#sheet")).to_be_visible()
    await expect(page.locator("#sheet-text")).to_have_text(PASSAGES[1][2])
    await page.keyboard.press("ArrowLeft")
    await expect(page.locator("#sheet-text")).to_have_text(PASSAGES[0][2])
    await expect(page.locator("#sheet-path")).to_have_text("三、时限")
    await expect(page.locator("#sheet-link")).to_have_attribute("href", "https://wiki.example.com/x")
    await page.keyboard.press("Escape")
    await expect(page.locator("#sheet")).to_be_hidden()
    await expect(page.locator(".prose button.cite").nth(1)).to_be_focused()
    chat.check()


async def test_passages_without_citation_stay_folded_and_open_too(chat: Chat) -> None:
    chat.library.on(QUESTION, telling("先关闭出差单 [2]。", citations=(2,)))
    await chat.ask(QUESTION, "answered")
    await expect(chat.page.locator(".sources > section .source")).to_have_count(1)
    await expect(chat.page.locator(".others .source").first).to_be_hidden()
    await chat.page.click(".others summary")
    await chat.page.click(".others [data-source='3']")
    await expect(chat.page.locator("#sheet-title")).to_have_text("财务常见问题")
    chat.check()


async def test_a_greeting_is_greeted_and_not_judged(chat: Chat) -> None:
    await chat.ask("你好", "answered")
    page = chat.page
    await expect(page.locator(".prose")).to_contain_text("你好！有问题直接问我")
    await expect(page.locator(".prose")).to_contain_text("差旅报销的时限是多久")
    await expect(page.locator(".facts")).not_to_contain_text("原文摘录（未配置大模型）")
    await expect(page.locator("[data-act='up'], [data-act='again']")).to_have_count(0)
    await expect(page.locator("[data-act='copy']")).to_have_count(1)
    assert chat.library.asked == []
    await page.reload()
    await expect(page.locator(".prose")).to_contain_text("你好！有问题直接问我")
    await expect(page.locator("[data-act='up'], [data-act='again']")).to_have_count(0)
    chat.check()


async def test_stages_and_text_appear_as_they_come(chat: Chat) -> None:
    gate = Gate(["十五个", "自然日 [1]"], citations=(1,))
    chat.library.on(QUESTION, gate.script)
    await chat.ask(QUESTION, "retrieving")
    page = chat.page
    await expect(page.locator(".stages .now")).to_contain_text("检索资料")
    await expect(page.locator("#status")).to_have_text("检索资料")
    await expect(page.locator(".answer")).to_have_attribute("aria-busy", "true")
    gate.open()
    await expect(page.locator(".stages .past").nth(1)).to_have_text("找到 3 段")
    gate.open()
    await expect(page.locator(".prose")).to_have_text("十五个")
    gate.open()
    await expect(page.locator(".prose")).to_have_text("十五个自然日1")
    await expect(page.locator(".prose button")).to_have_count(0)
    gate.open()
    await expect(page.locator(".prose button.cite")).to_have_count(1)
    await expect(page.locator(".stages")).to_be_hidden()
    await expect(page.locator(".answer")).to_have_attribute("aria-busy", "false")
    await expect(page.locator("#status")).to_have_text("回答完毕")
    chat.check()


@pytest.mark.parametrize("how", ["button", "Escape"])
async def test_stopping_ends_the_work_on_the_server_and_keeps_what_was_written(chat: Chat, how: str) -> None:
    gate = Gate(["已经写下的", "不会再来的"])
    chat.library.on(QUESTION, gate.script)
    await chat.ask(QUESTION, "retrieving")
    gate.open()
    gate.open()
    await expect(chat.page.locator(".prose")).to_have_text("已经写下的")
    await (chat.page.click("#send") if how == "button" else chat.page.keyboard.press("Escape"))
    await expect(chat.page.locator(".answer")).to_have_attribute("data-state", "stopped")
    await asyncio.wait_for(gate.closed.wait(), DEADLINE_S)
    assert not gate.finished
    await expect(chat.page.locator(".prose")).to_have_text("已经写下的")
    await expect(chat.page.locator("#question")).to_be_focused()
    await expect(chat.page.locator("#send")).to_have_attribute("aria-label", "发送")
    chat.check()


async def test_reasoning_is_there_but_folded(chat: Chat) -> None:
    chat.library.on(QUESTION, telling(ANSWER, reasoning="先看 <b>资料</b> [1]"))
    await chat.ask(QUESTION, "answered")
    await expect(chat.page.locator(".thoughts")).to_be_hidden()
    await chat.page.click(".reasoning summary")
    await expect(chat.page.locator(".thoughts")).to_have_text("先看 <b>资料</b> [1]")
    chat.check()


async def test_what_the_documents_do_not_know_is_said_with_the_nearest_passages(chat: Chat) -> None:
    chat.library.on("食堂周末开门吗？", refusing())
    await chat.ask("食堂周末开门吗？", "no_evidence")
    await expect(chat.page.locator(".prose")).to_have_text("根据现有资料无法回答此问题")
    await expect(chat.page.locator(".sources-title")).to_have_text("最接近的资料")
    await expect(chat.page.locator(".source")).to_have_count(2)
    chat.check()


async def test_the_stream_is_read_the_same_however_it_is_cut(chat: Chat) -> None:
    stream = ': ping\r\n\r\nevent: token\r\ndata: {"text": "甲"}\r\n\r\nevent: done\ndata: 1\ndata: 2\n\ndata: x\r\r'
    expected = [
        {"name": "token", "data": '{"text": "甲"}'},
        {"name": "done", "data": "1\n2"},
        {"name": "message", "data": "x"},
    ]
    read = """async ([text, size]) => {
        const { EventParser } = await import("./static/js/sse.js");
        const parser = new EventParser();
        const events = [];
        for (let at = 0; at < text.length; at += size) events.push(...parser.feed(text.slice(at, at + size)));
        return [...events, ...parser.feed("\\n")];
    }"""
    for size in range(1, len(stream) + 1):
        assert await chat.page.evaluate(read, [stream, size]) == expected, f"pieces of {size}"
    chat.check()
