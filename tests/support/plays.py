"""Misfortunes that are played several at once, each with a sandbox and a bot of its own: they mostly wait.

PLAYS = Plays()

@PLAYS.of({"code": 230020}, {"drop": True})
async def it_ends_well(scene: Scene, how: dict[str, Any]) -> None: ...

@pytest.mark.timeout(PLAYING_S)
@pytest.mark.parametrize("name", PLAYS)
def test_play(name: str, played: Played) -> None:
    played.raise_what_went_wrong(name)
"""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.model_server import ModelServer
from tests.support.scene import HTML, WRITTEN, new_scene

AT_ONCE = 12
PLAYING_S = 1200
"""The test that asks first waits for all plays of its module: this is how long they may take."""

Part = Callable[..., Awaitable[object]]


@dataclass(frozen=True)
class Play:
    """One fault and what has to come of it. `platform` are readings of the documents that the sandbox follows."""

    part: Part
    values: tuple[Any, ...]
    platform: dict[str, Any]


class Plays:
    """The plays of a module, by name."""

    def __init__(self) -> None:
        self._plays: dict[str, Play] = {}

    def __len__(self) -> int:
        return len(self._plays)

    def __contains__(self, name: object) -> bool:
        return name in self._plays

    def __iter__(self) -> Iterator[str]:
        return iter(self._plays)

    def of(self, *rows: Any, **platform: Any) -> Callable[[Part], Part]:
        """Registers a coroutine function (of a scene and one row's values) as plays, one for each row."""

        def register(part: Part) -> Part:
            for row in rows or ((),):
                self.add(part, row if isinstance(row, tuple) else (row,), platform)
            return part

        return register

    def add(self, part: Part, values: tuple[Any, ...], platform: dict[str, Any]) -> None:
        """Registers one."""
        said = [*map(str, values), *(f"{name}={value}" for name, value in platform.items())]
        self._plays[" ".join([part.__name__, *said]).replace(HTML, "html")] = Play(part, values, platform)

    async def play(self, names: list[str], folder: Path, index: Path, model: ModelServer) -> "Played":
        """How each of these ended; all with the ordinary model."""
        model.script(WRITTEN)
        room = asyncio.Semaphore(AT_ONCE)

        async def run(number: int, name: str) -> None:
            own = folder / str(number)
            own.mkdir()
            play = self._plays[name]
            async with room, new_scene(own, index, model, **play.platform) as scene:
                await play.part(scene, *play.values)

        ends = await asyncio.gather(*(run(*each) for each in enumerate(names)), return_exceptions=True)
        said = ["".join(traceback.format_exception(end)) if end is not None else "" for end in ends]
        return Played(dict(zip(names, said, strict=True)))


@dataclass(frozen=True)
class Played:
    """How plays ended: "" where all was well, else what was raised, with where."""

    ends: dict[str, str]

    def raise_what_went_wrong(self, name: str) -> None:
        if failure := self.ends[name]:
            pytest.fail(failure, pytrace=False)
