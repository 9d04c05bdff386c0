"""Who has to wait sees it: the card opens at once with the place in the queue, and the answer comes on it."""

import base64
import io
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from feishu.sandbox.server.uploads import take_upload
from tests.integration.conftest import ALICE, BOB, DEADLINE_S, Stage, answer_text, words
from tests.integration.test_bad_luck import ANSWER, QUESTION, partly_shown, using
from tests.support.model_server import ModelServer, Reply, running


@pytest.fixture
def model() -> Iterator[ModelServer]:
    """Its first answer never ends; those after it do."""
    with running() as server:
        server.script(Reply(ANSWER, delay_s=0.05, end="stall"), Reply(ANSWER))
        yield server


def private_chat(stage: Stage, person: str) -> str:
    """The person's own chat with the bot."""
    app = next(iter(stage.sandbox.world.apps.values()))
    return stage.sandbox.world.private_chat(app, person).chat_id


async def says(stage: Stage, asked: str, sentence: str) -> dict[str, Any]:
    """The card that replies, once it says so."""

    def found() -> dict[str, Any] | None:
        return next((card for card in stage.cards(asked) if sentence in words(card["card"])), None)

    return await stage.sandbox.wait_for(found, DEADLINE_S)


async def test_with_all_slots_taken_a_card_tells_the_place_and_later_holds_the_answer(
    stage: Stage, model: ModelServer, store_url: str
) -> None:
    await stage.bot(**using(model, BOT__WORKERS="1", BOT__DATABASE_URL=store_url))
    first = await stage.ask(QUESTION)
    growing = await partly_shown(stage, first)
    second = await stage.ask(QUESTION, chat=private_chat(stage, ALICE), mention=False)
    waiting = await says(stage, second, "前面还有 1 个问题")
    third = await stage.ask(QUESTION, chat=private_chat(stage, BOB), person=BOB, mention=False)
    await says(stage, third, "前面还有 1 个问题")  # people take turns: its turn is before the other's second
    await stage.click(growing, "stop")
    for asked in (second, third):
        card = await stage.closed(asked)
        assert answer_text(card) == ANSWER
        assert len(stage.cards(asked)) == 1
    assert stage.cards(second)[0]["message_id"] == waiting["message_id"]
    assert stage.sandbox.violations == []


async def test_the_second_question_of_a_conversation_waits_its_turn_and_says_so(
    stage: Stage, model: ModelServer
) -> None:
    await stage.bot(**using(model))
    growing = await partly_shown(stage, await stage.ask(QUESTION))
    second = await stage.ask(QUESTION, person=BOB)
    await says(stage, second, "前面还有 1 个问题")
    await stage.click(growing, "stop")
    assert answer_text(await stage.closed(second)) == ANSWER


async def test_a_place_that_moves_up_is_told_on_the_same_card(stage: Stage, model: ModelServer) -> None:
    model.script(Reply(ANSWER, delay_s=0.05, end="stall"))
    await stage.bot(**using(model, BOT__WORKERS="1"))
    first = await partly_shown(stage, await stage.ask(QUESTION))
    second = await stage.ask(QUESTION, chat=private_chat(stage, BOB), person=BOB, mention=False)
    await says(stage, second, "前面还有 1 个问题")
    third = await stage.ask(QUESTION, chat=private_chat(stage, ALICE), mention=False)
    await says(stage, third, "前面还有 2 个问题")
    await stage.click(first, "stop")
    await says(stage, third, "前面还有 1 个问题")
    assert len(stage.cards(third)) == 1
    assert stage.sandbox.violations == []


async def test_who_waits_can_stop_waiting_without_a_slot(stage: Stage, model: ModelServer) -> None:
    await stage.bot(**using(model, BOT__WORKERS="1"))
    first = await stage.ask(QUESTION)
    await partly_shown(stage, first)
    second = await stage.ask(QUESTION, chat=private_chat(stage, ALICE), mention=False)
    waiting = await says(stage, second, "前面还有 1 个问题")
    await stage.click(waiting, "stop")
    assert "已停止" in words((await stage.closed(second))["card"])
    assert stage.cards(first)[0]["streaming"]


async def test_a_picture_waits_with_a_card_too_and_is_read_when_its_turn_comes(
    stage: Stage, model: ModelServer, store_url: str
) -> None:
    """Reading the picture lasts longer than a lease; it is fetched and looked at once all the same."""
    its_card_says_so = threading.Event()

    def look(body: dict[str, Any]) -> Reply:
        is_picture = isinstance(body["messages"][-1]["content"], list)
        if is_picture:
            return Reply(QUESTION, first_delay_s=5.0, once=its_card_says_so.is_set)
        return Reply(ANSWER, delay_s=0.05, end="stall") if len(model.chats()) == 1 else Reply(ANSWER)

    model.script(answer=look)
    settings = {"BOT__WORKERS": "1", "BOT__LEASE_S": "3", "RAG__LLM__VISION": "true", "BOT__DATABASE_URL": store_url}
    bot = await stage.bot(**using(model, **settings))
    growing = await partly_shown(stage, await stage.ask(QUESTION))
    picture = io.BytesIO()
    Image.new("RGB", (400, 100), (255, 255, 255)).save(picture, "PNG")
    key = take_upload(
        stage.sandbox.world, ALICE, "a.png", base64.b64encode(picture.getvalue()).decode(), "image/png"
    ).key
    said = await stage.sandbox.say(
        private_chat(stage, ALICE), ALICE, kind="image", content=json.dumps({"image_key": key})
    )
    await says(stage, said.message_id, "前面还有 1 个问题")
    third = await stage.ask(QUESTION, chat="oc_newcomers")
    await says(stage, third, "前面还有 2 个问题")
    assert not [request for request in model.chats() if request.pictures]
    await stage.click(growing, "stop")  # from now on there is a free slot
    await says(stage, said.message_id, "正在读图")
    its_card_says_so.set()
    for asked in (said.message_id, third):
        assert answer_text(await stage.closed(asked)) == ANSWER
        assert len(stage.cards(asked)) == 1
    assert len(stage.sandbox.calls("message.resource")) == 1
    assert len([request for request in model.chats() if request.pictures]) == 1
    assert [line for line in bot.lines if line.get("event") in ("lease_lost", "waiting_left")] == []


async def test_killed_while_somebody_waits_the_card_is_kept(stage: Stage, model: ModelServer, store_url: str) -> None:
    settings = using(model, BOT__WORKERS="1", BOT__DATABASE_URL=store_url, BOT__LEASE_S="3")
    bot = await stage.bot(**settings)
    await partly_shown(stage, await stage.ask(QUESTION))
    second = await stage.ask(QUESTION, chat=private_chat(stage, ALICE), mention=False)
    waiting = await says(stage, second, "前面还有 1 个问题")
    await bot.kill()
    await stage.bot(**settings)
    card = await stage.closed(second)
    assert (answer_text(card), card["message_id"]) == (ANSWER, waiting["message_id"])
    assert len(stage.cards(second)) == 1
