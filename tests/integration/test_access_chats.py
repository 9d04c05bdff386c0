"""One secret document with a canary word, asked for in every way a chat has: it appears only where the rules allow."""

import asyncio
import contextlib
import json
import os
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from feishu.sandbox.world import Chat
from rag.ingestion.pipeline import ingest
from rag.settings import CollectionSettings, EmbeddingSettings, RagSettings
from tests.integration.conftest import ALICE, BOB, DEADLINE_S, GROUP, Stage, button, walk, words
from tests.integration.test_bad_luck import using
from tests.integration.test_message_kinds import send, upload
from tests.integration.test_people_conversation import private_chat, push, replied
from tests.support.bot_process import REPOSITORY, BotProcess, environment
from tests.support.model_server import ModelServer, Reply, running

CANARY, HR = "金丝雀7731", "oc_hr"
SECRET = "雪豹计划的奖金是多少？"
OPEN = "食堂几点供应午餐？"
GROUP_SCOPE = "im:message.group_msg"
REFUSED = "根据现有资料无法回答此问题"
WITHHELD = "这个版本引用的资料在这里已不再开放"


@dataclass
class House:
    """A sandbox with an open and a closed group, and an index of an open and a closed collection."""

    stage: Stage
    settings: dict[str, str]

    async def bot(self, chats: dict[str, list[str]], people: dict[str, list[str]], **more: str) -> BotProcess:
        rules = {"BOT__ACCESS__CHATS": json.dumps(chats), "BOT__ACCESS__PEOPLE": json.dumps(people)}
        return await self.stage.bot(**{**self.settings, **rules, **more})

    async def ask(self, text: str, chat: str, person: str = BOB) -> dict[str, Any]:
        return await self.stage.closed(
            await self.stage.ask(text, chat=chat, person=person, mention=chat in (GROUP, HR))
        )

    def said(self, chat: str, since: int = 0) -> str:
        """Everything that the bot ever showed in a chat, frames and earlier states of its cards, too."""
        world = self.stage.sandbox.world
        told = [each for each in self.stage.sandbox.messages_in(chat)[since:] if each.sender_type == "app"]
        shown = [self.stage.sandbox.shown(each.message_id) for each in told]
        ids = {each.message_id for each in told}
        frames = [
            frame.content for entity in world.entities.values() if entity.message_id in ids for frame in entity.frames
        ]
        return json.dumps([[each.content for each in told], shown, frames], ensure_ascii=False, default=str)


OPEN_RULES: tuple[dict[str, list[str]], dict[str, list[str]]] = ({HR: ["hr", "open"]}, {ALICE: ["hr", "open"]})


@pytest.fixture
def house(stage: Stage, tmp_path: Path) -> House:
    for name, text in (
        ("open/canteen.md", "# 食堂指南\n\n## 供应时间\n\n食堂十一点半供应午餐。\n\n## 餐卡充值\n\n餐卡在前台充值。\n"),
        (
            "hr/pay.md",
            f"# 雪豹计划{CANARY}\n\n## {CANARY}奖金\n\n雪豹计划的奖金是 {CANARY} 元。\n\n"
            f"## {CANARY}名单\n\n名单保密。\n",
        ),
        ("loose/attic.md", "# 阁楼\n\n阁楼的钥匙在门卫处。\n"),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    collections = {
        "open": {"folders": [str(tmp_path / "open")], "public": True},
        "hr": {"folders": [str(tmp_path / "hr")]},
    }
    index = tmp_path / "rules-index"
    ingest(
        RagSettings(
            knowledge=[tmp_path / "loose"],
            collections={name: CollectionSettings.model_validate(each) for name, each in collections.items()},
            index_dir=index,
            embedding=EmbeddingSettings(provider="none"),
        )
    )
    world = stage.sandbox.world
    world.chats[HR] = Chat(HR, "group", "人事组", [ALICE, BOB], list(world.apps))
    settings = {"RAG__INDEX_DIR": str(index), "RAG__COLLECTIONS": json.dumps(collections)}
    return House(stage, {**settings, "RAG__KNOWLEDGE": json.dumps([str(tmp_path / "loose")])})


@pytest.fixture
def model() -> Iterator[ModelServer]:
    with running() as server:
        yield server


async def test_questions_see_what_their_chat_sees_whoever_asks(house: House) -> None:
    stage = house.stage
    owners = json.dumps({"hr": [ALICE]})
    await house.bot(*OPEN_RULES, BOT__PEOPLE__OWNERS=owners)
    for person in (ALICE, BOB):
        refused = await house.ask(SECRET, GROUP, person)
        assert REFUSED in words(refused["card"]) and button(refused, "person") is None
        assert CANARY in words((await house.ask(SECRET, HR, person))["card"])
    assert CANARY in words((await house.ask(SECRET, private_chat(stage, ALICE), ALICE))["card"])
    assert REFUSED in words((await house.ask(SECRET, private_chat(stage, BOB)))["card"])
    assert REFUSED in words((await house.ask("阁楼的钥匙在哪里？", GROUP))["card"]), "in no collection: seen by nobody"
    answered = await house.ask(OPEN, GROUP)
    assert "十一点半" in words(answered["card"])
    again = await stage.click(refused, "regenerate", ALICE)
    assert again.toast
    await stage.closed(refused["parent_id"], containing="2/2")
    buttons = [node["value"] for node in walk(answered["card"]) if (node.get("value") or {}).get("act") == "ask"]
    assert buttons
    await stage.sandbox.click(answered["message_id"], BOB, value=buttons[0])
    await stage.closed(answered["message_id"])
    for chat in (GROUP, private_chat(stage, BOB)):
        assert CANARY not in house.said(chat)
    assert stage.sandbox.violations == []
    with contextlib.closing(sqlite3.connect(stage.folder / "bot.db")) as store:
        behind = store.execute("SELECT leaned_on FROM answers ORDER BY created_at").fetchall()
    assert behind[0] == ("[]",) and behind[-1] == ('["open"]',), "the words of a button's question are a document's"


async def test_lists_welcomes_and_menus_name_what_may_be_seen(house: House) -> None:
    stage = house.stage
    bot = await house.bot(*OPEN_RULES)
    for chat, person, sees in ((GROUP, ALICE, False), (HR, BOB, True)):
        listed = await replied(stage, await stage.ask("/sources", chat=chat, person=person))
        assert (CANARY in listed, "食堂指南" in listed, "阁楼" in listed) == (sees, True, False)
        greeted = await replied(stage, await stage.ask("你好", chat=chat, person=person))
        assert (CANARY in greeted, "食堂" in greeted) == (sees, True)
        event = {"chat_id": chat, "operator_id": {"open_id": ALICE}, "external": False, "name": "x"}
        push(stage, "im.chat.member.bot.added_v1", event)
        await stage.sandbox.wait_for(lambda chat=chat: "试试这样问" in house.said(chat), DEADLINE_S)
        assert (CANARY in house.said(chat)) == sees
    for person, sees in ((ALICE, True), (BOB, False)):
        chat = private_chat(stage, person)
        entered = {
            "chat_id": chat,
            "operator_id": {"open_id": person},
            "last_message_id": "",
            "last_message_create_time": "",
        }
        push(stage, "im.chat.access_event.bot_p2p_chat_entered_v1", entered)
        await stage.sandbox.wait_for(lambda chat=chat: "试试这样问" in house.said(chat), DEADLINE_S)
        menu = {
            "operator": {"operator_name": "x", "operator_id": {"open_id": person}},
            "event_key": "sources",
            "timestamp": 1,
        }
        push(stage, "application.bot.menu_v6", menu)
        await stage.sandbox.wait_for(lambda chat=chat: "资料库里现有" in house.said(chat), DEADLINE_S)
        assert (CANARY in house.said(chat)) == sees
    assert not [line for line in bot.lines if line.get("level") == "error"]


async def test_forwards_silence_and_the_weekly_card_carry_nothing_over(house: House) -> None:
    stage = house.stage
    app = next(iter(stage.sandbox.world.apps.values()))
    app.scopes = {*app.scopes, GROUP_SCOPE}
    now = datetime.now()
    digest = {
        "BOT__DIGEST_CHAT": GROUP,
        "BOT__DIGEST_WEEKDAY": str(now.isoweekday()),
        "BOT__DIGEST_HOUR": str(now.hour),
    }
    silent = {"BOT__PEOPLE__SILENT_CHATS": json.dumps([GROUP, HR]), "BOT__PEOPLE__SILENT_CONFIDENCE": "0.5"}
    bot = await house.bot(*OPEN_RULES, **silent)
    card = await house.ask(SECRET, HR)
    await stage.click(card, "up", BOB)
    asked = next(node["value"] for node in walk(card["card"]) if (node.get("value") or {}).get("act") == "ask")
    await stage.sandbox.click(card["message_id"], BOB, value=asked)
    down = await stage.closed(card["message_id"])
    await stage.click(down, "down", ALICE)
    said = await stage.sandbox.say(GROUP, BOB, SECRET)
    heard = await stage.sandbox.say(HR, BOB, SECRET)
    assert CANARY in words((await stage.closed(heard.message_id))["card"])
    await bot.logged("job_ended", reason="nobody asked, and the documents are not sure")
    assert stage.cards(said.message_id) == []
    for chat in (GROUP, private_chat(stage, BOB)):
        forwarded = await stage.sandbox.forward(chat, BOB, [card["message_id"]])
        follow_up = await stage.sandbox.say(
            chat, BOB, "它具体是多少？", reply_to=forwarded.message_id, mention_bot=chat == GROUP
        )
        await stage.closed(follow_up.message_id)
    await bot.terminate()
    await house.bot(*OPEN_RULES, **digest)
    await stage.sandbox.wait_for(lambda: "首字 p95" in house.said(GROUP), DEADLINE_S)
    for chat in (GROUP, private_chat(stage, BOB)):
        assert CANARY not in house.said(chat)


async def test_a_changed_rule_counts_for_what_was_answered_before(house: House, model: ModelServer) -> None:
    stage = house.stage

    def obedient(body: dict[str, Any]) -> Reply:
        """Repeats whatever it is given, so that nothing it is given stays hidden."""
        prompt = json.dumps(body["messages"], ensure_ascii=False)
        return Reply(f"奖金是 {CANARY} [1]" if CANARY in prompt else "午餐十一点半 [1]。")

    model.script(answer=obedient)
    bot = await house.bot(*OPEN_RULES, **using(model))
    first = await house.ask(SECRET, HR)
    follow = await stage.sandbox.say(HR, BOB, "那午餐呢？食堂几点", mention_bot=True, reply_to=first["message_id"])
    tainted = await stage.closed(follow.message_id)
    assert CANARY in words(tainted["card"]), "an answer from open documents that leans on a closed one"
    suggested = next(node["value"] for node in walk(first["card"]) if (node.get("value") or {}).get("act") == "ask")
    await bot.terminate()
    before, asked = len(stage.sandbox.messages_in(HR)), len(model.requests)

    bot = await house.bot({HR: ["open"]}, {}, **using(model))
    gone = await stage.sandbox.click(first["message_id"], BOB, value=suggested)
    assert gone.toast and "找不到" in gone.toast["content"]
    await stage.click(first, "regenerate", BOB)
    renewed = await stage.closed(first["parent_id"], containing=REFUSED)
    assert CANARY not in json.dumps(renewed["card"], ensure_ascii=False)
    await stage.sandbox.click(renewed["message_id"], BOB, value=button(renewed, "show"))
    paged = await stage.closed(first["parent_id"], containing=WITHHELD)
    assert CANARY not in json.dumps(paged["card"], ensure_ascii=False)
    await stage.click(tainted, "up", BOB)
    redrawn = await stage.closed(follow.message_id, containing=WITHHELD)
    assert CANARY not in json.dumps(redrawn["card"], ensure_ascii=False)
    reply = await stage.sandbox.say(HR, BOB, "它具体是多少？午餐呢", mention_bot=True, reply_to=first["message_id"])
    answered = await stage.closed(reply.message_id)
    assert answered["card"]["header"]["template"] in ("green", "orange"), "without the history, not failed over it"
    await stage.click(tainted, "regenerate", BOB)
    await stage.closed(follow.message_id, containing="2/2")
    assert CANARY not in house.said(HR, since=before)
    assert CANARY not in json.dumps([each.body for each in model.requests[asked:]], ensure_ascii=False)
    assert stage.sandbox.violations == []


async def test_an_answer_broken_off_under_other_rules_goes_on_under_those_of_now(
    house: House, model: ModelServer
) -> None:
    stage = house.stage
    model.script(Reply(f"奖金是 {CANARY} 元。" * 200, delay_s=0.05))
    bot = await house.bot(*OPEN_RULES, **using(model, BOT__DRAIN_S="0"))
    asked = await stage.ask(SECRET, chat=HR)
    await stage.sandbox.wait_for(lambda: CANARY in house.said(HR), DEADLINE_S)
    await bot.terminate()
    with contextlib.closing(sqlite3.connect(stage.folder / "bot.db")) as store:
        (left,) = store.execute("SELECT outcome, leaned_on FROM answers").fetchall()
    assert left == ("open", '["hr"]'), "what is left of it is known to be from there"
    await house.bot({HR: ["open"]}, {}, **using(model))
    card = await stage.closed(asked, containing=REFUSED)
    assert CANARY not in json.dumps(card["card"], ensure_ascii=False)


async def test_a_cut_answer_does_not_go_on_where_its_documents_were_closed(house: House, model: ModelServer) -> None:
    stage = house.stage
    model.script(Reply(f"奖金是 {CANARY} 元 [1]，另外", end="length"), Reply("食堂有奖金 [1]。"))
    bot = await house.bot(*OPEN_RULES, **using(model))
    cut = await house.ask(SECRET, HR)
    await bot.terminate()
    before, asked = len(stage.sandbox.messages_in(HR)), len(model.requests)
    await house.bot({HR: ["open"]}, {}, **using(model))
    await stage.click(cut, "continue", BOB)
    anew = await stage.closed(cut["parent_id"], containing="2/2")
    assert CANARY not in json.dumps(anew["card"], ensure_ascii=False)
    assert "已重新回答" in words(anew["card"])
    assert CANARY not in house.said(HR, since=before)
    assert CANARY not in json.dumps([each.body for each in model.requests[asked:]], ensure_ascii=False)


async def test_files_of_a_private_chat_are_seen_there_under_any_rule(house: House) -> None:
    stage = house.stage
    await house.bot({}, {ALICE: []})
    chat = private_chat(stage, ALICE)
    text = "# 露营须知\n\n## 帐篷押金\n\n帐篷押金为每顶 320 元。\n\n## 归还\n\n归还帐篷要在周一。\n"
    sent = await send(stage, "file", {"file_key": upload(stage, "露营.md", text.encode()), "file_name": "露营.md"})
    assert "已读完" in await replied(stage, sent)
    card = await house.ask("帐篷押金是多少？", chat, ALICE)
    await stage.click(card, "up", ALICE)
    redrawn = await stage.closed(card["parent_id"], containing="👍 有用 1")
    assert "320" in words(redrawn["card"]) and WITHHELD not in words(redrawn["card"])
    value = next(node["value"] for node in walk(redrawn["card"]) if (node.get("value") or {}).get("act") == "ask")
    await stage.sandbox.click(card["message_id"], ALICE, value=value)
    assert "周一" in words((await stage.closed(card["message_id"]))["card"])
    assert REFUSED in words((await house.ask(OPEN, chat, ALICE))["card"]), "the rule of this person says: nothing"
    assert "320" not in words((await house.ask("帐篷押金是多少？", GROUP, ALICE))["card"])


async def test_the_terminal_asks_with_their_eyes(house: House, tmp_path: Path) -> None:
    rules = {"BOT__ACCESS__CHATS": json.dumps(OPEN_RULES[0]), "BOT__ACCESS__PEOPLE": json.dumps(OPEN_RULES[1])}
    inherited = {name: value for name, value in os.environ.items() if "__" not in name}
    env = {
        **inherited,
        **environment(house.stage.url, tmp_path, **house.settings, **rules),
        "PYTHONPATH": str(REPOSITORY),
    }

    async def asked(*options: str) -> tuple[str, str]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot.cli", "ask", SECRET, *options),
            cwd=tmp_path,
            env=env,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        return out.decode(), err.decode()

    told = await asyncio.gather(
        asked(),
        asked("--as-chat", HR),
        asked("--as-chat", GROUP),
        asked("--as-person", ALICE),
        asked("--as-person", BOB),
    )
    assert [CANARY in out for out, _ in told] == [True, True, False, True, False]
    assert "Every collection is searched" in told[0][1]
    assert "Searched, as there: hr, open." in told[1][1] and "Searched, as there: open." in told[4][1]
