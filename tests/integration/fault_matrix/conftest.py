"""Whatever the platform or the model does, the person ends with the whole answer, or a plain reason, on one closed card
(or on the documented fallback), and no rule of the platform is broken. One row, one fault."""

import asyncio
import fcntl
import json
import os
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
    """How the plays of this module that were asked for ended. The first process of a run that needs them plays them;
    others, which were given tests of the same module, wait for it."""
    here = [item for item in request.session.items if getattr(item, "module", None) is request.module]
    chosen = {item.callspec.params["name"] for item in here if item.name.startswith("test_play[")}  # type: ignore[attr-defined]
    plays = request.module.PLAYS
    names = [name for name in plays if name in chosen]
    own = tmp_path_factory.getbasetemp()
    shared = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / f"{request.module.__name__}.json"
    with shared.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not shared.exists():
            played = asyncio.run(plays.play(names, tmp_path_factory.mktemp("plays"), handbook_index, model))
            shared.write_text(json.dumps(played.ends), "utf-8")
    return Played(json.loads(shared.read_text("utf-8")))
