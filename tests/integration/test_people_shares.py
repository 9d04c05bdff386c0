"""One colleague cannot drown the others, and rules on people bind whatever they press: the attacks, in small."""

import base64
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from bot.storage.tables import attachments, received_files, votes
from feishu.events.types import CardAction
from feishu.sandbox.server.uploads import take_upload
from tests.integration.conftest import ALICE, BOB, GROUP, answer_text, walk, words
from tests.support.model_server import ModelServer, Reply
from tests.support.model_server import running as running_model
from tests.support.scene import ANSWER, QUESTION, Message, Scene, new_scene

PEOPLE = {"suggestions": "headings"}


@pytest.fixture(scope="module")
def model() -> Iterator[ModelServer]:
    """A local OpenAI-compatible server."""
    with running_model() as server:
        yield server


@pytest.fixture
async def scene(tmp_path: Path, handbook_index: Path, model: ModelServer) -> AsyncIterator[Scene]:
    """A fresh sandbox, and the model with an ordinary answer."""
    model.script(Reply(ANSWER))
    async with new_scene(tmp_path, handbook_index, model) as scene:
        yield scene


def private_chat(scene: Scene, person: str) -> str:
    chats = scene.sandbox.world.chats.values()
    return next(chat.chat_id for chat in chats if chat.kind == "p2p" and person in chat.people)


def refused(scene: Scene) -> dict[tuple[str, str], int]:
    """(Deed, why) → how often, as `/metrics` tells."""
    assert scene.bot is not None
    families = {family.name: family for family in scene.bot.metrics.registry.collect()}
    samples = (each for each in families["feishu_rag_refused"].samples if each.name.endswith("_total"))
    return {(each.labels["deed"], each.labels["why"]): int(each.value) for each in samples}


async def counted(scene: Scene, table: Any, *columns: Any) -> Any:
    assert scene.bot is not None
    statement = select(func.count(), *columns).select_from(table)
    return await scene.bot.database.read(lambda connection: tuple(connection.execute(statement).one()))


def toast(shown: Any) -> str:
    assert shown.toast is not None and shown.error_code is None
    return str(shown.toast["content"])


def shown(scene: Scene, card: Message) -> str:
    return json.dumps(scene.sandbox.shown(card["message_id"])["card"], ensure_ascii=False)


@pytest.mark.long
async def test_two_hundred_commands_under_the_usual_settings(scene: Scene) -> None:
    await scene.start()
    await scene.closed(await scene.ask())
    flood = [(await scene.sandbox.say(GROUP, BOB, "/help", mention_bot=True)).message_id for _ in range(200)]
    assert answer_text(await scene.closed(await scene.ask())) == ANSWER
    await scene.until(lambda: sum(len(scene.texts(each)) for each in flood) + sum(refused(scene).values()) >= 200)
    await scene.idle()
    texts = [text["content"] for each in flood for text in scene.texts(each)]
    told = [text for text in texts if "/sources" not in text]
    assert len(texts) - len(told) + sum(refused(scene).values()) == 200
    assert len(texts) - len(told) <= 120 and 1 <= len(told) <= 6


async def test_hundreds_of_commands_of_one_person_leave_the_others_their_answers(scene: Scene, store_url: str) -> None:
    await scene.start(bot={"database_url": store_url, "workers": 2, "people": {**PEOPLE, "person_per_min": 6}})
    await scene.closed(await scene.ask())  # from now on the bot knows who it is, and reads what a mention says
    flood = [(await scene.sandbox.say(GROUP, BOB, "/help", mention_bot=True)).message_id for _ in range(60)]
    assert answer_text(await scene.closed(await scene.ask())) == ANSWER
    await scene.until(lambda: refused(scene) == {("command", "too_many"): 48})
    await scene.idle()
    said = Counter("That was quick" in text["content"] for each in flood for text in scene.texts(each))
    assert said == {False: 12, True: 1}, "a command costs half a question; then one sentence says so, and silence"


async def test_who_has_many_waiting_is_told_once_and_nobody_else_waits_for_them(scene: Scene, store_url: str) -> None:
    scene.model.script(Reply(ANSWER, delay_s=0.02))
    people = {**PEOPLE, "person_waiting": 4}
    await scene.start(bot={"database_url": store_url, "workers": 3, "people": people})
    flood = [(await scene.sandbox.say(GROUP, BOB, QUESTION, mention_bot=True)).message_id for _ in range(12)]
    asked = await scene.sandbox.say(private_chat(scene, ALICE), ALICE, QUESTION)
    await scene.closed(asked.message_id)
    waited = [each for each in flood if not any("regenerate" in shown(scene, card) for card in scene.cards(each))]
    assert waited, "an answer came while others of the flood were still to be written"
    await scene.idle()
    answered = [each for each in flood if scene.cards(each)]
    told = [text["content"] for each in flood for text in scene.texts(each)]
    assert len(answered) + refused(scene)["question", "too_many_waiting"] == len(flood)
    assert len(told) == 1 and "不少问题在排队" in told[0]
    scene.assert_lawful()


async def test_a_new_version_costs_what_a_question_costs(scene: Scene) -> None:
    await scene.start(bot={"people": {**PEOPLE, "person_per_min": 3}})
    card = await scene.closed(await scene.ask())
    before = len(scene.model.chats())
    toasts: Counter[str] = Counter()
    for _ in range(30):
        toasts[toast(await scene.press(scene.sandbox.shown(card["message_id"]), "regenerate", BOB))] += 1
        await scene.idle()
    card = scene.sandbox.shown(card["message_id"])
    assert toasts == {"好的，正在重新生成": 3, "点得有点快，请过一分钟再点 🙂": 27}
    assert len(scene.model.chats()) == before + 3
    assert toast(await scene.press(card, "up", BOB)).startswith("点得有点快"), "one budget for everything"
    scene.sandbox.hands.react(card["message_id"], BOB, "ThumbsDown")
    asked = await scene.sandbox.say(GROUP, BOB, QUESTION, mention_bot=True)
    assert "问得有点快" in (await scene.text(asked.message_id))["content"]
    assert toast(await scene.press(card, "regenerate", ALICE)) == "好的，正在重新生成", "another's is another's"
    await scene.idle()
    assert await counted(scene, votes) == (0,)
    assert refused(scene)["reaction", "too_many"] == 1
    scene.advance(61)
    scene.assert_lawful()


async def send_file(scene: Scene, name: str, content: bytes, person: str = BOB) -> str:
    """In private; gives the message id."""
    key = take_upload(scene.sandbox.world, person, name, base64.b64encode(content).decode(), "text/markdown").key
    raw = json.dumps({"file_key": key, "file_name": name}, ensure_ascii=False)
    return (await scene.sandbox.say(private_chat(scene, person), person, kind="file", content=raw)).message_id


@pytest.mark.parametrize(
    ("count", "lines", "day_mb", "kept_mb"),
    [(20, 120, 0.05, 0.02), pytest.param(100, 48_000, 200, 50, marks=pytest.mark.long)],
)
async def test_files_have_a_quota_for_a_day_and_for_what_is_kept(
    scene: Scene, count: int, lines: int, day_mb: float, kept_mb: float
) -> None:
    people = {"file_mb_per_day": day_mb, "file_mb_kept": kept_mb, "person_waiting": 0, "person_per_min": 0}
    await scene.start(bot={"people": {**PEOPLE, **people}})
    text = ("# 露营须知\n\n" + "帐篷押金为每顶 320 元，归还时检查无损后退还。\n" * lines).encode()
    sent = [await send_file(scene, f"{number}.md", text) for number in range(count)]
    said = [(await scene.text(each))["content"] for each in sent]
    fit_a_day, fit = int(day_mb * 1e6) // len(text), int(kept_mb * 1e6) // len(text)
    told = [
        sum(words in each for each in said) for words in ("已读完", "24 小时内最多收你", "较早发的 1 个文件已经清掉")
    ]
    assert told == [fit_a_day, count - fit_a_day, fit_a_day - fit], "they arrive in any order"
    files, kept = await counted(scene, attachments, func.sum(attachments.c.size))
    assert files == fit and kept <= kept_mb * 1e6
    assert await counted(scene, received_files) == (fit_a_day,), "what was refused was not even downloaded"
    assert "已读完" in (await scene.text(await send_file(scene, "a.md", text, ALICE)))["content"]
    assert refused(scene) == {("file", "file_mb_per_day"): count - fit_a_day}
    scene.assert_lawful()


def suggestion_of(card: Message) -> dict[str, Any]:
    values = (node.get("value") for node in walk(card["card"]) if node.get("type") == "callback")
    return next(value for value in values if isinstance(value, dict) and value.get("act") == "ask")


async def pressed_anyhow(scene: Scene, card: Message, act: str, person: str) -> str:
    """The toast for a button that the card has no more, or never had."""
    assert scene.bot is not None
    answer_id = suggestion_of(card)["id"].rpartition("-")[0]
    click = CardAction(
        app_id="cli_sandbox",
        tenant_key="",
        event_id=f"forged-{act}",
        created_at=0.0,
        operator_open_id=person,
        chat_id=GROUP,
        message_id=card["message_id"],
        value={"act": act, "id": answer_id},
        form_value={"reason": "outdated"},
        name="",
        tag="button",
        legacy=False,
        option="",
        input_value="",
    )
    return str((await scene.bot.handlers.admit(click)).body["toast"]["content"])


@pytest.mark.parametrize(
    "rule", [{"deny_people": [BOB]}, {"allow_people": [ALICE]}], ids=["denied", "not among the allowed"]
)
async def test_whom_the_rules_exclude_presses_in_vain(scene: Scene, rule: dict[str, list[str]]) -> None:
    await scene.start(bot={"people": {**PEOPLE, **rule, "owners": {"*": [ALICE]}}})
    asked = await scene.ask()
    card = await scene.closed(asked)
    await scene.idle()
    before, calls = shown(scene, card), len(scene.model.requests)
    for kind in ("regenerate", "up", "down"):
        assert "没有为你开通" in toast(await scene.press(card, kind, BOB)), kind
    for act in ("stop", "show", "person", "continue", "reason"):
        assert "没有为你开通" in await pressed_anyhow(scene, card, act, BOB), act
    pressed = await scene.sandbox.click(card["message_id"], BOB, value=suggestion_of(card))
    assert "没有为你开通" in toast(pressed), "nothing is promised that is refused afterwards"
    for emoji in ("THUMBSUP", "ThumbsDown"):
        scene.sandbox.hands.react(card["message_id"], BOB, emoji)
    await scene.until(lambda: refused(scene).get(("reaction", "not_for_you")) == 2)
    await scene.idle()
    assert shown(scene, card) == before and len(scene.model.requests) == calls
    assert await counted(scene, votes) == (0,)
    assert len(scene.replies(asked)) == 1 and len(scene.replies(card["message_id"])) == 0
    assert toast(await scene.press(card, "up", ALICE)) == "谢谢，已记下 👍"
    scene.assert_lawful()


async def test_whom_the_rules_exclude_gets_one_sentence_from_the_menu_and_no_welcome(scene: Scene) -> None:
    await scene.start(bot={"people": {**PEOPLE, "deny_people": [BOB]}})
    chat, app = private_chat(scene, BOB), next(iter(scene.sandbox.world.apps.values()))
    who = {"operator_name": "周明", "operator_id": {"open_id": BOB}}
    entered = {"chat_id": chat, "operator_id": {"open_id": BOB}, "last_message_id": ""}
    scene.sandbox.push.event(app, "im.chat.access_event.bot_p2p_chat_entered_v1", entered)
    for number in range(3):
        scene.sandbox.push.event(app, "application.bot.menu_v6", {"operator": who, "event_key": "help", "n": number})
    await scene.until(lambda: sum(refused(scene).values()) == 4)
    said = await scene.until(lambda: scene.sandbox.messages_in(chat))
    await scene.idle()
    assert len(scene.sandbox.messages_in(chat)) == 1 and "没有为你开通" in said[0].content
    assert refused(scene) == {("menu", "not_for_you"): 3, ("welcome", "not_for_you"): 1}


async def test_who_is_denied_while_a_question_waits_is_told_so_on_its_card(scene: Scene) -> None:
    scene.model.script(Reply(ANSWER, end="stall"), Reply(ANSWER))
    await scene.start(bot={"workers": 1, "drain_s": 0.0, "people": PEOPLE})
    running = await scene.ask()
    await scene.growing(running)
    waiting = await scene.sandbox.say(private_chat(scene, BOB), BOB, QUESTION)
    await scene.until(lambda: any("前面还有" in words(card["card"]) for card in scene.cards(waiting.message_id)))
    await scene.stack.aclose()
    scene.model.script(Reply(ANSWER))
    await scene.start(bot={"workers": 1, "people": {**PEOPLE, "deny_people": [BOB]}})
    closed = await scene.closed(waiting.message_id)
    assert "没有为你开通" in words(closed["card"]) and not answer_text(closed)
    assert answer_text(await scene.closed(running)) == ANSWER, "what others asked goes on"
    assert len(scene.replies(waiting.message_id)) == 1
    scene.assert_lawful()
