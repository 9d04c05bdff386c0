"""Folders to files: regular ones of a known kind, and what was left out of the rest, with its reason."""

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from rag.errors import IngestError
from rag.ingestion.file_access import NOT_REGULAR
from rag.ingestion.files import SUFFIXES, why_not_read

LINK = "is a link; links are followed only to what rag.reading.follow_links_to names"
_AGAIN = "is a link to a folder that is read already by another link, or holds this one"
Inode = tuple[int, int]


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file: where it stands, the resolved path to open (another one where a link was followed), and its source.

    `inode` is set for a file that has several names (hard links).
    """

    place: Path
    file: Path
    source: str
    inode: Inode | None = None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that looks like a document, or holds some, and is not read. A folder's source ends with a slash; it is
    "" for the whole of what was searched.

    `keeps` when that may be over the next time (a folder that cannot be listed): what the index has of it stays.
    """

    place: Path
    source: str
    reason: str
    keeps: bool = False


Found = FoundFile | LeftOut


def find_files(folders: Sequence[Path], *, allowed: Sequence[Path] = ()) -> list[Found]:
    """Every document file below the folders, sorted; hidden and temporary files are passed over in silence.

    `source` is the path relative to its folder; where two folders hold the same one, the folder's name goes before it.
    A file may stand among the folders, whatever its suffix. A folder that is a link itself was named so by whoever
    configured it, and is followed; links inside are followed below `allowed` alone. Nothing is opened. Raises
    IngestError for a folder that is not there.
    """
    found: list[Found] = []
    seen: set[str] = set()
    targets = [target.resolve() for target in allowed]
    for folder in folders:
        if not folder.exists():
            raise IngestError(f"The knowledge folder {folder} does not exist; create it or set RAG__KNOWLEDGE")
        root = folder.resolve()
        for item in _Walk(targets).below(root) if root.is_dir() else [_entry(root, root, folder.name)]:
            source = _printable(item.source)
            if isinstance(item, FoundFile):
                if source in seen:
                    source = f"{_printable(root.name)}/{source}"
                seen.add(source)
            found.append(replace(item, source=source))
    return found


class _Walk:
    """One folder's files, and those of the folders that links in it lead to, each of which is entered once."""

    def __init__(self, targets: Sequence[Path]) -> None:
        self._targets = targets
        self._followed: list[Path] = []

    def below(self, root: Path) -> Iterator[Found]:
        """Files before folders, each in the order of their names."""
        open_folders: list[tuple[Path, Path, str]] = [(root, root, "")]
        while open_folders:
            place, folder, prefix = open_folders.pop()
            try:
                with os.scandir(folder) as entries:
                    listed = sorted(entries, key=lambda entry: entry.name)
            except OSError as error:
                reason = f"{place} cannot be listed ({error.strerror or type(error).__name__})"
                yield LeftOut(place, prefix, reason, keeps=True)
                continue
            inner: list[tuple[Path, Path, str]] = []
            for entry in listed:
                if not entry.name.startswith((".", "~$")):
                    yield from self._entry(entry, place / entry.name, f"{prefix}{entry.name}", inner)
            open_folders += reversed(inner)

    def _entry(
        self, entry: "os.DirEntry[str]", place: Path, source: str, inner: list[tuple[Path, Path, str]]
    ) -> Iterator[Found]:
        file = Path(entry.path)
        if entry.is_symlink():
            yield from self._link(place, file, source, inner)
        elif entry.is_dir(follow_symlinks=False):
            inner.append((place, file, f"{source}/"))
        elif _is_known(entry.name):
            yield _entry(place, file, source)

    def _link(self, place: Path, link: Path, source: str, inner: list[tuple[Path, Path, str]]) -> Iterator[Found]:
        """A link to a folder, or one that has the name of a document."""
        try:
            target = link.resolve()
            is_folder = stat.S_ISDIR(target.stat().st_mode)
        except (OSError, RuntimeError):  # it leads nowhere, or in a circle
            target, is_folder = link, False
        if not is_folder and not _is_known(link.name):
            return
        source = f"{source}/" if is_folder else source
        if not any(target.is_relative_to(allowed) for allowed in self._targets):
            yield LeftOut(place, source, LINK)
        elif not is_folder:
            yield _entry(place, target, source)
        elif any(target.is_relative_to(other) or other.is_relative_to(target) for other in (*self._followed, link)):
            yield LeftOut(place, source, _AGAIN)
        else:
            self._followed.append(target)
            inner.append((place, target, source))


def _entry(place: Path, file: Path, source: str) -> Found:
    """A file by what it is, without opening it."""
    try:
        found = os.lstat(file)
    except OSError:
        return FoundFile(place, file, source)  # gone since: reading it will say so
    if stat.S_ISLNK(found.st_mode):
        return LeftOut(place, source, LINK)
    if not stat.S_ISREG(found.st_mode):
        return LeftOut(place, source, NOT_REGULAR)
    if why := why_not_read(place.name):
        return LeftOut(place, source, why)
    return FoundFile(place, file, source, (found.st_dev, found.st_ino) if found.st_nlink > 1 else None)


def _is_known(name: str) -> bool:
    return PurePath(name).suffix.lower() in SUFFIXES or why_not_read(name) is not None


def _printable(name: str) -> str:
    """A file name as text: bytes that are no UTF-8 are replaced, so that it can be stored and shown."""
    return os.fsencode(name).decode("utf-8", "replace")
