"""Regular files, opened without following a link anywhere on the way, and read up to a bound.

Whoever may write into a knowledge folder may also put links, devices and pipes there, or exchange a folder for a link
between the moment when it is listed and the moment when it is read. So the path is walked one name at a time by
descriptors, and what is read is what the last descriptor leads to.
"""

import errno
import os
import stat
from io import FileIO
from pathlib import Path

from rag.errors import Unreadable

_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_PART_BYTES = 1_048_576
LINK = "is reached through a link that was not there before, and is not read"
NOT_REGULAR = "is no regular file (a device, a pipe, a socket or a folder)"


def read_regular(file: Path, source: str, most_bytes: int) -> bytes:
    """The bytes of the file at a resolved path. Never waits for a pipe or a device.

    Raises Unreadable: larger than `most_bytes`, no regular file, reached through a link, not there, no permission.
    """
    try:
        descriptor = _opened(file)
        if descriptor is None:
            raise Unreadable(source, LINK if file.is_symlink() else NOT_REGULAR)
        with open(descriptor, "rb", buffering=0) as stream:
            content = _at_most(stream, most_bytes + 1)
    except OSError as error:
        raise Unreadable(source, _reason(error)) from error
    if len(content) > most_bytes:
        raise Unreadable(source, f"is larger than {most_bytes // 1_000_000} MB (rag.reading.max_file_mb)")
    return content


def _opened(file: Path) -> int | None:
    """A descriptor of the file; None where that is no regular one."""
    folder = opened_folder(file.parent)
    try:
        # Looked at before it is opened: opening a device can have effects of its own.
        if not stat.S_ISREG(os.stat(file.name, dir_fd=folder, follow_symlinks=False).st_mode):
            return None
        descriptor = os.open(file.name, _FILE, dir_fd=folder)
    finally:
        os.close(folder)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    return None


def opened_folder(folder: Path) -> int:
    """A descriptor of the folder at a resolved path, walked to from the root down; it may not be listed by it. Raises
    OSError, also where a link stands on the way."""
    descriptor = os.open(folder.anchor, _FOLDER)
    for name in folder.parts[1:]:
        try:
            inner = os.open(name, _FOLDER, dir_fd=descriptor)
        finally:
            os.close(descriptor)
        descriptor = inner
    return descriptor


def _at_most(stream: FileIO, most_bytes: int) -> bytes:
    """What a file that may grow meanwhile, or does not tell its size, holds up to a bound."""
    parts: list[bytes] = []
    while most_bytes > 0 and (part := stream.read(min(most_bytes, _PART_BYTES))):
        parts.append(part)
        most_bytes -= len(part)
    return b"".join(parts)


def _reason(error: OSError) -> str:
    if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.EMLINK):
        return LINK
    if error.errno in (errno.ENXIO, errno.ENODEV, errno.EOPNOTSUPP):
        return NOT_REGULAR
    return f"cannot be read ({error.strerror or type(error).__name__})"
