"""Files that only the user who runs the bot may read: people's questions and closed documents lie in them.

Bits for group and others are taken away, never added, and whatever the umask is. Nothing is done to what belongs to
another user, to links, and to folders that are plainly not the bot's own.
"""

import contextlib
import os
import stat
from pathlib import Path

OTHERS = stat.S_IRWXG | stat.S_IRWXO


def make_private_folder(folder: Path) -> None:
    """Makes it, with all above it, or closes one that is there. Raises OSError where it cannot be made."""
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    close_folder(folder)


def close_folder(folder: Path) -> None:
    """Closes a folder to others, unless it serves more than the bot: a shared one like /tmp, the user's home, the
    working folder, or one above these."""
    with contextlib.suppress(OSError):
        real = folder.resolve()
        is_shared = real.stat().st_mode & stat.S_ISVTX
        if not is_shared and not any(place.is_relative_to(real) for place in (Path.cwd(), _home())):
            close(real)


def close_tree(folder: Path) -> None:
    """Closes a folder and everything in it to others."""
    close_folder(folder)
    for inside in folder.rglob("*"):
        close(inside)


def make_private_file(file: Path) -> None:
    """Makes an empty file that only its owner may read, or closes one that is there. Raises OSError."""
    with contextlib.suppress(FileExistsError):
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.fchmod(descriptor, 0o600)  # a umask may have taken more
        finally:
            os.close(descriptor)
    close(file)


def close(path: Path) -> None:
    """Takes the rights of group and others on a file or folder of ours; nothing where that is not possible."""
    with contextlib.suppress(OSError):
        found = path.lstat()
        is_ours = found.st_uid == os.geteuid() and not stat.S_ISLNK(found.st_mode)
        if is_ours and found.st_mode & OTHERS:
            path.chmod(stat.S_IMODE(found.st_mode) & ~OTHERS)


def _home() -> Path:
    try:
        return Path.home().resolve()
    except RuntimeError:  # a user without one
        return Path("/")
