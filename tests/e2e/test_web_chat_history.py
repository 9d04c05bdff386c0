"""The web chat page in Chromium: versions, conversations, and what a reload brings back."""

import asyncio
import json

import pytest
from playwright.async_api import expect

from tests.e2e.web_chat import ANSWER, DEADLINE_S, QUESTION, Chat
from tests.support.scripted_library import (
    Gate,
    telling,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_leaving_the_page_ends_the_work_and_the_history_says_so(chat: Chat) -> None:
    gate = Gate(["写了一半", "另一半"])
    chat.library.on(QUESTION, gate.script)
    await chat.ask(QUESTION, "retrieving")
    gate.open()
    gate.open()
    await expect(chat.page.locator(".prose")).to_have_text("写了一半")
    await chat.page.reload()
    await asyncio.wait_for(gate.closed.wait(), DEADLINE_S)
    await expect(chat.page.locator(".answer")).to_have_attribute("data-state", "interrupted")
    await expect(chat.page.locator(".prose")).to_have_text("写了一半")
    chat.check()


async def test_asking_again_adds_a_version_and_keeps_the_first(chat: Chat) -> None:
    chat.library.on(QUESTION, telling("第一个说法"), telling("第二个说法"))
    await chat.ask(QUESTION, "answered")
    await chat.page.click("[data-act='again']")
    page = chat.page
    await expect(page.locator(".prose")).to_have_text("第二个说法")
    await expect(page.locator(".versions")).to_contain_text("2 / 2")
    await page.click("[data-act='previousVersion']")
    await expect(page.locator(".prose")).to_have_text("第一个说法")
    await page.reload()
    await expect(page.locator(".versions")).to_contain_text("1 / 2")
    assert chat.library.asked == [QUESTION, QUESTION]
    chat.check()


async def test_another_conversation_can_be_read_while_one_is_answered(chat: Chat) -> None:
    gate = Gate(["慢慢写"], citations=())
    chat.library.on("快问题", telling("快回答"))
    chat.library.on("慢问题", gate.script)
    page = chat.page
    await chat.ask("快问题", "answered")
    await page.click("#new-chat")
    await chat.ask("慢问题", "retrieving")
    await page.click(".chat-open:has-text('快问题')")
    await expect(page.locator(".prose")).to_have_text("快回答")
    await expect(page.locator("#send")).to_have_attribute("aria-label", "发送")
    for _ in range(3):
        gate.open()
    await asyncio.wait_for(gate.closed.wait(), DEADLINE_S)
    await page.click(".chat-open:has-text('慢问题')")
    await expect(page.locator(".answer")).to_have_attribute("data-state", "answered")
    await expect(page.locator(".prose")).to_have_text("慢慢写")
    assert gate.finished
    chat.check()


async def test_history_outlives_a_reload_and_a_deletion_can_be_undone(chat: Chat) -> None:
    chat.library.on(QUESTION, telling(ANSWER, citations=(1, 2)))
    await chat.ask(QUESTION, "answered")
    page = chat.page
    await page.reload()
    await expect(page.locator(".prose button.cite")).to_have_count(2)
    await expect(page).to_have_title(f"{QUESTION} · 资料问答")
    await page.click(".chat-remove")
    await expect(page.locator(".chat-open")).to_have_count(0)
    await expect(page.locator("#welcome")).to_be_visible()
    await page.click("#toast-action")
    await expect(page.locator(".chat-open")).to_have_text(QUESTION)
    await expect(page.locator(".prose button.cite")).to_have_count(2)
    chat.check()


async def test_a_damaged_history_is_left_out(chat: Chat) -> None:
    damaged = [
        "{",
        "null",
        "[]",
        '{"turns": 3}',
        '{"turns": [{"question": 1}, null]}',
        '{"turns": [{"question": "x"}]}',
    ]
    odd = {"turns": [{"question": "还在", "answers": [{"sources": [1, None, {"number": "1"}], "failure": 7}]}]}
    for number, stored in enumerate([*damaged, json.dumps(odd)]):
        await chat.page.evaluate(
            "([key, value]) => localStorage.setItem(key, value)", [f"feishu-rag.chat.{number}", stored]
        )
    await chat.page.reload()
    await expect(chat.page.locator(".chat-open")).to_have_count(1)
    await chat.page.click(".chat-open")
    await expect(chat.page.locator(".question")).to_contain_text("还在")
    chat.check()
