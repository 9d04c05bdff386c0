"""The file behind a document: found among what an ingest would read, and by no other path."""

from pathlib import Path

import pytest

from rag.errors import Unreadable
from rag.ingestion.selection import read_original
from rag.settings import CollectionSettings, EmbeddingSettings, RagSettings


@pytest.fixture
def settings(tmp_path: Path) -> RagSettings:
    for name in ("knowledge/a.md", "knowledge/sub/b.md", "hr/pay.md", "secret.md"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name, encoding="utf-8")
    (tmp_path / "knowledge" / "link.md").symlink_to(tmp_path / "secret.md")
    (tmp_path / "knowledge" / "pay.md").symlink_to(tmp_path / "hr" / "pay.md")
    return RagSettings(
        knowledge=[tmp_path / "knowledge"],
        collections={"hr": CollectionSettings(folders=[tmp_path / "hr"])},
        index_dir=tmp_path / "index",
        embedding=EmbeddingSettings(provider="none"),
    )


def test_a_file_is_given_to_the_collection_that_it_belongs_to(settings: RagSettings) -> None:
    assert read_original(settings, "default", "a.md") == b"knowledge/a.md"
    assert read_original(settings, "default", "sub/b.md") == b"knowledge/sub/b.md"
    assert read_original(settings, "hr", "pay.md") == b"hr/pay.md"


@pytest.mark.parametrize(
    ("collection", "source"),
    [
        ("default", "../secret.md"),
        ("default", "sub/../../secret.md"),
        ("default", "/etc/passwd"),
        ("default", "link.md"),
        ("default", "pay.md"),
        ("default", "sub"),
        ("default", ""),
        ("hr", "a.md"),
        ("other", "a.md"),
        ("default", "feishu:doxcnA"),
        ("default", "a.md\x00"),
    ],
)
def test_nothing_else_is_given(settings: RagSettings, collection: str, source: str) -> None:
    assert read_original(settings, collection, source) is None


def test_a_file_that_is_gone_or_too_large_is_not_given(settings: RagSettings, tmp_path: Path) -> None:
    reading = settings.reading.model_copy(update={"max_file_mb": 0})
    with pytest.raises(Unreadable, match="larger"):
        read_original(settings.model_copy(update={"reading": reading}), "default", "a.md")
    (tmp_path / "knowledge" / "a.md").unlink()
    assert read_original(settings, "default", "a.md") is None
    missing = settings.model_copy(update={"knowledge": [tmp_path / "gone"]})
    assert read_original(missing, "default", "a.md") is None
