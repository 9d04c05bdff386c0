"""An admin is told in private, once, that the language model has cost its budget; answers go on."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.integration.conftest import ALICE
from tests.support.model_server import ModelServer, running
from tests.support.scene import WRITTEN, Scene, new_scene


@pytest.fixture
def model() -> Iterator[ModelServer]:
    with running() as server:
        server.script(WRITTEN)
        yield server


@pytest.fixture
async def scene(tmp_path: Path, handbook_index: Path, model: ModelServer) -> AsyncIterator[Scene]:
    async with new_scene(tmp_path, handbook_index, model) as scene:
        yield scene


def told(scene: Scene) -> list[str]:
    """What the bot said about the budget, wherever."""
    shown = [scene.sandbox.shown(each.message_id) for each in list(scene.sandbox.world.messages.values())]
    return [str(message["text"]) for message in shown if "预算" in str(message["text"])]


async def test_an_admin_is_told_once_and_answers_go_on(scene: Scene) -> None:
    await scene.start(bot={"admins": [ALICE], "monthly_tokens": 100, "people": {"suggestions": "headings"}})
    assert scene.bot is not None
    for times in range(2):
        await scene.answered_whole(await scene.ask())
        await scene.bot.usage.flush()
        assert await scene.bot.budget.propose() == (times == 0)
        scene.bot.worker.wake()
        await scene.idle()
    [notice] = told(scene)
    assert "已超出预算：120 / 100 tokens" in notice
