"""Hundreds of questions while the bot is killed and started again and again: each is answered once, and whole."""

import asyncio
import logging
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from feishu.sandbox import SandboxSettings
from feishu.sandbox.journal import Entry
from tests.integration.conftest import Stage
from tests.integration.test_bad_luck import QUESTION, using
from tests.support.crowd import Crowd
from tests.support.model_server import ModelServer, Reply, running

SEQUENCE_BEHIND = 300317
SHORT = "返回后 **10 个工作日内**提交报销单 [1]。"
WAVE = 20
FRUITLESS_KILLS = 3
"""After so many the bot is left alone until one more question is answered: on a busy machine thirty cards that all
start again can take longer than it is left alive."""
STALLED_S = 300.0
"""The only limit in time: so long without one more answered question means that it stands still."""

log = logging.getLogger(__name__)


@pytest.fixture
def model() -> Iterator[ModelServer]:
    """A local OpenAI-compatible server that writes slowly enough to be interrupted."""
    with running() as server:
        server.script(Reply(SHORT, delay_s=0.05))
        yield server


@dataclass
class Run:
    """`questions` asked in waves; the bot is killed after a random number of happenings, until all are answered."""

    stage: Stage
    crowd: Crowd
    questions: int
    chance: random.Random
    patience: asyncio.Timeout = field(default_factory=lambda: asyncio.timeout(STALLED_S))
    answered: int = 0
    kills: int = 0
    fruitless: int = 0
    refused: list[Entry] = field(default_factory=list)
    _seen: int = 0

    async def through_kills(self, settings: dict[str, str]) -> None:
        """Raises TimeoutError when no question has been answered for `STALLED_S`."""
        async with self.patience, asyncio.TaskGroup() as group:
            group.create_task(self._ask_all())
            bot = await self.stage.bot(**settings)
            while not self._is_over():
                await self._happenings(self.chance.randrange(20, 150))
                if not self._is_over():
                    await bot.kill()
                    self.kills += 1
                    self.fruitless += 1
                    log.info("%d of %d answered, %d kills", self.answered, self.questions, self.kills)
                    bot = await self.stage.bot(**settings)

    async def _ask_all(self) -> None:
        for number in range(self.questions):
            if number % WAVE == 0:  # the next wave comes when half of this one is answered
                await self.stage.sandbox.wait_for(lambda: self._unanswered() <= WAVE / 2, float("inf"))
            await self.crowd.ask(QUESTION)

    async def _happenings(self, count: int) -> None:
        entries = self.stage.sandbox.journal.entries
        wanted = entries[-1].id + count

        def enough() -> bool:
            return self._is_over() or (entries[-1].id >= wanted and self.fruitless < FRUITLESS_KILLS)

        await self.stage.sandbox.wait_for(enough, float("inf"))
        new = [entry for entry in entries if entry.id > self._seen]  # at each step: the sandbox drops old entries
        self._seen = entries[-1].id
        self.refused += [entry for entry in new if entry.code == SEQUENCE_BEHIND or entry.kind == "violation"]

    def _is_over(self) -> bool:
        return self._unanswered() == 0 and len(self.crowd.asked) == self.questions

    def _unanswered(self) -> int:
        left = len(self.crowd.unanswered(SHORT))
        if (answered := len(self.crowd.asked) - left) > self.answered:
            self.answered, self.fruitless = answered, 0
            self.patience.reschedule(asyncio.get_running_loop().time() + STALLED_S)
        return left


@pytest.mark.timeout(0)
@pytest.mark.parametrize("questions", [20, pytest.param(500, marks=pytest.mark.long)])
async def test_questions_asked_through_random_kills_are_each_answered_once_and_whole(
    stage: Stage, model: ModelServer, store_url: str, questions: int
) -> None:
    stage.sandbox.platform.settings = SandboxSettings(redelivery_s=(1.0,) * 200)
    settings = using(model, BOT__DATABASE_URL=store_url, BOT__LEASE_S="3", BOT__MAX_ATTEMPTS="50")
    run = Run(stage, Crowd(stage.sandbox, WAVE), questions, random.Random(questions))
    await run.through_kills(settings)
    texts = run.crowd.texts()
    log.info("%d answered, %d kills", len(texts), run.kills)
    assert len(texts) == questions
    assert {asked: shown for asked, shown in texts.items() if shown != [SHORT]} == {}
    assert run.refused == []
