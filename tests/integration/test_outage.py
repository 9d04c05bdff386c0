"""The platform's API is down for ten minutes, or for seventy seconds: whatever was accepted is answered whole, once."""

import base64
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.texts import ZH
from feishu.sandbox.faults import Fault
from feishu.sandbox.server.uploads import take_upload
from feishu.streaming.stream import CardStream
from tests.integration.conftest import ALICE, BOB, GROUP, Stage, answer_text, words
from tests.integration.test_bad_luck import using
from tests.support.crowd import Crowd
from tests.support.later import STEP_S, accepted, goes_on_for, pass_by
from tests.support.model_server import ModelServer, Reply, running
from tests.support.scene import ANSWER, HTML, QUESTION, WRITTEN, Scene, new_scene

OUTAGES = {"bad gateway": {"status": 502, "html": HTML}, "internal error": {"status": 500, "code": 2200}}


@pytest.fixture
def model() -> Iterator[ModelServer]:
    """A local OpenAI-compatible server."""
    with running() as server:
        server.script(WRITTEN)
        yield server


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """An end is insisted upon for a moment, and then waited for: the moments of this clock are half minutes."""
    monkeypatch.setitem(CardStream.finish.__kwdefaults__, "budget_s", 0.3)
    monkeypatch.setattr("feishu.api.client.FIRST_WAIT_S", 0.05)


@pytest.fixture
async def scene(tmp_path: Path, handbook_index: Path, model: ModelServer) -> AsyncIterator[Scene]:
    """A fresh sandbox, and the bot whose clock is moved."""
    async with new_scene(tmp_path, handbook_index, model) as scene:
        yield scene


def down(scene: Scene | Stage, how: str) -> Fault:
    """No call is answered from now on, not even for a token."""
    return scene.sandbox.faults.plan("*", times=None, **OUTAGES[how])


@pytest.mark.parametrize("how", ["internal error", pytest.param("bad gateway", marks=pytest.mark.long)])
async def test_after_ten_minutes_by_the_clock_every_question_ends_whole_once_on_one_card(
    scene: Scene, how: str
) -> None:
    """One question's answer is being written when the outage begins, the others are asked while it lasts."""
    scene.model.script(Reply(ANSWER, delay_s=0.03), WRITTEN)
    await scene.start()
    in_the_middle = await scene.ask()
    await scene.growing(in_the_middle)
    fault = down(scene, how)
    crowd = Crowd(scene.sandbox, 4)
    asked = [in_the_middle, *[await crowd.ask(QUESTION) for _ in range(4)]]
    asked.append((await scene.sandbox.say(GROUP, BOB, QUESTION, mention_bot=True)).message_id)
    await accepted(scene, 6)
    await pass_by(scene, 600.0)
    assert scene.bot is not None
    assert (await scene.bot.jobs.count_by_state()).keys() == {"queued"}, "all wait, nobody was given up"
    assert fault.hits
    figures = scene.bot.metrics
    figures.waiting(await scene.bot.jobs.waits(), scene.bot.client.availability.down())
    shown = {family.name: family.samples for family in figures.registry.collect()}
    assert shown["feishu_rag_platform_down_seconds"][0].value > 500
    waiting = {each.labels["reason"]: each.value for each in shown["feishu_rag_jobs_waiting"]}
    assert waiting == {"platform": 6.0, "notice": 0.0}
    fault.times = 0
    await pass_by(scene, 120.0)
    await scene.idle()
    for message_id in asked:
        card = await scene.closed(message_id)
        assert answer_text(card) == ANSWER
        assert len(scene.replies(message_id)) == 1
    scene.assert_lawful()


async def test_a_question_that_is_a_day_old_is_told_so_once_the_platform_is_back(scene: Scene) -> None:
    await scene.start()
    fault = down(scene, "bad gateway")
    asked = await scene.ask()
    await accepted(scene, 1)
    await pass_by(scene, STEP_S)
    scene.advance(86_400.0)
    await pass_by(scene, 2 * STEP_S)
    assert scene.bot is not None
    assert (await scene.bot.jobs.waits())["notice"] == 1
    fault.times = 0
    await pass_by(scene, 10 * STEP_S)
    await scene.idle()
    assert ZH.failed_too_old in words((await scene.closed(asked))["card"])
    assert len(scene.replies(asked)) == 1
    assert await scene.bot.jobs.count_by_state() == {"buried": 1}


async def test_a_press_on_regenerate_during_an_outage_is_answered_after_it(scene: Scene) -> None:
    await scene.start()
    asked = await scene.ask()
    card = await scene.answered_whole(asked)
    fault = down(scene, "internal error")
    await scene.press(card, "regenerate")
    await accepted(scene, 2)
    await pass_by(scene, 300.0)
    fault.times = 0
    await pass_by(scene, 120.0)
    assert answer_text(await scene.closed(asked, containing="第 2 版")) == ANSWER
    assert len(scene.replies(asked)) == 1
    scene.assert_lawful()


async def killed_in_an_outage(stage: Stage, model: ModelServer, store_url: str, seconds: float) -> None:
    """Six questions are accepted, the bot is killed and started again, all while no call is answered."""
    settings = using(model, BOT__DATABASE_URL=store_url, BOT__LEASE_S="3")
    bot = await stage.bot(**settings)
    fault = down(stage, "bad gateway")
    crowd = Crowd(stage.sandbox, 6)
    for _ in range(6):
        await crowd.ask(QUESTION)
    await bot.logged("platform_down")
    await goes_on_for(seconds / 2)
    await bot.kill()
    bot = await stage.bot(**settings, in_an_outage=True)
    await bot.logged("job_failed")
    await goes_on_for(seconds / 2)
    fault.times = 0
    await crowd.until_answered(ANSWER, 120.0)
    assert crowd.texts() == {asked: [ANSWER] for asked in crowd.asked}
    assert not [line for line in bot.lines if line["event"] == "job_dead_letter"]


async def test_an_outage_survives_a_restart(stage: Stage, model: ModelServer) -> None:
    await killed_in_an_outage(stage, model, f"sqlite:///{stage.folder}/bot.db", seconds=0.0)


@pytest.mark.long
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("seconds", [70.0, 600.0])
async def test_an_outage_by_the_clock_on_the_wall(
    stage: Stage, model: ModelServer, store_url: str, seconds: float
) -> None:
    await killed_in_an_outage(stage, model, store_url, seconds)


async def test_a_file_sent_during_an_outage_is_read_after_it(scene: Scene) -> None:
    """The download is waited for: that the platform fails is no reason to say that the file is gone."""
    await scene.start()
    assert scene.bot is not None
    world = scene.sandbox.world
    chat = world.private_chat(next(iter(world.apps.values())), ALICE)
    content = base64.b64encode("出差回来十天内报销。".encode()).decode()
    key = take_upload(world, ALICE, "规定.md", content, "text/markdown").key
    fault = scene.sandbox.faults.plan("message.resource", times=2, status=500, code=2200)
    file = {"file_key": key, "file_name": "规定.md"}
    sent = await scene.sandbox.say(chat.chat_id, ALICE, kind="file", content=json.dumps(file))
    await scene.until(lambda: fault.hits)
    await pass_by(scene, 4 * STEP_S)
    said = await scene.text(sent.message_id)
    assert "规定.md" in str(said) and ZH.file_gone not in str(said)
    assert len(scene.texts(sent.message_id)) == 1
