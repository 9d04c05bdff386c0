"""Kills that no job has caused give nobody up; a job that ends its process each time is given up, and nobody else."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.integration.conftest import Stage, words
from tests.integration.test_bad_luck import QUESTION, using
from tests.support.bot_process import BotProcess
from tests.support.crowd import Crowd
from tests.support.later import goes_on_for, until
from tests.support.model_server import ModelServer, Reply, running
from tests.support.transport import has_somebody

SHORT = "返回后 **10 个工作日内**提交报销单 [1]。"
POISON = "年假没休完可以留到明年吗？"


@pytest.fixture
def model() -> Iterator[ModelServer]:
    """A local OpenAI-compatible server that writes slowly enough to be interrupted."""
    with running() as server:
        server.script(Reply(SHORT, delay_s=0.05))
        yield server


@pytest.mark.timeout(1_200)
@pytest.mark.long
async def test_a_hundred_questions_through_ten_kills_three_seconds_apart(
    stage: Stage, model: ModelServer, store_url: str
) -> None:
    await through_a_storm(stage, model, store_url, questions=100, kills=10, alive_s=3.0)


async def test_a_storm_of_kills_gives_nobody_up(stage: Stage, model: ModelServer) -> None:
    await through_a_storm(stage, model, f"sqlite:///{stage.folder}/bot.db", questions=12, kills=3, alive_s=0.3)


async def through_a_storm(
    stage: Stage, model: ModelServer, store_url: str, *, questions: int, kills: int, alive_s: float
) -> None:
    """Each kill comes while answers are being written, so long after the first began; attempts are fewer than kills."""
    settings = using(model, BOT__DATABASE_URL=store_url, BOT__LEASE_S="3", BOT__MAX_ATTEMPTS="2")
    model.script(Reply(SHORT, delay_s=0.05, end="stall"))
    bot = await stage.bot(**settings)
    crowd = Crowd(stage.sandbox, questions)
    for _ in range(questions):
        await crowd.ask(QUESTION)
    for number in range(kills):
        await bot.logged("job_started")
        await goes_on_for(alive_s)
        await bot.kill()
        if number == kills - 1:
            model.script(Reply(SHORT, delay_s=0.02))
        bot = await stage.bot(**settings)
    await crowd.until_answered(SHORT, 600.0)
    assert crowd.texts() == {asked: [SHORT] for asked in crowd.asked}
    assert [line for line in bot.lines if line["event"] == "job_dead_letter"] == []


async def restarted(stage: Stage, settings: dict[str, str], crashes: list[int], model: ModelServer) -> None:
    """A bot that is killed as soon as the question that is poison is asked of the model, and started again, until it
    gives that one up."""
    while True:
        bot = await stage.bot(**settings)
        if await gives_it_up(bot, model, before=len(asked_poison(model))):
            return
        await bot.kill()
        crashes.append(len(crashes))


async def gives_it_up(bot: BotProcess, model: ModelServer, *, before: int) -> bool:
    """Whether the poison is given up before it is asked once more."""

    def is_given_up() -> bool:
        return any(line["event"] == "job_dead_letter" and line.get("why") == "crashes" for line in bot.lines)

    async with asyncio.timeout(120):
        await until(lambda: is_given_up() or len(asked_poison(model)) > before)
    return is_given_up()


def asked_poison(model: ModelServer) -> list[object]:
    return [chat for chat in model.chats() if POISON in str(chat.body)]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("store", ["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
async def test_a_job_that_ends_its_process_each_time_is_given_up_and_all_others_are_answered(
    stage: Stage, model: ModelServer, request: pytest.FixtureRequest, store: str
) -> None:
    url = f"sqlite:///{stage.folder}/bot.db" if store == "sqlite" else request.getfixturevalue("postgres").url()
    settings = using(model, BOT__DATABASE_URL=url, BOT__LEASE_S="3", BOT__MAX_ATTEMPTS="2", BOT__WORKERS="4")
    crowd = Crowd(stage.sandbox, 5)
    crashes: list[int] = []
    starting = asyncio.create_task(restarted(stage, settings, crashes, model))
    async with asyncio.timeout(60):
        await until(lambda: has_somebody(stage.sandbox))
    for number in range(5):
        await crowd.ask(POISON if number == 1 else QUESTION)
    await starting
    poison = crowd.asked.pop(1)
    await crowd.until_answered(SHORT, 120.0)
    assert crowd.texts() == {asked: [SHORT] for asked in crowd.asked}
    card = await stage.closed(poison)
    assert "仍然没能回答" in words(card["card"])
    assert len(stage.cards(poison)) == 1
    assert len(crashes) <= 2 + 2 + 2, "log2(slots) + 2 + max_attempts"
