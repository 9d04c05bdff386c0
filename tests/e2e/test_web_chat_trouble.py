"""The web chat page in Chromium: every way to fail has its words, and hostile text is only text."""

import json
import os
import re
from pathlib import Path

import pytest
from playwright.async_api import Route, expect

from rag.errors import ModelUnavailable
from tests.e2e.web_chat import QUESTION, Chat
from tests.support.scripted_library import (
    dying,
    passages,
    stream_of,
    telling,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

SHARED_DIR = Path(os.environ.get("SHARED_DIR", Path(__file__).parents[3] / "shared"))

HOSTILE = (
    "<img src=x onerror=\"window.__pwned='img'\">",
    "</script><script>window.__pwned='script'</script>",
    "<svg onload=window.__pwned='svg'><a xlink:href=javascript:window.__pwned=1>x</a></svg>",
    "[click](javascript:window.__pwned='link') ![i](https://evil.example/beacon.png)",
    "<iframe srcdoc=\"<script>parent.__pwned='frame'</script>\"></iframe><base href=//evil.example>",
    "[1]: https://evil.example/ \"x\" onmouseover='window.__pwned=1'",
    "```html onload=window.__pwned=1\n<style>@import '//evil.example/x.css'</style>\n```",
    "| a |\n|---:|\n| <b style='background:url(//evil.example)'>b</b> |",
    "<form action=//evil.example><input name=attributes><input id=ownerDocument></form>",
)


async def test_a_dying_model_is_told_in_words_and_what_it_wrote_stays(chat: Chat) -> None:
    chat.library.on(QUESTION, dying(ModelUnavailable("connect: refused"), "写到一半"), telling("好了"))
    await chat.ask(QUESTION, "failed")
    await expect(chat.page.locator(".notice.bad")).to_contain_text("暂时连不上大模型服务")
    await expect(chat.page.locator(".notice.bad")).not_to_contain_text("refused")
    await expect(chat.page.locator(".prose")).to_have_text("写到一半")
    await chat.page.click("[data-act='again']")
    await expect(chat.page.locator(".prose")).to_have_text("好了")
    chat.check()


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (500, "", "服务出了问题"),
        (429, "", "提问的人太多"),
        (403, '{"error": {"type": "refused", "message": "requests from other sites are refused"}}', "other sites"),
        (422, '{"detail": [{"type": "string_too_long"}]}', "没有接受这个问题"),
        (200, stream_of(("stage", {"stage": "retrieving"}), ("token", {"text": "半句"})), "连接在回答写完之前断开了"),
        (200, "event: token\r\ndata: {not json\r\n\r\n", "连不上服务"),
    ],
)
async def test_every_way_to_fail_has_its_words(chat: Chat, status: int, body: str, said: str) -> None:
    async def answer(route: Route) -> None:
        await route.fulfill(status=status, body=body, content_type="text/event-stream; charset=utf-8")

    await chat.page.route("**/chat/stream", answer)
    await chat.ask(QUESTION, "failed")
    await expect(chat.page.locator(".notice.bad")).to_contain_text(said)
    chat.watched.forgive(r"Failed to load resource")
    chat.check()


async def test_an_unreachable_server_is_told_in_words(chat: Chat) -> None:
    await chat.page.route("**/chat/stream", lambda route: route.abort("connectionrefused"))
    await chat.ask(QUESTION, "failed")
    await expect(chat.page.locator(".notice.bad")).to_contain_text("连不上服务")
    chat.watched.forgive(r"Failed to load resource")
    chat.check()


async def test_hostile_text_is_only_text(chat: Chat) -> None:
    everything = "\n\n".join(HOSTILE)
    hostile = tuple((text, (text, text), text) for text in HOSTILE)
    retrieved = passages(*hostile, link="javascript:window.__pwned='source'")
    chat.library.on(
        everything,
        telling(everything + " [1]", retrieved=retrieved, reasoning=everything, citations=(1,), model=HOSTILE[0]),
    )
    await chat.page.fill("#question", everything)
    await chat.page.click("#send")
    await expect(chat.page.locator(".answer")).to_have_attribute("data-state", "answered")
    await expect(chat.page.locator(".prose")).to_contain_text(HOSTILE[0])
    await check_only_text(chat)
    await chat.page.click(".reasoning summary")
    await chat.page.locator(".prose button.cite").last.click()
    for text in HOSTILE:
        await expect(chat.page.locator("#sheet-title")).to_have_text(text)
        await expect(chat.page.locator("#sheet-text:not(.plain)")).to_be_visible()
        await expect(chat.page.locator("#sheet-link")).to_be_hidden()
        await check_only_text(chat)
        await chat.page.keyboard.press("ArrowRight")
    await chat.page.reload()
    await expect(chat.page.locator(".prose")).to_contain_text(HOSTILE[0])
    await check_only_text(chat)
    chat.check()


async def test_a_hostile_error_message_is_only_text(chat: Chat) -> None:
    body = stream_of(("error", {"type": HOSTILE[0], "message": HOSTILE[0]}))
    await chat.page.route("**/chat/stream", lambda route: route.fulfill(body=body, content_type="text/event-stream"))
    await chat.ask(QUESTION, "failed")
    await expect(chat.page.locator(".notice.bad")).to_contain_text(HOSTILE[0])
    await check_only_text(chat)
    chat.check()


async def test_naughty_strings_are_shown_and_run_nothing(chat: Chat) -> None:
    path = SHARED_DIR / "naughty-strings" / "blns.json"
    if not path.exists():
        path = SHARED_DIR / "data" / "naughty-strings" / "blns.json"
    if not path.exists():
        pytest.skip("SHARED_DIR/data/naughty-strings/blns.json is not on this machine")
    strings = [text for text in json.loads(path.read_text(encoding="utf-8")) if text.strip()]
    assert len(strings) > 400
    retrieved = passages(*((text, (text,), text) for text in strings))
    chat.library.on(
        QUESTION, telling("\n\n".join(strings), retrieved=retrieved, reasoning="\n".join(strings), size=500)
    )
    await chat.ask(QUESTION, "answered")
    await check_only_text(chat)
    await expect(chat.page.locator(".source")).to_have_count(len(strings))
    chat.library.otherwise = telling("好")
    for start in range(0, len(strings), 40):
        await chat.page.click("#new-chat")
        await chat.ask("\n".join(strings[start : start + 40])[:4000], "answered")
    await check_only_text(chat)
    chat.check()


async def check_only_text(chat: Chat) -> None:
    """No script ran, and no element or attribute of the given text is in the page."""
    assert await chat.page.evaluate("window.__pwned") is None
    assert (
        await chat.page.locator(
            ":is(#log, #sheet) :is(img, script, style, iframe, form, input, base, object, embed, link)"
        ).count()
        == 0
    )
    handlers = (
        "[...document.querySelectorAll('#log *, #chats *, #sheet *, .top *')].flatMap(e => e.getAttributeNames())"
    )
    names = set(await chat.page.evaluate(handlers))
    assert not {name for name in names if name.startswith("on") or name in ("style", "srcdoc", "src")}
    links = await chat.page.evaluate("[...document.querySelectorAll('a[href]')].map(a => a.getAttribute('href'))")
    assert [
        link
        for link in links
        if not re.match(r"https?://|mailto:|#question$|chat/\w+/sources/\d+/file$", link, re.IGNORECASE)
    ] == []
