"""What a running bot leaves on the disk is for its own user: store, index and what lies beside them."""

import os
import stat
from pathlib import Path

from tests.integration.conftest import Stage

OPEN_TO_ALL = ("sh", "-c", 'umask 000; exec "$0" "$@"')


def readable_by_others(folder: Path) -> list[str]:
    found = [folder, *folder.rglob("*")]
    return [str(path) for path in found if stat.S_IMODE(path.lstat().st_mode) & 0o077 and not path.is_symlink()]


async def test_store_and_index_are_closed_to_others_also_those_of_an_earlier_version(stage: Stage) -> None:
    place = {"BOT__DATABASE_URL": f"sqlite:///{stage.folder / 'data' / 'bot.db'}"}
    bot = await stage.bot(launcher=OPEN_TO_ALL, **place)
    await stage.closed(await stage.ask("出差回来多久内要报销？"))
    names = {path.name for path in (stage.folder / "data").iterdir()}
    assert {"bot.db", "bot.db-wal", "bot.db-shm", "bot.db.lock"} <= names
    assert readable_by_others(stage.folder / "data") == readable_by_others(stage.index) == []
    await bot.terminate()
    for folder in (stage.folder / "data", stage.index):
        for path in (folder, *folder.rglob("*")):
            os.chmod(path, 0o755 if path.is_dir() else 0o644)
    again = await stage.bot(launcher=OPEN_TO_ALL, **place)
    assert readable_by_others(stage.folder / "data") == readable_by_others(stage.index) == []
    await again.terminate()
