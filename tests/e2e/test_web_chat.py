"""The web chat page in Chromium, before a library that answers by script."""

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, Route, expect

from bot.turn import snippet_of
from bot.web_pages import PAGE_FOLDER
from rag.errors import ModelUnavailable
from tests.e2e.browser import Watched
from tests.support.scripted_library import (
    PASSAGES,
    Gate,
    ScriptedLibrary,
    dying,
    passages,
    refusing,
    stream_of,
    telling,
)
from tests.support.web_door import web_door

pytestmark = pytest.mark.asyncio(loop_scope="session")

DEADLINE_S = 20.0
QUESTION = "出差回来多久内要报销？"
ANSWER = "出差结束后 **15 个自然日内** 提交 [1]，返程当日先关闭出差单 [2]。"
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


async def test_an_answer_cites_passages_that_open_and_close_by_keyboard(chat: Chat) -> None:
    chat.library.on(QUESTION, telling(ANSWER, citations=(1, 2)))
    await chat.ask(QUESTION, "completed")
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
    await chat.ask(QUESTION, "completed")
    await expect(chat.page.locator(".sources > section .source")).to_have_count(1)
    await expect(chat.page.locator(".others .source").first).to_be_hidden()
    await chat.page.click(".others summary")
    await chat.page.click(".others [data-source='3']")
    await expect(chat.page.locator("#sheet-title")).to_have_text("财务常见问题")
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
    await chat.ask(QUESTION, "completed")
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
    await chat.ask("快问题", "completed")
    await page.click("#new-chat")
    await chat.ask("慢问题", "retrieving")
    await page.click(".chat-open:has-text('快问题')")
    await expect(page.locator(".prose")).to_have_text("快回答")
    await expect(page.locator("#send")).to_have_attribute("aria-label", "发送")
    for _ in range(3):
        gate.open()
    await asyncio.wait_for(gate.closed.wait(), DEADLINE_S)
    await page.click(".chat-open:has-text('慢问题')")
    await expect(page.locator(".answer")).to_have_attribute("data-state", "completed")
    await expect(page.locator(".prose")).to_have_text("慢慢写")
    assert gate.finished
    chat.check()


async def test_history_outlives_a_reload_and_a_deletion_can_be_undone(chat: Chat) -> None:
    chat.library.on(QUESTION, telling(ANSWER, citations=(1, 2)))
    await chat.ask(QUESTION, "completed")
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


async def test_reasoning_is_there_but_folded(chat: Chat) -> None:
    chat.library.on(QUESTION, telling(ANSWER, reasoning="先看 <b>资料</b> [1]"))
    await chat.ask(QUESTION, "completed")
    await expect(chat.page.locator(".thoughts")).to_be_hidden()
    await chat.page.click(".reasoning summary")
    await expect(chat.page.locator(".thoughts")).to_have_text("先看 <b>资料</b> [1]")
    chat.check()


async def test_what_the_documents_do_not_know_is_said_with_the_nearest_passages(chat: Chat) -> None:
    chat.library.on("食堂周末开门吗？", refusing())
    await chat.ask("食堂周末开门吗？", "unanswered")
    await expect(chat.page.locator(".prose")).to_have_text("根据现有资料无法回答此问题")
    await expect(chat.page.locator(".sources-title")).to_have_text("最接近的资料")
    await expect(chat.page.locator(".source")).to_have_count(2)
    chat.check()


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
    await expect(chat.page.locator(".answer")).to_have_attribute("data-state", "completed")
    await expect(chat.page.locator(".prose")).to_contain_text(HOSTILE[0])
    await check_only_text(chat)
    await chat.page.click(".reasoning summary")
    await chat.page.locator(".prose button.cite").last.click()
    for text in HOSTILE:
        assert (await chat.page.text_content("#sheet-text")) == snippet_of(text)
        await expect(chat.page.locator("#sheet-link")).to_be_hidden()
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
    await chat.ask(QUESTION, "completed")
    await check_only_text(chat)
    await expect(chat.page.locator(".source")).to_have_count(len(strings))
    chat.library.otherwise = telling("好")
    for start in range(0, len(strings), 40):
        await chat.page.click("#new-chat")
        await chat.ask("\n".join(strings[start : start + 40])[:4000], "completed")
    await check_only_text(chat)
    chat.check()


async def check_only_text(chat: Chat) -> None:
    """No script ran, and no element or attribute of the given text is in the page."""
    assert await chat.page.evaluate("window.__pwned") is None
    assert (
        await chat.page.locator("#log :is(img, script, style, iframe, form, input, base, object, embed, link)").count()
        == 0
    )
    handlers = (
        "[...document.querySelectorAll('#log *, #chats *, #sheet *, .top *')].flatMap(e => e.getAttributeNames())"
    )
    names = set(await chat.page.evaluate(handlers))
    assert not {name for name in names if name.startswith("on") or name in ("style", "srcdoc", "src")}
    links = await chat.page.evaluate("[...document.querySelectorAll('a[href]')].map(a => a.getAttribute('href'))")
    assert [link for link in links if not re.match(r"https?://|mailto:|#question$", link, re.IGNORECASE)] == []


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
    await expect(chat.page.locator(".answer")).to_have_attribute("data-state", "completed")
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
        await chat.ask("q" * 200, "completed")
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


async def test_both_languages_have_every_word(chat: Chat) -> None:
    source = (PAGE_FOLDER / "js" / "texts.js").read_text(encoding="utf-8")
    chinese, english = re.findall(r"const (?:ZH|EN) = \{(.*?)\n\};", source, re.DOTALL)
    keys = [set(re.findall(r"^  (\w+):", part, re.MULTILINE)) for part in (chinese, english)]
    assert keys[0] == keys[1]
    used = set(re.findall(r'data-(?:text|label|placeholder)="(\w+)"', (PAGE_FOLDER / "index.html").read_text("utf-8")))
    assert used
    assert used <= keys[0]
