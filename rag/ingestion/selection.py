"""Which files an ingest holds against the index, and what it may drop: all that is configured, or the paths given."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rag.errors import IngestError
from rag.index.base.types import Key
from rag.ingestion.added_paths import Added, read_added, with_paths
from rag.ingestion.collection_folders import LINKED_FOLDER, Homes, one_collection_each
from rag.ingestion.file_discovery import FoundFile, LeftOut, find_files
from rag.ingestion.sources import LocalFile, Unlisted
from rag.scope import DEFAULT_COLLECTION
from rag.settings import RagSettings

_MOVED = "is reached through a link now; add it again if that is right"


@dataclass(frozen=True, slots=True)
class Selection:
    """`items` are looked at; `added` is remembered for later ingests. `scope` is None where all may be dropped.

    `unlisted` says what was left out, and why.
    """

    items: tuple[LocalFile, ...]
    places: tuple[Path, ...]
    added: tuple[Added, ...]
    unlisted: tuple[Unlisted, ...] = ()
    others: frozenset[Key] = frozenset()
    scope: tuple[tuple[str, str], ...] | None = None

    def spares(self, key: Key) -> bool:
        """Whether a document that is not among the items stays: it is there, or out of the scope."""
        if self.scope is None:
            return False
        collection, source = key
        return key in self.others or not any(
            collection == name
            and (source.startswith(prefix) if prefix.endswith("/") or not prefix else source == prefix)
            for name, prefix in self.scope
        )


@dataclass(slots=True)
class _Listing:
    """Files with their collections, and what is left out: all that there is, before the paths given choose from it."""

    files: list[tuple[FoundFile, str]] = field(default_factory=list)
    left_out: list[tuple[LeftOut, str]] = field(default_factory=list)

    def add(self, item: FoundFile | LeftOut, collection: str) -> None:
        if isinstance(item, FoundFile):
            self.files.append((item, collection))
        else:
            self.left_out.append((item, collection))

    def unlisted(self, given: Sequence[Path] | None = None) -> tuple[Unlisted, ...]:
        """What was left out, below the given paths."""
        chosen = (each for each in self.left_out if given is None or _is_in(each[0].place, given))
        return tuple(Unlisted(name, item.source, item.reason, item.keeps) for item, name in chosen)


def select(settings: RagSettings, paths: Sequence[Path] | None, *, prune: bool) -> Selection:
    """The configured folders and what was added before; with `paths` those alone, the rest stays as it is.

    `prune` leaves nothing but what is selected now. Raises IngestError for a folder or path that is not there, or that
    the system does not let be looked at.
    """
    try:
        return _selected(settings, paths, prune=prune)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise IngestError(f"{error.filename or 'A knowledge folder'} cannot be looked at ({reason})") from error


def _selected(settings: RagSettings, paths: Sequence[Path] | None, *, prune: bool) -> Selection:
    before = () if prune else read_added(settings.index_dir)
    roots = _configured(settings)
    folders = [folder for places in roots.values() for folder in places]
    if paths is None:
        listing = _listing(settings, roots, before)
        items = tuple(_local(settings, *each) for each in listing.files)
        unlisted = (*listing.unlisted(), *_missing(before))
        return Selection(items, (*folders, *(item.path for item in before)), before, unlisted)
    for path in paths:
        if not path.exists():
            raise IngestError(f"{path} does not exist; name folders and files that are there")
    there = {name: [folder for folder in places if folder.exists()] for name, places in roots.items()}
    added = with_paths(before, paths, folders)
    listing = _listing(settings, there, added)
    given = [path.resolve() for path in paths]
    chosen = [each for each in listing.files if _is_in(each[0].place, given) or _is_in(each[0].file, given)]
    items = tuple(_local(settings, *each) for each in chosen)
    unlisted = listing.unlisted(given)
    if prune:
        return Selection(items, tuple(paths), added, unlisted)
    others = frozenset((name, found.source) for found, name in listing.files) - {item.key for item in items}
    return Selection(items, tuple(paths), added, unlisted, others, tuple(_scope(given, there, added)))


def watched(settings: RagSettings) -> list[Path]:
    """The folders whose changes an ingest without paths would see."""
    folders = [folder for places in _configured(settings).values() for folder in places]
    return [*folders, *(item.path for item in read_added(settings.index_dir) if item.path.exists())]


def find_original(settings: RagSettings, collection: str, source: str) -> LocalFile | None:
    """The file that a document is read from now; None where no folder gives one of this name to this collection any
    more, as for pages that were never files. Blocking: the folders are listed.

    The source is looked for among what an ingest would read, by the same rules for links, folders inside folders and
    closed collections; it is never a path of its own.
    """
    try:
        items = select(settings, None, prune=False).items
    except IngestError:  # a folder that is not there: an ingest says so
        return None
    return next((item for item in items if item.key == (collection, source)), None)


def read_original(settings: RagSettings, collection: str, source: str) -> bytes | None:
    """Its bytes (`find_original`). Raises Unreadable."""
    found = find_original(settings, collection, source)
    return found.content() if found is not None else None


def collection_folders(settings: RagSettings) -> dict[str, list[Path]]:
    """The resolved folders of each collection whose files an ingest reads: those that are there, and that no link
    inside another folder leads to."""
    roots = _configured(settings)
    homes = Homes(roots, settings.reading.follow_links_to)
    return {
        name: [folder.resolve() for folder in folders if folder.is_dir() and not homes.is_linked(folder)]
        for name, folders in roots.items()
    }


def _configured(settings: RagSettings) -> dict[str, list[Path]]:
    roots = {DEFAULT_COLLECTION: [*settings.knowledge]}
    for name, collection in settings.collections.items():
        roots.setdefault(name, []).extend(collection.folders)
    return roots


def _local(settings: RagSettings, found: FoundFile, collection: str) -> LocalFile:
    reading = settings.reading
    return LocalFile(found.file, found.source, collection, reading.max_file_mb * 1_000_000, reading.include_hidden)


def _listing(settings: RagSettings, roots: dict[str, list[Path]], added: Sequence[Added]) -> _Listing:
    listing = _Listing()
    allowed = settings.reading.follow_links_to
    homes = Homes(roots, allowed)
    for name, folders in roots.items():
        for folder in folders:
            if homes.is_linked(folder):
                listing.add(LeftOut(folder.absolute(), f"{folder.name}/", LINKED_FOLDER), name)
        for item in find_files([folder for folder in folders if not homes.is_linked(folder)], allowed=allowed):
            if checked := homes.checked(item, name):
                listing.add(checked, name)
    for item in _added_files(added, allowed):
        if not homes.holds(item.place) and (checked := homes.checked(item, DEFAULT_COLLECTION)):
            listing.add(checked, DEFAULT_COLLECTION)
    open_ones = {DEFAULT_COLLECTION, *(name for name, each in settings.collections.items() if each.public)}
    listing.files, twice = one_collection_each(listing.files, open_ones)
    listing.left_out += twice
    return listing


def _added_files(added: Sequence[Added], allowed: Sequence[Path]) -> Iterator[FoundFile | LeftOut]:
    """Files of the places that were added; what a configured folder inside them holds comes by that one."""
    for item in added:
        if not item.path.exists():
            continue
        if item.path.resolve() != item.path:  # it was resolved when it was added
            yield LeftOut(item.path, item.prefix, _MOVED)
            continue
        is_folder = item.path.is_dir()
        for found in find_files([item.path], allowed=allowed):
            source = item.prefix + found.source if is_folder else item.prefix
            if isinstance(found, FoundFile):
                yield FoundFile(found.place, found.file, source, found.inode)
            else:
                yield LeftOut(found.place, source, found.reason, found.keeps)


def _missing(added: Sequence[Added]) -> Iterator[Unlisted]:
    for item in added:
        if not item.path.exists():
            reason = f"{item.path} is not there; what was read from it stays (--prune drops it)"
            yield Unlisted(DEFAULT_COLLECTION, item.prefix, reason, True)


def _scope(given: Sequence[Path], there: dict[str, list[Path]], added: Sequence[Added]) -> Iterable[tuple[str, str]]:
    """Collection and beginning of the sources that the given paths answer for."""
    roots = [(name, folder.resolve(), "") for name, folders in there.items() for folder in folders]
    roots += [(DEFAULT_COLLECTION, item.path, item.prefix) for item in added]
    for name, root, prefix in roots:
        for path in given:
            if root.is_relative_to(path):
                yield name, prefix
            elif path.is_relative_to(root):
                yield name, f"{prefix}{path.relative_to(root).as_posix()}{'/' if path.is_dir() else ''}"


def _is_in(place: Path, places: Sequence[Path]) -> bool:
    return any(place.is_relative_to(each) for each in places)
