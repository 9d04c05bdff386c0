"""Ten turns of two people in a group and a topic, one after the other, as a colleague would have to follow them."""

import base64
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest

from feishu.sandbox.server.uploads import take_upload
from rag.generation.refusal import MARK
from tests.integration.conftest import ALICE, BOB, DEADLINE_S, GROUP, Stage, answer_text, button, words
from tests.integration.test_bad_luck import using
from tests.integration.test_people_conversation import GROUP_SCOPE, replied, shown
from tests.integration.test_question_to_card import QUESTION, exported, toast_of
from tests.support.model_server import ModelServer, Reply, running

UNKNOWN = "火星上的日落是什么颜色？"
SEEN = "VPN 连不上怎么办？"
UNDERSTOOD = {"那住宿呢？": "出差住宿的报销标准是多少？", "这个怎么办？": SEEN, "那逾期了呢？": "报销逾期了怎么办？"}


def colleague(body: dict[str, Any]) -> Reply:
    """Reads pictures, makes follow-ups stand alone, and answers with the question that it was given."""
    content = body["messages"][-1]["content"]
    if isinstance(content, list):
        return Reply(SEEN)
    asked = content.partition("New question: ")[2].strip()
    if asked:
        return Reply(UNDERSTOOD.get(asked, asked))
    question = content.rpartition("Question: ")[2].strip()
    if question == UNKNOWN:
        return Reply(MARK)
    if "年假" in question:
        return Reply("年假的规定很长。" * 300, delay_s=0.05)
    return Reply(f"关于“{question}”：请按制度办理 [1]。")


def picture() -> bytes:
    from PIL import Image

    drawn = io.BytesIO()
    Image.new("RGB", (240, 80), "white").save(drawn, "PNG")
    return drawn.getvalue()


@pytest.fixture
def model() -> Iterator[ModelServer]:
    with running() as server:
        server.script(answer=colleague)
        yield server


async def test_ten_turns_of_two_people_in_a_group_and_a_topic(stage: Stage, model: ModelServer) -> None:
    sandbox, world = stage.sandbox, stage.sandbox.world
    app = next(iter(world.apps.values()))
    app.scopes = {*app.scopes, GROUP_SCOPE, "contact:user.base:readonly"}
    owners = {"BOT__PEOPLE__OWNERS": json.dumps({"*": [BOB]})}
    bot = await stage.bot(**using(model), RAG__LLM__VISION="true", **owners)

    # 1. A question.
    first = await stage.closed(await stage.ask(QUESTION))
    assert QUESTION in answer_text(first)

    # 2. A follow-up that names no subject, in reply to the card, without a mention.
    said = await sandbox.say(GROUP, ALICE, "那住宿呢？", reply_to=first["message_id"])
    second = await stage.closed(said.message_id)
    assert "我的理解：出差住宿的报销标准是多少？" in words(second["card"])
    assert "出差住宿的报销标准是多少？" in answer_text(second)

    # 3. The other person replies to that card and mentions somebody in the sentence.
    text = f"@{app.name} @林小满 问的住宿报销，发票抬头写什么？"
    said = await sandbox.say(GROUP, BOB, text, reply_to=second["message_id"])
    third = await stage.closed(said.message_id)
    assert third["card"]["header"]["title"]["content"] == "@林小满 问的住宿报销，发票抬头写什么？"
    given = model.chats()[-1].prompt
    assert "New question:" not in given, "it has a subject of its own"
    assert "林小满: 出差住宿的报销标准是多少？" in given, "who asked what is told apart"

    # 4. Rich text, with a link, code and both mentions as nodes.
    nodes = [
        [
            {"tag": "text", "text": f"@{app.name} 看了"},
            {"tag": "a", "text": "制度", "href": "https://wiki.example.com"},
        ],
        [{"tag": "text", "text": "@周明 说报销要审批，谁审批？"}],
        [{"tag": "code_block", "language": "PYTHON", "text": "approve(claim)"}],
    ]
    content = json.dumps({"title": "请教", "content": nodes}, ensure_ascii=False)
    said = await sandbox.say(GROUP, ALICE, kind="post", content=content)
    fourth = await stage.closed(said.message_id)
    asked = fourth["card"]["header"]["title"]["content"]
    assert "请按制度办理" in answer_text(fourth) and "我的理解" not in words(fourth["card"])
    assert "制度" in asked and "@周明 说报销要审批，谁审批？" in asked and app.name not in asked

    # 5. A picture, and a question in reply to it.
    key = take_upload(world, BOB, "截图.png", base64.b64encode(picture()).decode(), "image/png").key
    sent = await sandbox.say(GROUP, BOB, kind="image", content=json.dumps({"image_key": key}))
    said = await sandbox.say(GROUP, BOB, "这个怎么办？", mention_bot=True, reply_to=sent.message_id)
    fifth = await stage.closed(said.message_id)
    assert SEEN in words(fifth["card"]) and SEEN in answer_text(fifth)
    assert len([request for request in model.chats() if request.pictures]) == 1

    # 6. A reaction is a vote; taken away, it is none.
    sandbox.hands.react(first["message_id"], BOB, "THUMBSUP")
    await shown(stage, first["message_id"], "👍 有用 1")
    sandbox.hands.react(first["message_id"], BOB, "THUMBSUP", remove=True)
    await sandbox.wait_for(lambda: "👍 有用 1" not in words(sandbox.shown(first["message_id"])["card"]), DEADLINE_S)

    # 7. A question that is taken back while it is being answered.
    recalled = await stage.ask("年假没休完可以留到明年吗？")

    def growing() -> dict[str, Any] | None:
        return next((card for card in stage.cards(recalled) if answer_text(card)), None)

    card = await sandbox.wait_for(growing, DEADLINE_S)
    sandbox.hands.recall(recalled, ALICE)
    await shown(stage, card["message_id"], "提问已撤回")
    await bot.logged("job_ended", reason="blanked")
    assert "年假" not in json.dumps(sandbox.shown(card["message_id"])["card"], ensure_ascii=False)

    # 8. A new conversation: what was said is no context any more.
    assert "重新开始" in await replied(stage, await stage.ask("/新对话", person=BOB))
    before = len([request for request in model.chats() if "New question:" in request.prompt])

    # 9. What the documents do not know, and a person who does.
    unknown = await stage.closed(await stage.ask(UNKNOWN))
    assert len([request for request in model.chats() if "New question:" in request.prompt]) == before
    assert "无法回答" in answer_text(unknown) and button(unknown, "person") is not None
    assert await toast_of(stage, unknown, "person") == "好的，已请资料负责人来看"

    def asking() -> str:
        found = (each for each in sandbox.messages_in(GROUP) if UNKNOWN in each.content and each.mentions)
        return next((each.message_id for each in found if each.sender_type == "app"), "")

    message_id = await sandbox.wait_for(asking, DEADLINE_S)
    await bot.logged("job_ended", reason="owners were mentioned")
    said = await sandbox.say(GROUP, BOB, "是蓝色的。", reply_to=message_id)
    assert "已记为这个问题的答案" in await replied(stage, said.message_id)

    # 10. A topic: the answers stay in it, and the second question there needs no mention.
    said = await sandbox.say(GROUP, BOB, "报销有哪些步骤？", mention_bot=True, reply_to=sent.message_id, in_thread=True)
    tenth = await stage.closed(said.message_id)
    assert "我的理解" not in words(tenth["card"]) and SEEN in words(tenth["card"]), "the topic's root came with it"
    again = await sandbox.say(GROUP, BOB, "那逾期了呢？", reply_to=said.message_id)
    last = await stage.closed(again.message_id)
    thread = world.messages[sent.message_id].thread_id
    assert thread
    assert {world.messages[each["message_id"]].thread_id for each in (tenth, last)} == {thread}
    assert "我的理解：报销逾期了怎么办？" in words(last["card"])

    await bot.terminate()
    assert sandbox.violations == []
    assert [line for line in bot.lines if "exception" in line] == []
    assert await exported(stage) == []
