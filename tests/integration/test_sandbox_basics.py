"""A bot over real HTTP: hears, streams, is clicked."""

from feishu.sandbox import Sandbox, SandboxSettings, running
from tests.support.fake_bot import fake_bot

GROUP, ALICE, BOB = "oc_product", "ou_linxiaoman", "ou_zhouming"


async def test_a_question_in_the_group_gets_a_streamed_card_that_closes() -> None:
    sandbox = Sandbox(SandboxSettings())
    async with running(sandbox) as url, fake_bot(sandbox, url, step=60, pause_s=0.12) as bot:
        said = await sandbox.say(GROUP, ALICE, "出差回来多久内要报销？", mention_bot=True)
        assert said.delivered
        card = await sandbox.wait_for(
            lambda: next(
                (m for m in sandbox.messages_in(GROUP) if m.card_id and not sandbox.shown(m.message_id)["streaming"]),
                None,
            )
        )
        await sandbox.wait_for(lambda: sandbox.calls("card.update"))
        shown = sandbox.shown(card.message_id)
        assert shown["summary"] == "出差返回后 10 个工作日内"
        assert shown["card"]["header"]["template"] == "green"
        assert [entry.outcome for entry in sandbox.calls()] == ["ok"] * len(sandbox.calls())
        assert sandbox.violations == []
        pressed = await sandbox.click(card.message_id, BOB, element_id="up")
        assert pressed.toast == {"type": "success", "content": "已收到，谢谢！"}
        assert bot.presses[0]["event"]["operator"]["open_id"] == BOB
        assert bot.presses[0]["event"]["action"]["value"] == {"act": "up", "id": "42"}


async def test_group_messages_without_a_mention_are_not_pushed() -> None:
    sandbox = Sandbox(SandboxSettings())
    async with running(sandbox) as url, fake_bot(sandbox, url) as bot:
        said = await sandbox.say(GROUP, ALICE, "大家中午吃什么？")
        assert not said.delivered
        assert "im:message.group_msg" in said.why
        assert bot.events == []
