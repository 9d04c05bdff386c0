"""Follow-up questions by the model: asked once the card is closed, drawn on it when they come, in nobody's way."""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bot.storage.database import Database
from tests.integration.conftest import ALICE, BOB, DEADLINE_S, Stage, answer_text, button, walk, words
from tests.integration.test_bad_luck import using
from tests.integration.test_question_to_card import QUESTION
from tests.support.model_server import ModelServer, Recorded, Reply, running

SHORT = "出差结束后 10 个工作日内提交报销单 [1]。"
PROPOSED = "1. 逾期了怎么报销？\n- “住宿的上限是多少？” [2]\n这一行不是问题\n3、谁来审批？\n谁来付款？"


@pytest.fixture
def model() -> Iterator[ModelServer]:
    with running() as server:
        server.script(Reply(SHORT))
        yield server


def labels(card: dict[str, Any]) -> list[str]:
    return [node["text"]["content"] for node in walk(card["card"]) if node.get("tag") == "button"]


async def asked_of(model: ModelServer, count: int = 1) -> Recorded:
    """The newest request for questions, once there are so many."""
    return await asyncio.to_thread(model.proposed, count, DEADLINE_S)


def gated(text: str) -> tuple[Reply, Callable[[], None]]:
    """A reply whose second half comes when the test says so."""
    opened: list[bool] = []
    return Reply(text, once=lambda: bool(opened)), lambda: opened.append(True)


async def test_the_models_questions_are_drawn_on_the_closed_card_and_their_cost_is_told(
    stage: Stage, model: ModelServer
) -> None:
    model.proposal, come = gated(PROPOSED)
    await stage.bot(**using(model, BOT__PEOPLE__PROPOSE_S="60"))
    asked = await stage.ask(QUESTION)
    closed = await stage.closed(asked, containing="120 tokens")
    request = await asked_of(model)
    assert model.chats()[0].closed.is_set() and "还可以问" in words(closed["card"])
    assert "谁来审批？" not in labels(closed), "the card does not wait"
    assert QUESTION in request.prompt and request.body["max_tokens"] == 200
    come()
    card = await stage.closed(asked, containing="240 tokens")
    assert {"逾期了怎么报销？", "住宿的上限是多少？", "谁来审批？"} <= set(labels(card)) and "谁来付款？" not in labels(
        card
    )
    value = button(card, "ask")
    assert value is not None
    await stage.sandbox.click(card["message_id"], BOB, value=value)
    again = await stage.closed(card["message_id"])
    assert again["card"]["header"]["title"]["content"] == "逾期了怎么报销？"
    assert "10 个工作日" in answer_text(again)


async def test_questions_that_take_too_long_are_given_up(stage: Stage, model: ModelServer) -> None:
    model.proposal = Reply(PROPOSED, first_delay_s=3 * DEADLINE_S)
    await stage.bot(**using(model, BOT__PEOPLE__PROPOSE_S="5"))
    asked = await stage.ask(QUESTION)
    request = await asked_of(model)
    assert await asyncio.to_thread(request.hung_up.wait, DEADLINE_S)
    card = await stage.closed(asked)
    assert "还可以问" in words(card["card"]) and "谁来审批？" not in labels(card)


async def test_an_answer_goes_before_questions_that_nobody_waits_for(stage: Stage, model: ModelServer) -> None:
    model.proposal = Reply(PROPOSED, first_delay_s=3 * DEADLINE_S)
    await stage.bot(**using(model, BOT__PEOPLE__PROPOSE_S="60"))
    await stage.closed(await stage.ask(QUESTION))
    first = await asked_of(model)
    model.proposal = Reply(PROPOSED)
    second = await stage.ask("VPN 连不上应该先检查什么？", person=BOB)
    await stage.closed(second, containing="谁来审批？")
    assert first.hung_up.is_set()


async def test_a_new_version_wins(stage: Stage, model: ModelServer) -> None:
    model.proposal = Reply(PROPOSED, first_delay_s=3 * DEADLINE_S)
    await stage.bot(**using(model, BOT__PEOPLE__PROPOSE_S="60"))
    asked = await stage.ask(QUESTION)
    card = await stage.closed(asked)
    first = await asked_of(model)
    model.script(Reply("新的一版 [1]。"))
    model.proposal = Reply(PROPOSED)
    await stage.click(card, "regenerate")
    again = await stage.closed(asked, containing="谁来审批？")
    assert first.hung_up.is_set() and "新的一版" in answer_text(again) and "2/2" in words(again["card"])


async def test_nothing_is_stored_for_a_question_that_was_taken_back(stage: Stage, model: ModelServer) -> None:
    model.proposal, come = gated(PROPOSED)
    bot = await stage.bot(**using(model, BOT__PEOPLE__PROPOSE_S="60"))
    asked = await stage.ask(QUESTION)
    await stage.closed(asked)
    request = await asked_of(model)
    stage.sandbox.hands.recall(asked, ALICE)
    await bot.logged("job_ended", reason="blanked")
    come()
    assert await asyncio.to_thread(request.closed.wait, DEADLINE_S)
    await stage.closed(await stage.ask("VPN 连不上应该先检查什么？", person=BOB), containing="谁来审批？")
    database = Database(f"sqlite:///{stage.folder / 'bot.db'}")
    try:
        rows = await database.read(
            lambda connection: connection.exec_driver_sql(
                "SELECT question FROM suggestions WHERE turn_id IN (SELECT id FROM turns WHERE recalled)"
            ).all()
        )
    finally:
        database.close()
    assert rows == []


async def test_a_process_that_ends_meanwhile_loses_nothing_but_the_questions(stage: Stage, model: ModelServer) -> None:
    model.proposal = Reply(PROPOSED, first_delay_s=3 * DEADLINE_S)
    bot = await stage.bot(**using(model, BOT__PEOPLE__PROPOSE_S="60"))
    asked = await stage.ask(QUESTION)
    await stage.closed(asked)
    request = await asked_of(model)
    await bot.terminate()
    assert request.hung_up.is_set()
    model.proposal = Reply("")
    await stage.bot(**using(model))
    card = await stage.closed(asked)
    await stage.click(card, "up", BOB)
    assert "10 个工作日" in answer_text(await stage.closed(asked, containing="👍 有用 1"))


@pytest.mark.parametrize(("setting", "headings"), [("headings", True), ("off", False)])
async def test_the_setting_leaves_it_to_headings_or_to_nobody(
    stage: Stage, model: ModelServer, setting: str, headings: bool
) -> None:
    model.proposal = Reply(PROPOSED)
    bot = await stage.bot(**using(model), BOT__PEOPLE__SUGGESTIONS=setting)
    card = await stage.closed(await stage.ask(QUESTION))
    await bot.logged("job_ended")
    assert model.proposals() == []
    assert ("还可以问" in json.dumps(card["card"], ensure_ascii=False)) is headings
    assert "是怎么说的" not in words(card["card"])


@pytest.mark.parametrize(
    "answer",
    [Reply("出差结束后 10 个工作日内提交。"), Reply("根据现有资料无法回答此问题")],
    ids=["cites nothing", "does not know"],
)
async def test_only_a_whole_answer_with_sources_is_gone_on_from(
    stage: Stage, model: ModelServer, answer: Reply
) -> None:
    model.script(answer, Reply(SHORT))
    model.proposal = Reply(PROPOSED)
    bot = await stage.bot(**using(model))
    await stage.closed(await stage.ask(QUESTION))
    await bot.logged("job_ended")
    await stage.closed(await stage.ask("VPN 连不上应该先检查什么？"), containing="谁来审批？")
    (asked,) = model.proposals()
    assert "VPN" in asked.prompt


async def test_a_failing_proposal_harms_nothing_and_the_server_is_left_alone(stage: Stage, model: ModelServer) -> None:
    model.proposal = Reply(status=429)
    bot = await stage.bot(**using(model))
    card = await stage.closed(await stage.ask(QUESTION))
    assert "还可以问" in words(card["card"]) and "120 tokens" in words(card["card"])
    await bot.logged("questions_proposed", count=0)
    before = len(model.proposals())
    await stage.closed(await stage.ask("VPN 连不上应该先检查什么？"))
    await stage.closed(await stage.ask("年假有几天？"))
    assert len(model.proposals()) == before
    assert [line for line in bot.lines if "exception" in line] == []
