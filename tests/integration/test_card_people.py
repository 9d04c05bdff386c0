"""What people do with a closed card: page, vote together, say why, read long answers and reasoning."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.conftest import ALICE, BOB, DEADLINE_S, GROUP, Stage, answer_text, walk, words
from tests.integration.test_bad_luck import ANSWER, QUESTION, using
from tests.integration.test_question_to_card import exported, toast_of
from tests.support.model_server import ModelServer, Reply, running


@pytest.fixture
def model() -> Iterator[ModelServer]:
    with running() as server:
        yield server


def private_chat(stage: Stage, person: str) -> str:
    chats = stage.sandbox.world.chats.values()
    return next(chat.chat_id for chat in chats if chat.kind == "p2p" and person in chat.people)


async def until(stage: Stage, message_id: str, text: str, *, gone: bool = False) -> dict[str, Any]:
    """The card once it says (or no longer says) `text`."""

    def said() -> dict[str, Any] | None:
        message = stage.sandbox.shown(message_id)
        return message if (text in words(message["card"])) is not gone else None

    return await stage.sandbox.wait_for(said, DEADLINE_S)


def labels(message: dict[str, Any]) -> list[str]:
    """The texts of the card's buttons."""
    return [node["text"]["content"] for node in walk(message["card"]) if node.get("tag") == "button"]


async def test_versions_are_paged_and_votes_belong_to_a_version(stage: Stage, model: ModelServer) -> None:
    model.script(Reply("第一个回答 [1]。"), Reply("第二个回答 [1]。"))
    bot = await stage.bot(**using(model))
    asked = await stage.ask(QUESTION)
    first = await stage.closed(asked)
    assert "2/2" not in words(first["card"])
    await stage.click(first, "regenerate")
    second = await stage.closed(asked, containing="第二个回答")
    assert "2/2" in words(second["card"])
    await stage.click(second, "up")
    await until(stage, second["message_id"], "👍 有用 1")
    await stage.click(second, "show")
    back = await until(stage, second["message_id"], "第一个回答")
    assert "1/2" in words(back["card"]) and "👍 有用 1" not in labels(back)
    await stage.click(back, "down", BOB)
    await until(stage, second["message_id"], "👎 没用 1")
    await bot.terminate()
    votes = {(vote["voter"], vote["version"]): vote["vote"] for vote in await exported(stage)}
    assert votes == {(ALICE, 2): "up", (BOB, 1): "down"}
    assert stage.sandbox.violations == []


async def test_quick_repeated_clicks_make_one_new_version(stage: Stage, model: ModelServer) -> None:
    model.script(Reply(ANSWER), Reply("第二个回答。", first_delay_s=0.5), Reply("第三个回答。"))
    await stage.bot(**using(model))
    asked = await stage.ask(QUESTION)
    first = await stage.closed(asked)
    toasts = await asyncio.gather(*(toast_of(stage, first, "regenerate", person) for person in (ALICE, BOB, ALICE)))
    assert sorted(toasts) == ["好的，正在重新生成", "已经在重新生成了", "已经在重新生成了"]
    card = await stage.closed(asked, containing="第二个回答")
    assert "2/2" in words(card["card"])


async def test_two_people_vote_and_page_at_once(stage: Stage, model: ModelServer) -> None:
    model.script(Reply("第一个回答。"), Reply("第二个回答。"))
    bot = await stage.bot(**using(model))
    asked = await stage.ask(QUESTION)
    await stage.click(await stage.closed(asked), "regenerate")
    card = await stage.closed(asked, containing="第二个回答")
    await asyncio.gather(
        stage.click(card, "up", ALICE),
        stage.click(card, "up", BOB),
        stage.click(card, "show", BOB),
        stage.click(card, "down", ALICE),
    )
    await until(stage, card["message_id"], "第一个回答")
    shown = stage.sandbox.shown(card["message_id"])
    await stage.click(shown, "show", ALICE)
    await until(stage, card["message_id"], "第二个回答")
    final = await until(stage, card["message_id"], "👍 有用")
    await bot.terminate()
    cast = {vote["voter"]: vote["vote"] for vote in await exported(stage) if vote["version"] == 2}
    assert cast.keys() == {ALICE, BOB} and cast[BOB] == "up", "each has one vote, the last that was stored"
    up = sum(vote == "up" for vote in cast.values())
    assert f"👍 有用 {up}" in labels(final)
    assert ("👎 没用 1" in labels(final)) is (up == 1), "the card counts what the store counts"
    assert stage.sandbox.violations == []


async def test_in_a_private_chat_the_card_itself_asks_why(stage: Stage) -> None:
    bot = await stage.bot()
    chat = private_chat(stage, ALICE)
    card = await stage.closed(await stage.ask(QUESTION, chat=chat, mention=False))
    assert await toast_of(stage, card, "down") == "谢谢，已记下 👎"
    asking = await until(stage, card["message_id"], "哪里不好")
    form = {"reason": "outdated", "comment": "制度上个月改了"}
    shown = await stage.sandbox.click(asking["message_id"], ALICE, name="send", form_value=form)
    assert shown.toast is not None and shown.toast["content"] == "谢谢，原因已记下"
    await until(stage, card["message_id"], "哪里不好", gone=True)
    await bot.terminate()
    (vote,) = await exported(stage)
    assert (vote["vote"], vote["reason"], vote["comment"]) == ("down", "outdated", "制度上个月改了")


async def test_in_a_group_only_the_clicker_is_asked_why(stage: Stage) -> None:
    bot = await stage.bot()
    card = await stage.closed(await stage.ask(QUESTION))
    await stage.click(card, "down", BOB)

    def alone() -> dict[str, Any] | None:
        shown = (stage.sandbox.shown(message.message_id) for message in stage.sandbox.messages_in(GROUP))
        return next((message for message in shown if message["visible_to"] == BOB), None)

    asking = await stage.sandbox.wait_for(alone, DEADLINE_S)
    form = {"reason": "incomplete", "comment": ""}
    shown = await stage.sandbox.click(asking["message_id"], BOB, name="send", form_value=form)
    assert shown.error_code is None
    assert shown.toast is not None and shown.toast["content"] == "谢谢，原因已记下"
    assert "原因已记下" in json.dumps(stage.sandbox.shown(asking["message_id"])["card"], ensure_ascii=False)
    assert "哪里不好" not in words(stage.sandbox.shown(card["message_id"])["card"])
    await bot.terminate()
    (vote,) = await exported(stage)
    assert (vote["voter"], vote["reason"]) == (BOB, "incomplete")


async def test_in_a_topic_group_the_clicker_is_asked_why_in_private(stage: Stage) -> None:
    """Topic groups have no cards for one person alone (ephemeral/v1)."""
    bot = await stage.bot()
    card = await stage.closed(await stage.ask(QUESTION, chat="oc_newcomers"))
    await stage.click(card, "down", BOB)

    def alone() -> dict[str, Any] | None:
        shown = [stage.sandbox.shown(each.message_id) for each in stage.sandbox.messages_in(private_chat(stage, BOB))]
        return next((message for message in shown if message["card"] and "哪里不好" in words(message["card"])), None)

    asking = await stage.sandbox.wait_for(alone, DEADLINE_S)
    assert QUESTION in words(asking["card"])
    form = {"reason": "wrong_source", "comment": ""}
    shown = await stage.sandbox.click(asking["message_id"], BOB, name="send", form_value=form)
    assert shown.toast is not None and shown.toast["content"] == "谢谢，原因已记下"
    assert "原因已记下" in json.dumps(stage.sandbox.shown(asking["message_id"])["card"], ensure_ascii=False)
    await bot.terminate()
    (vote,) = await exported(stage)
    assert (vote["voter"], vote["reason"]) == (BOB, "wrong_source")


async def test_reasoning_is_in_a_panel_and_never_in_the_answer(stage: Stage, model: ModelServer) -> None:
    model.script(Reply(ANSWER, reasoning="先看第一段资料，再核对期限。"))
    await stage.bot(**using(model))
    card = await stage.closed(await stage.ask(QUESTION))
    assert "先看第一段资料" in words(card["card"])
    assert "先看第一段资料" not in answer_text(card)
    panels = [node for node in walk(card["card"]) if node.get("tag") == "collapsible_panel"]
    assert panels[0]["header"]["title"]["content"] == "💭 思考过程"


async def test_a_long_answer_goes_on_in_further_cards(stage: Stage, model: ModelServer) -> None:
    paragraphs = [f"第 {number} 段：" + "报销要按制度来，先提交再审批。" * 12 for number in range(1, 61)]
    model.script(Reply("\n\n".join(paragraphs), piece_chars=200))
    await stage.bot(**using(model))
    asked = await stage.ask(QUESTION)
    first = await stage.closed(asked, containing="余下部分见后续卡片")

    def whole() -> bool:
        shown = "\n".join(answer_text(card) for card in stage.cards(asked))
        return all(paragraph in shown for paragraph in paragraphs)

    assert await stage.sandbox.wait_for(whole, DEADLINE_S)
    assert len(stage.cards(asked)) > 1
    assert all(not card["streaming"] for card in stage.cards(asked))
    assert "第 1 段" in answer_text(first)
    assert stage.sandbox.violations == []
