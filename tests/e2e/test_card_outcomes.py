"""The card in Chromium, on the sandbox's page: its three outcomes, and an answer that was cut and goes on."""

from pathlib import Path

import pytest
from playwright.async_api import Locator, ViewportSize, expect

from rag.generation.refusal import MARK
from tests.e2e.browser import Watched
from tests.e2e.test_card import ANSWER, DEADLINE_MS, folder, scene
from tests.support.model_server import Reply

__all__ = ["folder"]
pytestmark = pytest.mark.asyncio(loop_scope="session")

TALL: ViewportSize = {"width": 1280, "height": 1000}
OTHER = "火星上的日落是什么颜色？"
BEGUN = "出差回来后要在返回之日起 **10 个工作日内**提交差旅报销单 [1]。\n\n报销单要附上：\n\n- 发票\n- 行程单\n- 住宿清"
REST = "单\n\n逾期要说明原因，并由部门负责人审批 [1]。"


async def colour_of(card: Locator) -> str:
    header = card.locator("[class*='h-']").first
    return await header.get_attribute("class") or ""


async def test_each_outcome_has_its_own_look(watched: Watched, folder: Path) -> None:
    await watched.page.set_viewport_size(TALL)
    replies = [Reply(ANSWER), Reply("一般来说，出差回来两周内报销都来得及。"), Reply(MARK)]
    async with scene(watched, folder, *replies, BOT__PEOPLE__MEMORY_TURNS="0") as stage:
        answered = await stage.ask()
        await expect(answered).to_contain_text("📎 参考资料", timeout=DEADLINE_MS)
        assert "h-green" in await colour_of(answered)
        await stage.picture("card-answered")
        hedged = await stage.ask()
        await expect(hedged).to_contain_text("没有引用资料，请自行核实", timeout=DEADLINE_MS)
        assert "h-yellow" in await colour_of(hedged)
        await hedged.get_by_text("🔎 最接近的资料").click()
        await stage.picture("card-hedged")
        refused = await stage.ask(text=OTHER)
        await expect(refused).to_contain_text("可以换个说法再问", timeout=DEADLINE_MS)
        assert "h-orange" in await colour_of(refused)
        await stage.picture("card-no-evidence")


async def test_a_cut_answer_goes_on_in_the_same_card(watched: Watched, folder: Path) -> None:
    await watched.page.set_viewport_size(TALL)
    released: list[bool] = []
    rest = Reply(REST, once=lambda: bool(released), delay_s=0.02)
    async with scene(watched, folder, Reply(BEGUN, end="length"), rest) as stage:
        card = await stage.ask()
        await expect(card).to_contain_text("长度上限", timeout=DEADLINE_MS)
        await stage.picture("card-cut")
        await card.get_by_role("button", name="▶ 继续写").click()
        await expect(card.get_by_role("button", name="⏹ 停止")).to_be_visible(timeout=DEADLINE_MS)
        await expect(card).to_contain_text("生成中", timeout=DEADLINE_MS)
        await expect(card).to_contain_text("行程单")
        await stage.picture("card-going-on")
        released.append(True)
        await expect(card).to_contain_text("由部门负责人审批", timeout=DEADLINE_MS)
        await expect(card).to_contain_text("2/2", timeout=DEADLINE_MS)
        await expect(card).not_to_contain_text("长度上限")
        await expect(card.get_by_role("button", name="▶ 继续写")).to_have_count(0)
        await stage.picture("card-gone-on")
