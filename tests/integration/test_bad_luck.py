"""Models that die, bots that are killed, platforms that refuse: every question still ends on one closed card."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from bot.doctor.fallbacks import fallback_findings
from bot.doctor.findings import Finding
from bot.storage.database import Database
from bot.texts import ZH
from tests.integration.conftest import ALICE, BOB, DEADLINE_S, Stage, answer_text, button, words
from tests.support.model_server import ModelServer, Reply, running
from tests.support.postgres import Postgres
from tests.support.transport import webhook_only

QUESTION = "出差回来多久内要报销？"
ANSWER = "出差回来后要在返回之日起 **10 个工作日内**提交差旅报销单 [1]。逾期要说明原因，并由部门负责人审批。" * 3


@pytest.fixture
def model() -> Iterator[ModelServer]:
    """A local OpenAI-compatible server."""
    with running() as server:
        yield server


PATIENT = {
    **{f"RAG__LLM__TIMEOUTS__{limit}_S": "600" for limit in ("CONNECT", "FIRST_TOKEN", "STALL", "TOTAL")},
    "BOT__PEOPLE__CONDENSE_S": "60",
}
"""A model that stalls does so until the test is done with it; one that a busy machine keeps waiting is waited for."""


def using(model: ModelServer, **more: str) -> dict[str, str]:
    """Settings of a bot that asks this model."""
    return {
        "RAG__LLM__PROVIDER": "openai",
        "RAG__LLM__BASE_URL": model.base_url,
        "RAG__LLM__MODEL": "test-model",
        **PATIENT,
        **more,
    }


async def partly_shown(stage: Stage, asked: str) -> dict[str, Any]:
    """The card once some of the answer stands on it and it is still streaming."""

    def growing() -> dict[str, Any] | None:
        cards = [card for card in stage.cards(asked) if card["streaming"] and answer_text(card)]
        return cards[0] if cards else None

    return await stage.sandbox.wait_for(growing, DEADLINE_S)


async def test_the_models_answer_is_streamed_whole(stage: Stage, model: ModelServer) -> None:
    model.script(Reply(ANSWER, delay_s=0.02))
    await stage.bot(**using(model))
    asked = await stage.ask(QUESTION)
    await partly_shown(stage, asked)
    card = await stage.closed(asked)
    assert answer_text(card).replace("\\", "") == ANSWER
    assert "test-model" in words(card["card"])
    assert stage.sandbox.violations == []


async def test_a_model_that_dies_in_the_middle_leaves_its_text_and_a_reason_on_a_closed_card(
    stage: Stage, model: ModelServer
) -> None:
    model.script(Reply(ANSWER[:60], end="disconnect"))
    await stage.bot(**using(model))
    card = await stage.closed(await stage.ask(QUESTION))
    assert answer_text(card).startswith(ANSWER[:20])
    assert ZH.cut_broken in words(card["card"]) and ZH.button_continue in words(card["card"])
    assert card["card"]["header"]["template"] == "green", "what there is cites its source"


@pytest.mark.parametrize(
    ("status", "sentence"), [(401, "拒绝了请求"), (500, "暂时连不上"), (429, "⚠️"), (404, "拒绝了请求")]
)
async def test_a_model_that_refuses_gets_a_card_that_says_what_to_do(
    stage: Stage, model: ModelServer, status: int, sentence: str
) -> None:
    model.script(Reply(status=status))
    await stage.bot(**using(model))
    card = await stage.closed(await stage.ask(QUESTION))
    assert sentence in words(card["card"])


async def test_an_unreachable_model_is_said_in_words_and_regenerate_works_once_it_is_back(
    stage: Stage, model: ModelServer
) -> None:
    model.script(Reply(status=503))
    await stage.bot(**using(model))
    asked = await stage.ask(QUESTION)
    failed = await stage.closed(asked)
    assert "暂时连不上" in words(failed["card"])
    model.script(Reply(ANSWER))
    await stage.click(failed, "regenerate")
    card = await stage.closed(asked, containing="第 2 版")
    assert answer_text(card) == ANSWER


async def test_stop_keeps_what_was_written_and_hangs_up_on_the_model(stage: Stage, model: ModelServer) -> None:
    model.script(Reply(ANSWER, delay_s=0.05, end="stall"))
    await stage.bot(**using(model))
    asked = await stage.ask(QUESTION)
    growing = await partly_shown(stage, asked)
    shown = await stage.click(growing, "stop", BOB)
    assert shown.toast is not None and shown.toast["content"] == "好的，正在停止"
    card = await stage.closed(asked)
    assert "已停止" in words(card["card"])
    assert ANSWER.startswith(answer_text(card)[:10])
    assert await asyncio.to_thread(model.chats()[0].closed.wait, DEADLINE_S)
    assert model.chats()[0].hung_up.is_set()


async def test_a_bot_killed_in_mid_answer_finishes_the_same_card_after_a_restart(
    stage: Stage, model: ModelServer
) -> None:
    model.script(Reply(ANSWER, delay_s=0.05, end="stall"), Reply(ANSWER))
    bot = await stage.bot(**using(model))
    asked = await stage.ask(QUESTION)
    growing = await partly_shown(stage, asked)
    await bot.kill()
    assert growing["streaming"]
    await stage.bot(**using(model))
    card = await stage.closed(asked)
    assert card["message_id"] == growing["message_id"]
    assert answer_text(card) == ANSWER
    assert len(stage.cards(asked)) == 1
    assert [entry for entry in stage.sandbox.log if entry.code == 300317] == []
    assert stage.sandbox.violations == []


async def test_questions_accepted_before_a_kill_are_answered_after_it(stage: Stage, model: ModelServer) -> None:
    model.script(Reply(ANSWER, delay_s=0.1, end="stall"))
    bot = await stage.bot(**using(model, BOT__WORKERS="1"))
    first = await stage.ask(QUESTION)
    await partly_shown(stage, first)
    waiting = [await stage.ask(f"{QUESTION}（{number}）", person=BOB) for number in range(3)]
    delivered = len(waiting) + 1
    await stage.sandbox.wait_for(
        lambda: len([e for e in stage.sandbox.log if e.kind == "event" and e.ok]) >= delivered, DEADLINE_S
    )
    await bot.kill()
    model.script(Reply(ANSWER))
    await stage.bot(**using(model))
    for asked in (first, *waiting):
        assert answer_text(await stage.closed(asked)) == ANSWER
        assert len(stage.cards(asked)) == 1


async def test_an_orderly_stop_lets_the_answer_end_and_exits_with_zero(stage: Stage, model: ModelServer) -> None:
    model.script(Reply(ANSWER, delay_s=0.02))
    bot = await stage.bot(**using(model))
    asked = await stage.ask(QUESTION)
    await partly_shown(stage, asked)
    assert await bot.terminate() == 0
    card = await stage.closed(asked)
    assert answer_text(card) == ANSWER


async def test_an_orderly_stop_hands_an_answer_that_takes_too_long_to_the_next_start(
    stage: Stage, model: ModelServer
) -> None:
    model.script(Reply(ANSWER, delay_s=0.05, end="stall"), Reply(ANSWER))
    bot = await stage.bot(**using(model, BOT__DRAIN_S="0.2"))
    asked = await stage.ask(QUESTION)
    await partly_shown(stage, asked)
    assert await bot.terminate() == 0
    (paused,) = stage.cards(asked)
    assert not paused["streaming"] and "服务正在重启" in words(paused["card"])
    assert answer_text(paused) and ANSWER.startswith(answer_text(paused).removesuffix("**"))
    await stage.bot(**using(model))
    assert answer_text(await stage.closed(asked)) == ANSWER
    assert len(stage.cards(asked)) == 1
    assert stage.sandbox.violations == []


async def test_an_answer_whose_writer_has_ended_can_be_stopped_and_keeps_what_was_written(
    stage: Stage, model: ModelServer, postgres: Postgres
) -> None:
    model.script(Reply(ANSWER, delay_s=0.05, end="stall"), Reply(first_delay_s=30))
    settings = using(model, BOT__DRAIN_S="0.2", BOT__DATABASE_URL=postgres.url())
    writer = await stage.bot(**settings)
    asked = await stage.ask(QUESTION)
    await partly_shown(stage, asked)
    assert await writer.terminate() == 0
    (paused,) = stage.cards(asked)
    other = await stage.bot(**settings)
    shown = await stage.click(paused, "stop")
    assert shown.toast is not None
    await other.logged("job_ended", state="cancelled")
    card = await stage.closed(asked)
    assert "已停止" in words(card["card"])
    assert answer_text(card).startswith(answer_text(paused).removesuffix("**"))


@webhook_only
async def test_a_platform_that_is_down_at_the_start_is_waited_for(stage: Stage) -> None:
    fault = stage.sandbox.faults.plan("*", times=None, status=502, html="<html>bad gateway</html>")
    bot = await stage.bot()
    await bot.logged("bot_identity_unknown")
    asked = await stage.ask(QUESTION, person=ALICE)
    fault.times = 0
    card = await stage.closed(asked)
    assert "10 个工作日" in answer_text(card)
    assert len(stage.cards(asked)) == 1


async def test_without_the_cardkit_scope_the_answer_comes_on_a_plain_card(stage: Stage) -> None:
    app = next(iter(stage.sandbox.world.apps.values()))
    app.scopes = frozenset(scope for scope in app.scopes if not scope.startswith("cardkit"))
    await stage.bot()
    asked = await stage.ask(QUESTION)
    card = await stage.closed(asked)
    assert "10 个工作日" in answer_text(card)
    assert len(stage.cards(asked)) == 1
    await stage.click(card, "regenerate")
    again = await stage.closed(asked, containing="第 2 版")
    assert again["message_id"] == card["message_id"]
    told = await told_by_the_doctor(stage)
    assert told["fallback raw_card"].state == "warn" and "cardkit:card:write" in told["fallback raw_card"].fix


async def told_by_the_doctor(stage: Stage) -> dict[str, Finding]:
    """What another process finds in the store while the bot runs."""
    database = Database(f"sqlite:///{stage.folder / 'bot.db'}")
    try:
        return {found.name: found for found in await fallback_findings(database)}
    finally:
        await asyncio.to_thread(database.close)


async def test_hostile_model_text_mentions_nobody_and_still_arrives(stage: Stage, model: ModelServer) -> None:
    hostile = '<at id=all></at> ![x](https://evil.example/a.png) <a href="javascript:alert(1)">x</a> 正文在此 [1]'
    model.script(Reply(hostile, piece_chars=3))
    await stage.bot(**using(model))
    card = await stage.closed(await stage.ask(QUESTION))
    assert "<at" not in words(card["card"])
    assert "正文在此" in answer_text(card)
    assert "evil.example" not in answer_text(card) or "![" not in answer_text(card)
    assert stage.sandbox.violations == []


async def test_thinking_is_not_part_of_the_answer(stage: Stage, model: ModelServer) -> None:
    model.script(Reply("<think>先看第一段</think>" + ANSWER, piece_chars=1))
    await stage.bot(**using(model))
    card = await stage.closed(await stage.ask(QUESTION))
    assert answer_text(card) == ANSWER
    assert button(card, "up") is not None
