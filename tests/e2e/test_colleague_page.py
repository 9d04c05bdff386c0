"""The ten turns of two people once more, played by hand on the sandbox page against the real bot."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from feishu.sandbox import Sandbox, SandboxSettings, running
from rag.ingestion.pipeline import ingest
from rag.settings import EmbeddingSettings, RagSettings
from tests.e2e.conftest import Watched
from tests.e2e.test_sandbox_page import open_page
from tests.e2e.test_sandbox_sending import act, more, write
from tests.integration.conftest import ALICE, BOB, GROUP
from tests.integration.test_bad_luck import using
from tests.integration.test_ten_turns import SEEN, UNKNOWN, colleague, picture
from tests.support.bot_process import REPOSITORY, bot_process
from tests.support.model_server import ModelServer
from tests.support.model_server import running as model_running

pytestmark = pytest.mark.asyncio(loop_scope="session")

QUESTION = "出差回来多久内要报销？"


@dataclass
class Played:
    """A sandbox with the real bot on it."""

    sandbox: Sandbox
    url: str


@pytest.fixture
def model() -> Iterator[ModelServer]:
    with model_running() as server:
        server.script(answer=colleague)
        yield server


@pytest_asyncio.fixture(loop_scope="session")
async def played(tmp_path: Path, model: ModelServer) -> AsyncIterator[Played]:
    index = tmp_path / "index"
    embedding = EmbeddingSettings(provider="none")
    ingest(RagSettings(knowledge=[REPOSITORY / "knowledge"], index_dir=index, embedding=embedding))
    sandbox = Sandbox(SandboxSettings())
    app = next(iter(sandbox.world.apps.values()))
    app.scopes = {*app.scopes, "im:message.group_msg", "contact:user.base:readonly"}
    more_settings = {"RAG__LLM__VISION": "true", "BOT__PEOPLE__OWNERS": f'{{"*": ["{BOB}"]}}'}
    async with running(sandbox) as url, AsyncExitStack() as stack:
        bot = await stack.enter_async_context(bot_process(url, tmp_path, **using(model), **more_settings))
        sandbox.set_webhook(f"{bot.public}/feishu/webhook")
        yield Played(sandbox, url)


async def be(page: Page, person: str) -> None:
    await page.get_by_test_id(f"me-{person}").click()


def last_card(page: Page) -> Any:
    return page.get_by_test_id("card").last


async def closed(page: Page, text: str) -> None:
    """The newest card is closed and says this."""
    await expect(last_card(page)).to_contain_text(text)
    await expect(last_card(page).get_by_text("🔄")).to_be_visible()


async def play(page: Page, sandbox: Sandbox) -> None:
    """All ten turns."""
    name = next(iter(sandbox.world.apps.values())).name
    await write(page, f"@{name} {QUESTION}")
    await closed(page, "请按制度办理")
    await act(page, "请按制度办理", "reply")
    await write(page, "那住宿呢？")
    await closed(page, "我的理解：出差住宿的报销标准是多少？")

    await be(page, BOB)
    await act(page, "我的理解：出差住宿", "reply")
    await write(page, f"@{name} @林小满 问的住宿报销，发票抬头写什么？")
    await closed(page, "@林小满 问的住宿报销")

    await be(page, ALICE)
    await more(page, "more-richText")
    await page.get_by_test_id("rich-title").fill("请教")
    rich = f"@{name} 看了[制度](https://wiki.example.com)\n@周明 说报销要审批，谁审批？\n```python\napprove(claim)\n```"
    await write(page, rich)
    await closed(page, "说报销要审批")

    await be(page, BOB)
    file: Any = {"name": "截图.png", "mimeType": "image/png", "buffer": picture()}
    await page.get_by_test_id("file").set_input_files(file)
    await expect(page.locator(".bubble-picture")).to_be_visible()
    await page.locator(".row", has=page.locator(".bubble-picture")).hover()
    await page.locator(".row", has=page.locator(".bubble-picture")).get_by_test_id("reply").click()
    await write(page, f"@{name} 这个怎么办？")
    await closed(page, SEEN)

    first = page.get_by_test_id("message").filter(has=page.get_by_test_id("card")).first
    await first.hover()
    await first.get_by_test_id("react").click()
    await expect(first.get_by_text("👍 有用 1")).to_be_visible()
    await first.get_by_test_id("reaction-THUMBSUP").click()
    await expect(first.get_by_text("👍 有用 1")).to_have_count(0)

    await be(page, ALICE)
    await write(page, f"@{name} 年假没休完可以留到明年吗？")
    await expect(last_card(page)).to_contain_text("年假的规定很长")
    await act(page, "年假没休完", "recall")
    await expect(last_card(page)).to_contain_text("提问已撤回")

    await be(page, BOB)
    await write(page, f"@{name} /新对话")
    await expect(page.get_by_text("重新开始").last).to_be_visible()

    await be(page, ALICE)
    await write(page, f"@{name} {UNKNOWN}")
    await closed(page, "无法回答")
    await last_card(page).get_by_text("🙋").click()
    await expect(page.get_by_test_id("toast").last).to_contain_text("已请资料负责人来看")
    await be(page, BOB)
    await expect(page.get_by_text("请帮忙看看").last).to_be_visible()
    await act(page, "请帮忙看看", "reply")
    await write(page, "是蓝色的。")
    await expect(page.get_by_text("已记为这个问题的答案").last).to_be_visible()

    await page.locator(".row", has=page.locator(".bubble-picture")).hover()
    await page.locator(".row", has=page.locator(".bubble-picture")).get_by_test_id("replyInTopic").click()
    await write(page, f"@{name} 报销有哪些步骤？")
    topic = page.get_by_test_id("topic")
    await expect(topic.get_by_test_id("card").last).to_contain_text("请按制度办理")
    await expect(topic.get_by_test_id("card").last.get_by_text("🔄")).to_be_visible()
    await topic.get_by_test_id("topic-reply").click()
    await write(page, "那逾期了呢？")
    await expect(topic.get_by_test_id("card").last).to_contain_text("我的理解：报销逾期了怎么办？")
    await expect(topic.get_by_test_id("card")).to_have_count(2)


async def test_ten_turns_on_the_page(watched: Watched, played: Played) -> None:
    page = await open_page(watched, played.url)
    await play(page, played.sandbox)
    await page.set_viewport_size({"width": 390, "height": 844})
    width = await page.evaluate("Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)")
    assert width <= 390
    assert watched.troubles == [] and watched.outside(played.url) == []
    assert played.sandbox.violations == []
    assert len(played.sandbox.messages_in(GROUP)) >= 20
