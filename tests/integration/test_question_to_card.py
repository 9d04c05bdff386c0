"""Somebody asks in a chat; a card answers. Bot and sandbox are real servers."""

import asyncio
import json
import os
import secrets
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from bot.cards.streaming_view import STREAMING
from feishu.sandbox import AppSettings
from tests.integration.conftest import ALICE, BOB, DEADLINE_S, GROUP, Stage, answer_text, button, words
from tests.support.bot_process import REPOSITORY, bot_process, environment
from tests.support.transport import webhook_only

QUESTION = "出差回来多久内要报销？"


async def test_a_question_in_the_group_is_answered_with_sources_on_one_closed_card(stage: Stage) -> None:
    await stage.bot()
    asked = await stage.ask(QUESTION)
    card = await stage.closed(asked)
    assert "10 个工作日" in answer_text(card)
    assert "https://wiki.example.com/" in words(card["card"])
    assert card["card"]["header"]["title"]["content"] == QUESTION
    assert "出差回来" in card["summary"]
    assert len(stage.cards(asked)) == 1
    [created] = [entry for entry in stage.sandbox.log if entry.name == "card.create"]
    opened = json.loads(created.detail["request"]["data"])["config"]
    assert opened["streaming_mode"] and opened["streaming_config"] == STREAMING
    assert stage.sandbox.violations == []


async def test_a_private_question_needs_no_mention(stage: Stage) -> None:
    await stage.bot()
    chat = next(chat for chat in stage.sandbox.world.chats.values() if chat.kind == "p2p" and ALICE in chat.people)
    asked = await stage.ask("VPN 连不上怎么办？", chat=chat.chat_id, mention=False)
    card = await stage.closed(asked)
    assert answer_text(card)


async def test_what_the_documents_do_not_know_is_said_plainly_with_the_nearest_titles(stage: Stage) -> None:
    await stage.bot()
    card = await stage.closed(await stage.ask("恐龙为什么会灭绝？"))
    assert "根据现有资料无法回答此问题" in answer_text(card)
    assert card["card"]["header"]["template"] == "orange"


async def test_an_english_question_is_refused_in_english(stage: Stage) -> None:
    await stage.bot()
    card = await stage.closed(await stage.ask("who won the football world cup in 1954?"))
    assert "do not answer this question" in answer_text(card)


async def test_duplicate_deliveries_answer_once(stage: Stage) -> None:
    await stage.bot()
    asked = await stage.ask(QUESTION)
    await stage.closed(asked)
    pushed = next(entry for entry in stage.sandbox.log if entry.name == "im.message.receive_v1")
    event_id = str(pushed.detail["body"]["header"]["event_id"])
    for _ in range(3):
        stage.sandbox.push.again(event_id)
    other = await stage.ask("VPN 连不上怎么办？", person=BOB)
    await stage.closed(other)
    assert len(stage.cards(asked)) == 1


async def test_a_mention_without_a_question_gets_a_hint(stage: Stage) -> None:
    await stage.bot()
    asked = await stage.ask("")

    def hinted() -> bool:
        messages = stage.sandbox.messages_in(GROUP)
        return any(message.parent_id == asked and "写上你的问题" in message.content for message in messages)

    assert await stage.sandbox.wait_for(hinted, DEADLINE_S)


async def test_votes_are_counted_once_a_person_and_may_change(stage: Stage) -> None:
    bot = await stage.bot()
    card = await stage.closed(await stage.ask(QUESTION))
    assert await toast_of(stage, card, "up", ALICE) == "谢谢，已记下 👍"
    assert await toast_of(stage, card, "up", ALICE) == "你已经这样投过了"
    assert await toast_of(stage, card, "down", ALICE) == "谢谢，已记下 👎"
    assert await toast_of(stage, card, "up", BOB) == "谢谢，已记下 👍"
    await bot.terminate()
    votes = await exported(stage)
    assert {(vote["voter"], vote["vote"]) for vote in votes} == {(ALICE, "down"), (BOB, "up")}
    assert votes[0]["question"] == QUESTION
    assert "10 个工作日" in votes[0]["answer"]
    assert votes[0]["sources"]


async def exported(stage: Stage) -> list[dict[str, object]]:
    """`feishu-rag feedback export` of the stage's store."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot.cli",
        "feedback",
        "export",
        cwd=stage.folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY), **environment(stage.url, stage.folder)},
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    return [json.loads(line) for line in output.splitlines()]


async def test_regenerate_writes_a_new_version_into_the_same_card(stage: Stage) -> None:
    await stage.bot()
    asked = await stage.ask(QUESTION)
    first = await stage.closed(asked)
    assert await toast_of(stage, first, "regenerate") == "好的，正在重新生成"
    second = await stage.closed(asked, containing="第 2 版")
    assert second["message_id"] == first["message_id"]
    assert button(second, "up") != button(first, "up")
    assert "10 个工作日" in answer_text(second)
    assert stage.sandbox.violations == []


async def toast_of(stage: Stage, card: dict[str, Any], kind: str, person: str = ALICE) -> str:
    """Presses a button; gives the words of the toast."""
    shown = await stage.click(card, kind, person)
    assert shown.toast is not None, shown.why
    return str(shown.toast["content"])


async def forged_click(stage: Stage, value: object, *, chat: str = GROUP, message_id: str = "om_x") -> dict[str, Any]:
    """A correctly signed callback with any value at all; gives the bot's answer."""
    app = next(iter(stage.sandbox.world.apps.values()))
    header = {
        "event_id": secrets.token_hex(16),
        "token": app.settings.verification_token,
        "create_time": str(int(time.time() * 1_000_000)),
        "event_type": "card.action.trigger",
        "tenant_key": "sandbox_tenant",
        "app_id": app.app_id,
    }
    event = {
        "operator": {"tenant_key": "sandbox_tenant", "open_id": ALICE},
        "token": "c-0001",
        "action": {"value": value, "tag": "button"},
        "host": "im_message",
        "context": {"open_message_id": message_id, "open_chat_id": chat},
    }
    envelope = {"schema": "2.0", "header": header, "event": event}
    response = await stage.sandbox.push.post(app, app.webhook_url or "", envelope)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


ODD_VALUES: list[object] = [
    {},
    {"act": "up"},
    {"act": "up", "id": ""},
    {"act": "rm", "id": "x"},
    {"act": "up", "id": "a" * 500},
    {"act": "up", "id": "a-that-never-was"},
    {"act": ["up"], "id": "x"},
    {"id": 7},
    "up",
    None,
    [1, 2],
]


@webhook_only
async def test_odd_button_values_get_a_toast_never_an_error(stage: Stage) -> None:
    await stage.bot()
    for value in ODD_VALUES:
        answer = await forged_click(stage, value)
        assert answer["toast"]["content"], value


@webhook_only
async def test_a_click_from_another_chat_does_nothing(stage: Stage) -> None:
    bot = await stage.bot()
    card = await stage.closed(await stage.ask(QUESTION))
    value = button(card, "up")
    answer = await forged_click(stage, value, chat="oc_elsewhere", message_id=card["message_id"])
    assert answer["toast"]["content"] == "这张卡片不属于这个会话，操作无效"
    await bot.terminate()
    assert await exported(stage) == []


async def test_two_bots_that_mention_each_other_stay_silent(stage: Stage, tmp_path: Path) -> None:
    await stage.bot()
    second = AppSettings(
        app_id="cli_second",
        app_secret="second-secret",
        encrypt_key="second-key",
        verification_token="second-token",
        name="另一个助手",
        scopes=(*stage.sandbox.settings.scopes, "im:message.group_at_msg.include_bot:readonly"),
    )
    other_app = stage.sandbox.register(second)
    for app in stage.sandbox.world.apps.values():
        app.scopes = frozenset({*app.scopes, "im:message.group_at_msg.include_bot:readonly"})
    folder = tmp_path / "second"
    folder.mkdir()
    keys = {
        "FEISHU__APP_ID": second.app_id,
        "FEISHU__APP_SECRET": second.app_secret,
        "FEISHU__ENCRYPT_KEY": second.encrypt_key,
        "FEISHU__VERIFICATION_TOKEN": second.verification_token,
        "RAG__INDEX_DIR": str(stage.index),
    }
    async with bot_process(stage.url, folder, **keys) as other:
        stage.sandbox.set_webhook(f"{other.public}/feishu/webhook", app_id=second.app_id)
        first_app = next(iter(stage.sandbox.world.apps.values()))
        text = f'<at user_id="{first_app.open_id}"></at> {QUESTION} <at user_id="{other_app.open_id}"></at>'
        message_id = await asyncio.to_thread(post_as_bot, stage, second.app_id, text)
        asked = await stage.ask(QUESTION)
        await stage.closed(asked)
        assert [entry for entry in stage.sandbox.log if entry.kind == "event"], "events were pushed"
        assert stage.cards(message_id) == []


def post_as_bot(stage: Stage, app_id: str, text: str) -> str:
    """A bot writes into the group, mentioning both bots."""
    with httpx.Client(base_url=stage.url, trust_env=False, timeout=DEADLINE_S) as http:
        granted = http.post(
            "/open-apis/auth/v3/tenant_access_token/internal", json={"app_id": app_id, "app_secret": "second-secret"}
        ).json()
        sent = http.post(
            "/open-apis/im/v1/messages?receive_id_type=chat_id",
            headers={"Authorization": f"Bearer {granted['tenant_access_token']}"},
            json={"receive_id": GROUP, "msg_type": "text", "content": json.dumps({"text": text})},
        ).json()
    assert sent["code"] == 0, sent
    return str(sent["data"]["message_id"])
