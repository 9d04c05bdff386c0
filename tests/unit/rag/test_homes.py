"""Which collection a file belongs to, where folders lie inside of each other."""

from pathlib import Path

import pytest

from rag.selection import select
from rag.settings import CollectionSettings, RagSettings


@pytest.fixture
def settings(tmp_path: Path) -> RagSettings:
    for name in ("docs/guide.md", "docs/hr/pay.md", "docs/hr/open/leave.md", "docs/hr/alone.md"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("# x\n", encoding="utf-8")
    (tmp_path / "docs/link.md").symlink_to(tmp_path / "docs/hr/pay.md")
    collections = {
        "hr": CollectionSettings(folders=[tmp_path / "docs/hr"]),
        "open": CollectionSettings(folders=[tmp_path / "docs/hr/open", tmp_path / "docs/hr/alone.md"], public=True),
    }
    return RagSettings(knowledge=[tmp_path / "docs"], collections=collections, index_dir=tmp_path / "index")


def homes(settings: RagSettings, *paths: Path) -> set[tuple[str, str]]:
    chosen = select(settings, list(paths) or None, prune=False)
    return {(item.file.name, item.collection) for item in chosen.items}


WHOLE = {("guide.md", "default"), ("pay.md", "hr"), ("leave.md", "open"), ("alone.md", "open")}


def test_a_file_is_in_the_innermost_folder_alone_and_a_link_leads_nowhere_else(settings: RagSettings) -> None:
    assert homes(settings) == WHOLE


def test_paths_given_by_hand_do_not_open_what_is_closed(settings: RagSettings, tmp_path: Path) -> None:
    assert homes(settings, tmp_path / "docs") == WHOLE
    assert homes(settings, tmp_path / "docs/hr/pay.md") == {("pay.md", "hr")}
    (tmp_path / "elsewhere.md").write_text("# y\n", encoding="utf-8")
    assert homes(settings, tmp_path / "elsewhere.md") == {("elsewhere.md", "default")}


def test_one_folder_of_two_collections_is_in_both(settings: RagSettings, tmp_path: Path) -> None:
    both = {name: CollectionSettings(folders=[tmp_path / "docs/hr/open"]) for name in ("a", "b")}
    settings = settings.model_copy(update={"collections": both})
    assert {("leave.md", "a"), ("leave.md", "b")} <= homes(settings)
    assert ("leave.md", "default") not in homes(settings)
