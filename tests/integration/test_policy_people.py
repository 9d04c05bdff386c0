"""Whom the bot answers, whom it refuses kindly and once, who may press what, who is asked, what is forgotten."""

import json
import sys

from tests.integration.conftest import ALICE, BOB, DEADLINE_S, GROUP, Stage, button, words
from tests.integration.test_people_conversation import private_chat, replied, replies
from tests.integration.test_question_to_card import QUESTION, asyncio, environment, exported, os, toast_of

UNKNOWN = "火星上的日落是什么颜色？"


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
    assert stage.sandbox.laws_broken == []


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
