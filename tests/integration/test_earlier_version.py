"""The code of today on what an earlier version left: a store with waiting jobs, the cards of its chats, two indexes."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.app import Bot
from bot.inbox.admin import JobList
from bot.repositories.analytics import Analytics
from bot.repositories.figures import summary
from bot.storage.tables import jobs
from feishu.sandbox import Sandbox, running
from rag.events import Finished, Question, Retrieved
from rag.index.base.manifest import read_current
from rag.ingestion.pipeline import ingest
from rag.knowledge_base import KnowledgeBase
from rag.scope import EVERYTHING
from rag.settings import EmbeddingSettings, RagSettings
from tests.integration.conftest import ALICE, BOB, DEADLINE_S, answer_text, button, words
from tests.support.bot_inside import bot_inside, idle, settings_of
from tests.support.earlier_version import Earlier, unpacked
from tests.support.model_server import ModelServer, Reply
from tests.support.model_server import running as model_running

QUESTION = "出差回来多久内要报销？"
KINDS = ("answer", "ask_reason", "redraw", "regenerate", "ask_person", "digest", "welcome", "menu", "recalled")
"""All that the earlier version knew; one of each waits in its store."""


@pytest.fixture
def earlier(tmp_path: Path) -> Earlier:
    return unpacked(tmp_path)


@pytest.fixture
def model() -> Any:
    with model_running() as server:
        yield server


@contextlib.asynccontextmanager
async def upgraded(earlier: Earlier, model: ModelServer) -> AsyncIterator[tuple[Bot, Sandbox]]:
    """The bot of today on it, once it has done all that waited."""
    model.script(answer=lambda _body: Reply("请按手册处理 [1]。"))
    sandbox, folder = earlier.sandbox(), earlier.folder
    async with running(sandbox) as url:
        settings = settings_of(url, folder / "knowledge", folder / "words", model.base_url, bot=earlier.bot_settings)
        async with bot_inside(settings, clock=earlier.clock()) as (bot, public):
            sandbox.set_webhook(f"{public}/feishu/webhook")
            async with asyncio.timeout(2 * DEADLINE_S):  # the model's client is imported meanwhile
                await idle(bot)
            yield bot, sandbox
    assert sandbox.violations == []


def new_messages(earlier: Earlier, sandbox: Sandbox) -> list[dict[str, Any]]:
    """What was sent since, as people see it."""
    before = {each["message_id"] for each in earlier.told["messages"]}
    return [sandbox.shown(each) for each in list(sandbox.world.messages) if each not in before]


async def shown_as(sandbox: Sandbox, message_id: str, *wanted: str) -> None:
    """Waits until a card says all of this."""

    def says() -> bool:
        message = sandbox.shown(message_id)
        card = answer_text(message) + words(message["card"])
        return all(each in card for each in wanted)

    await sandbox.wait_for(says, DEADLINE_S)


async def test_what_waited_is_done_and_old_cards_still_answer(earlier: Earlier, model: ModelServer) -> None:
    told = earlier.told
    async with upgraded(earlier, model) as (bot, sandbox):
        waited = select(jobs.c.kind, jobs.c.state, jobs.c.reason).where(jobs.c.id > 9).order_by(jobs.c.id)
        ended = await bot.database.read(lambda connection: connection.execute(waited).all())
        assert [row.kind for row in ended[: len(KINDS)]] == list(KINDS)
        assert {row.state for row in ended} == {"done"}, ended
        sent = new_messages(earlier, sandbox)
        answered = next(each for each in sent if each["parent_id"] == told["waiting"])
        assert answer_text(answered) == "请按手册处理 [1]。" and not answered["streaming"]
        shown = [words(each["card"]) for each in sent if each["card"]] + [json.dumps(each) for each in sent]
        for wanted in ("试试这样问", "本周", "/sources", BOB):  # the welcome, the digest, the menu's help, the owner
            assert any(wanted in each for each in shown), wanted
        again = sandbox.shown(told["asked_card"])
        assert "2/2" in words(again["card"]) and "请按手册处理" in answer_text(again)
        taken_back = next(each for each in told["messages"] if each["parent_id"] == told["taken_back"])
        assert button(sandbox.shown(taken_back["message_id"]), "up") is None

        clicked = await sandbox.click(told["asked_card"], BOB, value=button(again, "up"))
        assert clicked.toast, clicked.why
        await shown_as(sandbox, told["asked_card"], "👍 有用 1")
        turned = await sandbox.click(told["asked_card"], ALICE, value=button(again, "show"))
        assert not turned.why
        await shown_as(sandbox, told["asked_card"], "请在 15 个自然日内提交报销单 [1]。", "1/2", "👍 有用 1")


async def test_votes_gaps_dead_letters_and_web_chats_are_still_known(earlier: Earlier, model: ModelServer) -> None:
    async with upgraded(earlier, model) as (bot, _sandbox):
        figures = Analytics(bot.database, clock=bot.clock)
        counted = summary(await figures.questions(1))
        assert counted["votes"] == {"up": 2, "down": 2}
        assert counted["channels"] == {"group": 3, "p2p": 1, "web": 1}, "one was taken back"
        assert [gap.question for gap in await figures.gaps(1)] == ["公司班车几点发车？"]
        [dead] = await JobList(bot.database).entries(("buried",))
        assert (dead.kind, dead.reason) == ("answer", "RuntimeError: it failed five times")
        await JobList(bot.database).retry(dead.id)
        bot.worker.wake()
        await idle(bot)
        assert (await JobList(bot.database).everything(dead.id))["job"]["state"] == "done"
        [(turn, [answer], votes)] = await bot.web_turns.store.conversation("local", "c0ffee")
        assert (turn.question, answer.outcome, votes) == (QUESTION, "answered", {earlier.told["web_answer"]: "up"})


def rag_settings(earlier: Earlier, index: str, model: ModelServer) -> RagSettings:
    embedding = EmbeddingSettings(provider="none")
    if index == "vectors":
        embedding = EmbeddingSettings(provider="openai", base_url=model.base_url, model="bge-small-zh-v1.5")
    folder = earlier.folder
    return RagSettings(knowledge=[folder / "knowledge"], index_dir=folder / index, embedding=embedding)


@pytest.mark.parametrize("index", ["words", "vectors"])
async def test_an_index_is_searched_as_it_is(earlier: Earlier, model: ModelServer, index: str) -> None:
    settings = rag_settings(earlier, index, model)
    before = read_current(settings.index_dir)[0].name
    library = await KnowledgeBase.open(settings)
    await library.warm_up()
    async with contextlib.aclosing(library.answer(Question(QUESTION, EVERYTHING))) as events:
        seen = [event async for event in events]
    status = library.status()
    await library.aclose()
    assert isinstance(seen[0], Retrieved) and seen[0].passages[0].chunk.source == "reimbursement.md"
    assert isinstance(seen[-1], Finished) and status.index.ok and status.embedding.ok
    has_vectors = any(passage.dense_rank for passage in seen[0].passages)
    assert has_vectors == (index == "vectors")
    assert read_current(settings.index_dir)[0].name == before


@pytest.mark.parametrize("index", ["words", "vectors"])
def test_a_new_ingest_reads_what_it_has_to(earlier: Earlier, model: ModelServer, index: str) -> None:
    settings = rag_settings(earlier, index, model)
    first = ingest(settings)
    again = ingest(settings)
    assert (again.index, again.unchanged, again.embedded) == (first.index, 3, 0)
    changed = earlier.folder / "knowledge" / "leave.md"
    changed.write_text(changed.read_text("utf-8") + "\n## 婚假\n\n婚假十天。\n", "utf-8")
    last = ingest(settings)
    assert (last.changed, last.unchanged) == (1, 2)
