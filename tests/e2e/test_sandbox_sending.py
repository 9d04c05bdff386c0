"""What people send on the sandbox page besides plain text: each arrives as the event the platform makes of it."""

import base64
import json
import re
from typing import Any

import pytest
from playwright.async_api import Page, expect

from feishu.sandbox import Sandbox, SandboxSettings, running
from tests.e2e.conftest import Watched
from tests.e2e.test_sandbox_page import open_page, post_card
from tests.support.fake_bot import FakeBot, fake_bot
from tests.support.platform_client import ALICE, BOB, GROUP, card, markdown

pytestmark = pytest.mark.asyncio(loop_scope="session")

PRIVATE, TOPICS = "oc_p2p_sandbox_linxiaoman", "oc_newcomers"
DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def messages(bot: FakeBot) -> list[dict[str, Any]]:
    """The messages that the bot has heard of."""
    return [event["event"]["message"] for event in bot.events if "message" in event["event"]]


async def write(page: Page, text: str) -> None:
    await page.get_by_test_id("composer-input").fill(text)
    await page.get_by_test_id("send").click()


async def more(page: Page, entry: str) -> None:
    await page.get_by_test_id("more").click()
    await page.get_by_test_id(entry).click()


async def act(page: Page, text: str, name: str) -> None:
    """Presses one of the tools of the message that says `text`."""
    row = page.get_by_test_id("message").filter(has_text=text).first
    await row.hover()
    if name.startswith("react-"):
        await row.get_by_test_id("react").hover()
    await row.get_by_test_id(name).click()


async def test_every_kind_is_sent_shown_and_downloaded_by_the_bot(watched: Watched) -> None:
    sandbox = Sandbox(SandboxSettings())
    async with running(sandbox) as url, fake_bot(sandbox, url) as bot:
        bot.answering = False
        page = await open_page(watched, url)
        await page.get_by_test_id(f"chat-{PRIVATE}").click()
        picture: Any = {"name": "点.png", "mimeType": "image/png", "buffer": base64.b64decode(DOT)}
        await page.get_by_test_id("file").set_input_files(picture)
        await expect(page.locator(".bubble-picture")).to_be_visible()
        table: Any = {"name": "报销.md", "mimeType": "text/markdown", "buffer": "# 报销\n\n10 天".encode()}
        await page.get_by_test_id("file").set_input_files(table)
        await expect(page.locator("a.file").first).to_contain_text("报销.md")
        await more(page, "more-voice")
        await expect(page.locator(".voice")).to_be_visible()
        await more(page, "sticker_party")
        await expect(page.locator(".sticker")).to_have_text("🥳")
        await sandbox.wait_for(lambda: len(messages(bot)) == 4)
        kinds = {message["message_type"]: message for message in messages(bot)}
        assert set(kinds) == {"image", "file", "audio", "sticker"}
        for kind, key in (("image", "image_key"), ("file", "file_key"), ("audio", "file_key")):
            message = kinds[kind]
            kept = sandbox.world.uploads[json.loads(message["content"])[key]]
            got = await bot.download(message["message_id"], kept.key, "image" if kind == "image" else "file")
            assert got == kept.content
        assert base64.b64decode(DOT) in [upload.content for upload in sandbox.world.uploads.values()]
        assert watched.troubles == [] and sandbox.violations == []


async def test_a_rich_text_with_mentions_a_link_code_and_a_picture(watched: Watched) -> None:
    sandbox = Sandbox(SandboxSettings())
    async with running(sandbox) as url, fake_bot(sandbox, url) as bot:
        bot.answering = False
        page = await open_page(watched, url)
        await more(page, "more-richText")
        await page.get_by_test_id("rich-title").fill("请教")
        picture: Any = {"name": "点.png", "mimeType": "image/png", "buffer": base64.b64decode(DOT)}
        name = sandbox.world.apps["cli_sandbox"].name
        text = f"@{name} **看**[制度](https://wiki.example.com/a)，也请 @周明 看看\n```python\nprint(1)\n```\n---"
        await page.get_by_test_id("composer-input").fill(text)
        await page.get_by_test_id("file").set_input_files(picture)
        await expect(page.get_by_test_id("composer-input")).to_have_value(beginning_with(text))
        await page.get_by_test_id("send").click()
        post = page.locator(".post")
        await expect(post.locator(".post-title")).to_have_text("请教")
        await expect(post.locator(".at-name")).to_have_count(2)
        await expect(post.locator("img")).to_be_visible()
        (message,) = await sandbox.wait_for(lambda: messages(bot))
        content = json.loads(message["content"])
        tags = [node["tag"] for paragraph in content["content"] for node in paragraph]
        assert tags[:4] == ["at", "text", "text", "a"] and tags[-3:] == ["code_block", "hr", "img"]
        assert [mention["name"] for mention in message["mentions"]] == [name, "周明"]
        await act(page, "请教", "edit")
        await expect(page.get_by_test_id("composer-input")).to_have_value(beginning_with(f"@{name} **看**[制度]"))
        await page.get_by_test_id("rich-title").fill("再请教")
        await page.get_by_test_id("send").click()
        await expect(post.locator(".post-title")).to_have_text("再请教")
        await expect(page.locator(".edited")).to_be_visible()
        assert watched.troubles == []


def beginning_with(text: str) -> re.Pattern[str]:
    return re.compile("^" + re.escape(text))


async def test_replies_topics_reactions_edits_and_recalls_of_two_people(watched: Watched) -> None:
    sandbox = Sandbox(SandboxSettings())
    app = next(iter(sandbox.world.apps.values()))
    app.scopes = {*app.scopes, "im:message.group_msg"}
    async with running(sandbox) as url, fake_bot(sandbox, url) as bot:
        bot.answering = False
        page = await open_page(watched, url)
        answer = post_card(sandbox, card(markdown("卡片上的回答")))
        await write(page, "第一句")
        await page.get_by_test_id(f"me-{BOB}").click()
        await act(page, "第一句", "reply")
        await write(page, "回复人")
        await act(page, "卡片上的回答", "reply")
        await write(page, "回复卡片")
        await act(page, "第一句", "replyInTopic")
        await write(page, "开个话题")
        topic = page.get_by_test_id("topic")
        await expect(topic.get_by_test_id("message")).to_have_count(2)
        await topic.get_by_test_id("topic-reply").click()
        await write(page, "接着说")
        await expect(topic.get_by_test_id("message")).to_have_count(3)
        await sandbox.wait_for(lambda: len(messages(bot)) == 5)
        said = {json.loads(message["content"])["text"]: message for message in messages(bot)}
        first = said["第一句"]["message_id"]
        assert said["回复人"]["parent_id"] == first and "thread_id" not in said["回复人"]
        assert said["回复卡片"]["parent_id"] == answer
        assert said["开个话题"]["thread_id"] == said["接着说"]["thread_id"]
        assert said["接着说"]["parent_id"] == said["接着说"]["root_id"] == first
        await act(page, "卡片上的回答", "react-ThumbsDown")
        chip = page.get_by_test_id("reaction-ThumbsDown")
        await expect(chip).to_contain_text("1")
        await chip.click()
        await expect(chip).to_have_count(0)
        await act(page, "接着说", "edit")
        await write(page, "改过的话")
        await expect(page.locator(".edited")).to_be_visible()
        await act(page, "回复人", "recall")
        await expect(page.locator(".recalled")).to_be_visible()
        await sandbox.wait_for(lambda: len(bot.events) == 8)
        kinds = [event["header"]["event_type"] for event in bot.events[5:]]
        assert kinds == [
            "im.message.reaction.created_v1",
            "im.message.reaction.deleted_v1",
            "im.message.recalled_v1",
        ], "an edit is nobody's event"
        assert watched.troubles == []


async def test_a_topic_group_opens_a_topic_for_each_message(watched: Watched) -> None:
    sandbox = Sandbox(SandboxSettings())
    async with running(sandbox) as url, fake_bot(sandbox, url) as bot:
        bot.answering = False
        page = await open_page(watched, url)
        await page.get_by_test_id(f"chat-{TOPICS}").click()
        name = sandbox.world.apps["cli_sandbox"].name
        await write(page, f"@{name} 一")
        await write(page, f"@{name} 二")
        await expect(page.get_by_test_id("topic")).to_have_count(2)
        await page.get_by_test_id("topic").first.get_by_test_id("topic-reply").click()
        await write(page, f"@{name} 一之二")
        await expect(page.get_by_test_id("topic").first.get_by_test_id("message")).to_have_count(2)
        await sandbox.wait_for(lambda: len(messages(bot)) == 3)
        threads = [message["thread_id"] for message in messages(bot)]
        assert len(set(threads)) == 2


async def test_messages_of_several_people_are_forwarded_merged(watched: Watched) -> None:
    sandbox = Sandbox(SandboxSettings())
    async with running(sandbox) as url, fake_bot(sandbox, url) as bot:
        bot.answering = False
        await sandbox.say(GROUP, ALICE, "出差回来多久内要报销？")
        await sandbox.say(GROUP, BOB, "逾期了怎么办？")
        page = await open_page(watched, url)
        await act(page, "多久内", "forward")
        await act(page, "逾期", "forward")
        await expect(page.get_by_test_id("mode")).to_contain_text("2")
        await page.get_by_test_id("forward-to").select_option(PRIVATE)
        await page.get_by_test_id("forward-send").click()
        await page.get_by_test_id(f"chat-{PRIVATE}").click()
        await expect(page.locator(".forward")).to_contain_text("周明: 逾期了怎么办？")
        (message,) = await sandbox.wait_for(lambda: messages(bot))
        assert message["message_type"] == "merge_forward"
        fetched = await bot.call("GET", f"/im/v1/messages/{message['message_id']}")
        assert [item.get("upper_message_id") for item in fetched["data"]["items"]] == [None] + 2 * [
            message["message_id"]
        ]
        assert watched.troubles == []


async def test_on_a_phone_everything_can_be_reached(watched: Watched) -> None:
    sandbox = Sandbox(SandboxSettings())
    async with running(sandbox) as url, fake_bot(sandbox, url) as bot:
        bot.answering = False
        await watched.page.set_viewport_size({"width": 390, "height": 844})
        page = await open_page(watched, url)
        await page.get_by_test_id(f"chat-{GROUP}").click()
        await write(page, "一句很长的话，长到在手机上要换行才能放得下，看看工具会不会跑到屏幕外面去")
        await page.get_by_test_id("message").click()
        for name in ("reply", "replyInTopic", "react", "edit", "forward", "recall"):
            box = await page.get_by_test_id(name).bounding_box()
            assert box and box["x"] >= 0 and box["x"] + box["width"] <= 390, name
        await act(page, "一句很长", "replyInTopic")
        await write(page, "话题里的回复")
        await expect(page.get_by_test_id("topic").get_by_test_id("message")).to_have_count(2)
        width = await page.evaluate("Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)")
        assert width <= 390
