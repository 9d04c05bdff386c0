"""What `feishu-rag ingest PATHS…` was given besides the settings' own folders: remembered beside the index.

An ingest without paths reads those places too, so that what was added stays until `--prune` forgets it.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rag.errors import IngestError

FILE = "added.json"


@dataclass(frozen=True, slots=True)
class Added:
    """A folder, or one file. Its sources begin with `prefix`; a file's source is its prefix."""

    path: Path
    prefix: str


def read_added(index_dir: Path) -> tuple[Added, ...]:
    """In the order they came; none when there is no file that can be read."""
    try:
        rows = json.loads((index_dir / FILE).read_text(encoding="utf-8"))
        return tuple(Added(Path(os.fsdecode(bytes.fromhex(row["path"]))), str(row["prefix"])) for row in rows)
    except (OSError, ValueError, TypeError, KeyError):
        return ()


def write_added(index_dir: Path, added: Sequence[Added]) -> None:
    """Replace the file at once; without places there is none. Raises IngestError."""
    file = index_dir / FILE
    rows = [{"path": os.fsencode(item.path).hex(), "prefix": item.prefix, "name": str(item.path)} for item in added]
    try:
        if not rows:
            file.unlink(missing_ok=True)
            return
        draft = file.with_suffix(".new")
        draft.write_text(json.dumps(rows, indent=1, ensure_ascii=True), encoding="utf-8")
        os.replace(draft, file)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise IngestError(f"{file} cannot be written ({reason}); set RAG__INDEX_DIR") from error


def with_paths(added: Sequence[Added], paths: Sequence[Path], folders: Sequence[Path]) -> tuple[Added, ...]:
    """The remembered places and those of `paths` that neither the settings' folders nor a remembered one hold.

    A new place takes the ones inside it over.
    """
    kept = list(added)
    inside = [folder.resolve() for folder in folders]
    for path in (path.resolve() for path in paths):
        if any(path.is_relative_to(place) for place in (*inside, *(item.path for item in kept))):
            continue
        kept = [item for item in kept if not item.path.is_relative_to(path)]
        kept.append(Added(path, _prefix(path, {item.prefix for item in kept}, folders)))
    return tuple(kept)


def _prefix(path: Path, taken: set[str], folders: Sequence[Path]) -> str:
    """The place's name, with as many of its parents' as tell it from the others and from what the folders hold."""
    end = "/" if path.is_dir() else ""
    parts = [part for part in path.parts if part != path.anchor] or ["files"]
    for count in range(1, len(parts) + 1):
        name = os.fsencode("/".join(parts[-count:])).decode("utf-8", "replace")
        if name + end not in taken and not any((folder / Path(*parts[-count:])).exists() for folder in folders):
            return name + end
    return f"{len(taken)}/{name}{end}"
