"""`feishu-rag ingest PATHS…`: what is given is brought up to date, the rest stays, and what was added is remembered."""

from pathlib import Path

import pytest

from rag.errors import IngestError
from rag.index.base.manifest import current_name
from rag.index.index import Index
from rag.ingestion.added_paths import FILE, read_added
from rag.ingestion.pipeline import IngestReport, ingest
from rag.ingestion.readers.parsed import Parsed
from rag.ingestion.selection import watched
from rag.ingestion.sources import RemoteDocument, Unlisted
from rag.settings import CollectionSettings, RagSettings
from tests.support.library_parts import rag_settings


@pytest.fixture
def settings(tmp_path: Path) -> RagSettings:
    write(
        tmp_path / "knowledge",
        {"a.md": "年假五天。", "hr/leave.md": "病假要证明。", "hr/travel.md": "出差住宿六百元。"},
    )
    return rag_settings(tmp_path)


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"# {name}\n\n{text}\n", encoding="utf-8")
    return folder


def sources(settings: RagSettings) -> set[str]:
    index = Index.open(settings.index_dir)
    try:
        return {chunk.source for chunk in index.chunks.all()}
    finally:
        index.chunks.close()


def counted(report: IngestReport) -> tuple[int, int, int, int]:
    return report.new, report.changed, report.gone, report.unchanged


KNOWN = {"a.md", "hr/leave.md", "hr/travel.md"}


def test_a_folder_from_elsewhere_is_added_and_stays(settings: RagSettings, tmp_path: Path) -> None:
    ingest(settings)
    more = write(tmp_path / "more", {"x.md": "食堂十一点半开门。", "y.md": "班车七点发车。"})
    assert counted(ingest(settings, paths=[more])) == (2, 0, 0, 0)
    assert sources(settings) == KNOWN | {"more/x.md", "more/y.md"}
    assert counted(ingest(settings)) == (0, 0, 0, 5), "an ingest of everything knows it"
    (more / "x.md").unlink()
    write(more, {"y.md": "班车八点发车。"})
    assert counted(ingest(settings, paths=[more])) == (0, 1, 1, 0)
    assert sources(settings) == KNOWN | {"more/y.md"}
    assert watched(settings) == [*settings.knowledge, more]


def test_only_what_is_given_is_looked_at(settings: RagSettings, tmp_path: Path) -> None:
    ingest(settings)
    folder = tmp_path / "knowledge"
    write(folder, {"a.md": "年假十天。", "hr/leave.md": "病假不要证明。"})
    (folder / "hr/travel.md").unlink()
    assert counted(ingest(settings, paths=[folder / "hr"])) == (0, 1, 1, 0), (
        "the same documents, not others beside them"
    )
    assert sources(settings) == {"a.md", "hr/leave.md"}
    assert counted(ingest(settings, paths=[folder / "a.md"])) == (0, 1, 0, 0)
    assert not (settings.index_dir / FILE).exists(), "nothing came from elsewhere"


def test_prune_leaves_what_is_given_and_then_what_is_configured(settings: RagSettings, tmp_path: Path) -> None:
    ingest(settings)
    more = write(tmp_path / "more", {"x.md": "食堂十一点半开门。"})
    assert counted(ingest(settings, paths=[more], prune=True)) == (1, 0, 3, 0)
    assert sources(settings) == {"more/x.md"}
    assert counted(ingest(settings)) == (3, 0, 0, 1)
    assert counted(ingest(settings, prune=True)) == (0, 0, 1, 3)
    assert (sources(settings), read_added(settings.index_dir)) == (KNOWN, ())


def test_the_first_ingest_may_be_of_paths_alone(settings: RagSettings, tmp_path: Path) -> None:
    bare = settings.model_copy(update={"knowledge": [tmp_path / "never made"]})
    file = write(tmp_path / "more", {"x.md": "食堂十一点半开门。"}) / "x.md"
    assert counted(ingest(bare, paths=[file])) == (1, 0, 0, 0)
    assert sources(bare) == {"x.md"}


def test_places_of_one_name_are_told_apart(settings: RagSettings, tmp_path: Path) -> None:
    ingest(settings)
    one, two = (write(tmp_path / place / "hr", {"leave.md": f"{place} 的规定。"}) for place in ("one", "two"))
    ingest(settings, paths=[one, two])
    assert sources(settings) == KNOWN | {"one/hr/leave.md", "two/hr/leave.md"}, "knowledge has an hr of its own"
    (two / "leave.md").unlink()
    assert counted(ingest(settings, paths=[two])) == (0, 0, 1, 0)
    assert sources(settings) == KNOWN | {"one/hr/leave.md"}


def test_a_folder_around_others_takes_them_over_once(settings: RagSettings, tmp_path: Path) -> None:
    inner = write(tmp_path / "more" / "inner", {"x.md": "食堂十一点半开门。"})
    ingest(settings, paths=[inner])
    write(tmp_path / "more", {"z.md": "打印机在三楼。"})
    inside = settings.model_copy(update={"knowledge": [tmp_path / "more" / "kept"]})
    write(tmp_path / "more" / "kept", {"k.md": "这一份是配置里的。"})
    ingest(inside, paths=[tmp_path / "more"])
    assert sources(settings) == {"k.md", "more/z.md", "more/inner/x.md"}


def test_pages_of_collections_and_of_the_wiki_stay(settings: RagSettings, tmp_path: Path) -> None:
    closed = write(tmp_path / "closed", {"pay.md": "工资保密。"})
    wide = settings.model_copy(update={"collections": {"closed": CollectionSettings(folders=[closed])}})
    page = RemoteDocument("feishu:abc", "百科", None, "1", lambda _: Parsed("百科的一页。"))
    ingest(wide, remote=[page])
    (tmp_path / "knowledge/a.md").unlink()
    not_looked_at = Unlisted("default", "feishu:", "", keeps=True)
    report = ingest(wide, paths=[tmp_path / "knowledge"], remote=[not_looked_at])
    assert (counted(report), report.skipped) == ((0, 0, 1, 2), ())
    assert sources(wide) == {"hr/leave.md", "hr/travel.md", "pay.md", "feishu:abc"}
    assert counted(ingest(wide, paths=[closed])) == (0, 0, 0, 1)


def test_a_place_that_is_gone_keeps_its_documents_and_is_named(settings: RagSettings, tmp_path: Path) -> None:
    more = write(tmp_path / "more", {"x.md": "食堂十一点半开门。"})
    ingest(settings, paths=[more])
    (more / "x.md").unlink()
    more.rmdir()
    report = ingest(settings)
    assert [(file.source, "--prune" in file.reason) for file in report.skipped] == [("more/", True)]
    assert sources(settings) == KNOWN | {"more/x.md"}
    with pytest.raises(IngestError, match="does not exist"):
        ingest(settings, paths=[more])


def test_a_bad_file_among_the_paths_is_named_and_the_index_goes_on(settings: RagSettings, tmp_path: Path) -> None:
    ingest(settings)
    more = tmp_path / "more"
    more.mkdir()
    (more / "empty.md").write_text("")
    assert [file.source for file in ingest(settings, paths=[more]).skipped] == ["more/empty.md"]
    assert sources(settings) == KNOWN


def test_what_must_be_made_anew_as_a_whole_says_so(settings: RagSettings, tmp_path: Path) -> None:
    ingest(settings)
    before = current_name(settings.index_dir)
    more = write(tmp_path / "more", {"x.md": "食堂十一点半开门。"})
    with pytest.raises(IngestError, match="without paths, or add --prune"):
        ingest(settings, paths=[more], rebuild=True)
    assert current_name(settings.index_dir) == before
