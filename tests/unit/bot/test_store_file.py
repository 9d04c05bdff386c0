"""A SQLite file that is deleted or replaced under a running bot: nothing counts as stored, and it is said."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.doctor.machine import check_store
from bot.errors import StoreError
from bot.inbox.queue import Jobs
from bot.settings import BotSettings, Settings
from bot.storage.database import Database, serving_lock
from bot.storage.presence import write_down
from tests.support.inbox import new


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite:///{tmp_path}/bot.db")
    database.migrate()
    await database.probe()
    yield database
    await asyncio.to_thread(database.close)


def delete(folder: Path) -> None:
    (folder / "bot.db").unlink()


def delete_all(folder: Path) -> None:
    for file in folder.glob("bot.db*"):
        file.unlink()


def replace(folder: Path) -> None:
    shutil.copy(folder / "bot.db", folder / "other.db")
    (folder / "other.db").rename(folder / "bot.db")


def delete_log(folder: Path) -> None:
    (folder / "bot.db-wal").unlink()


@pytest.mark.parametrize("harm", [delete, delete_all, replace, delete_log])
async def test_nothing_is_acknowledged_that_went_into_a_file_without_a_name(
    database: Database, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    jobs = Jobs(database, lease_s=8.0)
    assert await jobs.accept(new(1))
    harm(tmp_path)
    with capture_logs() as lines:
        for number in (2, 3):
            with pytest.raises(StoreError, match="while the bot runs, and nothing can be stored; stop the bot"):
                await jobs.accept(new(number))
        with pytest.raises(StoreError, match="nothing can be stored"):
            await database.probe()
    assert [line["event"] for line in lines if line["log_level"] == "error"] == ["store_file_gone"], "said once"


async def test_a_file_that_is_deleted_during_a_commit_takes_the_acknowledgement_with_it(
    database: Database, tmp_path: Path
) -> None:
    def work(_connection: object) -> None:
        delete(tmp_path)

    with pytest.raises(StoreError, match="deleted while the bot runs"):
        await database.write(work)


async def test_a_file_that_is_moved_away_and_back_is_the_store_again(database: Database, tmp_path: Path) -> None:
    (tmp_path / "bot.db").rename(tmp_path / "away")
    with pytest.raises(StoreError):
        await database.probe()
    (tmp_path / "away").rename(tmp_path / "bot.db")
    await database.probe()


@pytest.mark.parametrize(("harm", "what"), [(delete, "is not there any more"), (replace, "is another file")])
async def test_the_doctor_says_that_the_running_bot_has_lost_its_file_and_makes_no_new_one(
    database: Database, tmp_path: Path, harm: Callable[[Path], None], what: str
) -> None:
    file = str(tmp_path / "bot.db")
    settings = Settings(bot=BotSettings(database_url=f"sqlite:///{file}"))
    with serving_lock(file):
        write_down(file)
        assert {found.name: found.state for found in await check_store(settings)}["store"] == "ok"
        harm(tmp_path)
        (found,) = await check_store(settings)
        assert found.state == "fail" and what in found.detail and "stop the bot" in found.fix
        assert (tmp_path / "bot.db").exists() == (harm is replace)
