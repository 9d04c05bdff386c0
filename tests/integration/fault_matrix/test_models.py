"""Models that die, stall or refuse, before and after their first words; and people who stop them."""

import pytest
from sqlalchemy import select

from bot.storage.tables import answers
from feishu.sandbox import SandboxSettings
from tests.integration.conftest import answer_text, button, words
from tests.support.model_server import Reply
from tests.support.plays import PLAYING_S, Played, Plays
from tests.support.scene import ANSWER, CLOSE, FRAME, HTML, WRITTEN, Message, Scene

PLAYS = Plays()


async def noticed(scene: Scene, reply: Reply, *more: Reply, **timeouts: float) -> Message:
    scene.model.script(reply, *more)
    await scene.start(timeouts=timeouts)
    asked = await scene.ask()
    card = await scene.closed(asked)
    assert len(scene.replies(asked)) == 1
    scene.assert_lawful()
    return card


@pytest.mark.parametrize(
    "reply",
    [Reply(status=429), Reply(status=500), Reply(status=503), Reply("", end="stall"), Reply("", end="disconnect")],
    ids=["429", "500", "503", "stall", "disconnect"],
)
async def test_a_model_that_never_answers_is_said_in_words(scene: Scene, reply: Reply) -> None:
    card = await noticed(scene, reply, first_token_s=1.0, stall_s=1.0, total_s=4.0)
    assert "⚠️" in words(card["card"])
    assert button(card, "regenerate")


async def test_a_model_that_still_writes_when_the_total_time_is_over_is_told(scene: Scene) -> None:
    scene.model.script(Reply(ANSWER * 20, delay_s=0.05))
    await scene.start(timeouts={"total_s": 100.0})
    asked = await scene.ask()
    await scene.growing(asked, chars=20)
    scene.clock.leapt_s = 100.0
    card = await scene.closed(asked)
    assert answer_text(card).startswith(ANSWER[:20])
    await scene.idle()
    assert scene.bot is not None
    stored = await scene.bot.database.read(lambda connection: connection.execute(select(answers.c.ending)).all())
    assert [each.ending for each in stored] == ["broken"]
    assert len(scene.replies(asked)) == 1
    scene.assert_lawful()


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=429),
        Reply(status=500),
        Reply(status=503),
        Reply(status=504),
        Reply("", end="disconnect"),
        Reply("", end="error"),
        Reply("", end="stall"),
    ],
    ids=["429", "500", "503", "504", "disconnect", "error", "stall"],
)
async def test_a_model_that_fails_once_before_its_first_words_is_asked_again(scene: Scene, reply: Reply) -> None:
    before = len(scene.model.chats())
    card = await noticed(scene, reply, WRITTEN, first_token_s=3.0 if reply.end == "stall" else 30.0)
    assert answer_text(card) == ANSWER and "⚠️" not in words(card["card"])
    assert len(scene.model.chats()) - before == 2


@pytest.mark.parametrize("moment", ["before the first words", "at the first words", "in the middle", "in an outage"])
async def test_stop_closes_the_card_and_keeps_what_was_written(scene: Scene, moment: str) -> None:
    reply = Reply(ANSWER, delay_s=0.05, end="stall")
    if moment == "before the first words":
        reply = Reply(ANSWER, first_delay_s=30)
    scene.model.script(reply)
    if moment == "in an outage":
        scene.sandbox.faults.plan(FRAME, skip=3, times=2, status=502, html=HTML)
    await scene.start()
    asked = await scene.ask()
    if moment == "before the first words":
        card = await scene.until(lambda: next((c for c in scene.cards(asked) if button(c, "stop")), None))
    else:
        card = await scene.growing(asked, chars=1 if moment == "at the first words" else 20)
    shown = await scene.press(card, "stop")
    assert shown.toast is not None
    card = await scene.closed(asked)
    assert "已停止" in words(card["card"])
    assert ANSWER.startswith(answer_text(card).removesuffix("**"))
    assert len(scene.replies(asked)) == 1
    scene.assert_lawful()


async def test_a_click_while_it_streams_never_fails_and_the_card_waits_for_its_end(scene: Scene) -> None:
    """The platform refuses every write (200810) until the interaction is over."""
    scene.sandbox.platform.settings = scene.sandbox.settings = SandboxSettings(interaction_s=0.6)
    scene.model.script(Reply(ANSWER, delay_s=0.05))
    await scene.start()
    asked = await scene.ask()
    shown = await scene.press(await scene.growing(asked), "stop")
    assert shown.error_code is None and shown.toast is not None
    card = await scene.closed(asked)
    assert "已停止" in words(card["card"])
    assert any(entry.code == 200810 for entry in scene.sandbox.log)
    scene.assert_lawful()


@PLAYS.of()
async def stop_while_the_end_is_written_changes_nothing(scene: Scene) -> None:
    scene.sandbox.faults.plan(CLOSE, delay_s=1.0)
    await scene.start()
    asked = await scene.ask()
    card = await scene.growing(asked)
    await scene.until(lambda: any(entry.kind == "fault" for entry in scene.sandbox.log))
    await scene.press(card, "stop")
    card = await scene.closed(asked)
    assert answer_text(card) == ANSWER
    scene.assert_lawful()


@pytest.mark.timeout(PLAYING_S)
@pytest.mark.parametrize("name", PLAYS)
def test_play(name: str, played: Played) -> None:
    played.raise_what_went_wrong(name)
