"""Feishu wiki spaces, folders and documents into the index, from the local platform over HTTP."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from bot.ingestion import ingest_all
from bot.settings import Settings
from feishu.documents.links import target_of
from feishu.sandbox import Sandbox, running
from feishu.sandbox.document_store import DocumentStore
from feishu.sandbox.server.blocks import blocks_of
from feishu.settings import FeishuSettings
from rag.documents import Chunk
from rag.errors import IngestError
from rag.index.index import Index
from rag.ingestion.pipeline import IngestReport
from rag.settings import CollectionSettings, EmbeddingSettings, RagSettings

SPACE = "7300000000000000001"


class Wiki:
    """A sandbox with something to read, and the settings of a bot that reads it."""

    def __init__(self, sandbox: Sandbox, base_url: str, folder: Path) -> None:
        self.sandbox = sandbox
        self.base_url = base_url
        self.folder = folder

    @property
    def documents(self) -> DocumentStore:
        return self.sandbox.platform.documents

    async def ingest(
        self,
        *links: str,
        collections: dict[str, CollectionSettings] | None = None,
        paths: Sequence[Path] | None = None,
        prune: bool = False,
    ) -> IngestReport:
        rag = RagSettings(
            knowledge=[],
            links=list(links),
            collections=collections or {},
            index_dir=self.folder / "index",
            embedding=EmbeddingSettings(provider="none"),
        )
        app = self.sandbox.settings
        feishu = FeishuSettings.model_validate(
            {"app_id": app.app_id, "app_secret": app.app_secret, "base_url": self.base_url}
        )
        return await ingest_all(Settings(feishu=feishu, rag=rag), paths=paths, prune=prune)

    def chunks(self) -> list[Chunk]:
        return list(Index.open(self.folder / "index").chunks.all())

    def calls(self, name: str) -> int:
        return sum(entry.kind == "api" and entry.name == name for entry in self.sandbox.log)


@pytest.fixture
async def wiki(tmp_path: Path) -> AsyncIterator[Wiki]:
    sandbox = Sandbox()
    async with running(sandbox) as base_url:
        yield Wiki(sandbox, base_url, tmp_path)


async def test_a_space_is_read_with_children_shortcuts_and_empty_pages(wiki: Wiki) -> None:
    documents = wiki.documents
    parent = documents.node(SPACE, "制度", "# 制度\n\n总则。")
    child = documents.node(SPACE, "年假", "## 年假\n\n满一年有五天年假。", parent=parent.node_token)
    for number in range(4):
        documents.node(SPACE, f"第 {number} 页", f"第 {number} 页的内容。")
    documents.node(SPACE, "年假的快捷方式", obj_token=child.obj_token, node_type="shortcut")
    documents.node(SPACE, "一张导图", obj_token=documents.other("bmncn1", "mindnote", "一张导图"), obj_type="mindnote")
    report = await wiki.ingest(SPACE)
    assert (report.new, report.documents) == (6, 6)
    assert [skipped.reason.partition(":")[0] for skipped in report.skipped] == [
        "is a mind map, which the platform lets nobody export"
    ]
    assert sum(chunk.title == "年假" for chunk in wiki.chunks()) == 1
    assert sum(chunk.source == f"feishu:{child.obj_token}" for chunk in wiki.chunks()) == 1


async def test_only_edited_documents_are_fetched_again(wiki: Wiki) -> None:
    pages = [wiki.documents.node(SPACE, f"页 {number}", f"内容 {number}。") for number in range(3)]
    await wiki.ingest(SPACE)
    assert wiki.calls("docx.blocks") == 3
    assert (await wiki.ingest(SPACE)).unchanged == 3
    assert wiki.calls("docx.blocks") == 3
    wiki.documents.write(pages[1].obj_token, "页 1", "改过的内容。")
    assert (await wiki.ingest(SPACE)).changed == 1
    assert wiki.calls("docx.blocks") == 4
    assert "改过的内容。" in {chunk.text for chunk in wiki.chunks()}


async def test_folders_single_documents_and_links_under_a_page(wiki: Wiki) -> None:
    documents = wiki.documents
    inner = documents.write("doxcnInner", "里层", "里层的内容。")
    other = documents.write("doxcnOther", "别处", "别处的内容。")
    single = documents.write("doxcnSingle", "单篇", "单篇的内容。")
    documents.file("fldcnTop", "子文件夹", "folder", "fldcnSub")
    documents.file("fldcnSub", "里层", "docx", inner)
    documents.file("fldcnTop", "快捷方式", "shortcut", "short1", target=("docx", other))
    top = documents.node(SPACE, "上级", "上级的内容。")
    documents.node(SPACE, "下级", "下级的内容。", parent=top.node_token)
    documents.node(SPACE, "旁边", "旁边的内容。")
    origin = "https://example.feishu.cn"
    await wiki.ingest(
        f"{origin}/drive/folder/fldcnTop", f"{origin}/docx/{single}", f"{origin}/wiki/{top.node_token}?from=x"
    )
    chunks = {chunk.text: chunk for chunk in wiki.chunks()}
    assert set(chunks) == {"里层的内容。", "别处的内容。", "单篇的内容。", "上级的内容。", "下级的内容。"}
    assert chunks["单篇的内容。"].link == f"{origin}/docx/{single}"
    assert (chunks["上级的内容。"].link or "").startswith(f"{origin}/wiki/wikcn")


async def test_links_open_at_the_heading_above_a_passage(wiki: Wiki) -> None:
    text = "总说明。\n\n# 报销\n\n总则。\n\n## 时限\n\n十个工作日内。\n\n# 借款\n\n## 时限\n\n三天内。\n"
    node = wiki.documents.node(SPACE, "制度", text)
    origin = "https://example.feishu.cn"
    await wiki.ingest(f"{origin}/wiki/{node.node_token}")
    ids = {
        block["block_id"]: block[name]["elements"][0]["text_run"]["content"]
        for block in blocks_of(node.obj_token, "制度", text)
        for name in block
        if name.startswith("heading")
    }
    links = {chunk.text: chunk.link_at_place or "" for chunk in wiki.chunks()}
    assert links["总说明。"] == f"{origin}/wiki/{node.node_token}"
    opened = {words: ids[link.partition("#")[2]] for words, link in links.items() if "#" in link}
    assert opened == {"总则。": "报销", "十个工作日内。": "时限", "三天内。": "时限"}
    assert links["十个工作日内。"] != links["三天内。"]


async def test_a_document_without_its_blocks_is_read_and_says_so(wiki: Wiki) -> None:
    wiki.documents.node(SPACE, "制度", "# 报销\n\n总则。")
    wiki.sandbox.faults.plan("docx.blocks", status=403, code=1770032, msg="forbidden", times=1)
    report = await wiki.ingest(SPACE)
    assert [chunk.text for chunk in wiki.chunks()] == ["总则。"]
    assert [note.reason for note in report.notes] == [
        "links to it open at its beginning, and pictures, files, sheets and bitables in it were not read, since its "
        "blocks cannot be read: the app has no access; share it with the app, and check its scopes"
    ]


async def test_what_the_app_may_not_see_is_named_and_leaves_the_index(wiki: Wiki) -> None:
    open_page, closed = (
        wiki.documents.node(SPACE, "公开", "公开的内容。"),
        wiki.documents.node(SPACE, "薪酬", "薪酬的内容。"),
    )
    await wiki.ingest(SPACE)
    wiki.documents.hidden.add(closed.obj_token)
    wiki.documents.write(closed.obj_token, "薪酬", "新的薪酬。")
    report = await wiki.ingest(SPACE)
    assert len(report.skipped) == 1 and "no access" in report.skipped[0].reason
    assert {chunk.source for chunk in wiki.chunks()} == {f"feishu:{open_page.obj_token}"}
    wiki.documents.hidden.add(SPACE)
    wiki.documents.write("doxcnLeft", "还在", "还在的内容。")
    report = await wiki.ingest(SPACE, "https://example.feishu.cn/docx/doxcnLeft")
    assert [file.reason for file in report.skipped] == [
        "the app has no access; share it with the app, and check its scopes"
    ]
    assert {chunk.text for chunk in wiki.chunks()} == {"还在的内容。"}


async def test_a_platform_that_fails_keeps_what_was_read(wiki: Wiki) -> None:
    wiki.documents.node(SPACE, "公开", "公开的内容。")
    before = await wiki.ingest(SPACE)
    wiki.sandbox.faults.plan("wiki.nodes", status=403, code=1254301, msg="odd", times=20)
    report = await wiki.ingest(SPACE)
    assert report.index == before.index and report.gone == 0
    assert "1254301" in report.skipped[0].reason


async def test_collections_have_their_own_links(wiki: Wiki) -> None:
    wiki.documents.node(SPACE, "公开", "公开的内容。")
    wiki.documents.write("doxcnHr", "人事", "人事的内容。")
    hr = CollectionSettings(links=["https://example.feishu.cn/docx/doxcnHr"])
    await wiki.ingest(SPACE, collections={"hr": hr})
    assert {chunk.collection: chunk.text for chunk in wiki.chunks()} == {
        "default": "公开的内容。",
        "hr": "人事的内容。",
    }


async def test_pages_stay_when_paths_are_given_and_go_with_prune(wiki: Wiki) -> None:
    wiki.documents.node(SPACE, "年假", "满一年有五天年假。")
    await wiki.ingest(SPACE)
    listed = wiki.calls("wiki.nodes")
    assert listed > 0
    more = wiki.folder / "more"
    more.mkdir()
    (more / "a.md").write_text("# 班车\n\n七点发车。\n", encoding="utf-8")
    report = await wiki.ingest(SPACE, paths=[more])
    assert (report.new, report.gone, report.documents, report.skipped) == (1, 0, 2, ())
    assert wiki.calls("wiki.nodes") == listed, "the platform is not asked"
    report = await wiki.ingest(SPACE, paths=[more], prune=True)
    assert (report.gone, report.documents) == (1, 1)


async def test_links_that_lead_nowhere_and_missing_apps_are_said(wiki: Wiki, tmp_path: Path) -> None:
    wiki.documents.node(SPACE, "公开", "公开的内容。")
    report = await wiki.ingest(SPACE, "https://example.com/about")
    assert "correct rag.links" in report.skipped[0].reason
    rag = RagSettings(knowledge=[], links=[SPACE], index_dir=tmp_path / "other")
    with pytest.raises(IngestError, match="FEISHU__APP_ID"):
        await asyncio.wait_for(ingest_all(Settings(rag=rag)), 30)


@pytest.mark.parametrize(
    ("link", "kind", "token"),
    [
        ("https://a.feishu.cn/wiki/WikAbc123?table=1#x", "wiki", "WikAbc123"),
        ("https://a.feishu.cn/wiki/space/73000", "space", "73000"),
        ("https://a.feishu.cn/wiki/settings/73000", "space", "73000"),
        ("https://a.larksuite.com/docx/DoxAbc", "docx", "DoxAbc"),
        ("https://a.feishu.cn/drive/folder/FldAbc/", "folder", "FldAbc"),
        ("https://a.feishu.cn/drive/me/folder/FldAbc", "folder", "FldAbc"),
        (" 73000 ", "space", "73000"),
        ("https://a.feishu.cn/sheets/ShtAbc?sheet=a1", "sheet", "ShtAbc"),
        ("https://a.feishu.cn/base/BasAbc?table=tbl1&view=vew1", "bitable", "BasAbc"),
        ("https://a.feishu.cn/file/BoxAbc", "file", "BoxAbc"),
        ("https://a.feishu.cn/docs/DocAbc", "doc", "DocAbc"),
    ],
)
def test_links_name_their_target(link: str, kind: str, token: str) -> None:
    target = target_of(link)
    assert target is not None and (target.kind, target.token) == (kind, token)


@pytest.mark.parametrize(
    "link", ["", "http://a.feishu.cn/docx/x", "https://a.feishu.cn/x/sheets", "javascript:alert(1)"]
)
def test_other_links_name_nothing(link: str) -> None:
    assert target_of(link) is None
