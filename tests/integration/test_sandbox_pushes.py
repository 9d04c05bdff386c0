"""Events and callbacks over real HTTP: signatures, redelivery, scopes, two bots, errors a client shows."""

import asyncio
import json
from typing import Any

import pytest

from feishu.sandbox import AppSettings, Sandbox, SandboxClock, SandboxSettings, Unpressable, running
from tests.support.fake_bot import fake_bot
from tests.support.platform_client import ALICE, BOB, GROUP, card, markdown, plain

PRIVATE = "oc_p2p_sandbox_linxiaoman"
OTHER = AppSettings("cli_other", "other-secret", "other-key", "other-token", name="翻译助手")
CALLBACK = [{"type": "callback", "value": {"a": 1}}]
BUTTON: dict[str, Any] = {"tag": "button", "element_id": "go", "text": plain("走"), "behaviors": CALLBACK}


async def raw_card(bot: Any, content: dict[str, Any]) -> str:
    body = {"receive_id": GROUP, "msg_type": "interactive", "content": json.dumps(content)}
    reply = await bot.call("POST", "/im/v1/messages?receive_id_type=chat_id", **body)
    return str(reply["data"]["message_id"])


async def test_a_failed_delivery_comes_again_on_schedule_with_the_same_event_id() -> None:
    clock = SandboxClock(frozen=True)
    sandbox = Sandbox(SandboxSettings(), clock=clock)
    async with running(sandbox) as url, fake_bot(sandbox, url) as bot:
        bot.status = 500
        await sandbox.say(PRIVATE, ALICE, "你好")
        for attempts, wait_s in enumerate((15, 300, 3600, 21600), 1):
            await sandbox.wait_for(lambda n=attempts: len(sandbox.journal.of("event")) == n)
            clock.advance(wait_s)
        await sandbox.wait_for(lambda: len(sandbox.journal.of("event")) == 5)
        assert len({event["header"]["event_id"] for event in bot.events}) == 1
        assert [entry.outcome for entry in sandbox.journal.of("event")] == ["HTTP 500"] * 5


async def test_an_answered_event_comes_once_and_again_on_demand() -> None:
    sandbox = Sandbox(SandboxSettings())
    async with running(sandbox) as url, fake_bot(sandbox, url) as bot:
        bot.answering = False
        await sandbox.say(PRIVATE, ALICE, "你好")
        await sandbox.wait_for(lambda: bot.events)
        event = bot.events[0]
        assert event["event"]["message"]["chat_type"] == "p2p"
        assert event["event"]["sender"]["sender_id"]["open_id"] == ALICE
        sandbox.push.again(event["header"]["event_id"])
        await sandbox.wait_for(lambda: len(sandbox.journal.of("event")) == 2)
        assert bot.events[1] == event


async def test_mentions_arrive_as_placeholders() -> None:
    sandbox = Sandbox(SandboxSettings())
    async with running(sandbox) as url, fake_bot(sandbox, url) as bot:
        bot.answering = False
        await sandbox.say(GROUP, ALICE, "@知识库助手 和 @周明 一起看 @知识库助手")
        await sandbox.wait_for(lambda: bot.events)
        message = bot.events[0]["event"]["message"]
        assert message["content"] == '{"text":"@_user_1 和 @_user_2 一起看 @_user_1"}'
        assert [m["id"]["open_id"] for m in message["mentions"]] == ["ou_bot_sandbox", BOB]
        assert [m["mentioned_type"] for m in message["mentions"]] == ["bot", "user"]


async def test_two_bots_hear_what_concerns_them_and_never_themselves() -> None:
    sandbox = Sandbox(SandboxSettings(more_apps=(OTHER,)))
    sandbox.world.apps["cli_other"].scopes.add("im:message.group_at_msg.include_bot:readonly")
    async with running(sandbox) as url, fake_bot(sandbox, url) as first, fake_bot(sandbox, url, OTHER) as second:
        first.answering = second.answering = False
        await sandbox.say(GROUP, ALICE, "@翻译助手 hello")
        await sandbox.wait_for(lambda: second.events)
        body = {"receive_id": GROUP, "msg_type": "text"}
        content = '{"text":"<at user_id=\\"ou_bot_other\\"></at> <at user_id=\\"ou_bot_sandbox\\"></at> 你好"}'
        await first.call("POST", "/im/v1/messages?receive_id_type=chat_id", content=content, **body)
        await sandbox.wait_for(lambda: len(second.events) == 2)
        assert first.events == []
        assert second.events[1]["event"]["sender"]["sender_type"] == "bot"
        assert second.events[1]["header"]["app_id"] == "cli_other"


async def test_the_scope_for_all_group_messages_delivers_them() -> None:
    sandbox = Sandbox(SandboxSettings(scopes=("im:message.group_msg", "im:message")))
    async with running(sandbox) as url, fake_bot(sandbox, url) as bot:
        bot.answering = False
        assert (await sandbox.say(GROUP, ALICE, "中午吃什么")).delivered
        assert not (await sandbox.say(PRIVATE, ALICE, "私聊")).delivered
        await sandbox.wait_for(lambda: bot.events)


async def test_url_verification_is_encrypted_and_unsigned() -> None:
    sandbox = Sandbox(SandboxSettings(verify_timeout_s=30.0))
    async with running(sandbox) as url, fake_bot(sandbox, url):
        app = sandbox.world.apps["cli_sandbox"]
        assert await sandbox.push.verify_url(app, str(app.webhook_url)) is None
        assert await sandbox.push.verify_url(app, f"{url}/nowhere") == "HTTP 404, challenge not returned"


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        ({"toast": {"type": "success", "content": "好"}}, 200, None),
        ({}, 200, None),
        ({"toast": {"type": "huge", "content": "好"}}, 200, 200672),
        (["no object"], 200, 200672),
        ({"elements": []}, 200, 200672),
        ({}, 302, 200671),
        ({}, 500, 200671),
        ({"card": {"type": "raw", "data": "text"}}, 200, 200673),
        ({"card": {"type": "raw", "data": {"elements": []}}}, 200, 200830),
        ({"card": {"type": "raw", "data": card({"tag": "note"})}}, 200, 200673),
        ({"card": {"type": "raw", "data": card(markdown("换了"))}}, 200, None),
    ],
)
async def test_what_a_callback_answer_makes_the_client_show(answer: Any, status: int, code: int | None) -> None:
    sandbox = Sandbox(SandboxSettings())
    async with running(sandbox) as url, fake_bot(sandbox, url) as bot:
        message_id = await raw_card(bot, card(BUTTON))
        bot.callback_answer, bot.callback_status = answer, status
        shown = await sandbox.click(message_id, BOB, element_id="go")
        assert shown.error_code == code
        replaced = "换了" in str(sandbox.shown(message_id)["card"])
        assert replaced == (code is None and "card" in answer)


async def test_a_late_callback_answer_is_error_200341_and_is_never_sent_again() -> None:
    sandbox = Sandbox(SandboxSettings(push_timeout_s=1.0))
    async with running(sandbox) as url, fake_bot(sandbox, url) as bot:
        message_id = await raw_card(bot, card(BUTTON))
        bot.callback_gate = asyncio.Event()
        assert (await sandbox.click(message_id, BOB, element_id="go")).error_code == 200341
        bot.callback_gate.set()
        sandbox.advance(22_000)
        assert len(bot.presses) == 1


async def test_a_callback_without_a_server_is_error_200342() -> None:
    sandbox = Sandbox(SandboxSettings())
    async with running(sandbox) as url, fake_bot(sandbox, url) as bot:
        message_id = await raw_card(bot, card(BUTTON))
        sandbox.set_webhook("http://127.0.0.1:1/")
        assert (await sandbox.click(message_id, BOB, element_id="go")).error_code == 200342
        sandbox.set_webhook(None)
        assert (await sandbox.click(message_id, BOB, element_id="go")).error_code == 200340


async def test_writes_during_an_interaction_are_refused_and_a_streaming_card_is_not_replaced() -> None:
    sandbox = Sandbox(SandboxSettings())
    async with running(sandbox) as url, fake_bot(sandbox, url) as bot:
        opening = json.dumps(card(markdown("", element_id="answer"), BUTTON, streaming_mode=True))
        card_id = (await bot.call("POST", "/cardkit/v1/cards", type="card_json", data=opening))["data"]["card_id"]
        entity = json.dumps({"type": "card", "data": {"card_id": card_id}})
        reply = await bot.call(
            "POST", "/im/v1/messages?receive_id_type=chat_id", receive_id=GROUP, msg_type="interactive", content=entity
        )
        message_id, path = reply["data"]["message_id"], f"/cardkit/v1/cards/{card_id}/elements/answer/content"
        bot.callback_answer = {"card": {"type": "raw", "data": card(markdown("换"))}}
        bot.callback_gate = asyncio.Event()
        press = asyncio.create_task(sandbox.click(message_id, BOB, element_id="go"))
        await bot.pressed.wait()
        assert (await bot.call("PUT", path, content="一", sequence=1))["code"] == 200810
        bot.callback_gate.set()
        assert (await press).error_code == 200673
        assert (await bot.call("PUT", path, content="一", sequence=2))["code"] == 0
        assert [rule.name for rule in sandbox.violations] == ["callback_card"]


async def test_a_delayed_update_uses_the_callback_token_twice() -> None:
    sandbox = Sandbox(SandboxSettings())
    async with running(sandbox) as url, fake_bot(sandbox, url) as bot:
        message_id = await raw_card(bot, card(BUTTON))
        await sandbox.click(message_id, BOB, element_id="go")
        body = {"token": bot.presses[0]["event"]["token"], "card": card(markdown("晚到"))}
        codes = [(await bot.call("POST", "/interactive/v1/card/update", **body))["code"] for _ in range(3)]
        assert codes == [0, 0, 300040]


async def test_a_form_is_submitted_with_its_values() -> None:
    form = {
        "tag": "form",
        "name": "f",
        "elements": [{"tag": "input", "name": "reason"}, {**BUTTON, "name": "send", "form_action_type": "submit"}],
    }
    sandbox = Sandbox(SandboxSettings())
    async with running(sandbox) as url, fake_bot(sandbox, url) as bot:
        message_id = await raw_card(bot, card(form))
        await sandbox.click(message_id, ALICE, name="send", form_value={"reason": "过时"})
        action = bot.presses[0]["event"]["action"]
        assert (action["name"], action["form_value"], action["value"]) == ("send", {"reason": "过时"}, {"a": 1})
        with pytest.raises(Unpressable):
            await sandbox.click(message_id, ALICE, name="nothing")


async def test_reactions_and_recalls_are_told() -> None:
    sandbox = Sandbox(SandboxSettings())
    async with running(sandbox) as url, fake_bot(sandbox, url) as bot:
        bot.answering = False
        said = await sandbox.say(PRIVATE, ALICE, "你好")
        sandbox.hands.react(said.message_id, ALICE, "THUMBSUP")
        sandbox.hands.recall(said.message_id, ALICE)
        await sandbox.wait_for(lambda: len(bot.events) == 3 and len(sandbox.journal.of("event")) == 3)
        kinds = {event["header"]["event_type"] for event in bot.events}
        assert kinds == {"im.message.receive_v1", "im.message.reaction.created_v1", "im.message.recalled_v1"}
