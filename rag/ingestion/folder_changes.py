"""Files put into a folder of documents, and taken out of it, by somebody who is not at this machine.

A file comes in parts, so that neither a slow line nor its size holds a request up. The parts are gathered under a
hidden name, which no ingest reads, and the whole is renamed at its end: a reader sees the old file, the new one, or
none. The folder is walked to by descriptors, and nothing in it is opened through a link (`rag.ingestion.file_access`),
so that whatever else may be in it, nothing outside of it is written or removed.
"""

import contextlib
import errno
import os
import re
import stat
import time
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from rag.errors import FileRefused, Refusal
from rag.ingestion.file_access import opened_folder
from rag.ingestion.files import why_not_read

MOST_NAME_BYTES = 240
"""Below the 255 of file systems."""
STALE_S = 86_400.0
"""What is left of an upload that was broken off is removed after a day."""
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Kinds of characters: control, format (direction, joiners), halves of others, separators of lines."""
_TOKEN = re.compile(r"[0-9a-f]{16,64}")
_PART = ".upload-"
_LIST = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_WRITE = os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
_REASONS: dict[int, Refusal] = {
    errno.EROFS: "read_only",
    errno.EACCES: "read_only",
    errno.EPERM: "read_only",
    errno.ENOSPC: "full",
    errno.EDQUOT: "full",
    errno.ENOENT: "folder",
    errno.ENOTDIR: "folder",
    errno.ELOOP: "folder",
}


@dataclass(frozen=True, slots=True)
class FilePart:
    """A piece of a file: `content` from `offset` on, of a whole of `size` bytes. `token` (16 to 64 hexadecimal digits)
    is the same for all pieces of one upload and for no other."""

    name: str
    token: str
    size: int
    offset: int
    content: bytes
    replaces: bool = False
    """Whether a file of the same name may go."""


def checked_name(name: str) -> str:
    """The name under which a file is kept: in the composed form of Unicode. Raises FileRefused for one that says where
    to go, hides itself or its end, is too long, or belongs to no kind of file that is read."""
    name = unicodedata.normalize("NFC", name).strip()
    if not name or name in (".", "..") or "/" in name or "\\" in name:
        raise FileRefused("name", "A file needs a name, and no folder in it")
    if name.startswith((".", "~$")):
        raise FileRefused("name", f"{name} is the name of a hidden or temporary file, which is not read")
    if any(unicodedata.category(character) in _UNSEEN for character in name):
        raise FileRefused("name", "The name holds characters that cannot be seen or that turn text around")
    if len(name.encode()) > MOST_NAME_BYTES:
        raise FileRefused("name", f"The name is longer than {MOST_NAME_BYTES} bytes")
    if (why := why_not_read(name)) != "":
        suffix = PurePath(name).suffix.lower()
        what = f"is a {suffix} file" if suffix else "has no suffix"
        raise FileRefused("kind", f"{name} {why or f'{what}, which is not read'}")
    return name


def put_part(folder: Path, part: FilePart, *, most_bytes: int) -> str:
    """Takes a piece of a file into the folder at a resolved path; gives the file's name once it is whole, else "".
    Blocking. Raises FileRefused: then the file is to be sent from its beginning, under another token."""
    name = _checked(part, most_bytes)
    with _opened(folder) as at:
        name = _name_there(at, name)
        if not part.replaces and _is_there(at, name):
            raise FileRefused("exists", f"There is a file {name} already")
        _look_at(at, name)
        hidden = f"{_PART}{part.token}"
        if part.offset == 0:
            _remove_stale(at)
        try:
            gathered = _append(at, hidden, part)
            if gathered < part.size:
                return ""
            _finish(at, hidden, name, replaces=part.replaces)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(hidden, dir_fd=at)
            raise
    return name


def remove_file(file: Path, folders: list[Path]) -> None:
    """Removes the regular file at a resolved path, if one of these folders holds it. Blocking. Raises FileRefused."""
    if not any(file.is_relative_to(folder) for folder in folders):
        raise FileRefused("elsewhere", f"{file.name} lies outside of the collection's folders")
    with _opened(file.parent) as at:
        if not _is_there(at, file.name):
            raise FileRefused("missing", f"{file.name} is not there any more")
        _look_at(at, file.name)
        os.unlink(file.name, dir_fd=at)
        os.fsync(at)


def is_writable(folder: Path) -> bool:
    """Whether files can be put into a folder, as far as its rights tell."""
    return os.access(folder, os.W_OK | os.X_OK)


def _checked(part: FilePart, most_bytes: int) -> str:
    name = checked_name(part.name)
    if not _TOKEN.fullmatch(part.token) or part.offset < 0 or part.offset + len(part.content) > part.size:
        raise FileRefused("order", "The parts of the file do not fit together; send it again")
    if part.size > most_bytes:
        megabytes = most_bytes // 1_000_000
        raise FileRefused("size", f"{name} is larger than {megabytes} MB (rag.reading.max_file_mb)")
    if part.size == 0 or not part.content:
        raise FileRefused("empty", f"{name} is empty")
    return name


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[int]:
    """A descriptor of the folder that can be listed. Whatever the system refuses inside becomes FileRefused."""
    try:
        way = opened_folder(folder)
        try:
            descriptor = os.open(".", _LIST, dir_fd=way)
        finally:
            os.close(way)
        try:
            yield descriptor
        finally:
            os.close(descriptor)
    except OSError as error:
        why = _REASONS.get(error.errno or 0, "folder")
        reason = error.strerror or type(error).__name__
        what = (
            "cannot be written to" if why == "read_only" else "has no room left" if why == "full" else "cannot be used"
        )
        raise FileRefused(why, f"The folder {folder} {what} ({reason})") from error


def _name_there(at: int, name: str) -> str:
    """The name of a file that differs only in how its characters are composed, as another system wrote it."""
    if _is_there(at, name):
        return name
    return next((each for each in os.listdir(at) if unicodedata.normalize("NFC", each) == name), name)


def _is_there(at: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=at, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _look_at(at: int, name: str) -> None:
    """Raises FileRefused for what stands there and is no regular file: it is neither replaced nor removed."""
    try:
        mode = os.stat(name, dir_fd=at, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        raise FileRefused("elsewhere", f"{name} is there as a link or a folder, which is left alone")


def _append(at: int, hidden: str, part: FilePart) -> int:
    """The number of bytes that are gathered with this piece."""
    flags = _WRITE | (os.O_CREAT | os.O_EXCL if part.offset == 0 else 0)
    try:
        descriptor = os.open(hidden, flags, 0o666, dir_fd=at)
    except (FileExistsError, FileNotFoundError) as error:
        raise FileRefused("order", "The parts of the file do not fit together; send it again") from error
    with open(descriptor, "ab", buffering=0) as stream:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size != part.offset:
            raise FileRefused("order", "The parts of the file do not fit together; send it again")
        content = memoryview(part.content)
        while content:
            content = content[stream.write(content) :]
        if part.offset + len(part.content) == part.size:
            os.fsync(descriptor)
    return part.offset + len(part.content)


def _finish(at: int, hidden: str, name: str, *, replaces: bool) -> None:
    if replaces:
        _keep_mode(at, hidden, name)
        os.rename(hidden, name, src_dir_fd=at, dst_dir_fd=at)
    else:
        _rename_to_nothing(at, hidden, name)
    os.fsync(at)


def _keep_mode(at: int, hidden: str, name: str) -> None:
    """Who may read the file stays."""
    with contextlib.suppress(OSError):
        os.chmod(hidden, stat.S_IMODE(os.stat(name, dir_fd=at, follow_symlinks=False).st_mode), dir_fd=at)


def _rename_to_nothing(at: int, hidden: str, name: str) -> None:
    """Where a file of this name came meanwhile, that one stays."""
    try:
        os.link(hidden, name, src_dir_fd=at, dst_dir_fd=at, follow_symlinks=False)
    except FileExistsError as error:
        raise FileRefused("exists", f"There is a file {name} already") from error
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        os.rename(hidden, name, src_dir_fd=at, dst_dir_fd=at)  # a file system without hard links
        return
    os.unlink(hidden, dir_fd=at)


def _remove_stale(at: int) -> None:
    for name in os.listdir(at):
        if name.startswith(_PART):
            with contextlib.suppress(OSError):
                if os.stat(name, dir_fd=at, follow_symlinks=False).st_mtime < time.time() - STALE_S:
                    os.unlink(name, dir_fd=at)
