"""The sandbox's chat page in Chromium: asking, streaming, pressing, and hostile text."""

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from feishu.sandbox import Sandbox, SandboxSettings, running
from feishu.sandbox.world import Message
from tests.e2e.conftest import Watched
from tests.support.fake_bot import ANSWER, fake_bot
from tests.support.platform_client import ALICE, BOB, GROUP, card, markdown, plain

pytestmark = pytest.mark.asyncio(loop_scope="session")

SHARED = Path(os.environ.get("SHARED_DIR") or Path(__file__).parents[3] / "shared")
NAUGHTY = SHARED / "data" / "naughty-strings" / "blns.json"
# Attributes in the conversation that would run a script.
HOOKS = """() => [...document.querySelectorAll('.messages *')].flatMap((node) => [...node.attributes])
  .filter((attribute) => attribute.name.startsWith('on') || /^javascript:/i.test(attribute.value)).length"""
HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "<a href='javascript:alert(1)'>x</a>",
    "<font color='red\" onmouseover=alert(1) x=\"'>x</font>",
    "<at id=\"x' onerror='alert(1)\"></at>",
    "![x](https://evil.example/a.png)",
    "<svg/onload=alert(1)>",
    "<iframe src='https://evil.example'></iframe>",
    "&lt;img src=x onerror=alert(1)&gt;",
    "<style>body{display:none}</style>",
    "<text_tag color='x onclick=alert(1)'>x</text_tag>",
    "<link url='https://ok.example' icon='javascript:alert(1)'>x</link>",
)


async def open_page(watched: Watched, url: str, path: str = "/") -> Page:
    await watched.page.goto(url + path)
    await watched.page.wait_for_selector("body[data-ready=true]")
    return watched.page


def post_card(sandbox: Sandbox, content: dict[str, Any], chat_id: str = GROUP) -> str:
    """Put a card into a chat without the platform's checks: the page has to stand anything."""
    message_id = sandbox.world.new_id("om_")
    message = Message(
        message_id, chat_id, "cli_sandbox", "app", "interactive", json.dumps(content), sandbox.clock.time()
    )
    message.card = content
    sandbox.platform.deliver(message)
    return message_id


async def test_an_example_is_asked_streamed_and_finished(watched: Watched) -> None:
    sandbox = Sandbox(SandboxSettings())
    async with running(sandbox) as url, fake_bot(sandbox, url, step=30, pause_s=0.12) as bot:
        bot.may_end.clear()
        page = await open_page(watched, url)
        await page.get_by_test_id("example-0").click()
        await expect(page.locator(".card.streaming .typing")).to_be_visible()
        await expect(page.get_by_test_id(f"preview-{GROUP}")).to_contain_text("生成中")
        bot.may_end.set()
        answer = page.get_by_test_id("card")
        await expect(answer.locator("table")).to_contain_text("500 元/晚")
        await expect(answer.locator("pre code")).to_contain_text("def deadline")
        await expect(page.get_by_test_id(f"preview-{GROUP}")).to_contain_text("10 个工作日内")
        await expect(answer.locator(".f-green")).to_have_text("直属上级")
        await expect(answer.locator("blockquote")).to_contain_text("<财务部>")
        await expect(answer.locator(".card-header .tag")).to_have_text("已完成")
        await page.get_by_test_id("button-up").click()
        await expect(page.get_by_test_id("toast")).to_contain_text("已收到")
        assert bot.presses[0]["event"]["operator"]["open_id"] == ALICE
        await expect(page.get_by_test_id("button-off")).to_be_disabled()
        assert watched.troubles == []
        assert watched.outside(url) == []
        assert sandbox.violations == []


async def test_enter_after_an_example_does_not_ask_it_again(watched: Watched) -> None:
    sandbox = Sandbox(SandboxSettings())
    async with running(sandbox) as url, fake_bot(sandbox, url) as bot:
        bot.answering = False
        page = await open_page(watched, url)
        await page.get_by_test_id("example-0").click()
        await expect(page.get_by_test_id("message")).to_have_count(1)
        await page.keyboard.press("Enter")
        await page.keyboard.type("谢谢")
        await page.keyboard.press("Enter")
        await expect(page.get_by_test_id("message").last).to_contain_text("谢谢")
        await expect(page.get_by_test_id("message")).to_have_count(2)
        assert watched.troubles == []


async def test_a_form_keeps_its_values_and_submits_them(watched: Watched) -> None:
    sandbox = Sandbox(SandboxSettings())
    async with running(sandbox) as url, fake_bot(sandbox, url, answer=ANSWER[:40], step=40, pause_s=0) as bot:
        page = await open_page(watched, url)
        await page.get_by_test_id("example-0").click()
        await page.get_by_test_id("select-kind").select_option("过时")
        await page.get_by_test_id("input-reason").fill("去年的<b>制度</b>")
        await page.get_by_test_id("button-send").click()
        await expect(page.get_by_test_id("toast")).to_be_visible()
        action = bot.presses[0]["event"]["action"]
        assert action["form_value"] == {"kind": "过时", "reason": "去年的<b>制度</b>"}
        assert action["name"] == "send"
        assert watched.troubles == []


async def test_a_confirmed_button_asks_first(watched: Watched) -> None:
    sandbox = Sandbox(SandboxSettings())
    async with running(sandbox) as url, fake_bot(sandbox, url, answer="好", pause_s=0) as bot:
        page = await open_page(watched, url)
        await page.get_by_test_id("example-0").click()
        await page.get_by_test_id("button-again").click()
        await page.get_by_test_id("confirm-cancel").click()
        await expect(page.get_by_test_id("confirm")).to_be_hidden()
        assert bot.presses == []
        await page.get_by_test_id("button-again").click()
        await page.get_by_test_id("confirm-ok").click()
        await expect(page.get_by_test_id("toast")).to_be_visible()
        assert len(bot.presses) == 1


async def test_typing_at_offers_the_bot_and_enter_takes_it(watched: Watched) -> None:
    sandbox = Sandbox(SandboxSettings())
    async with running(sandbox) as url, fake_bot(sandbox, url) as bot:
        bot.answering = False
        page = await open_page(watched, url)
        box = page.get_by_test_id("composer-input")
        await box.press_sequentially("@")
        await expect(page.get_by_test_id("mention-ou_bot_sandbox")).to_be_visible()
        await box.press("Enter")
        await box.press_sequentially("在吗")
        await box.press("Enter")
        await sandbox.wait_for(lambda: bot.events)
        assert bot.events[0]["event"]["message"]["content"] == '{"text":"@_user_1 在吗"}'
        await box.fill("中午吃什么")
        await box.press("Enter")
        await expect(page.locator(".not-delivered")).to_be_visible()
        assert len(bot.events) == 1


async def test_two_people_see_their_own_chats_and_ephemeral_cards(watched: Watched) -> None:
    sandbox = Sandbox(SandboxSettings())
    async with running(sandbox) as url:
        page = await open_page(watched, url)
        only_bob = post_card(sandbox, card(markdown("只给周明")))
        sandbox.world.messages[only_bob].visible_to = BOB
        await page.reload()
        await page.wait_for_selector("body[data-ready=true]")
        await expect(page.get_by_test_id("message")).to_have_count(0)
        await page.get_by_test_id(f"me-{BOB}").click()
        await expect(page.get_by_test_id("message")).to_contain_text("只给周明")
        await page.get_by_test_id("chat-oc_p2p_sandbox_zhouming").click()
        await page.get_by_test_id("composer-input").fill("私聊一句")
        await page.get_by_test_id("send").click()
        await expect(page.get_by_test_id("message")).to_contain_text("私聊一句")
        assert sandbox.messages_in("oc_p2p_sandbox_zhouming")[0].sender_id == BOB


async def test_an_image_is_sent_and_shown(watched: Watched) -> None:
    dot = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    sandbox = Sandbox(SandboxSettings())
    async with running(sandbox) as url:
        page = await open_page(watched, url)
        file = {"name": "点.png", "mimeType": "image/png", "buffer": base64.b64decode(dot)}
        await page.get_by_test_id("file").set_input_files(file)  # type: ignore[arg-type]
        picture = page.locator(".bubble-picture")
        await expect(picture).to_be_visible()
        assert await picture.evaluate("(image) => image.decode().then(() => image.naturalWidth)") == 1
        assert sandbox.messages_in(GROUP)[0].message_type == "image"
        assert watched.troubles == []


async def test_a_silent_callback_shows_the_client_s_error(watched: Watched) -> None:
    sandbox = Sandbox(SandboxSettings())
    async with running(sandbox) as url, fake_bot(sandbox, url) as bot:
        button = {"tag": "button", "text": plain("走"), "behaviors": [{"type": "callback", "value": {"a": 1}}]}
        post_card(sandbox, card(button))
        bot.callback_status = 500
        page = await open_page(watched, url)
        await page.get_by_test_id("button-走").click()
        await expect(page.get_by_test_id("toast")).to_contain_text("code: 200671")


async def test_broken_laws_are_red_and_everything_can_be_opened(watched: Watched) -> None:
    sandbox = Sandbox(SandboxSettings())
    async with running(sandbox) as url, fake_bot(sandbox, url) as bot:
        page = await open_page(watched, url)
        await bot.call("POST", "/cardkit/v1/cards", type="card_json", data=json.dumps(card({"tag": "note"})))
        rule = page.locator("[data-testid=log-entry][data-kind=violation]")
        await expect(rule).to_contain_text("gone_in_v2")
        await page.get_by_test_id("filter-api").click()
        await expect(rule).to_have_count(0)
        call = page.locator("[data-testid=log-entry][data-name='card.create']")
        await call.locator("summary").click()
        await expect(call.locator("pre")).to_contain_text('"log_id"')
        await page.get_by_test_id("language-toggle").click()
        await expect(page.get_by_test_id("filter-violation")).to_have_text("Rule violations")


async def test_a_lost_connection_comes_back_with_what_was_missed(watched: Watched) -> None:
    sandbox = Sandbox(SandboxSettings())
    async with running(sandbox) as url:
        page = await open_page(watched, url)
        sandbox.journal.hang_up()
        await sandbox.say(GROUP, BOB, "断线时说的话")
        await expect(page.get_by_test_id("message")).to_contain_text("断线时说的话")


async def test_hostile_text_runs_no_script_and_calls_nobody(watched: Watched) -> None:
    sandbox = Sandbox(SandboxSettings(bot_name="<img src=x onerror=alert(1)>"))
    async with running(sandbox) as url:
        for text in HOSTILE:
            await sandbox.say(GROUP, ALICE, text)
            elements = [markdown(text, element_id="m"), {"tag": "div", "text": {"tag": "lark_md", "content": text}}]
            button = {
                "tag": "button",
                "text": plain(text),
                "type": text,
                "behaviors": [{"type": "open_url", "default_url": text}],
            }
            picture = {"tag": "img", "img_key": f"../../{text}", "alt": plain(text)}
            content = card(*elements, button, picture, summary={"content": text})
            content["header"] = {
                "title": plain(text),
                "template": text,
                "text_tag_list": [{"text": plain(text), "color": text}],
            }
            post_card(sandbox, content)
        page = await open_page(watched, url)
        await expect(page.get_by_test_id("message")).to_have_count(2 * len(HOSTILE))
        for name in ("script", "iframe", "svg", "style"):
            assert await page.locator(f".messages {name}").count() == 0
        assert await page.evaluate(HOOKS) == 0
        watched.forgive("404")  # pictures that nobody uploaded
        assert watched.troubles == []
        assert watched.outside(url) == []


@pytest.mark.skipif(not NAUGHTY.exists(), reason="the naughty strings are not beside this repository (SHARED_DIR)")
async def test_every_naughty_string_is_shown_and_none_runs(watched: Watched) -> None:
    strings = [text for text in json.loads(NAUGHTY.read_text(encoding="utf-8")) if text]
    sandbox = Sandbox(SandboxSettings())
    async with running(sandbox) as url:
        for text in strings:
            await sandbox.say(GROUP, ALICE, text)
        for start in range(0, len(strings), 20):
            post_card(sandbox, card(*[markdown(text) for text in strings[start : start + 20]]))
        page = await open_page(watched, url)
        cards = -(-len(strings) // 20)
        await expect(page.get_by_test_id("message")).to_have_count(len(strings) + cards)
        assert await page.locator(".messages :is(script, iframe, svg, style, object, embed)").count() == 0
        assert watched.troubles == []
        assert watched.outside(url) == []


async def test_the_typewriter_types_a_continued_text_and_jumps_to_another(watched: Watched) -> None:
    sandbox = Sandbox(SandboxSettings())
    async with running(sandbox) as url:
        page = await open_page(watched, url)
        shown = await page.evaluate(
            """async () => {
              const { Typewriter } = await import('/page/typewriter.js');
              const frames = [];
              let done;
              const finished = new Promise((resolve) => { done = resolve; });
              const writer = new Typewriter((text) => { frames.push(text); if (text === '一二三四五六') done(); });
              const config = { print_step: { default: 2 }, print_frequency_ms: { default: 20 } };
              writer.push('一二三四五六', true, config);
              await finished;
              const typed = frames.splice(0);
              writer.push('别的', true, config);
              return { typed, jumped: frames };
            }"""
        )
        assert shown == {"typed": ["", "一二", "一二三四", "一二三四五六"], "jumped": ["别的"]}


async def test_a_phone_shows_the_list_then_the_chat_without_sideways_scrolling(watched: Watched) -> None:
    sandbox = Sandbox(SandboxSettings())
    async with running(sandbox) as url, fake_bot(sandbox, url, pause_s=0, step=400):
        await watched.page.set_viewport_size({"width": 390, "height": 844})
        page = await open_page(watched, url)
        await page.get_by_test_id(f"chat-{GROUP}").click()
        await page.get_by_test_id("example-0").click()
        await expect(page.get_by_test_id("button-up")).to_be_visible()
        width = await page.evaluate("Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)")
        assert width <= 390


async def test_the_hint_is_closed_for_good_and_speaks_the_page_s_language(watched: Watched) -> None:
    sandbox = Sandbox(SandboxSettings())
    async with running(sandbox) as url:
        page = await open_page(watched, url)
        await expect(page.get_by_test_id("example-0")).to_have_text(sandbox.settings.examples[0])
        await page.get_by_test_id("language-toggle").click()
        await expect(page.get_by_test_id("example-0")).to_have_text(sandbox.settings.examples_en[0])
        await page.get_by_test_id("close-hint").click()
        await expect(page.get_by_test_id("hint")).to_be_hidden()
        await page.reload()
        await page.wait_for_selector("body[data-ready=true]")
        await expect(page.get_by_test_id("hint")).to_be_hidden()
        assert watched.troubles == []


async def test_the_inspector_says_what_became_of_a_message_in_the_page_s_language(watched: Watched) -> None:
    sandbox = Sandbox(SandboxSettings())
    async with running(sandbox) as url:
        page = await open_page(watched, url)
        await sandbox.say(GROUP, ALICE, "大家好")
        told = page.locator("[data-testid=log-entry][data-name=delivery] .entry-outcome")
        await expect(told).to_contain_text("没有 @知识库助手")
        await page.get_by_test_id("language-toggle").click()
        await expect(told).to_contain_text("is not mentioned")
        await page.get_by_test_id("theme-toggle").click()
        dark = await page.evaluate("document.documentElement.dataset.theme")
        await page.get_by_test_id("theme-toggle").click()
        assert {dark, await page.evaluate("document.documentElement.dataset.theme")} == {"dark", "light"}
        assert watched.troubles == []
