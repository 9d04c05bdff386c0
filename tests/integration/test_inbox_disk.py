"""Disks and permissions: what keeps the bot from starting says what to mend; what comes later mends itself."""

import contextlib
import os
import resource
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.integration.conftest import Stage
from tests.integration.test_inbox import refuses_and_recovers
from tests.support.bot_process import BotProcess, environment
from tests.support.postgres import Postgres

# Root may write everything; without these capabilities the bits of files count for it, too (PR_CAPBSET_DROP is 24).
DROP = "import ctypes, os, sys; [ctypes.CDLL(None).prctl(24, right) for right in (1, 2, 3)]"
LIKE_OTHERS = (sys.executable, "-c", f"{DROP}; os.execv(sys.argv[1], sys.argv[1:])")


async def refused(stage: Stage, **settings: str) -> str:
    """What a bot says that does not start."""
    bot = BotProcess(stage.folder, environment(stage.url, stage.folder, **settings), launcher=LIKE_OTHERS)
    try:
        with pytest.raises(AssertionError, match="ended without logging"):
            await bot.start()
    finally:
        await bot.kill()
    assert bot.process is not None and bot.process.returncode not in (0, None)
    said = "\n".join(str(line.get("event")) for line in bot.lines)
    assert "Traceback" not in said
    return said


@contextlib.contextmanager
def mode(path: Path, bits: int) -> Iterator[None]:
    """`path` with these permissions for a while."""
    before = path.stat().st_mode
    path.chmod(bits)
    try:
        yield
    finally:
        path.chmod(before)


async def test_a_folder_that_is_read_only_is_named_at_the_start(stage: Stage) -> None:
    folder = stage.folder / "store"
    folder.mkdir()
    with mode(folder, 0o555):
        said = await refused(stage, BOT__DATABASE_URL=f"sqlite:///{folder}/bot.db")
        inside = await refused(stage, BOT__DATABASE_URL=f"sqlite:///{folder}/new/bot.db")
    assert str(folder) in said and "Permission denied" in said and "BOT__DATABASE_URL" in said
    assert f"{folder}/new/bot.db cannot be made" in inside


async def test_a_file_that_is_read_only_is_named_at_the_start(stage: Stage) -> None:
    bot = await stage.bot()
    await bot.terminate()
    with mode(stage.folder / "bot.db", 0o444):
        said = await refused(stage)
    assert "readonly database" in said and "let the user that runs the bot write the file of BOT__DATABASE_URL" in said


async def test_a_file_that_is_no_database_is_named_at_the_start_and_left_alone(stage: Stage) -> None:
    file = stage.folder / "bot.db"
    file.write_text("Not a database at all. " * 100)
    assert "name another one in BOT__DATABASE_URL" in await refused(stage)
    assert file.read_text() == "Not a database at all. " * 100


@contextlib.asynccontextmanager
async def nothing_can_be_written(bot: BotProcess) -> AsyncIterator[None]:
    """Every write of the process to a file fails, as on a broken disk."""
    assert bot.process is not None
    before = resource.prlimit(bot.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(bot.process.pid, resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.prlimit(bot.process.pid, resource.RLIMIT_FSIZE, before)


async def test_a_disk_that_refuses_writes_for_a_while(stage: Stage) -> None:
    bot = await stage.bot()
    await refuses_and_recovers(stage, bot, nothing_can_be_written(bot))
    assert "may be full or broken" in (await bot.logged("accept_failed"))["reason"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB; skips where none can be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a small disk")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextlib.asynccontextmanager
async def filled(folder: Path) -> AsyncIterator[None]:
    """Not a byte is free."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(b"x" * 4096):
            pass
    try:
        yield
    finally:
        filler.unlink()


async def test_a_disk_that_is_full_for_a_while(stage: Stage, small_disk: Path) -> None:
    bot = await stage.bot(BOT__DATABASE_URL=f"sqlite:///{small_disk}/bot.db")
    await refuses_and_recovers(stage, bot, filled(small_disk))
    assert "is full: make room there" in (await bot.logged("accept_failed"))["reason"]


async def test_a_postgresql_that_can_only_be_read_for_a_while(stage: Stage, postgres: Postgres) -> None:
    url = postgres.url()
    name = url.rpartition("/")[2]

    @contextlib.asynccontextmanager
    async def read_only() -> AsyncIterator[None]:
        set_to("on")
        try:
            yield
        finally:
            set_to("off")

    def set_to(value: str) -> None:
        with postgres.connect() as connection:
            connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = {value}".encode())
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))

    bot = await stage.bot(BOT__DATABASE_URL=url)
    await refuses_and_recovers(stage, bot, read_only())
    assert "name the primary in BOT__DATABASE_URL" in (await bot.logged("accept_failed"))["reason"]
