"""SIGTERM: nothing is refused, what can end ends, the rest is given back, and the exit code is 0."""

import asyncio
import signal
from collections.abc import Iterator

import pytest

from tests.integration.conftest import ALICE, DEADLINE_S, Stage, answer_text
from tests.integration.test_bad_luck import ANSWER, QUESTION, partly_shown, using
from tests.integration.test_inbox_waiting import private_chat, says
from tests.support.bot_process import BotProcess
from tests.support.model_server import ModelServer, Reply, running
from tests.support.postgres import Postgres

TROUBLE = ("Traceback", "Unclosed", "was destroyed", "never retrieved", "never awaited", "ResourceWarning")


@pytest.fixture
def model() -> Iterator[ModelServer]:
    """A local OpenAI-compatible server."""
    with running() as server:
        yield server


def signalled(bot: BotProcess) -> None:
    assert bot.process is not None
    bot.process.send_signal(signal.SIGTERM)


async def ended_well(bot: BotProcess) -> None:
    """It exits by itself with 0, and leaves nothing open that somebody would complain about."""
    assert bot.process is not None
    async with asyncio.timeout(DEADLINE_S):
        assert await bot.process.wait() == 0
    await bot.terminate()  # its last lines are read
    bad = [line for line in bot.lines if "exception" in line or any(word in str(line) for word in TROUBLE)]
    assert bad == []


async def test_idle_it_ends_at_once(stage: Stage, store_url: str) -> None:
    bot = await stage.bot(BOT__DATABASE_URL=store_url, BOT__DRAIN_S="600")
    await stage.closed(await stage.ask(QUESTION))
    signalled(bot)
    await ended_well(bot)


async def test_what_streams_ends_what_waits_keeps_its_card_and_what_arrives_is_accepted(
    stage: Stage, model: ModelServer, store_url: str
) -> None:
    model.script(Reply(ANSWER, delay_s=0.1), Reply(ANSWER))
    settings = using(model, BOT__WORKERS="1", BOT__DATABASE_URL=store_url)
    bot = await stage.bot(**settings, BOT__DRAIN_S="600")
    first = await stage.ask(QUESTION)
    await partly_shown(stage, first)
    second = await stage.ask(QUESTION, chat=private_chat(stage, ALICE), mention=False)
    waiting = await says(stage, second, "前面还有 1 个问题")
    signalled(bot)
    await bot.logged("draining")
    third = await stage.ask(QUESTION)
    await stage.sandbox.wait_for(
        lambda: len([e for e in stage.sandbox.log if e.kind == "event" and e.ok]) >= 3, DEADLINE_S
    )
    assert answer_text(await stage.closed(first)) == ANSWER
    await ended_well(bot)
    assert not [line for line in bot.lines if line.get("event") == "accept_failed"]
    await stage.bot(**settings)
    for asked in (second, third):
        assert answer_text(await stage.closed(asked)) == ANSWER
        assert len(stage.cards(asked)) == 1
    assert stage.cards(second)[0]["message_id"] == waiting["message_id"]
    assert stage.sandbox.violations == []


@pytest.mark.parametrize("signals", [1, 2])
async def test_what_does_not_end_in_time_goes_on_at_once_at_another_replica(
    stage: Stage, model: ModelServer, postgres: Postgres, signals: int
) -> None:
    """Its lease would last for ten minutes: it was given back, after `drain_s` or at the second signal."""
    model.script(Reply(ANSWER, delay_s=0.05, end="stall"), Reply(ANSWER))
    settings = using(model, BOT__DATABASE_URL=postgres.url(), BOT__LEASE_S="600")
    other = await stage.bot(**settings)
    bot = await stage.bot(**settings, BOT__DRAIN_S="0.2" if signals == 1 else "600")
    asked = await stage.ask_of(bot, QUESTION, while_still=other)
    growing = await partly_shown(stage, asked)
    signalled(bot)
    await bot.logged("draining")
    if signals == 2:
        signalled(bot)
    await other.logged("job_started", taken_over=False)
    await ended_well(bot)
    card = await stage.closed(asked)
    assert (answer_text(card), card["message_id"]) == (ANSWER, growing["message_id"])
    assert len(stage.cards(asked)) == 1
