"""Whether the file of a SQLite store is still the one that was opened.

A file that is deleted, or replaced by another, stays open: SQLite goes on writing into what no longer has a name, and
all of it is gone at the next start. So each commit is believed only if the name still leads to the same file afterwards
(device and inode), with its write-ahead log beside it once there is one. That costs two calls of the kernel a commit.
"""

import os
from pathlib import Path

from bot.errors import StoreError

FIX = "stop the bot, put the file back (from a backup) or leave it away to begin with an empty store, and start again"


class StoreFile:
    """The file at `path`; `remember` it once it is there, then `check` it."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._known: tuple[int, int] | None = None
        self._has_log = False

    def remember(self) -> None:
        """What is there now is the store."""
        self._known = identity_of(self.path)

    def check(self) -> None:
        """Raises `StoreError` where the file is gone or another one. Nothing before `remember`."""
        if self._known is None:
            return
        now = identity_of(self.path)
        if now != self._known:
            what = "deleted" if now is None else "replaced by another file"
            raise StoreError(f"{self.path} was {what} while the bot runs, and nothing can be stored; {FIX}")
        log_is_there = identity_of(f"{self.path}-wal") is not None
        if self._has_log and not log_is_there:
            raise StoreError(f"{self.path}-wal was deleted while the bot runs, and nothing can be stored; {FIX}")
        self._has_log = log_is_there


def identity_of(path: str) -> tuple[int, int] | None:
    """Device and inode; None where nothing is."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def write_down(path: str) -> None:
    """Notes in the serving lock which file is served, for `lost_by_a_running_bot`."""
    if found := identity_of(path):
        Path(f"{path}.lock").write_text("{}:{}\n".format(*found))


def lost_by_a_running_bot(path: str) -> str:
    """A sentence where a bot that runs serves a file that this path does not lead to any more; "" otherwise. Call it
    only while the lock is held by that bot."""
    try:
        noted = Path(f"{path}.lock").read_text().strip()
    except OSError:
        return ""
    found = identity_of(path)
    if not noted or (found and noted == "{}:{}".format(*found)):
        return ""
    what = "is not there any more" if found is None else "is another file than the one it opened"
    return f"a bot runs, but {path} {what}: it can store nothing"
