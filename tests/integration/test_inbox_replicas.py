"""Two replicas and one app's call budget: each takes its part, and nothing is refused."""

from collections.abc import Iterator

import pytest

from tests.integration.conftest import DEADLINE_S, Stage
from tests.integration.test_bad_luck import ANSWER, QUESTION, using
from tests.support.crowd import Crowd
from tests.support.model_server import ModelServer, Reply, running
from tests.support.postgres import Postgres

CROWD = 40


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
    assert stage.sandbox.laws_broken == []
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
