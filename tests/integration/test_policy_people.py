"""Whom the bot answers, whom it refuses kindly and once, who may press what, who is asked, what is forgotten."""

import json
import sys
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.integration.conftest import ALICE, BOB, DEADLINE_S, GROUP, Stage, answer_text, button, words
from tests.integration.test_bad_luck import using
from tests.integration.test_people_conversation import GROUP_SCOPE, private_chat, replied, replies
from tests.integration.test_question_to_card import QUESTION, asyncio, environment, exported, os, toast_of
from tests.support.model_server import Reply, running

UNKNOWN = "火星上的日落是什么颜色？"


def hears_everything(stage: Stage) -> None:
    app = next(iter(stage.sandbox.world.apps.values()))
    app.scopes = {*app.scopes, GROUP_SCOPE}


async def test_a_refusal_is_kind_and_comes_once(stage: Stage) -> None:
    await stage.bot(BOT__PEOPLE__DENY_PEOPLE=json.dumps([BOB]))
    first = await stage.ask(QUESTION, person=BOB)
    assert "没有为你开通" in await replied(stage, first)
    second = await stage.ask(QUESTION, person=BOB)
    allowed = await stage.ask(QUESTION)
    await stage.closed(allowed)
    assert replies(stage, second) == [] and stage.cards(second) == []


async def test_a_person_who_asks_too_fast_is_asked_to_wait(stage: Stage) -> None:
    await stage.bot(BOT__PEOPLE__PERSON_PER_MIN="1")
    await stage.closed(await stage.ask(QUESTION))
    assert "问得有点快" in await replied(stage, await stage.ask(QUESTION))
    assert words((await stage.closed(await stage.ask(QUESTION, person=BOB)))["card"])


async def test_only_the_asker_may_regenerate_where_that_is_the_rule(stage: Stage) -> None:
    await stage.bot(BOT__PEOPLE__REGENERATE_BY="asker")
    card = await stage.closed(await stage.ask(QUESTION))
    assert await toast_of(stage, card, "regenerate", BOB) == "只有提问的人可以操作"
    assert await toast_of(stage, card, "regenerate", ALICE) == "好的，正在重新生成"


async def test_where_documents_do_not_know_an_owner_is_asked_and_the_reply_is_kept(stage: Stage) -> None:
    bot = await stage.bot(BOT__PEOPLE__OWNERS=json.dumps({"*": [BOB]}))
    asked = await stage.ask(UNKNOWN)
    card = await stage.closed(asked)
    assert button(card, "person") is not None
    assert await toast_of(stage, card, "person") == "好的，已请资料负责人来看"
    assert await toast_of(stage, card, "person") == "已经请过资料负责人了"

    def mentioned() -> str:
        for each in stage.sandbox.messages_in(GROUP):
            if any(mention["id"]["open_id"] == BOB for mention in each.mentions) and each.parent_id == asked:
                return each.message_id
        return ""

    message_id = await stage.sandbox.wait_for(mentioned, DEADLINE_S)
    await bot.logged("job_ended", reason="owners were mentioned")
    said = await stage.sandbox.say(GROUP, BOB, "是蓝色的。", mention_bot=True, reply_to=message_id)
    assert "已记为这个问题的答案" in await replied(stage, said.message_id)
    assert stage.sandbox.violations == []


async def test_forget_deletes_what_somebody_asked(stage: Stage) -> None:
    bot = await stage.bot()
    chat = private_chat(stage)
    card = await stage.closed(await stage.ask(QUESTION, chat=chat, mention=False))
    await stage.click(card, "up")
    assert "1 条提问" in await replied(stage, await stage.ask("/忘记我", chat=chat, mention=False))
    other = await stage.closed(await stage.ask(QUESTION, person=BOB))
    await stage.click(other, "down", BOB)
    await bot.terminate()
    assert {vote["voter"] for vote in await exported(stage)} == {BOB}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot.cli",
        "forget",
        BOB,
        cwd=stage.folder,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.environ.get("PYTHONPATH", str(stage_root())),
            **environment(stage.url, stage.folder),
        },
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0 and b"1 question" in output
    assert await exported(stage) == []


def stage_root() -> object:
    from tests.support.bot_process import REPOSITORY

    return REPOSITORY


async def test_a_chat_that_asks_too_fast_is_told_once(stage: Stage) -> None:
    await stage.bot(BOT__PEOPLE__CHAT_PER_MIN="1", BOT__PEOPLE__ADMINS=json.dumps([BOB]))
    await stage.closed(await stage.ask(QUESTION))
    assert "群里的问题有点多" in await replied(stage, await stage.ask(QUESTION))
    silent = await stage.ask(QUESTION)
    await stage.closed(await stage.ask(QUESTION, person=BOB))
    assert replies(stage, silent) == [] and stage.cards(silent) == [], "once, then silence; an admin waits for nobody"
    await stage.closed(await stage.ask(QUESTION, chat=private_chat(stage), mention=False))


async def test_quiet_hours_hold_in_groups_only(stage: Stage) -> None:
    now = datetime.now()
    hours = f"{now - timedelta(hours=1):%H:%M}-{now + timedelta(hours=2):%H:%M}"
    await stage.bot(BOT__PEOPLE__QUIET_HOURS=hours)
    assert "安静时间" in await replied(stage, await stage.ask(QUESTION))
    silent = await stage.ask(QUESTION)
    await stage.closed(await stage.ask(QUESTION, chat=private_chat(stage), mention=False))
    assert replies(stage, silent) == [] and stage.cards(silent) == []


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"BOT__PEOPLE__ALLOW_PEOPLE": json.dumps([BOB])}, "没有为你开通"),
        ({"BOT__PEOPLE__DENY_CHATS": json.dumps([GROUP])}, "没有在这个群开通"),
        ({"BOT__PEOPLE__ALLOW_CHATS": json.dumps(["oc_newcomers"])}, "没有在这个群开通"),
    ],
    ids=["allowed people", "denied chats", "allowed chats"],
)
async def test_lists_of_people_and_chats(stage: Stage, rule: dict[str, str], said: str) -> None:
    await stage.bot(**rule)
    assert said in await replied(stage, await stage.ask(QUESTION))
    chat = private_chat(stage, BOB)
    await stage.closed(await stage.ask(QUESTION, chat=chat, person=BOB, mention=False))


async def test_silent_mode_answers_only_what_the_documents_surely_know(stage: Stage) -> None:
    hears_everything(stage)
    bot = await stage.bot(BOT__PEOPLE__SILENT_CHATS=json.dumps([GROUP]), BOT__PEOPLE__SILENT_CONFIDENCE="0.6")
    chatter = await stage.ask("今天中午去哪里吃饭呀，有人一起吗", mention=False)
    unknown = await stage.ask(UNKNOWN, mention=False)
    for_somebody = await stage.sandbox.say(GROUP, ALICE, f"@周明 {QUESTION}")
    sure = await stage.ask(QUESTION, mention=False)
    assert "10 个工作日" in answer_text(await stage.closed(sure))
    ended = [await bot.logged("job_ended", reason="nobody asked, and the documents are not sure")]
    assert ended
    for each in (chatter, unknown, for_somebody.message_id):
        assert stage.cards(each) == [] and replies(stage, each) == []


async def test_stopping_is_for_the_asker_and_admins_where_that_is_the_rule(stage: Stage) -> None:
    with running() as model:
        model.script(Reply("很长的回答。" * 400, delay_s=0.05))
        await stage.bot(**using(model), BOT__PEOPLE__STOP_BY="asker", BOT__PEOPLE__ADMINS=json.dumps([ALICE]))
        asked = await stage.ask(QUESTION, person=BOB)

        def growing() -> dict[str, Any] | None:
            return next((card for card in stage.cards(asked) if answer_text(card)), None)

        card = await stage.sandbox.wait_for(growing, DEADLINE_S)
        stage.sandbox.world.people["ou_third"] = type(stage.sandbox.world.people[ALICE])(
            "ou_third", "三", "third", "on_3"
        )
        stage.sandbox.world.chats[GROUP].people.append("ou_third")
        assert await toast_of(stage, card, "stop", "ou_third") == "只有提问的人可以操作"
        assert await toast_of(stage, card, "stop", ALICE) == "好的，正在停止"
        assert "已停止" in words((await stage.closed(asked))["card"])


async def test_in_private_the_owners_are_written_to_and_whoever_answers_reaches_the_asker(stage: Stage) -> None:
    bot = await stage.bot(BOT__PEOPLE__OWNERS=json.dumps({"*": [BOB, ALICE]}))
    chat = private_chat(stage)
    card = await stage.closed(await stage.ask(UNKNOWN, chat=chat, mention=False))
    assert await toast_of(stage, card, "person") == "好的，已请资料负责人来看"
    await bot.logged("job_ended", reason="owners were told")
    asking = [each for each in stage.sandbox.messages_in(private_chat(stage, BOB)) if UNKNOWN in each.content]
    assert len(asking) == 1 and "直接回复" in asking[0].content
    said = await stage.sandbox.say(private_chat(stage, BOB), BOB, "是蓝色的。", reply_to=asking[0].message_id)
    assert "已记为这个问题的答案" in await replied(stage, said.message_id)

    def told() -> bool:
        return any("是蓝色的" in each.content and UNKNOWN in each.content for each in stage.sandbox.messages_in(chat))

    await stage.sandbox.wait_for(told, DEADLINE_S)
    assert stage.sandbox.violations == []


async def test_in_a_topic_the_next_words_of_an_owner_are_the_answer(stage: Stage) -> None:
    bot = await stage.bot(BOT__PEOPLE__OWNERS=json.dumps({"*": [BOB]}))
    asked = await stage.ask(UNKNOWN, chat="oc_newcomers")
    card = await stage.closed(asked)
    await toast_of(stage, card, "person")
    await bot.logged("job_ended", reason="owners were mentioned")
    question = await stage.sandbox.say("oc_newcomers", BOB, QUESTION, mention_bot=True, reply_to=asked)
    await stage.closed(question.message_id)
    said = await stage.sandbox.say("oc_newcomers", BOB, "是蓝色的。", mention_bot=True, reply_to=asked)
    assert "已记为这个问题的答案" in await replied(stage, said.message_id)


async def test_words_after_feedback_are_exported(stage: Stage) -> None:
    bot = await stage.bot()
    assert "已记下" in await replied(stage, await stage.ask("/反馈 年假的规定过时了"))
    await bot.terminate()
    (remark,) = await exported(stage)
    assert (remark["remark"], remark["author"], remark["chat_id"]) == ("年假的规定过时了", ALICE, GROUP)


async def test_the_first_private_chat_is_welcomed_by_its_own_event(stage: Stage) -> None:
    bot = await stage.bot()
    chat, app = private_chat(stage), next(iter(stage.sandbox.world.apps.values()))
    event = {"type": "p2p_chat_create", "app_id": app.app_id, "chat_id": chat, "tenant_key": "sandbox_tenant"}
    event |= {"operator": {"open_id": ALICE}, "user": {"name": "林小满", "open_id": ALICE, "user_id": ""}}
    envelope = {
        "ts": f"{stage.sandbox.world.now():.7f}",
        "uuid": "bc447199585340d1f3728d26b1c0297a",
        "type": "event_callback",
    }
    for _ in range(2):
        body = {**envelope, "token": app.settings.verification_token, "event": event}
        answered = await stage.sandbox.push.post(app, str(app.webhook_url), body)
        assert answered.status_code == 200
    await bot.logged("job_ended", reason="welcomed")
    entered = {"chat_id": chat, "operator_id": {"open_id": ALICE}, "last_message_id": ""}
    stage.sandbox.push.event(app, "im.chat.access_event.bot_p2p_chat_entered_v1", entered)
    await stage.closed(await stage.ask(QUESTION, chat=chat, mention=False))
    cards = [stage.sandbox.shown(each.message_id)["card"] for each in stage.sandbox.messages_in(chat)]
    assert sum("试试这样问" in words(card) for card in cards if card) == 1


async def test_a_person_who_is_forgotten_while_an_answer_is_written(stage: Stage) -> None:
    with running() as model:
        model.script(Reply("很长的回答。" * 400, delay_s=0.05))
        bot = await stage.bot(**using(model))
        chat = private_chat(stage)
        asked = await stage.ask(QUESTION, chat=chat, mention=False)

        def growing() -> dict[str, Any] | None:
            return next((card for card in stage.cards(asked) if answer_text(card)), None)

        card = await stage.sandbox.wait_for(growing, DEADLINE_S)
        assert "已删除" in await replied(stage, await stage.ask("/忘记我", chat=chat, mention=False))

        def emptied() -> bool:
            shown = stage.sandbox.shown(card["message_id"])
            return not shown["streaming"] and "很长的回答" not in json.dumps(shown["card"], ensure_ascii=False)

        await stage.sandbox.wait_for(emptied, DEADLINE_S)
        await bot.terminate()
        assert [line for line in bot.lines if "exception" in line] == []
