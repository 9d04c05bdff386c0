"""An index of a collection that everybody may see and one that few may, searched by words."""

from collections.abc import Mapping
from pathlib import Path

from rag.ingestion.pipeline import ingest
from rag.settings import CollectionSettings, EmbeddingSettings, LlmSettings, RagSettings


def open_and_closed(folder: Path, files: Mapping[str, str]) -> RagSettings:
    """Writes the texts (by path below `folder`: `open/…` or `hr/…`), ingests them, and gives what opens the index."""
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    settings = RagSettings(
        knowledge=[],
        collections={
            "open": CollectionSettings(folders=[folder / "open"], public=True),
            "hr": CollectionSettings(folders=[folder / "hr"]),
        },
        index_dir=folder / "index",
        embedding=EmbeddingSettings(provider="none"),
        llm=LlmSettings(provider="extractive", typing_pause_s=0),
    )
    ingest(settings)
    return settings
