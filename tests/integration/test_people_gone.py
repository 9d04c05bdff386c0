"""What is taken back or forgotten is gone: from the card, from the queue, from the store."""

import base64
import json
import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest

from feishu.sandbox.server.uploads import take_upload
from tests.integration.conftest import ALICE, BOB, DEADLINE_S, Stage, answer_text
from tests.integration.test_bad_luck import using
from tests.integration.test_people_conversation import private_chat, replied, shown
from tests.integration.test_question_to_card import QUESTION
from tests.support.model_server import ModelServer, Reply, running

SLOW = Reply("很长的回答。" * 400, delay_s=0.05)
TABLES = ("turns", "answers", "jobs", "traces", "suggestions", "gaps", "attachments", "votes")


@pytest.fixture
def model() -> Iterator[ModelServer]:
    with running() as server:
        yield server


def stored(stage: Stage) -> str:
    """Every word in the store, of the tables that may hold somebody's."""
    with sqlite3.connect(stage.folder / "bot.db") as database:
        rows = [row for table in TABLES for row in database.execute(f"SELECT * FROM {table}")]
    return "\n".join(str(cell) for row in rows for cell in row)


async def growing(stage: Stage, asked: str) -> dict[str, Any]:
    def found() -> dict[str, Any] | None:
        return next((card for card in stage.cards(asked) if answer_text(card)), None)

    card: dict[str, Any] = await stage.sandbox.wait_for(found, DEADLINE_S)
    return card


async def test_a_recalled_question_leaves_no_word_anywhere(stage: Stage) -> None:
    bot = await stage.bot()
    asked = await stage.ask(QUESTION)
    card = await stage.closed(asked)
    await stage.click(card, "up", BOB)
    assert QUESTION in stored(stage) and "10 个工作日" in stored(stage)
    stage.sandbox.hands.recall(asked, ALICE)
    await shown(stage, card["message_id"], "提问已撤回")
    await bot.logged("job_ended", reason="blanked")
    await bot.terminate()
    left = stored(stage)
    assert QUESTION not in left and "10 个工作日" not in left and "出差" not in left


async def test_a_question_that_waits_can_be_taken_back(stage: Stage, model: ModelServer) -> None:
    model.script(SLOW)
    bot = await stage.bot(**using(model))
    first = await stage.ask(QUESTION)
    await growing(stage, first)
    second = await stage.ask("VPN 连不上怎么办？", person=BOB)
    waiting = await stage.card(second)
    stage.sandbox.hands.recall(second, BOB)
    await shown(stage, waiting["message_id"], "提问已撤回")
    stage.sandbox.hands.recall(first, ALICE)
    card = await stage.card(first)
    await shown(stage, card["message_id"], "提问已撤回")
    await bot.terminate()
    assert "VPN" not in json.dumps(stage.sandbox.shown(waiting["message_id"])["card"], ensure_ascii=False)
    assert [line for line in bot.lines if "exception" in line] == []


async def test_a_recalled_file_is_asked_about_no_more(stage: Stage) -> None:
    bot = await stage.bot()
    chat = private_chat(stage)
    text = "# 露营须知\n\n## 帐篷押金\n\n帐篷押金为每顶 320 元，归还时检查无损后退还。\n"
    content = base64.b64encode(text.encode()).decode()
    key = take_upload(stage.sandbox.world, ALICE, "露营须知.md", content, "text/markdown").key
    raw = json.dumps({"file_key": key, "file_name": "露营须知.md"}, ensure_ascii=False)
    sent = await stage.sandbox.say(chat, ALICE, kind="file", content=raw)
    assert "已读完" in await replied(stage, sent.message_id)
    assert "320" in answer_text(await stage.closed(await stage.ask("帐篷押金是多少？", chat=chat, mention=False)))
    stage.sandbox.hands.recall(sent.message_id, ALICE)
    await bot.logged("job_ended", reason="nothing was answered")
    again = await stage.closed(await stage.ask("帐篷的押金要付多少？", chat=chat, mention=False))
    assert "320" not in answer_text(again)


async def test_who_is_forgotten_waits_for_nothing(stage: Stage, model: ModelServer) -> None:
    model.script(SLOW)
    bot = await stage.bot(**using(model))
    other = await stage.ask(QUESTION, person=BOB)
    await growing(stage, other)
    waits = await stage.ask("VPN 连不上怎么办？")
    waiting = await stage.card(waits)
    await replied(stage, await stage.ask("/忘记我", chat=private_chat(stage), mention=False))
    await shown(stage, waiting["message_id"], "提问已撤回")
    stage.sandbox.hands.recall(other, BOB)
    card = await stage.card(other)
    await shown(stage, card["message_id"], "提问已撤回")
    await bot.terminate()
    with sqlite3.connect(stage.folder / "bot.db") as database:
        words = [row[0] for row in database.execute("SELECT question FROM turns")]
    assert "VPN 连不上怎么办？" not in words
    assert [line for line in bot.lines if "exception" in line] == []
