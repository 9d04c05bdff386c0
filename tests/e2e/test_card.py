"""The card in Chromium, on the sandbox's page: stop, regenerate, pager, the 👎 form, reasoning."""

import contextlib
import os
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from feishu.sandbox import Sandbox, SandboxSettings, running
from tests.e2e.browser import Watched
from tests.integration.test_bad_luck import using
from tests.support import model_server
from tests.support.bot_process import bot_process
from tests.support.model_server import ModelServer, Reply

pytestmark = pytest.mark.asyncio(loop_scope="session")

QUESTION = "出差回来多久内要报销？"
ANSWER = "出差回来后要在返回之日起 **10 个工作日内**提交差旅报销单 [1]。\n\n- 逾期要说明原因\n- 并由部门负责人审批\n\n"
DEADLINE_MS = 60_000
PICTURES = os.environ.get("PICTURES_DIR")


@dataclass
class Scene:
    """A page with a bot behind it that asks a scripted model."""

    page: Page
    sandbox: Sandbox
    model: ModelServer

    async def ask(self, *, chat: str = "chat-oc_product", mention: bool = True, text: str = QUESTION) -> Locator:
        """Asks as a person does; gives the card."""
        await self.page.get_by_test_id(chat).click()
        if mention:
            await self.page.get_by_test_id("mention-bot").click()
        await self.page.get_by_test_id("composer-input").focus()
        await self.page.keyboard.type(text)
        await self.page.get_by_test_id("send").click()
        cards = self.page.get_by_test_id("card")
        await expect(cards.last).to_contain_text(text, timeout=DEADLINE_MS)
        return cards.last

    async def picture(self, name: str) -> None:
        if PICTURES:
            await self.page.screenshot(path=Path(PICTURES) / f"{name}.png")


@contextlib.asynccontextmanager
async def scene(watched: Watched, folder: Path, *replies: Reply, **environment: str) -> AsyncIterator[Scene]:
    sandbox = Sandbox(SandboxSettings())
    with model_server.running() as model:
        model.script(*replies)
        chosen = using(model, RAG__INDEX_DIR=str(folder / "index"), **environment)
        async with running(sandbox) as url, bot_process(url, folder, **chosen) as bot:
            sandbox.set_webhook(f"{bot.public}/feishu/webhook")
            await watched.page.goto(url)
            yield Scene(watched.page, sandbox, model)
            assert watched.troubles == []
            assert sandbox.violations == []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A bot's folder with the handbook indexed."""
    from rag.ingestion.pipeline import ingest
    from rag.settings import EmbeddingSettings, RagSettings
    from tests.support.bot_process import REPOSITORY

    words_only = EmbeddingSettings(provider="none")
    ingest(RagSettings(knowledge=[REPOSITORY / "knowledge"], index_dir=tmp_path / "index", embedding=words_only))
    return tmp_path


async def test_stop_while_it_streams(watched: Watched, folder: Path) -> None:
    async with scene(watched, folder, Reply(ANSWER, delay_s=0.03, end="stall")) as stage:
        card = await stage.ask()
        await expect(card).to_contain_text("10 个工作日内", timeout=DEADLINE_MS)
        await stage.picture("card-streaming")
        await card.get_by_role("button", name="⏹ 停止").click()
        await expect(card).to_contain_text("已停止", timeout=DEADLINE_MS)
        await expect(card).to_contain_text("10 个工作日内")
        await stage.picture("card-stopped")


async def test_a_source_unfolds_to_its_sentence_and_the_number_leads_to_it(watched: Watched, folder: Path) -> None:
    async with scene(watched, folder, Reply(ANSWER)) as stage:
        card = await stage.ask()
        await expect(card.get_by_role("link", name="[1]")).to_have_attribute(
            "href", re.compile("https://"), timeout=DEADLINE_MS
        )
        await card.get_by_text("📎 参考资料（1）").click()
        quote = card.get_by_text(re.compile("^原文："))
        await expect(quote).to_be_visible()
        bold = card.locator("details strong", has_text="10 个工作日")
        await expect(bold).to_be_hidden()
        await quote.click()
        await expect(bold).to_be_visible()
        await stage.picture("card-source-unfolded")


async def test_regenerate_and_page_through_versions_with_reasoning(watched: Watched, folder: Path) -> None:
    replies = [Reply(ANSWER, reasoning="先核对报销时限，再看逾期怎么办。"), Reply("第二个版本：10 个工作日 [1]。")]
    async with scene(watched, folder, *replies) as stage:
        card = await stage.ask()
        await card.get_by_text("💭 思考过程").click(timeout=DEADLINE_MS)
        await expect(card).to_contain_text("先核对报销时限")
        await stage.picture("card-reasoning")
        await card.get_by_role("button", name="🔄 重新生成").click()
        await expect(card).to_contain_text("2/2", timeout=DEADLINE_MS)
        await card.get_by_role("button", name="👍 有用").click()
        await expect(card.get_by_role("button", name="👍 有用 1")).to_be_visible(timeout=DEADLINE_MS)
        await stage.picture("card-versions")
        await card.get_by_role("button", name="‹").click()
        await expect(card).to_contain_text("1/2", timeout=DEADLINE_MS)
        await expect(card).to_contain_text("逾期要说明原因")
        await card.get_by_role("button", name="›").click()
        await expect(card).to_contain_text("第二个版本", timeout=DEADLINE_MS)


async def test_a_private_card_asks_why_and_thanks(watched: Watched, folder: Path) -> None:
    async with scene(watched, folder, Reply(ANSWER)) as stage:
        chat = next(chat for chat in stage.sandbox.world.chats.values() if chat.kind == "p2p")
        card = await stage.ask(chat=f"chat-{chat.chat_id}", mention=False)
        await card.get_by_role("button", name="👎 没用").click(timeout=DEADLINE_MS)
        await expect(card.get_by_test_id("select-reason")).to_be_visible(timeout=DEADLINE_MS)
        await stage.picture("card-reason-form")
        await card.get_by_test_id("select-reason").select_option("outdated")
        await card.get_by_test_id("input-comment").fill("制度上个月改了")
        await card.get_by_role("button", name="提交").click()
        await expect(stage.page.get_by_test_id("toasts")).to_contain_text("原因已记下")
        await expect(card.get_by_test_id("select-reason")).to_have_count(0, timeout=DEADLINE_MS)


async def test_in_a_group_the_form_is_for_the_clicker_alone(watched: Watched, folder: Path) -> None:
    async with scene(watched, folder, Reply(ANSWER)) as stage:
        card = await stage.ask()
        await card.get_by_role("button", name="👎 没用").click(timeout=DEADLINE_MS)
        form = stage.page.get_by_test_id("form-reason_form")
        await expect(form).to_be_visible(timeout=DEADLINE_MS)
        await stage.picture("card-reason-alone")
        await stage.page.get_by_test_id("me-ou_zhouming").click()
        await expect(form).to_have_count(0)
        await stage.page.get_by_test_id("me-ou_linxiaoman").click()
        await form.get_by_test_id("select-reason").select_option("incomplete")
        await form.get_by_role("button", name="提交").click()
        await expect(stage.page.get_by_text("原因已记下").last).to_be_visible(timeout=DEADLINE_MS)


async def test_a_card_that_may_not_hold_the_answer_points_below(watched: Watched, folder: Path) -> None:
    async with scene(watched, folder, Reply(ANSWER)) as stage:
        stage.sandbox.faults.plan("card.update", code=230028, times=2)
        await stage.ask()
        moved = stage.page.get_by_test_id("card").last
        await expect(moved).to_contain_text("完整内容已作为新消息发在下面", timeout=DEADLINE_MS)
        await expect(moved).not_to_contain_text("工作日")
        await stage.picture("card-moved")
        await expect(stage.page.locator("body")).to_contain_text("回答在这里：")


async def test_an_answer_that_is_refused_in_every_shape_is_said_to_be_and_can_be_regenerated(
    watched: Watched, folder: Path
) -> None:
    async with scene(watched, folder, Reply(ANSWER), Reply("第二个版本 [1]。")) as stage:
        stage.sandbox.faults.plan("*", code=230028, match="个工作日", times=None)
        await stage.ask()
        card = stage.page.get_by_test_id("card").last
        await expect(card).to_contain_text("没有放行这条回答", timeout=DEADLINE_MS)
        await stage.picture("card-withheld")
        await card.get_by_role("button", name="🔄 重新生成").click()
        await expect(card).to_contain_text("第二个版本", timeout=DEADLINE_MS)
        await expect(card).to_contain_text("2/2")
