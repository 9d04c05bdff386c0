"""Two replicas are one bot: they share the call budget, and any of them takes any question, click and new index."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.ingestion.pipeline import ingest
from rag.settings import EmbeddingSettings, RagSettings
from tests.integration.conftest import ALICE, DEADLINE_S, Stage, answer_text, words
from tests.integration.test_bad_luck import ANSWER, QUESTION, using
from tests.integration.test_card_people import labels
from tests.support.bot_process import BotProcess
from tests.support.crowd import Crowd
from tests.support.model_server import ModelServer, Reply, running
from tests.support.postgres import Postgres

CROWD = 40
SECOND = "回来后 10 个工作日内提交 [1]。"


@pytest.fixture
def model() -> Iterator[ModelServer]:
    """Writes an answer in two or three seconds."""
    with running() as server:
        server.script(Reply(ANSWER, delay_s=0.05))
        yield server


async def test_forty_questions_at_once_to_two_replicas_are_answered_without_a_refusal(
    stage: Stage, model: ModelServer, postgres: Postgres
) -> None:
    settings = using(model, BOT__DATABASE_URL=postgres.url(), BOT__WORKERS=str(CROWD // 2))
    first = await stage.bot(**settings)
    await first.logged("budget_shared", share=1.0, replicas=1)
    second = await stage.bot(**settings)
    for bot in (first, second):
        await bot.logged("budget_shared", share=0.5, replicas=2)
    crowd = Crowd(stage.sandbox, CROWD)
    for _ in range(CROWD):
        await crowd.ask(QUESTION)
    await crowd.until_answered(ANSWER, 2 * DEADLINE_S)
    assert {len(texts) for texts in crowd.texts().values()} == {1}
    assert [entry for entry in stage.sandbox.calls() if entry.code] == []
    assert stage.sandbox.violations == []
    for bot in (first, second):
        assert len([line for line in bot.lines if line.get("event") == "job_started"]) >= CROWD // 4
    await first.kill()
    await second.logged("budget_shared", share=1.0, replicas=1)


async def test_a_replica_that_stops_in_order_leaves_its_part_at_once(stage: Stage, postgres: Postgres) -> None:
    settings = {"BOT__DATABASE_URL": postgres.url()}
    first, second = await stage.bot(**settings), await stage.bot(**settings)
    await second.logged("budget_shared", share=0.5, replicas=2)
    assert await first.terminate() == 0
    await second.logged("budget_shared", share=1.0, replicas=1)


async def test_a_share_set_by_hand_is_kept(stage: Stage, postgres: Postgres) -> None:
    url = postgres.url()
    by_hand = await stage.bot(BOT__DATABASE_URL=url, FEISHU__BUDGET_SHARE="0.25")
    other = await stage.bot(BOT__DATABASE_URL=url)
    await other.logged("budget_shared", share=0.75, replicas=2)
    await by_hand.logged("budget_shared", share=0.25, replicas=2)


async def test_what_one_replica_answered_another_one_is_clicked_for(
    stage: Stage, model: ModelServer, postgres: Postgres
) -> None:
    settings = using(model, BOT__DATABASE_URL=postgres.url())
    first = await stage.bot(**settings)
    card = await stage.closed(await stage.ask(QUESTION))
    await first.logged("job_ended", state="done")
    second = await stage.bot(**settings)  # clicks go to the one started last
    await stage.click(card, "up", ALICE)

    def counted() -> bool:
        return any(label.endswith("1") for label in labels(stage.sandbox.shown(card["message_id"])))

    await stage.sandbox.wait_for(counted, DEADLINE_S)
    model.script(Reply(SECOND))
    async with first.standing_still(0):  # it might be quicker
        await stage.click(card, "regenerate", ALICE)
        await second.logged("job_started", kind="regenerate")
    again = await stage.closed(card["parent_id"], containing=SECOND)
    assert "2/2" in words(again["card"])
    assert again["message_id"] == card["message_id"]
    assert stage.sandbox.violations == []


async def test_a_new_index_is_taken_up_by_every_replica(stage: Stage, postgres: Postgres, tmp_path: Path) -> None:
    knowledge, index = tmp_path / "knowledge", tmp_path / "shared-index"
    knowledge.mkdir()
    (knowledge / "a.md").write_text("# 帐篷\n\n## 帐篷押金\n\n帐篷押金为每顶 320 元。\n", "utf-8")
    rag = RagSettings(knowledge=[knowledge], index_dir=index, embedding=EmbeddingSettings(provider="none"))
    await asyncio.to_thread(ingest, rag)
    settings = {"BOT__DATABASE_URL": postgres.url(), "RAG__INDEX_DIR": str(index)}
    one, two = [await stage.bot(**settings) for _ in range(2)]

    async def said_by(bot: BotProcess, other: BotProcess) -> str:
        stage.sandbox.set_webhook(f"{bot.public}/feishu/webhook")
        async with other.standing_still(0):
            return answer_text(await stage.closed(await stage.ask("帐篷押金是多少？")))

    assert "320" in await said_by(one, two) and "320" in await said_by(two, one)
    (knowledge / "a.md").write_text("# 帐篷\n\n## 帐篷押金\n\n帐篷押金为每顶 450 元。\n", "utf-8")
    await asyncio.to_thread(ingest, rag)
    assert "450" in await said_by(one, two) and "450" in await said_by(two, one)
