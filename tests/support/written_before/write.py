"""Writes a store, two indexes and a platform's chats with the code of an earlier commit; see the README beside it.

Not run by the tests: it imports what that commit had, under the names that it had then.
"""

import asyncio
import contextlib
import json
import shutil
import sqlite3
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bot.app import Bot
from bot.inbox.jobs import Jobs
from bot.job import NewJob
from bot.settings import Settings
from bot.web.guard import LOCAL
from feishu.sandbox import Sandbox, running
from rag.ingest import ingest
from rag.scope import EVERYTHING
from rag.settings import EmbeddingSettings
from tests.integration.conftest import ALICE, BOB, DEADLINE_S, GROUP, PATIENT_PLATFORM, button
from tests.support.bot_inside import bot_inside, idle, settings_of
from tests.support.model_server import ModelServer, Reply
from tests.support.model_server import running as model_running

READ = ("reimbursement.md", "leave.md", "it-helpdesk-guide.md")
QUESTION, LEAVE, UNKNOWN = "出差回来多久内要报销？", "年假有几天？", "公司班车几点发车？"
REFUSAL = "[[NO_ANSWER]]"
BOT = {"people": {"owners": {"*": [BOB]}, "admins": [ALICE]}, "digest_chat": GROUP}


def answer(body: dict[str, Any]) -> Reply:
    """What the model writes: nothing is known of the shuttle bus."""
    asked = str(body["messages"][-1]["content"])
    return Reply(REFUSAL if "班车" in asked else "请在 15 个自然日内提交报销单 [1]。")


async def main(out: Path) -> None:
    """Everything into `out`."""
    out.mkdir(parents=True)
    knowledge = out / "knowledge"
    knowledge.mkdir()
    for name in READ:
        shutil.copyfile(Path("knowledge") / name, knowledge / name)
    sandbox = Sandbox(PATIENT_PLATFORM)
    with model_running() as model:
        model.script(answer=answer)
        async with running(sandbox) as url:
            settings = settings_of(url, knowledge, out / "words", model.base_url, bot=BOT)
            vectors = EmbeddingSettings(provider="openai", base_url=model.base_url, model="bge-small-zh-v1.5")
            await asyncio.to_thread(ingest, settings.rag)
            more = {"index_dir": out / "vectors", "embedding": vectors}
            await asyncio.to_thread(ingest, settings.rag.model_copy(update=more))
            told = await _play(sandbox, settings)
    world = sandbox.world
    entities = [{**asdict(each), "frames": []} for each in world.entities.values()]
    said = {"messages": [asdict(each) for each in world.messages.values()], "entities": entities}
    text = json.dumps({**said, **told, "made_at": time.time()}, ensure_ascii=False)
    (out / "platform.json").write_text(text, encoding="utf-8")
    _one_file(knowledge / "bot.db")
    shutil.move(knowledge / "bot.db", out / "bot.db")


async def _play(sandbox: Sandbox, settings: Settings) -> dict[str, str]:
    """Questions and votes, a dead letter, then one job of each kind that nobody works on; gives ids by name."""
    async with _bot(sandbox, settings) as bot:
        asked = await _asked(sandbox, QUESTION)
        unknown = await _asked(sandbox, UNKNOWN)
        private = await _asked(sandbox, LEAVE, chat="oc_p2p_sandbox_zhouming", person=BOB)
        taken_back = await _asked(sandbox, LEAVE)
        await _click(sandbox, asked, BOB, "up")
        await _click(sandbox, private, BOB, "down")
        web = await bot.web_turns.ask(LOCAL, QUESTION, conversation_id="c0ffee", scope=EVERYTHING)
        answered = await web.whole()
        await bot.feedback.vote(answered.id, LOCAL.name, "up")
        await idle(bot)
    claim_up_to = Jobs.claim_up_to
    with patch.object(Jobs, "claim_up_to", _nothing):
        async with _bot(sandbox, settings) as bot:
            given_up = (await sandbox.say(GROUP, ALICE, "会议室怎么预定？", mention_bot=True)).message_id
            while not (claimed := await claim_up_to(bot.jobs, 1)):  # its card may be told its place in the queue now
                await asyncio.sleep(0.05)
            await bot.jobs.finish(claimed[0], "buried", "RuntimeError: it failed five times")
            waiting = (await sandbox.say(GROUP, BOB, "VPN 连不上怎么办？", mention_bot=True)).message_id
            await _click(sandbox, asked, ALICE, "down")  # redraw, and ask_reason in private
            await _click(sandbox, asked, ALICE, "regenerate")
            await _click(sandbox, unknown, ALICE, "person")
            sandbox.hands.recall(taken_back, ALICE)
            await _events(sandbox, bot)
            await _until_waiting(bot)
    cards = {name: _card(sandbox, each) for name, each in (("asked_card", asked), ("unknown_card", unknown))}
    ids = {"asked": asked, "private": private, "taken_back": taken_back, "given_up": given_up, "waiting": waiting}
    return {**ids, **cards, "web_answer": answered.id}


@contextlib.asynccontextmanager
async def _bot(sandbox: Sandbox, settings: Settings) -> AsyncIterator[Bot]:
    async with bot_inside(settings) as (bot, public):
        sandbox.set_webhook(f"{public}/feishu/webhook")
        while bot.identity.known is None or not (await bot.ready())[0]:
            await asyncio.sleep(0.05)
        yield bot


async def _nothing(_jobs: Jobs, *_how: Any) -> list[Any]:
    return []


async def _asked(sandbox: Sandbox, text: str, *, chat: str = GROUP, person: str = ALICE) -> str:
    """Asks and waits for the closed card; gives the question's message id."""
    said = await sandbox.say(chat, person, text, mention_bot=chat == GROUP)
    await sandbox.wait_for(lambda: _card(sandbox, said.message_id), DEADLINE_S)
    return said.message_id


def _card(sandbox: Sandbox, asked: str) -> str:
    """The message id of the closed card that answers."""
    shown = (sandbox.shown(each.message_id) for each in list(sandbox.world.messages.values()))
    closed = (each for each in shown if each["parent_id"] == asked and each["card"] and not each["streaming"])
    return next((each["message_id"] for each in closed if button(each, "regenerate")), "")


async def _click(sandbox: Sandbox, asked: str, person: str, kind: str) -> None:
    message = sandbox.shown(_card(sandbox, asked))
    shown = await sandbox.click(message["message_id"], person, value=button(message, kind))
    assert shown.toast or not shown.why, shown.why


async def _events(sandbox: Sandbox, bot: Bot) -> None:
    """A private chat that is opened, the menu, the weekly digest."""
    app = next(iter(sandbox.world.apps.values()))
    chat = "oc_p2p_sandbox_linxiaoman"
    entered = {"chat_id": chat, "operator_id": {"open_id": ALICE}, "last_message_id": ""}
    menu = {"operator": {"operator_id": {"open_id": ALICE}}, "event_key": "help", "timestamp": 1}
    sandbox.push.event(app, "im.chat.access_event.bot_p2p_chat_entered_v1", {**entered, "last_message_create_time": ""})
    sandbox.push.event(app, "application.bot.menu_v6", menu)
    payload = {"key": f"digest:{GROUP}:2026-W48", "chat_id": GROUP}
    await bot.jobs.accept(NewJob(app.app_id, "digest", "digest", payload, (payload["key"],)))


async def _until_waiting(bot: Bot) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while (await bot.jobs.count_by_state()).get("queued", 0) < KINDS:
            await asyncio.sleep(0.05)


KINDS = 9


def _one_file(database: Path) -> None:
    with sqlite3.connect(database) as store:
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        store.execute("PRAGMA journal_mode=DELETE")
        store.execute("VACUUM")
        for row in store.execute("SELECT id, kind, state, attempt, payload FROM jobs"):
            print(*row)  # noqa: T201
    store.close()


if __name__ == "__main__":
    assert ModelServer
    asyncio.run(main(Path(sys.argv[1])))
