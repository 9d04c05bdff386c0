"""Which files an ingest holds against the index, and what it may drop: all that is configured, or the paths given."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rag.added import Added, read_added, with_paths
from rag.chunks import Key
from rag.errors import IngestError
from rag.loading import find_files
from rag.scope import DEFAULT_COLLECTION
from rag.settings import RagSettings
from rag.sources import LocalFile, Unlisted


@dataclass(frozen=True, slots=True)
class Selection:
    """`items` are looked at; `added` is remembered for later ingests. `scope` is None where all may be dropped."""

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


def select(settings: RagSettings, paths: Sequence[Path] | None, *, prune: bool) -> Selection:
    """The configured folders and what was added before; with `paths` those alone, the rest stays as it is.

    `prune` leaves nothing but what is selected now. Raises IngestError for a folder or path that is not there.
    """
    before = () if prune else read_added(settings.index_dir)
    roots = _configured(settings)
    folders = [folder for places in roots.values() for folder in places]
    if paths is None:
        listed = [*_files(roots), *_added_files(before, folders)]
        missing = tuple(
            Unlisted(
                DEFAULT_COLLECTION,
                item.prefix,
                f"{item.path} is not there; what was read from it stays (--prune drops it)",
                True,
            )
            for item in before
            if not item.path.exists()
        )
        return Selection(tuple(listed), (*folders, *(item.path for item in before)), before, missing)
    for path in paths:
        if not path.exists():
            raise IngestError(f"{path} does not exist; name folders and files that are there")
    there = {name: [folder for folder in places if folder.exists()] for name, places in roots.items()}
    added = with_paths(before, paths, folders)
    listed = [*_files(there), *_added_files(added, folders)]
    given = [path.resolve() for path in paths]
    items = tuple(item for item in listed if _is_in(item.file, given))
    if prune:
        return Selection(items, tuple(paths), added)
    others = frozenset(item.key for item in listed) - {item.key for item in items}
    return Selection(items, tuple(paths), added, (), others, tuple(_scope(given, there, added)))


def watched(settings: RagSettings) -> list[Path]:
    """The folders whose changes an ingest without paths would see."""
    folders = [folder for places in _configured(settings).values() for folder in places]
    return [*folders, *(item.path for item in read_added(settings.index_dir) if item.path.exists())]


def _configured(settings: RagSettings) -> dict[str, list[Path]]:
    roots = {DEFAULT_COLLECTION: [*settings.knowledge]}
    for name, collection in settings.collections.items():
        roots.setdefault(name, []).extend(collection.folders)
    return roots


def _files(roots: dict[str, list[Path]]) -> Iterable[LocalFile]:
    """A file belongs to the innermost folder that the settings name: a closed one inside an open one stays closed."""
    homes: dict[Path, set[str]] = {}
    for name, folders in roots.items():
        for folder in folders:
            homes.setdefault(folder.resolve(), set()).add(name)
    for name, folders in roots.items():
        for file, source in find_files(folders):
            if name in _home(file, homes):
                yield LocalFile(file, source, name)


def _home(file: Path, homes: dict[Path, set[str]]) -> set[str]:
    """The collections of the innermost folder that holds a file: where its link leads, else where it stands."""
    inside = file.parent.resolve() / file.name
    for place in (file.resolve(), inside):
        for folder in (place, *place.parents):
            if folder in homes:
                return homes[folder]
    return set()


def _added_files(added: Sequence[Added], folders: Sequence[Path]) -> Iterable[LocalFile]:
    """Files of the places that were added; what a configured folder inside them holds comes by that one."""
    configured = [folder.resolve() for folder in folders]
    for item in added:
        if item.path.exists():
            for file, source in find_files([item.path]):
                if not _is_in(file, configured):
                    yield LocalFile(
                        file, item.prefix + source if item.path.is_dir() else item.prefix, DEFAULT_COLLECTION
                    )


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


def _is_in(file: Path, places: Sequence[Path]) -> bool:
    whole = file.resolve()
    return any(whole.is_relative_to(place) for place in places)
