"""Which collection a file belongs to, where folders lie inside of each other."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rag.ingestion.added_paths import read_added, with_paths, write_added
from rag.ingestion.collection_folders import LINKED_FOLDER
from rag.ingestion.selection import select
from rag.settings import CollectionSettings, RagSettings, ReadingSettings


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


def left_out(settings: RagSettings, *paths: Path) -> dict[tuple[str, str], str]:
    chosen = select(settings, list(paths) or None, prune=False)
    return {(place.collection, place.prefix): place.reason for place in chosen.unlisted}


def test_what_a_link_leads_to_is_in_its_own_collection_alone(settings: RagSettings, tmp_path: Path) -> None:
    assert "is a link" in left_out(settings)["default", "link.md"]
    (tmp_path / "docs/folder").symlink_to(tmp_path / "docs/hr")
    (tmp_path / "docs/hr/open/pay.md").symlink_to("../pay.md")
    allowed = settings.model_copy(update={"reading": ReadingSettings(follow_links_to=[tmp_path / "docs"])})
    for each in (settings, allowed):
        assert homes(each) == WHOLE
    reasons = left_out(allowed)
    assert "another collection" in reasons["default", "link.md"] and "another collection" in reasons["open", "pay.md"]
    assert "another collection" in reasons["default", "folder/pay.md"]
    assert "is a link" in left_out(settings)["default", "folder/"]


def test_a_link_to_a_named_place_outside_is_read_in_the_collection_where_it_stands(
    settings: RagSettings, tmp_path: Path
) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared/price.md").write_text("# price\n", encoding="utf-8")
    (tmp_path / "docs/hr/price.md").symlink_to(tmp_path / "shared/price.md")
    allowed = settings.model_copy(update={"reading": ReadingSettings(follow_links_to=[tmp_path / "shared"])})
    assert homes(allowed) == WHOLE | {("price.md", "hr")}
    assert homes(allowed, tmp_path / "docs/hr") >= {("price.md", "hr")}


MOUNTED = """
from pathlib import Path
from rag.ingestion.selection import select
from rag.settings import CollectionSettings, RagSettings
settings = RagSettings(knowledge=["docs"], collections={"hr": CollectionSettings(folders=["hr"])}, index_dir="index")
print(sorted((item.collection, item.source) for item in select(settings, None, prune=False).items))
"""


def test_a_closed_folder_is_the_same_where_it_is_mounted_again(tmp_path: Path) -> None:
    """Another path to the same folder, as where the file system does not tell capitals apart."""
    for name in ("hr/sub/pay.md", "docs/guide.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("# x\n", encoding="utf-8")
    (tmp_path / "docs/hr").mkdir()
    in_own_mounts = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
    script = f"mount --bind hr docs/hr && exec '{sys.executable}' -c '{MOUNTED}'"
    try:
        done = subprocess.run([*in_own_mounts, script], cwd=tmp_path, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no unshare here")
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip("no mounts may be made here")
    assert done.stdout.strip() == "[('default', 'guide.md'), ('hr', 'sub/pay.md')]", done.stderr


def test_a_hard_link_to_a_closed_file_does_not_open_it(settings: RagSettings, tmp_path: Path) -> None:
    os.link(tmp_path / "docs/hr/pay.md", tmp_path / "docs/copy.md")
    os.link(tmp_path / "docs/hr/pay.md", tmp_path / "docs/hr/open/copy.md")
    os.link(tmp_path / "docs/guide.md", tmp_path / "docs/again.md")
    assert homes(settings) == WHOLE | {("again.md", "default")}
    assert {key for key, reason in left_out(settings).items() if "hard link" in reason} == {
        ("default", "copy.md"),
        ("open", "copy.md"),
    }
    (tmp_path / "elsewhere").mkdir()
    os.link(tmp_path / "docs/hr/pay.md", tmp_path / "elsewhere/pay.md")
    assert homes(settings, tmp_path / "elsewhere") == set()
    assert "hard link" in left_out(settings, tmp_path / "elsewhere")["default", "elsewhere/pay.md"]


def test_a_folder_of_the_settings_that_became_a_link_publishes_nothing(settings: RagSettings, tmp_path: Path) -> None:
    (tmp_path / "docs/hr/open/leave.md").unlink()
    (tmp_path / "docs/hr/open").rmdir()
    (tmp_path / "docs/hr/open").symlink_to("../hr")
    assert homes(settings) == {("guide.md", "default"), ("pay.md", "hr"), ("alone.md", "open")}
    assert left_out(settings)["open", "open/"] == LINKED_FOLDER


def test_a_folder_of_the_settings_may_be_a_link_that_nobody_else_can_change(
    settings: RagSettings, tmp_path: Path
) -> None:
    (tmp_path / "current").symlink_to("docs")
    assert homes(settings.model_copy(update={"knowledge": [tmp_path / "current"]})) == WHOLE


def test_a_place_that_was_added_and_became_a_link_is_not_read(settings: RagSettings, tmp_path: Path) -> None:
    place = tmp_path / "elsewhere"
    place.mkdir()
    (place / "x.md").write_text("# x\n", encoding="utf-8")
    settings.index_dir.mkdir()
    write_added(settings.index_dir, with_paths((), [place], settings.knowledge))
    assert homes(settings) == WHOLE | {("x.md", "default")}
    (place / "x.md").unlink()
    place.rmdir()
    place.symlink_to(tmp_path / "docs/hr")
    assert homes(settings) == WHOLE and read_added(settings.index_dir)
    assert "through a link now" in left_out(settings)["default", "elsewhere/"]
