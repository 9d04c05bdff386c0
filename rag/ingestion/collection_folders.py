"""Which collection a file belongs to: that of the innermost folder that the settings name, whatever leads to it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from rag.ingestion.file_discovery import Found, FoundFile, Inode, LeftOut

LINKED_FOLDER = (
    "is a link inside another folder of the settings, where anybody may have put it; name the folder that it leads to, "
    "or allow that one by rag.reading.follow_links_to"
)
_CLOSED = "is a link into a folder of another collection"
_SAME_FILE = "is the same file as one of a closed collection (a hard link), and is read there alone"


class Homes:
    """The folders of the settings, by their collections."""

    def __init__(self, roots: Mapping[str, Sequence[Path]], allowed: Sequence[Path] = ()) -> None:
        """`allowed` are places that links may lead to."""
        self._allowed = [place.resolve() for place in allowed]
        self._roots = {folder.resolve() for folders in roots.values() for folder in folders}
        self._files: dict[Path, set[str]] = {}
        self._folders: dict[Inode, set[str]] = {}
        self._identities: dict[Path, Inode | None] = {}
        for name, folders in roots.items():
            for folder in folders:
                if self.is_linked(folder):
                    continue
                self._files.setdefault(folder.resolve(), set()).add(name)
                if identity := self._identity(folder.resolve()):
                    self._folders.setdefault(identity, set()).add(name)

    def is_linked(self, folder: Path) -> bool:
        """Whether a folder of the settings is reached through a link that lies inside another one.

        Whoever may write there could turn an open collection into a closed one's content.
        """
        whole = folder.absolute()
        if any(whole.resolve().is_relative_to(place) for place in self._allowed):
            return False
        links = (place for place in (whole, *whole.parents) if place.is_symlink())
        return any(
            root != whole and link.parent.resolve().is_relative_to(root) for link in links for root in self._roots
        )

    def checked(self, item: Found, collection: str) -> Found | None:
        """The item where a folder of this collection is its innermost; None where another's is.

        A link to what is in another collection's folder is left out with that reason.
        """
        mine = self._home(item.place)
        if mine is not None and collection not in mine:
            return None
        if isinstance(item, LeftOut) or item.file == item.place:
            return item
        theirs = self._home(item.file)
        return LeftOut(item.place, item.source, _CLOSED) if theirs is not None and collection not in theirs else item

    def holds(self, place: Path) -> bool:
        """Whether a folder of the settings holds it."""
        return self._home(place) is not None

    def _home(self, place: Path) -> set[str] | None:
        """The collections of the innermost folder that holds a place.

        Folders are told by what they are and not by their paths: one may be mounted twice, or be written in capitals.
        """
        if place in self._files:
            return self._files[place]
        identities = (self._identity(folder) for folder in place.parents)
        return next((self._folders[each] for each in identities if each in self._folders), None)

    def _identity(self, folder: Path) -> Inode | None:
        if folder not in self._identities:
            try:
                found = folder.lstat()
                self._identities[folder] = found.st_dev, found.st_ino
            except OSError:
                self._identities[folder] = None
        return self._identities[folder]


def one_collection_each(
    files: Sequence[tuple[FoundFile, str]], open_ones: set[str]
) -> tuple[list[tuple[FoundFile, str]], list[tuple[LeftOut, str]]]:
    """What stays, and what is left out of open collections because a closed one has the same file by another name."""
    closed: set[Inode] = {found.inode for found, name in files if found.inode is not None and name not in open_ones}
    kept: list[tuple[FoundFile, str]] = []
    left_out: list[tuple[LeftOut, str]] = []
    for found, name in files:
        if found.inode in closed and name in open_ones:
            left_out.append((LeftOut(found.place, found.source, _SAME_FILE), name))
        else:
            kept.append((found, name))
    return kept, left_out
