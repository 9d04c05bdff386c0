"""Opening the index that the settings name, and noticing that there is a newer one."""

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from rag.index.base.manifest import Manifest
from rag.index.calibration import read_calibration
from rag.index.index import Index, index_stamp
from rag.settings import RagSettings

if TYPE_CHECKING:
    from rag.index.milvus.client import MilvusStore

LOOK_EVERY_S = 10.0
"""How often a bot asks Milvus whether somebody ingested; what is written there is found at once all the same."""


def current_stamp(settings: RagSettings) -> tuple[int, ...] | None:
    """Changes when it is time to look for another index; None when there is none. Cheap, asked for every question."""
    if settings.store == "milvus":
        return (int(time.monotonic() / LOOK_EVERY_S),)
    return index_stamp(settings.index_dir)


def open_index(settings: RagSettings, current: Index | None) -> Index:
    """The index in use; `current` itself when that is still the one. Blocking. Raises IndexUnusable."""
    if settings.store == "faiss":
        return Index.open(settings.index_dir)
    from rag.index.milvus.client import MilvusStore

    store = current.store if current is not None and current.store is not None else MilvusStore(settings.milvus)
    state = store.state()
    calibration = read_calibration(settings.index_dir)
    if current is not None and (state.get("stamp"), calibration) == (current.stamp, current.calibration):
        return current
    return _of_milvus(settings, store, state)


def _of_milvus(settings: RagSettings, store: "MilvusStore", state: dict[str, object]) -> Index:
    from rag.index.milvus.reader import read_state

    name, manifest = read_state(state)
    return replace(
        in_milvus(store, name, manifest),
        calibration=read_calibration(settings.index_dir),
        store=store,
        stamp=str(state.get("stamp", "")),
    )


def in_milvus(store: "MilvusStore", name: str, manifest: Manifest) -> Index:
    """A collection in Milvus, in use or still written to."""
    from rag.index.milvus.reader import MilvusChunks, MilvusKeywords, MilvusVectors

    store.load(name)
    mark = manifest.embedding
    return Index(
        manifest=manifest,
        chunks=MilvusChunks(store, name),
        lexical=MilvusKeywords(store, name, manifest.chunks),
        dense=None if mark is None else MilvusVectors(store, name, mark.dimension, manifest.chunks),
    )
