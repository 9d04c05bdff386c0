"""`feishu-rag demo` as a newcomer meets it: the real command, the page, a question, every button."""

import contextlib
import importlib.util
import os
import re
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from bot.demo import SCRIPTED
from tests.e2e.browser import Watched
from tests.support.bot_process import BotProcess
from tests.support.caller import caller

pytestmark = pytest.mark.asyncio(loop_scope="session")

QUESTION = "出差回来多久内要报销？"
PRESSED = {"👍 有用": "谢谢，已记下 👍", "👎 没用": "谢谢，已记下 👎", "🔄 重新生成": "正在重新生成"}
DEADLINE_MS = 60_000
# Where screenshots go when somebody wants to look at them, those of docs/images (card, sandbox, outcomes) among them.
PICTURES = os.environ.get("PICTURES_DIR")


@contextlib.asynccontextmanager
async def demo(folder: Path, *options: str, **environment: str) -> AsyncIterator[tuple[BotProcess, str]]:
    """A running demo and the address of its page."""
    settings = {"BOT__PORT": "0", "BOT__WEB_PORT": "0", **environment}
    bot = BotProcess(folder, settings, ("demo", "--port", "0", "--data", str(folder / "data"), *options))
    try:
        await bot.start()
        yield bot, (await bot.logged("demo_open"))["page"]
        assert await bot.terminate() == 0
    finally:
        await bot.kill()


async def ask_in_the_group(page: Page, question: str = QUESTION) -> Locator:
    """Mentions the bot with the button, types, sends; gives the card that answers."""
    await page.get_by_test_id("chat-oc_product").click()
    cards = page.locator(".card")
    before = await cards.count()
    await page.get_by_test_id("mention-bot").click()
    await page.keyboard.type(question)
    await page.get_by_test_id("send").click()
    await expect(cards).to_have_count(before + 1, timeout=DEADLINE_MS)
    return cards.nth(before)


async def streamed(url: str) -> dict[str, list[str]]:
    """Element id → the texts that the first card's frames carried, in order."""
    async with caller(url) as http:
        entries = (await http.get("/sandbox/log")).json()["entries"]
    frames: dict[str, list[str]] = {"stage": [], "answer": []}
    for entry in entries:
        if entry["name"] == "card.settings":
            break
        if entry["name"] == "card.content":
            element = entry["detail"]["path"].split("/elements/")[1].split("/")[0]
            frames[element].append(entry["detail"]["request"]["content"])
    return frames


async def picture(shown: Page | Locator, name: str) -> None:
    if PICTURES:
        await shown.screenshot(path=Path(PICTURES) / f"{name}.png", animations="disabled")


async def warmed_up(bot: BotProcess) -> None:
    """The first answer loads the model's client, which takes seconds on a busy machine: no picture tells of it."""
    if PICTURES:
        async with caller(bot.web) as http:
            await http.post("/chat", json={"question": QUESTION})


async def test_a_newcomer_asks_in_the_group_and_presses_every_button(watched: Watched, tmp_path: Path) -> None:
    # A real app's settings must not leak into the demo.
    (tmp_path / ".env").write_text("FEISHU__APP_SECRET=real\nBOT__DATABASE_URL=postgresql://real/db\n")
    async with demo(tmp_path) as (bot, url):
        page = watched.page
        await warmed_up(bot)
        await page.goto(url)
        await picture(page, "demo-start")
        card = await ask_in_the_group(page)
        await picture(page, "demo-streaming")
        up = card.get_by_role("button", name="👍 有用")
        await expect(up).to_be_visible(timeout=DEADLINE_MS)
        await expect(card).to_contain_text("10 个工作日")
        await expect(card).to_contain_text(SCRIPTED)
        if (await bot.logged("questions_proposed"))["count"]:  # the card is drawn once more, and folds
            await bot.logged("job_ended", reason="redrawn")
        await card.get_by_text(re.compile("参考资料")).click()
        await expect(card.get_by_role("link").first).to_have_attribute(
            "href", re.compile(r"^https://wiki\.example\.com/")
        )
        await page.mouse.move(0, 0)
        await page.evaluate("document.activeElement.blur()")  # no toolbar over the message
        await picture(page, "sandbox")
        await picture(card, "card")
        for name, said in PRESSED.items():
            await card.get_by_role("button", name=name).click()
            await expect(page.get_by_test_id("toasts")).to_contain_text(said)
        await expect(card).to_contain_text("第 2 版", timeout=DEADLINE_MS)
        await picture(page, "demo-regenerated")
        frames = await streamed(url)
        assert any(re.search("找到 [0-9]+ 段资料", text) for text in frames["stage"])
        assert len(frames["answer"]) > 1
        assert all(later.startswith(earlier) for earlier, later in pairwise(frames["answer"]))
        await page.get_by_test_id("filter-violation").click()
        broken = page.get_by_test_id("log-entry")
        await expect(broken, str(await broken.all_inner_texts())).to_have_count(0)
        assert watched.troubles == []
        assert watched.outside(url) == []
    assert (tmp_path / "data" / "bot.db").exists()


async def test_a_question_without_an_answer_is_refused(watched: Watched, tmp_path: Path) -> None:
    async with demo(tmp_path) as (_, url):
        page = watched.page
        await page.goto(url)
        card = await ask_in_the_group(page, "火星上的日落是什么颜色？")
        await expect(card).to_contain_text("根据现有资料无法回答此问题", timeout=DEADLINE_MS)
        await expect(card.get_by_role("button", name="🔄 重新生成")).to_be_visible(timeout=DEADLINE_MS)
        await picture(page, "demo-no-evidence")
        assert watched.troubles == []


async def test_without_a_model_the_card_says_that_it_quotes(watched: Watched, tmp_path: Path) -> None:
    async with demo(tmp_path, "--no-model") as (_, url):
        page = watched.page
        await page.goto(url)
        card = await ask_in_the_group(page)
        await expect(card.get_by_role("button", name="🔄 重新生成")).to_be_visible(timeout=DEADLINE_MS)
        await expect(card).to_contain_text("10 个工作日")
        await expect(card).to_contain_text("未配置语言模型")
        await picture(page, "demo-no-model")
        assert watched.troubles == []


@pytest.mark.skipif(
    importlib.util.find_spec("sentence_transformers") is None,
    reason="sentence-transformers (extra bge) is not installed",
)
async def test_the_demo_runs_on_bge_with_both_legs_fused(watched: Watched, tmp_path: Path) -> None:
    from tests.support.tiny_bert import make_tiny_bert

    model = tmp_path / "tiny-bert"
    make_tiny_bert(model)
    chosen = {"RAG__EMBEDDING__PROVIDER": "sentence-transformers", "RAG__EMBEDDING__MODEL": str(model)}
    async with demo(tmp_path, **chosen) as (bot, url):
        page = watched.page
        await page.goto(url)
        card = await ask_in_the_group(page)
        await expect(card.get_by_role("button", name="👍 有用")).to_be_visible(timeout=DEADLINE_MS)
        await expect(card).to_contain_text("参考资料")
        async with caller() as http:
            embedding = (await http.get(f"{bot.web}/ready")).json()["embedding"]
        assert embedding["ok"] is True and str(model) in embedding["name"]
        assert watched.troubles == []
