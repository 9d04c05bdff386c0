"""Killed where it hurts most: whatever was accepted is answered whole, once, on one card."""

import asyncio
import signal
from collections.abc import Iterator

import pytest

from bot.crash_points import PLACES
from feishu.sandbox import SandboxSettings
from tests.integration.conftest import DEADLINE_S, Stage, answer_text, words
from tests.integration.test_bad_luck import ANSWER, QUESTION, partly_shown, using
from tests.support.bot_process import BotProcess
from tests.support.crowd import Crowd
from tests.support.model_server import ModelServer, Reply, running
from tests.support.postgres import Postgres

SEQUENCE_BEHIND = 300317
PAUSE_S = 20.0


@pytest.fixture
def model() -> Iterator[ModelServer]:
    """A local OpenAI-compatible server that writes the answer slowly enough to be interrupted."""
    with running() as server:
        server.script(Reply(ANSWER, delay_s=0.03))
        yield server


async def killed(bot: BotProcess) -> None:
    """Returns when the bot has been killed by its breakpoint."""
    assert bot.process is not None
    async with asyncio.timeout(DEADLINE_S):
        assert await bot.process.wait() == -signal.SIGKILL


async def one_whole_answer(stage: Stage, asked: str, *, refused: tuple[str, ...] = ()) -> None:
    """The whole answer stands on one closed card, and the platform had to refuse nothing but `refused`."""
    card = await stage.closed(asked)
    assert answer_text(card) == ANSWER
    assert len(stage.cards(asked)) == 1
    assert [entry for entry in stage.sandbox.log if entry.code == SEQUENCE_BEHIND] == []
    assert tuple(rule.name for rule in stage.sandbox.violations) == refused


@pytest.mark.parametrize("place", [place for place in PLACES if place != "after-part"])
async def test_killed_anywhere_the_answer_ends_whole_on_the_same_card(
    stage: Stage, model: ModelServer, store_url: str, place: str
) -> None:
    settings = using(model, BOT__DATABASE_URL=store_url, BOT__LEASE_S="3")
    bot = await stage.bot(**settings, BOT_TEST_KILL_AT=place)
    asked = await stage.ask(QUESTION)
    await killed(bot)
    before = stage.cards(asked)
    await stage.bot(**settings)
    await one_whole_answer(stage, asked)
    assert [card["message_id"] for card in before] in ([], [stage.cards(asked)[0]["message_id"]])


@pytest.mark.parametrize(("place", "refused"), [("after-reply", ("entity_sent_twice",)), ("mid-stream", ())])
async def test_restarted_two_hours_later_there_is_still_one_card(
    stage: Stage, model: ModelServer, store_url: str, place: str, refused: tuple[str, ...]
) -> None:
    """The uuid of the reply has expired by then. Where it is not known that the card was sent, the entity itself
    refuses to be sent twice, and that says it was."""
    settings = using(model, BOT__DATABASE_URL=store_url, BOT__LEASE_S="3")
    bot = await stage.bot(**settings, BOT_TEST_KILL_AT=place)
    asked = await stage.ask(QUESTION)
    await killed(bot)
    stage.sandbox.advance(2 * 3600)
    await stage.bot(**settings)
    await one_whole_answer(stage, asked, refused=refused)


@pytest.mark.parametrize(("parts_sent", "away_s"), [(1, 0), (2, 0), (1, 2 * 3600)])
async def test_killed_between_two_parts_of_a_long_answer_the_rest_follows_and_nothing_twice(
    stage: Stage, model: ModelServer, store_url: str, parts_sent: int, away_s: int
) -> None:
    """Two hours later the uuids of the parts have expired: what was sent is known by its message id."""
    paragraphs = [f"第 {number} 段：" + "报销单要在十个工作日内提交。" * 12 for number in range(1, 101)]
    model.script(Reply("\n\n".join(paragraphs), piece_chars=400))
    settings = using(model, BOT__DATABASE_URL=store_url, BOT__LEASE_S="3")
    bot = await stage.bot(**settings, BOT_TEST_KILL_AT=f"after-part:{parts_sent}")
    asked = await stage.ask(QUESTION)
    await killed(bot)
    assert len(stage.cards(asked)) == 1 + parts_sent
    stage.sandbox.advance(away_s)
    last = await stage.bot(**settings)
    await last.logged("job_ended", state="done")
    shown = [line for card in stage.cards(asked) for line in answer_text(card).split("\n")]
    assert [line for line in shown if line.startswith("第 ")] == paragraphs
    assert not any(card["streaming"] for card in stage.cards(asked))
    assert stage.sandbox.violations == []


async def test_a_platform_that_refuses_a_repeated_uuid_gets_no_second_card(stage: Stage, model: ModelServer) -> None:
    stage.sandbox.platform.settings = stage.sandbox.settings = SandboxSettings(uuid_repeat="refused")
    bot = await stage.bot(**using(model), BOT_TEST_KILL_AT="after-reply")
    asked = await stage.ask(QUESTION)
    await killed(bot)
    await stage.bot(**using(model))
    await one_whole_answer(stage, asked)


async def test_on_one_machine_nobody_waits_for_the_lease_of_the_dead(stage: Stage, model: ModelServer) -> None:
    settings = using(model, BOT__LEASE_S="600")  # ten times as long as this test would wait
    bot = await stage.bot(**settings, BOT_TEST_KILL_AT="mid-stream")
    asked = await stage.ask(QUESTION)
    await killed(bot)
    await (await stage.bot(**settings)).logged("jobs_resumed", count=1)
    await one_whole_answer(stage, asked)


async def test_killed_once_too_often_the_card_says_that_it_was_given_up(
    stage: Stage, model: ModelServer, store_url: str
) -> None:
    settings = using(model, BOT__DATABASE_URL=store_url, BOT__LEASE_S="3", BOT__MAX_ATTEMPTS="2")
    bot = await stage.bot(**settings, BOT_TEST_KILL_AT="mid-stream")
    asked = await stage.ask(QUESTION)
    await killed(bot)
    await killed(await stage.bot(**settings, BOT_TEST_KILL_AT="mid-stream"))
    await (await stage.bot(**settings)).logged("job_dead_letter", attempts=2)
    card = await stage.closed(asked)
    assert "试了 2 次仍然没能回答" in words(card["card"])
    assert len(stage.cards(asked)) == 1


async def test_a_name_that_is_no_breakpoint_keeps_the_bot_from_starting(stage: Stage) -> None:
    with pytest.raises(AssertionError, match="BOT_TEST_KILL_AT is for tests"):
        await stage.bot(BOT_TEST_KILL_AT="now")


async def test_another_replica_goes_on_when_one_dies_in_mid_answer(
    stage: Stage, model: ModelServer, postgres: Postgres
) -> None:
    settings = using(model, BOT__DATABASE_URL=postgres.url())
    survivor = await stage.bot(**settings)
    first = await stage.bot(**settings)  # the events go to the one started last
    asked = await stage.ask_of(first, QUESTION, while_still=survivor)
    await partly_shown(stage, asked)
    await first.kill()
    await survivor.logged("job_started", taken_over=True)
    await one_whole_answer(stage, asked)


async def test_a_stop_on_one_replica_ends_the_answer_on_the_other(
    stage: Stage, model: ModelServer, postgres: Postgres
) -> None:
    model.script(Reply(ANSWER, delay_s=0.05, end="stall"))
    settings = using(model, BOT__DATABASE_URL=postgres.url())
    writer = await stage.bot(**settings)
    asked = await stage.ask(QUESTION)
    growing = await partly_shown(stage, asked)
    await stage.bot(**settings)  # clicks go to the one started last
    shown = await stage.click(growing, "stop")
    assert shown.toast is not None and shown.toast["content"] == "好的，正在停止"
    card = await stage.closed(asked)
    assert ANSWER.startswith(answer_text(card)[:10])
    await writer.logged("job_ended", state="cancelled")


async def test_a_replica_that_stood_still_finds_its_fence_gone_and_stops_writing(
    stage: Stage, model: ModelServer, postgres: Postgres
) -> None:
    settings = using(model, BOT__DATABASE_URL=postgres.url())
    taker = await stage.bot(**settings)
    sleeper = await stage.bot(**settings)
    asked = await stage.ask_of(sleeper, QUESTION, while_still=taker)
    await partly_shown(stage, asked)
    async with sleeper.standing_still(PAUSE_S):
        await taker.logged("job_ended", state="done")
        closed = await stage.closed(asked)
    await sleeper.logged("lease_lost")
    again = await stage.ask(QUESTION)  # the sleeper is well and works on
    await one_whole_answer(stage, again)
    await one_whole_answer(stage, asked)
    assert stage.cards(asked)[0]["card"] == closed["card"]


async def test_the_other_replica_takes_what_one_has_no_slot_for(
    stage: Stage, model: ModelServer, postgres: Postgres
) -> None:
    settings = using(model, BOT__DATABASE_URL=postgres.url(), BOT__WORKERS="1")
    other = await stage.bot(**settings)
    await stage.bot(**settings)
    crowd = Crowd(stage.sandbox, 2)
    for _ in range(2):
        await crowd.ask(QUESTION)
    await other.logged("job_started")
    await crowd.until_answered(ANSWER, DEADLINE_S)
