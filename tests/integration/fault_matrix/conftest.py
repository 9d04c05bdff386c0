"""Whatever the platform or the model does, the person ends with the whole answer, or a plain reason, on one closed card
(or on the documented fallback), and no rule of the platform is broken. One row, one fault."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.support.model_server import ModelServer
from tests.support.model_server import running as running_model
from tests.support.plays import Played
from tests.support.scene import WRITTEN, Scene, new_scene


@pytest.fixture(scope="module")
def model() -> Iterator[ModelServer]:
    """A local OpenAI-compatible server."""
    with running_model() as server:
        yield server


@pytest.fixture
async def scene(tmp_path: Path, handbook_index: Path, model: ModelServer) -> AsyncIterator[Scene]:
    """A fresh sandbox, and the model with an ordinary answer."""
    model.script(WRITTEN)
    async with new_scene(tmp_path, handbook_index, model) as scene:
        yield scene


@pytest.fixture(scope="module")
def played(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, handbook_index: Path, model: ModelServer
) -> Played:
    """How the plays of this module that were asked for ended."""
    here = [item for item in request.session.items if getattr(item, "module", None) is request.module]
    chosen = {item.callspec.params["name"] for item in here if item.name.startswith("test_play[")}  # type: ignore[attr-defined]
    plays = request.module.PLAYS
    names = [name for name in plays if name in chosen]
    return asyncio.run(plays.play(names, tmp_path_factory.mktemp("plays"), handbook_index, model))
