"""Sheets, bitables, files and whole documents of Feishu into the index, from the local platform over HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from feishu.sandbox import Sandbox, SandboxSettings, running
from feishu.sandbox.settings import DEFAULT_SCOPES
from rag.documents import Chunk
from rag.ingestion.pipeline import IngestReport
from rag.ingestion.readers.ocr import can_ocr
from tests.integration.test_wiki import Wiki
from tests.support import feishu_content
from tests.support.feishu_content import BASE, FILE, SHEET, SPACE, fill, prices, tasks

ORIGIN = "https://example.feishu.cn"


@pytest.fixture
async def wiki(tmp_path: Path) -> AsyncIterator[Wiki]:
    sandbox = Sandbox()
    async with running(sandbox) as base_url:
        yield Wiki(sandbox, base_url, tmp_path)


def of(wiki: Wiki, token: str) -> list[Chunk]:
    """The chunks of a document in their order."""
    return sorted((each for each in wiki.chunks() if each.source == f"feishu:{token}"), key=lambda each: each.start)


def text_of(wiki: Wiki, token: str) -> str:
    return "\n".join(chunk.text for chunk in of(wiki, token))


def notes_of(report: IngestReport, token: str) -> list[str]:
    return [note.reason for note in report.notes if note.source == f"feishu:{token}"]


async def test_a_wiki_tree_with_each_kind_is_read_or_named(wiki: Wiki) -> None:
    nodes = fill(wiki.documents)
    report = await wiki.ingest(f"{ORIGIN}/wiki/{nodes['handbook'].node_token}", SPACE)
    assert report.documents == 4
    assert sorted(skipped.reason.partition(",")[0] for skipped in report.skipped) == [
        "is a mind map", "is a presentation of Feishu",
    ]  # fmt: skip
    assert wiki.sandbox.violations == []
    assert "访客须登记身份证。" in text_of(wiki, FILE)


async def test_a_spreadsheet_is_read_as_a_person_sees_it(wiki: Wiki) -> None:
    prices(wiki.documents)
    report = await wiki.ingest(f"{ORIGIN}/sheets/{SHEET}")
    text = text_of(wiki, SHEET)
    assert "城市：上海；季节：旺季；住宿上限：¥1,200；浮动：12.5%" in text
    assert "城市：上海；季节：淡季" in text, "merged cells fill their span"
    assert "编号：000482；名称：显示器" in text
    assert "不公开" not in text and "深圳" not in text
    assert any("hidden sheet left out: 草稿" in note for note in notes_of(report, SHEET))
    links = {chunk.place.name: chunk.link_at_place for chunk in of(wiki, SHEET) if chunk.place}
    assert links == {
        "住宿标准": f"{ORIGIN}/sheets/{SHEET}?sheet=sht001",
        "编号": f"{ORIGIN}/sheets/{SHEET}?sheet=sht002",
    }
    assert of(wiki, SHEET)[0].edited_at == 1_700_000_000


@pytest.mark.parametrize("how", ["right", "scope"])
async def test_a_spreadsheet_that_may_not_be_exported_is_read_cell_by_cell(tmp_path: Path, how: str) -> None:
    scopes = tuple(scope for scope in DEFAULT_SCOPES if how != "scope" or scope != "docs:document:export")
    sandbox = Sandbox(SandboxSettings(scopes=scopes))
    async with running(sandbox) as base_url:
        wiki = Wiki(sandbox, base_url, tmp_path)
        prices(wiki.documents)
        wiki.documents.closed_exports.update({SHEET} if how == "right" else ())
        report = await wiki.ingest(f"{ORIGIN}/sheets/{SHEET}")
        text = text_of(wiki, SHEET)
    assert "城市：上海；季节：淡季；住宿上限：¥800；浮动：5.0%" in text and "编号：000482" in text
    assert "不公开" not in text
    notes = notes_of(report, SHEET)
    assert "docs:document:export" in notes[0] and "cell by cell" in notes[0]
    assert notes[1] == "1 hidden sheet left out: 草稿"


async def test_a_bitable_is_read_with_its_field_names_and_links_to_its_records(wiki: Wiki) -> None:
    wiki.documents.attach(feishu_content.ATTACHED, "预算说明.md", "预算由财务复核。".encode(), "text/markdown")
    tasks(wiki.documents)
    await wiki.ingest(f"{ORIGIN}/base/{BASE}")
    text = text_of(wiki, BASE)
    assert (
        "任务：更新差旅制度；负责人：林小满；截止：2026/03/05 14:00；状态：进行中；预算：¥12,345.50；进度：66%；"
        "项目：制度修订；是否延期：✅ 正常；凭证：预算说明.md；链接：制度原文（https://example.com/a）；已归档：否"
        in text
    )
    assert "任务：采购显示器；状态：未开始；预算：¥8,000.00" in text
    assert "预算由财务复核。" in text, "attachments are read, too"
    links = {chunk.link_at_place for chunk in of(wiki, BASE)}
    assert f"{ORIGIN}/base/{BASE}?table=tblTasks" in links, "a passage with several records opens their table"
    assert "https://sandbox.feishu.cn/record/recP1" in links


async def test_a_document_is_read_with_what_is_embedded_in_it(wiki: Wiki) -> None:
    node = fill(wiki.documents)["handbook"]
    report = await wiki.ingest(f"{ORIGIN}/wiki/{node.node_token}")
    chunks = of(wiki, node.obj_token)
    text = text_of(wiki, node.obj_token)
    assert "由 @周明 负责，见 [官网](https://example.com/r)。" in text
    assert "| 经理 | 500 |" in text and "编号：000482；名称：显示器" in text and "项目名：制度修订" in text
    assert "📎 预算说明.md" in text and "预算由财务复核。" in text
    assert "1. 先问组长" in text and "2. 再问财务" in text
    by_heading = {chunk.headings[-1] if chunk.headings else "": chunk for chunk in chunks}
    link = by_heading["联系"].link_at_place or ""
    assert link.startswith(f"{ORIGIN}/wiki/{node.node_token}#doxcn")
    assert by_heading["联系"].link_at_place != by_heading["时限"].link_at_place
    notes = notes_of(report, node.obj_token)
    assert "left out: whiteboard (1)" in notes
    if can_ocr():
        assert "INVOICE" in text and not any("picture" in note for note in notes)
    else:
        assert any(note.startswith("1 picture not read: pip install") for note in notes)


async def test_what_is_closed_to_the_app_is_named_with_what_to_grant_and_the_rest_is_read(wiki: Wiki) -> None:
    node = fill(wiki.documents)["handbook"]
    wiki.documents.hidden |= {SHEET, BASE, feishu_content.ATTACHED, feishu_content.PICTURE}
    report = await wiki.ingest(f"{ORIGIN}/wiki/{node.node_token}")
    assert {skipped.source for skipped in report.skipped} == {f"feishu:{SHEET}", f"feishu:{BASE}"}
    assert all("share it with the app" in skipped.reason for skipped in report.skipped)
    notes = notes_of(report, node.obj_token)
    assert sum("share it with the app" in note for note in notes) >= 3
    assert "十个工作日内提交。" in text_of(wiki, node.obj_token)


async def test_a_missing_scope_is_named(tmp_path: Path) -> None:
    scopes = tuple(scope for scope in DEFAULT_SCOPES if scope != "bitable:app:readonly")
    sandbox = Sandbox(SandboxSettings(scopes=scopes))
    async with running(sandbox) as base_url:
        wiki = Wiki(sandbox, base_url, tmp_path)
        node = fill(wiki.documents)["handbook"]
        report = await wiki.ingest(f"{ORIGIN}/wiki/{node.node_token}")
    (skipped,) = report.skipped
    assert skipped.source == f"feishu:{BASE}"
    assert "base:table:read or bitable:app:readonly or bitable:app" in skipped.reason
    assert report.documents == 2


async def test_folders_have_all_kinds_and_shortcuts(wiki: Wiki) -> None:
    store = wiki.documents
    fill(store)
    store.file("fldcnTop", "子文件夹", "folder", "fldcnSub")
    store.file("fldcnSub", "差旅标准表", "sheet", SHEET)
    store.file("fldcnTop", "规定", "shortcut", "nodcn1", target=("file", FILE))
    store.file("fldcnTop", "门禁规定.md", "file", FILE)
    store.file("fldcnTop", "片子.mp4", "file", store.upload("boxcnFilm", "片子.mp4", b"\0" * 100))
    report = await wiki.ingest(f"{ORIGIN}/drive/folder/fldcnTop")
    assert {chunk.source for chunk in wiki.chunks()} == {f"feishu:{SHEET}", f"feishu:{FILE}"}
    (skipped,) = report.skipped
    assert skipped.source == "feishu:boxcnFilm" and "video" in skipped.reason
    assert wiki.calls("drive.download") == 1, "a film is not even downloaded"


async def test_only_what_was_edited_is_read_again(wiki: Wiki) -> None:
    nodes = fill(wiki.documents)
    link = f"{ORIGIN}/wiki/{nodes['handbook'].node_token}"
    await wiki.ingest(link)
    read = {name: wiki.calls(name) for name in ("docx.blocks", "export.create", "bitable.records")}
    assert (await wiki.ingest(link)).unchanged == 3
    assert read == {name: wiki.calls(name) for name in read}
    prices(wiki.documents, rate=0.2)
    report = await wiki.ingest(link)
    assert (report.changed, report.unchanged) == (1, 2)
    assert "浮动：20.0%" in text_of(wiki, SHEET)
    assert {chunk.edited_at for chunk in of(wiki, SHEET)} == {1_700_000_001}
    assert wiki.calls("docx.blocks") == read["docx.blocks"]


async def test_a_platform_that_stumbles_over_one_attachment_is_asked_for_it_again(wiki: Wiki) -> None:
    node = fill(wiki.documents)["handbook"]
    wiki.sandbox.faults.plan("media.download", status=500, code=2200, msg="internal", times=4)
    link = f"{ORIGIN}/docx/{node.obj_token}"
    report = await wiki.ingest(link)
    assert report.documents == 1 and any("2200" in note for note in notes_of(report, node.obj_token))
    report = await wiki.ingest(link)
    assert report.changed == 1 and not any("2200" in note for note in notes_of(report, node.obj_token))
    assert (await wiki.ingest(link)).unchanged == 1
