"""The store goes away and comes back; the platform is told to deliver again, and nothing is lost."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest

from feishu.sandbox import SandboxSettings
from tests.integration.conftest import DEADLINE_S, Stage
from tests.integration.test_doors import encrypted, message, post, signed
from tests.support.bot_process import BotProcess
from tests.support.caller import caller
from tests.support.crowd import Crowd
from tests.support.postgres import Postgres

QUESTION = "出差回来多久内要报销？"
ANSWER = "10 个工作日"


async def ready(bot: BotProcess) -> int:
    """The status of `/ready`."""
    async with caller() as http:
        return (await http.get(f"{bot.public}/ready")).status_code


async def until(expected: int, ask: Callable[[], "asyncio.Future[int]"] | object) -> None:
    """Asks until the answer is `expected`."""
    async with asyncio.timeout(DEADLINE_S):
        while await ask() != expected:  # type: ignore[operator]
            await asyncio.sleep(0)


async def deliver(bot: BotProcess, number: int) -> httpx.Response:
    """A correctly signed question straight to the webhook."""
    body = encrypted(message(number))
    return await post(bot, body, signed(body))


@contextlib.asynccontextmanager
async def locked(file: Path) -> AsyncIterator[None]:
    """Another program holds the SQLite file's write lock."""
    other = sqlite3.connect(file, isolation_level=None, timeout=30, check_same_thread=False)
    await asyncio.to_thread(other.execute, "BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


async def refuses_and_recovers(
    stage: Stage, bot: BotProcess, down: contextlib.AbstractAsyncContextManager[None]
) -> None:
    """While the store is down: 503 with Retry-After and not ready; afterwards everything asked is answered."""
    stage.sandbox.platform.settings = SandboxSettings(redelivery_s=(1.0,) * 60)
    crowd = Crowd(stage.sandbox, 4)
    await crowd.ask(QUESTION)
    await crowd.until_answered(await whole(crowd), DEADLINE_S)
    async with down:
        refused = await deliver(bot, 1)
        assert (refused.status_code, refused.headers.get("retry-after")) == (503, "15")
        assert await ready(bot) == 503
        for _ in range(4):
            await crowd.ask(QUESTION)
        await bot.logged("accept_failed")
    assert bot.process is not None and bot.process.returncode is None
    await until(200, lambda: ready(bot))
    assert (await deliver(bot, 2)).status_code == 200
    await crowd.until_answered(await whole(crowd), DEADLINE_S)
    assert {len(texts) for texts in crowd.texts().values()} == {1}


async def whole(crowd: Crowd) -> str:
    """The extractive answer is the same each time: the first one that stands on a closed card."""

    def first() -> str:
        return next((text for texts in crowd.texts().values() for text in texts if ANSWER in text), "")

    return str(await crowd.sandbox.wait_for(first, DEADLINE_S))


async def test_postgresql_stopped_and_started_under_load(stage: Stage, postgres: Postgres) -> None:
    @contextlib.asynccontextmanager
    async def stopped() -> AsyncIterator[None]:
        await asyncio.to_thread(postgres.kill)
        try:
            yield
        finally:
            await asyncio.to_thread(postgres.start)

    bot = await stage.bot(BOT__DATABASE_URL=postgres.url(), BOT__LEASE_S="3")
    await refuses_and_recovers(stage, bot, stopped())


async def test_sqlite_locked_by_another_program(stage: Stage) -> None:
    bot = await stage.bot()
    await refuses_and_recovers(stage, bot, locked(stage.folder / "bot.db"))


async def test_postgresql_tables_locked_by_another_session(stage: Stage, postgres: Postgres) -> None:
    url = postgres.url()

    @contextlib.asynccontextmanager
    async def held() -> AsyncIterator[None]:
        with postgres.connect(url) as other, other.transaction():
            other.execute("LOCK TABLE jobs, schema_migrations IN ACCESS EXCLUSIVE MODE")
            yield

    await refuses_and_recovers(stage, await stage.bot(BOT__DATABASE_URL=url), held())


async def test_postgresql_frozen_without_a_word(stage: Stage, postgres: Postgres) -> None:
    @contextlib.asynccontextmanager
    async def frozen() -> AsyncIterator[None]:
        postgres.freeze()
        try:
            yield
        finally:
            postgres.thaw()

    await refuses_and_recovers(stage, await stage.bot(BOT__DATABASE_URL=postgres.url(), BOT__LEASE_S="3"), frozen())


async def test_answers_under_way_survive_a_restart_of_the_database(stage: Stage, postgres: Postgres) -> None:
    bot = await stage.bot(BOT__DATABASE_URL=postgres.url(), BOT__LEASE_S="3", BOT__WORKERS="4")
    stage.sandbox.platform.settings = SandboxSettings(redelivery_s=(1.0,) * 60)
    crowd = Crowd(stage.sandbox, 10)
    for number in range(30):
        await crowd.ask(QUESTION)
        if number == 15:
            await asyncio.to_thread(postgres.kill)
            await asyncio.to_thread(postgres.start)
    await crowd.until_answered(await whole(crowd), 2 * DEADLINE_S)
    assert {len(texts) for texts in crowd.texts().values()} == {1}
    assert bot.process is not None and bot.process.returncode is None


async def test_a_second_process_on_the_same_sqlite_file_does_not_start(stage: Stage) -> None:
    await stage.bot()
    with pytest.raises(AssertionError, match="another feishu-rag serves"):
        await stage.bot()
