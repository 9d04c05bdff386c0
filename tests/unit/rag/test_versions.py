"""Index versions: the atomic switch, checks, and cleaning up."""

import json
from pathlib import Path

import pytest

from rag.errors import IndexCorrupt, IndexMissing, IngestError
from rag.index.base.manifest import (
    EmbeddingFingerprint,
    Manifest,
    current_name,
    pointer_stamp,
    publish,
    read_current,
    writing,
)

MARK = EmbeddingFingerprint("sentence-transformers", "BAAI/bge-small-zh-v1.5", 3, "query: ", (0.6, 0.8, 0.0))


def make(index: Path, content: str = "chunks") -> str:
    with writing(index) as folder:
        (folder / "lexical").mkdir()
        (folder / "lexical" / "meta.json").write_text("{}")
        (folder / "chunks.sqlite").write_text(content)
        return publish(index, folder, Manifest(1, 2, MARK, ("default",)))


def test_a_published_version_is_read_back(tmp_path: Path) -> None:
    name = make(tmp_path)
    folder, manifest = read_current(tmp_path)
    assert folder == tmp_path / name
    assert (manifest.documents, manifest.chunks, manifest.embedding) == (1, 2, MARK)
    assert set(manifest.files) == {"chunks.sqlite", "lexical/meta.json"}


def test_a_manifest_of_before_terms_had_versions_is_read_as_the_first(tmp_path: Path) -> None:
    name = make(tmp_path)
    content = json.loads((tmp_path / name / "manifest.json").read_text())
    del content["terms"]
    (tmp_path / name / "manifest.json").write_text(json.dumps(content))
    assert read_current(tmp_path)[1].terms == 1


def test_the_switch_changes_the_stamp_and_keeps_one_version_before(tmp_path: Path) -> None:
    names, stamps = [], []
    for _ in range(3):
        names.append(make(tmp_path))
        stamps.append(pointer_stamp(tmp_path))
    assert current_name(tmp_path) == names[-1]
    assert sorted(path.name for path in tmp_path.glob("v-*")) == sorted(names[1:])
    assert len(set(stamps)) == 3


def test_a_failed_write_leaves_the_old_version(tmp_path: Path) -> None:
    name = make(tmp_path)
    with pytest.raises(RuntimeError), writing(tmp_path) as folder:
        (folder / "half").write_text("x")
        raise RuntimeError
    assert current_name(tmp_path) == name
    assert not list(tmp_path.glob(".new-*"))


def test_two_ingests_at_once_are_refused(tmp_path: Path) -> None:
    with writing(tmp_path), pytest.raises(IngestError, match="Another ingest"), writing(tmp_path):
        pass


def test_an_index_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(IngestError, match="RAG__INDEX_DIR"), writing(tmp_path / "file" / "index"):
        pass


def test_no_index_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(IndexMissing, match="feishu-rag ingest"):
        read_current(tmp_path / "nowhere")


def damage_file(folder: Path) -> None:
    (folder / "chunks.sqlite").write_text("other")


def remove_file(folder: Path) -> None:
    (folder / "lexical" / "meta.json").unlink()


def break_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_text("{")


def age_manifest(folder: Path) -> None:
    content = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**content, "format": 0}))


def point_elsewhere(folder: Path) -> None:
    (folder.parent / "CURRENT").write_text("../../etc\n")


@pytest.mark.parametrize("harm", [damage_file, remove_file, break_manifest, age_manifest, point_elsewhere])
def test_damage_is_one_sentence_with_the_fix(tmp_path: Path, harm: object) -> None:
    name = make(tmp_path)
    harm(tmp_path / name)  # type: ignore[operator]
    with pytest.raises(IndexCorrupt, match="feishu-rag ingest"):
        read_current(tmp_path)
