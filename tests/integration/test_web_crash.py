"""Answers on the web that a dead process left open are ended; those of a living one are left alone."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.access.rules import Access
from bot.answering import Recorder
from bot.models import Answer
from bot.observability.metrics import Metrics
from bot.observability.tracing import TraceStore, Tracing
from bot.repositories.web_turns import WebStore
from bot.settings.access import AccessSettings
from bot.storage.database import Database
from bot.web.chat.turns import SPARE_S, SWEEP_S, WebTurns
from rag.settings import PromptSettings, RagSettings
from tests.integration.conftest import DEADLINE_S, Stage
from tests.integration.test_bad_luck import using
from tests.support.bot_process import BotProcess
from tests.support.caller import caller
from tests.support.clock import HandClock
from tests.support.model_server import ModelServer, Reply, running
from tests.support.postgres import Postgres
from tests.support.scripted_library import ScriptedLibrary

QUESTION = "出差回来多久内要报销？"
LONGEST_S = 240.0


@pytest.fixture
def model() -> Iterator[ModelServer]:
    with running() as server:
        yield server


@contextlib.asynccontextmanager
async def half_told(bot: BotProcess, model: ModelServer, conversation_id: str) -> AsyncIterator[asyncio.Task[bytes]]:
    """Somebody reads a stream that has begun and does not end."""
    model.script(Reply("出差结束后", end="stall"))

    async def read() -> bytes:
        told = b""
        body = {"question": QUESTION, "conversation_id": conversation_id}
        with contextlib.suppress(httpx.TransportError):
            async with (
                caller(bot.web) as http,
                http.stream("POST", "/chat/stream", json=body) as answer,
            ):
                async for chunk in answer.aiter_bytes():
                    told += chunk
                    if b"event: token" in told:
                        begun.set()
        return told

    begun = asyncio.Event()
    reading = asyncio.create_task(read())
    try:
        async with asyncio.timeout(DEADLINE_S):
            await begun.wait()
        yield reading
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def last_answer(bot: BotProcess, conversation_id: str) -> dict[str, Any]:
    async with caller(bot.web) as http:
        told = (await http.get(f"/chat/conversations/{conversation_id}")).json()
    return dict(told["turns"][-1]["answers"][-1])


async def test_an_answer_cut_by_a_kill_is_told_as_failed_after_the_restart(stage: Stage, model: ModelServer) -> None:
    bot = await stage.bot(**using(model))
    async with half_told(bot, model, "killed") as reading:
        await bot.kill()
        assert b"event: done" not in await reading
    again = await stage.bot(**using(model))
    assert (await again.logged("web_answers_interrupted"))["count"] == 1
    answer = await last_answer(again, "killed")
    assert answer["outcome"] == "failed" and "重启" in answer["notice"]


async def test_a_replica_that_starts_leaves_the_answers_of_the_living_alone(
    stage: Stage, model: ModelServer, postgres: Postgres
) -> None:
    settings = using(model, BOT__DATABASE_URL=postgres.url())
    bot = await stage.bot(**settings)
    async with half_told(bot, model, "alive"):
        other = await stage.bot(**settings)
        assert (await last_answer(other, "alive"))["outcome"] == "open"


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    is_sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path / 'web.db'}" if is_sqlite else request.getfixturevalue("postgres").url()
    database = Database(url)
    database.migrate()
    yield database
    database.close()


async def test_with_replicas_only_what_is_older_than_any_answer_is_ended(database: Database) -> None:
    clock = HandClock()
    store = WebStore(database, Access(AccessSettings(), RagSettings()), clock=clock)
    tracing = Tracing(TraceStore(database, clock=clock), PromptSettings, clock=clock)
    turns = WebTurns(ScriptedLibrary(), store, Recorder(tracing, Metrics(), clock))
    left, whole = await begun(store, "left"), await begun(store, "whole")
    await store.conclude(replace(whole, outcome="answered"))
    recovering = asyncio.create_task(turns.recover_forever(is_alone=False, longest_s=LONGEST_S))
    try:
        await outcomes(store, clock, {"left": "open", "whole": "answered"})
        await clock.advance(LONGEST_S + SPARE_S - 1)
        await begun(store, "young")
        await clock.advance(2 * SWEEP_S)
        await outcomes(store, clock, {"left": "failed", "whole": "answered", "young": "open"})
    finally:
        recovering.cancel()
        await asyncio.gather(recovering, return_exceptions=True)
    await store.conclude(replace(left, outcome="answered"))  # it lived after all
    await outcomes(store, clock, {"left": "answered"})


async def begun(store: WebStore, conversation_id: str) -> Answer:
    turn, answer = store.new("local", conversation_id, QUESTION)
    await store.begin(turn, answer)
    return answer


async def outcomes(store: WebStore, clock: HandClock, wanted: dict[str, str]) -> None:
    """Returns once the conversations' last answers have these outcomes; the store works on a thread of its own."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            await clock.settle()
            told = {name: await store.conversation("local", name) for name in wanted}
            if {name: turns[-1][1][-1].outcome for name, turns in told.items()} == wanted:
                return
