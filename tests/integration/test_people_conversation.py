"""Follow-ups, replies to cards, topics, commands, welcomes, reactions and recalls, by real processes."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.conftest import ALICE, BOB, DEADLINE_S, GROUP, Stage, answer_text, button, walk, words
from tests.integration.test_bad_luck import using
from tests.integration.test_question_to_card import QUESTION, exported
from tests.support.model_server import ModelServer, Reply, running

GROUP_SCOPE = "im:message.group_msg"


@pytest.fixture
def model() -> Iterator[ModelServer]:
    with running() as server:
        yield server


def private_chat(stage: Stage, person: str = ALICE) -> str:
    chats = stage.sandbox.world.chats.values()
    return next(chat.chat_id for chat in chats if chat.kind == "p2p" and person in chat.people)


def replies(stage: Stage, message_id: str) -> list[str]:
    """The words of the text messages that reply to a message."""
    messages = stage.sandbox.world.messages.values()
    return [
        json.loads(each.content)["text"]
        for each in list(messages)
        if each.parent_id == message_id and each.sender_type == "app" and each.message_type == "text"
    ]


async def replied(stage: Stage, message_id: str) -> str:
    """The first text reply, once it is there."""
    found: str = await stage.sandbox.wait_for(lambda: next(iter(replies(stage, message_id)), None), DEADLINE_S)
    return found


async def shown(stage: Stage, message_id: str, text: str) -> dict[str, Any]:
    """A message's card once it says `text`."""

    def said() -> dict[str, Any] | None:
        message = stage.sandbox.shown(message_id)
        return message if message["card"] and text in words(message["card"]) else None

    return await stage.sandbox.wait_for(said, DEADLINE_S)


def condensing(body: dict[str, Any]) -> Reply:
    """A model that condenses when it is asked to, and answers otherwise."""
    prompt = str(body["messages"][-1]["content"])
    if "New question: VPN" in prompt:
        return Reply("VPN 连不上怎么办？")
    if "New question:" in prompt:
        return Reply("出差住宿的报销标准是多少？")
    return Reply(f"答：{prompt[-60:]} [1]")


async def test_a_follow_up_is_condensed_with_what_was_said_before(stage: Stage, model: ModelServer) -> None:
    model.script(answer=condensing)
    await stage.bot(**using(model))
    chat = private_chat(stage)
    await stage.closed(await stage.ask(QUESTION, chat=chat, mention=False))
    assert not any("New question:" in request.prompt for request in model.chats()), "nothing to condense with"
    card = await stage.closed(await stage.ask("那住宿呢？", chat=chat, mention=False))
    condense = next(request.prompt for request in model.chats() if "New question:" in request.prompt)
    assert QUESTION in condense and "那住宿呢？" in condense
    assert "我的理解：出差住宿的报销标准是多少？" in words(card["card"])
    assert card["card"]["header"]["title"]["content"] == "那住宿呢？"
    forgot = await stage.ask("/新对话", chat=chat, mention=False)
    assert "重新开始" in await replied(stage, forgot)
    before = len(model.chats())
    await stage.closed(await stage.ask("还有吗？住宿标准", chat=chat, mention=False))
    assert not any("New question:" in request.prompt for request in model.chats()[before:])


async def test_a_failing_condensation_leaves_the_raw_question(stage: Stage, model: ModelServer) -> None:
    def stuck(body: dict[str, Any]) -> Reply:
        is_condensing = "New question:" in str(body["messages"][-1]["content"])
        return Reply(status=400) if is_condensing else Reply("报销回答 [1]。")

    model.script(answer=stuck)
    await stage.bot(**using(model))
    chat = private_chat(stage)
    await stage.closed(await stage.ask(QUESTION, chat=chat, mention=False))
    card = await stage.closed(await stage.ask("那发票抬头写什么？", chat=chat, mention=False))
    assert "报销回答" in answer_text(card) and "我的理解" not in words(card["card"])


async def test_a_reply_to_a_card_carries_its_question_whoever_asks(stage: Stage, model: ModelServer) -> None:
    model.script(answer=condensing)
    await stage.bot(**using(model))
    first = await stage.closed(await stage.ask(QUESTION))
    await stage.closed(await stage.ask("VPN 连不上怎么办？", person=BOB))
    said = await stage.sandbox.say(GROUP, BOB, "那住宿呢？", mention_bot=True, reply_to=first["message_id"])
    card = await stage.closed(said.message_id)
    assert "我的理解" in words(card["card"])
    condense = [request.prompt for request in model.chats() if "New question:" in request.prompt][-1]
    assert condense.index("VPN") < condense.index(QUESTION), "the card that was replied to comes last"
    assert "林小满" in condense and "周明" in condense


async def test_replies_land_in_the_topic_and_topics_are_apart(stage: Stage, model: ModelServer) -> None:
    model.script(answer=condensing)
    await stage.bot(**using(model))
    root = await stage.ask(QUESTION)
    await stage.closed(root)
    said = await stage.sandbox.say(GROUP, BOB, "VPN 连不上怎么办？", mention_bot=True, reply_to=root, in_thread=True)
    card = await stage.closed(said.message_id)
    thread = stage.sandbox.world.messages[said.message_id].thread_id
    assert thread and stage.sandbox.world.messages[card["message_id"]].thread_id == thread
    assert not any("New question:" in request.prompt for request in model.chats()), "a topic has its own memory"


async def test_without_the_scope_the_card_says_how_to_follow_up_and_with_it_a_reply_is_enough(stage: Stage) -> None:
    await stage.bot()
    card = await stage.closed(await stage.ask(QUESTION))
    assert "追问请回复本卡片并 @我" in words(card["card"])
    private = await stage.closed(await stage.ask(QUESTION, chat=private_chat(stage), mention=False))
    assert "@我" not in words(private["card"])


async def test_with_the_scope_a_reply_needs_no_mention_and_chatter_stays_unanswered(stage: Stage) -> None:
    app = next(iter(stage.sandbox.world.apps.values()))
    app.scopes = {*app.scopes, GROUP_SCOPE}
    await stage.bot()
    card = await stage.closed(await stage.ask(QUESTION))
    chatter = await stage.sandbox.say(GROUP, BOB, "今天中午吃什么？")
    everyone = await stage.sandbox.say(GROUP, BOB, "@所有人 VPN 连不上怎么办？")
    said = await stage.sandbox.say(GROUP, BOB, "逾期了怎么报销？", reply_to=card["message_id"])
    assert answer_text(await stage.closed(said.message_id))
    assert stage.cards(chatter.message_id) == [] and stage.cards(everyone.message_id) == []


async def test_a_recalled_question_stops_its_answer_and_empties_the_card(stage: Stage, model: ModelServer) -> None:
    model.script(Reply("很长的回答。" * 200, delay_s=0.05))
    bot = await stage.bot(**using(model))
    asked = await stage.ask(QUESTION)

    def growing() -> dict[str, Any] | None:
        return next((card for card in stage.cards(asked) if answer_text(card)), None)

    card = await stage.sandbox.wait_for(growing, DEADLINE_S)
    stage.sandbox.hands.recall(asked, ALICE)
    blank = await shown(stage, card["message_id"], "提问已撤回")
    await bot.logged("job_ended", reason="blanked")
    blank = stage.sandbox.shown(card["message_id"])
    assert "很长的回答" not in json.dumps(blank["card"], ensure_ascii=False) and not blank["streaming"]
    assert QUESTION not in json.dumps(blank["card"], ensure_ascii=False)
    assert stage.sandbox.violations == []


async def test_an_answer_whose_question_is_recalled_later_is_emptied(stage: Stage) -> None:
    await stage.bot()
    asked = await stage.ask(QUESTION)
    card = await stage.closed(asked)
    stage.sandbox.hands.recall(asked, ALICE)
    blank = await shown(stage, card["message_id"], "提问已撤回")
    assert "10 个工作日" not in words(blank["card"])


async def test_commands_in_both_languages(stage: Stage) -> None:
    await stage.bot()
    chat = private_chat(stage)
    assert "我能根据资料库" in await replied(stage, await stage.ask("/帮助", chat=chat, mention=False))
    assert "《" in (listed := await replied(stage, await stage.ask("/资料", chat=chat, mention=False))) or "•" in listed
    noted = await stage.ask("/反馈 年假规定过时了", chat=chat, mention=False)
    assert "意见已记下" in await replied(stage, noted)
    assert "Thank" in await replied(
        stage, await stage.ask("/feedback the leave rules are old", chat=chat, mention=False)
    )
    assert "没有正在写" in await replied(stage, await stage.ask("/停止", chat=chat, mention=False))


async def test_a_command_is_answered_in_the_language_of_its_chat(stage: Stage) -> None:
    await stage.bot()
    chat = private_chat(stage)
    assert "我能根据资料库" in await replied(stage, await stage.ask("/help", chat=chat, mention=False))
    await stage.closed(await stage.ask("How many days of annual leave do I get?", chat=chat, mention=False))
    assert "/sources" in await replied(stage, await stage.ask("/help", chat=chat, mention=False))
    assert "documents" in await replied(stage, await stage.ask("/sources", chat=chat, mention=False))
    assert "write your words" in await replied(stage, await stage.ask("/feedback", chat=chat, mention=False))
    await stage.closed(await stage.ask(QUESTION))
    assert "我能根据资料库" in await replied(stage, await stage.ask("/help")), "another chat has its own language"


async def test_a_greeting_is_greeted_and_thanks_are_taken(stage: Stage) -> None:
    await stage.bot()
    chat = private_chat(stage)
    greeted = await replied(stage, await stage.ask("你好！", chat=chat, mention=False))
    assert greeted.startswith("你好") and greeted.count("• ") == 3
    assert (await replied(stage, await stage.ask("Hello"))).startswith("Hello")
    assert "不客气" in await replied(stage, await stage.ask("谢谢啦～", chat=chat, mention=False))


async def test_stop_by_words_does_not_wait_for_the_answer(stage: Stage, model: ModelServer) -> None:
    model.script(Reply("很长的回答。" * 500, delay_s=0.05))
    await stage.bot(**using(model))
    chat = private_chat(stage)
    asked = await stage.ask(QUESTION, chat=chat, mention=False)
    await stage.sandbox.wait_for(lambda: any(answer_text(card) for card in stage.cards(asked)), DEADLINE_S)
    assert "正在停止" in await replied(stage, await stage.ask("/停止", chat=chat, mention=False))
    assert "已停止" in words((await stage.closed(asked))["card"])


def push(stage: Stage, event_type: str, event: dict[str, Any]) -> None:
    app = next(iter(stage.sandbox.world.apps.values()))
    stage.sandbox.push.event(app, event_type, event)


async def test_a_group_is_welcomed_once_with_questions_that_work(stage: Stage) -> None:
    bot = await stage.bot()
    event = {"chat_id": GROUP, "operator_id": {"open_id": ALICE}, "external": False, "name": "产品研发群"}

    def welcome() -> list[dict[str, Any]]:
        found = (stage.sandbox.shown(each.message_id) for each in stage.sandbox.messages_in(GROUP))
        return [each for each in found if each["card"] and "试试这样问" in words(each["card"])]

    push(stage, "im.chat.member.bot.added_v1", event)
    await stage.sandbox.wait_for(welcome, DEADLINE_S)
    await bot.logged("job_ended", reason="welcomed")
    push(stage, "im.chat.member.bot.added_v1", event)
    card = welcome()[0]
    value = button(card, "ask")
    assert value is not None
    asking = [node for node in walk(card["card"]) if node.get("tag") == "button"]
    assert len(asking) == 3
    toast = await stage.sandbox.click(card["message_id"], BOB, value=value)
    assert toast.toast and toast.toast["content"] == "好的，正在回答"
    answered = await stage.closed(card["message_id"])
    assert answered["card"]["header"]["title"]["content"] == asking[0]["text"]["content"]
    again = await stage.sandbox.click(card["message_id"], BOB, value=value)
    assert again.toast and "已经问过" in again.toast["content"]
    assert len(welcome()) == 1


async def test_the_private_chat_is_welcomed_at_the_first_entry_only_and_the_menu_answers(stage: Stage) -> None:
    bot = await stage.bot()
    chat = private_chat(stage)
    entered = {
        "chat_id": chat,
        "operator_id": {"open_id": ALICE},
        "last_message_id": "",
        "last_message_create_time": "",
    }
    for _ in range(3):
        push(stage, "im.chat.access_event.bot_p2p_chat_entered_v1", entered)
    await bot.logged("job_ended", reason="welcomed")
    menu = {
        "operator": {"operator_name": "林小满", "operator_id": {"open_id": ALICE}},
        "event_key": "help",
        "timestamp": 1,
    }
    push(stage, "application.bot.menu_v6", menu)
    await bot.logged("job_ended", reason="obeyed /help")
    messages = stage.sandbox.messages_in(chat)
    assert sum(message.message_type == "interactive" for message in messages) == 1
    assert any("/sources" in message.content for message in messages)


async def test_reactions_are_votes_and_their_removal_takes_them_back(stage: Stage) -> None:
    bot = await stage.bot()
    card = await stage.closed(await stage.ask(QUESTION))
    stage.sandbox.hands.react(card["message_id"], BOB, "THUMBSUP")
    await shown(stage, card["message_id"], "👍 有用 1")
    stage.sandbox.hands.react(card["message_id"], ALICE, "ThumbsDown")
    await shown(stage, card["message_id"], "👎 没用 1")
    stage.sandbox.hands.react(card["message_id"], BOB, "THUMBSUP", remove=True)

    def taken_back() -> bool:
        return "👍 有用 1" not in words(stage.sandbox.shown(card["message_id"])["card"])

    await stage.sandbox.wait_for(taken_back, DEADLINE_S)
    await bot.terminate()
    assert {(vote["voter"], vote["vote"]) for vote in await exported(stage)} == {(ALICE, "down")}


async def test_next_questions_ask_in_the_clickers_name(stage: Stage) -> None:
    await stage.bot()
    asked = await stage.ask("补卡")
    card = await stage.closed(asked)
    value = button(card, "ask")
    assert value is not None and "还可以问" in words(card["card"])
    clicks = await asyncio.gather(*(stage.sandbox.click(card["message_id"], BOB, value=value) for _ in range(2)))
    assert {click.toast["content"] for click in clicks if click.toast} <= {
        "好的，正在回答",
        "已经问过了，请看下面的卡片",
    }
    await stage.closed(card["message_id"])
    assert len(stage.cards(card["message_id"])) == 1
