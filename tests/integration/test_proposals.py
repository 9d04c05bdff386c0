"""Follow-up questions by the model: there when they came in time, never waited for, asked in the clicker's name."""

import asyncio
import json
from collections.abc import Iterator
from functools import partial

import pytest

from tests.integration.conftest import BOB, DEADLINE_S, Stage, answer_text, button, walk, words
from tests.integration.test_bad_luck import using
from tests.integration.test_question_to_card import QUESTION
from tests.support.model_server import ModelServer, Reply, running

LONG = "出差结束后 10 个工作日内提交报销单 [1]。" * 8
PROPOSED = "1. 逾期了怎么报销？\n- “住宿的上限是多少？” [2]\n这一行不是问题\n3、谁来审批？\n谁来付款？"


@pytest.fixture
def model() -> Iterator[ModelServer]:
    with running() as server:
        yield server


def proposals_are_sent(model: ModelServer) -> bool:
    """Whether they are on their way, so that they come before the end of an answer that is not."""
    return any(asked.closed.is_set() for asked in model.proposals())


async def test_the_model_s_questions_are_buttons_and_their_cost_is_told(stage: Stage, model: ModelServer) -> None:
    come = partial(proposals_are_sent, model)
    model.script(Reply(LONG, delay_s=0.03, once=come), Reply(LONG))
    model.proposal = Reply(PROPOSED)
    await stage.bot(**using(model))
    card = await stage.closed(await stage.ask(QUESTION))
    shown = [node["text"]["content"] for node in walk(card["card"]) if node.get("tag") == "button"]
    assert {"逾期了怎么报销？", "住宿的上限是多少？", "谁来审批？"} <= set(shown) and "谁来付款？" not in shown
    assert "240 tokens" in words(card["card"]), "the answer's 120 and the proposals' 120"
    (asked,) = model.proposals()
    assert QUESTION in asked.prompt and asked.body["max_tokens"] == 200
    value = button(card, "ask")
    assert value is not None
    await stage.sandbox.click(card["message_id"], BOB, value=value)
    again = await stage.closed(card["message_id"])
    assert again["card"]["header"]["title"]["content"] == "逾期了怎么报销？"
    assert "10 个工作日" in answer_text(again)


async def test_slow_proposals_are_not_waited_for(stage: Stage, model: ModelServer) -> None:
    model.script(Reply("出差结束后 10 个工作日内提交报销单 [1]。", delay_s=0.03))
    model.proposal = Reply(PROPOSED, first_delay_s=3 * DEADLINE_S)
    await stage.bot(**using(model))
    card = await stage.closed(await stage.ask(QUESTION))
    assert "是怎么说的？" in words(card["card"]) and "谁来审批？" not in words(card["card"])
    (asked,) = model.proposals()
    assert await asyncio.to_thread(asked.hung_up.wait, DEADLINE_S), "what is not waited for is given up"


@pytest.mark.parametrize(("setting", "headings"), [("headings", True), ("off", False)])
async def test_the_setting_leaves_it_to_headings_or_to_nobody(
    stage: Stage, model: ModelServer, setting: str, headings: bool
) -> None:
    model.script(Reply("出差结束后 10 个工作日内提交报销单 [1]。", delay_s=0.03))
    model.proposal = Reply(PROPOSED)
    await stage.bot(**using(model), BOT__PEOPLE__SUGGESTIONS=setting)
    card = await stage.closed(await stage.ask(QUESTION))
    assert model.proposals() == []
    assert ("还可以问" in json.dumps(card["card"], ensure_ascii=False)) is headings


async def test_a_failing_proposal_harms_nothing(stage: Stage, model: ModelServer) -> None:
    model.script(Reply(LONG, delay_s=0.03, once=partial(proposals_are_sent, model)))
    model.proposal = Reply(status=500)
    bot = await stage.bot(**using(model))
    card = await stage.closed(await stage.ask(QUESTION))
    assert "还可以问" in words(card["card"]) and "120 tokens" in words(card["card"])
    assert [line for line in bot.lines if "exception" in line] == []
