"""What a question leans on: the message it replies to, the topic it is in, the words that were edited."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.conftest import ALICE, BOB, GROUP, Stage, words
from tests.integration.test_bad_luck import using
from tests.integration.test_people_conversation import private_chat, replied
from tests.integration.test_question_to_card import QUESTION
from tests.support.model_server import ModelServer, Reply, running

TOPICS = "oc_newcomers"


@pytest.fixture
def model() -> Iterator[ModelServer]:
    with running() as server:
        yield server


def unchanged(body: dict[str, Any]) -> Reply:
    """A model that finds nothing to condense."""
    asked = str(body["messages"][-1]["content"]).partition("New question: ")[2]
    return Reply(asked or "10 个工作日内 [1]。")


def knows_names(stage: Stage) -> None:
    app = next(iter(stage.sandbox.world.apps.values()))
    app.scopes = {*app.scopes, "contact:user.base:readonly"}


async def test_a_reply_to_a_person_s_message_carries_its_words(stage: Stage, model: ModelServer) -> None:
    knows_names(stage)
    model.script(answer=unchanged)
    await stage.bot(**using(model))
    quoted = await stage.sandbox.say(GROUP, ALICE, "财务：出差回来多久内要报销")
    said = await stage.sandbox.say(GROUP, BOB, "这是什么意思？", mention_bot=True, reply_to=quoted.message_id)
    card = await stage.closed(said.message_id)
    assert "（随问题附上）林小满: 财务：出差回来多久内要报销" in model.chats()[-1].prompt
    assert "👀 我读到的内容" in words(card["card"]) and "财务：出差回来多久内要报销" in words(card["card"])
    assert card["card"]["header"]["title"]["content"] == "这是什么意思？"


async def test_a_mention_without_words_asks_what_it_replies_to(stage: Stage) -> None:
    await stage.bot()
    quoted = await stage.sandbox.say(GROUP, ALICE, QUESTION)
    said = await stage.sandbox.say(GROUP, BOB, "", mention_bot=True, reply_to=quoted.message_id)
    card = await stage.closed(said.message_id)
    assert QUESTION in card["card"]["header"]["title"]["content"]


async def test_a_reply_to_a_forward_or_a_recalled_message(stage: Stage) -> None:
    await stage.bot()
    one = await stage.sandbox.say(GROUP, ALICE, QUESTION)
    forward = await stage.sandbox.forward(GROUP, ALICE, [one.message_id])
    said = await stage.sandbox.say(GROUP, BOB, "谁能回答？", mention_bot=True, reply_to=forward.message_id)
    assert QUESTION in words((await stage.closed(said.message_id))["card"])
    stage.sandbox.hands.recall(one.message_id, ALICE)
    said = await stage.sandbox.say(GROUP, BOB, "VPN 连不上怎么办？", mention_bot=True, reply_to=one.message_id)
    assert QUESTION not in words((await stage.closed(said.message_id))["card"])


async def test_in_a_topic_group_only_the_first_question_carries_the_topic(stage: Stage, model: ModelServer) -> None:
    model.script(Reply("10 个工作日内 [1]。"))
    await stage.bot(**using(model))
    root = await stage.sandbox.say(TOPICS, ALICE, "财务：出差回来多久内要报销")
    said = await stage.sandbox.say(TOPICS, BOB, "这是什么意思？", mention_bot=True, reply_to=root.message_id)
    card = await stage.closed(said.message_id)
    thread = stage.sandbox.world.messages[root.message_id].thread_id
    assert thread and stage.sandbox.world.messages[card["message_id"]].thread_id == thread
    assert "财务：出差回来多久内要报销" in words(card["card"])
    again = await stage.sandbox.say(
        TOPICS, BOB, "VPN 连不上应该先检查什么？", mention_bot=True, reply_to=said.message_id
    )
    assert "财务：出差回来多久内要报销" not in words((await stage.closed(again.message_id))["card"])


async def test_a_mention_in_a_topic_group_s_rich_text_is_heard(stage: Stage) -> None:
    await stage.bot()
    name = next(iter(stage.sandbox.world.apps.values())).name
    content = {"title": "", "content": [[{"tag": "text", "text": f"@{name} {QUESTION}"}]]}
    said = await stage.sandbox.say(TOPICS, ALICE, kind="post", content=json.dumps(content, ensure_ascii=False))
    card = await stage.closed(said.message_id)
    assert card["card"]["header"]["title"]["content"] == QUESTION and "10 个工作日" in words(card["card"])
    thread = stage.sandbox.world.messages[said.message_id].thread_id
    assert thread and stage.sandbox.world.messages[card["message_id"]].thread_id == thread
    assert len({message.thread_id for message in stage.sandbox.messages_in(TOPICS)}) == 1, "no topic beside it"


async def test_an_edited_question_is_answered_anew_as_it_reads_now(stage: Stage) -> None:
    bot = await stage.bot()
    asked = await stage.ask("VPN 连不上怎么办？")
    card = await stage.closed(asked)
    name = next(iter(stage.sandbox.world.apps.values())).name
    stage.sandbox.hands.edit(asked, ALICE, text=f"@{name} {QUESTION}")
    await stage.click(card, "regenerate", BOB)
    again = await stage.closed(asked, containing="10 个工作日")
    assert again["card"]["header"]["title"]["content"] == QUESTION and "2/2" in words(again["card"])
    await stage.click(again, "regenerate")
    await stage.closed(asked, containing="3/3")
    lines = [line for line in bot.lines if "exception" in line]
    assert lines == []


async def test_an_edit_without_a_question_changes_nothing(stage: Stage) -> None:
    await stage.bot()
    chat = private_chat(stage)
    asked = await stage.ask(QUESTION, chat=chat, mention=False)
    card = await stage.closed(asked)
    stage.sandbox.hands.edit(asked, ALICE, text=" ")
    await stage.click(card, "regenerate")
    again = await stage.closed(asked, containing="2/2")
    assert again["card"]["header"]["title"]["content"] == QUESTION


async def test_a_picture_in_a_group_is_read_by_replying_to_it(stage: Stage, model: ModelServer) -> None:
    import base64
    import io

    from PIL import Image

    from feishu.sandbox.server.uploads import take_upload

    model.script(
        answer=lambda body: Reply(QUESTION if isinstance(body["messages"][-1]["content"], list) else "好 [1]。")
    )
    await stage.bot(**using(model), RAG__LLM__VISION="true")
    drawn = io.BytesIO()
    Image.new("RGB", (60, 20), "white").save(drawn, "PNG")
    content = base64.b64encode(drawn.getvalue()).decode()
    key = take_upload(stage.sandbox.world, ALICE, "a.png", content, "image/png").key
    sent = await stage.sandbox.say(GROUP, ALICE, kind="image", content=json.dumps({"image_key": key}))
    assert not sent.delivered, "a picture mentions nobody"
    said = await stage.sandbox.say(GROUP, BOB, "这里问的怎么答？", mention_bot=True, reply_to=sent.message_id)
    card = await stage.closed(said.message_id)
    assert QUESTION in words(card["card"])
    assert [bool(request.pictures) for request in model.chats()] == [True, False, False], "seen, condensed, answered"


async def test_a_help_text_is_nobody_s_context(stage: Stage) -> None:
    await stage.bot()
    chat = private_chat(stage)
    await replied(stage, (helped := await stage.ask("/help", chat=chat, mention=False)))
    text = next(each for each in stage.sandbox.messages_in(chat) if each.parent_id == helped)
    said = await stage.sandbox.say(chat, ALICE, QUESTION, reply_to=text.message_id)
    assert "我能根据资料库" not in words((await stage.closed(said.message_id))["card"])
