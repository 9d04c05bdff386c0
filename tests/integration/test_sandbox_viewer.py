"""The sandbox's viewer: a link of a document opens a page at the place that it names, and runs nothing."""

import contextlib
import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser

import httpx
import pytest

from feishu.sandbox import Sandbox, SandboxSettings
from feishu.sandbox.document_store import Cell, Sheet, Table
from feishu.sandbox.samples import put_samples
from feishu.sandbox.server.app import app_of
from feishu.sandbox.server.blocks import blocks_of

HOSTILE = "<img src=x onerror=alert(1)>\"'"
SHOWN = "&lt;img src=x onerror=alert(1)&gt;&quot;&#x27;"
PDF = b"%PDF-1.4\n%%EOF\n"


@contextlib.asynccontextmanager
async def viewer(sandbox: Sandbox, language: str = "zh-CN") -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app_of(sandbox))
    headers = {"Accept-Language": language}
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:1", headers=headers) as http:
        yield http


async def opened(sandbox: Sandbox, path: str) -> str:
    """The page of a document that is there."""
    async with viewer(sandbox) as http:
        answer = await http.get(f"/sandbox/documents/{path}")
    assert answer.status_code == 200, path
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    tags = Tags(answer.text)
    assert [name for name in tags.attributes if name.startswith(("on", "style"))] == []
    assert tags.scripts == ["/page/viewer.js"]
    return answer.text


class Tags(HTMLParser):
    """What a browser makes of a page: every attribute, and where its scripts come from."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.attributes: set[str] = set()
        self.scripts: list[str | None] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes |= {name for name, _ in attrs}
        if tag == "script":
            self.scripts.append(dict(attrs).get("src"))


async def test_a_document_shows_each_block_under_its_own_id() -> None:
    sandbox = Sandbox(SandboxSettings())
    store = sandbox.platform.documents
    store.attach("boxcnPicture", "gate.png", b"\x89PNG\r\n\x1a\n")
    store.sheets("shtcnPrices", "价目", Sheet("shtA", "一月", [["a"]]))
    store.upload("boxcnFile", "规定.pdf", PDF)
    markdown = (
        "# 差旅\n\n见 **制度** 与 `code`，[外部](https://example.com/a?b=1&c=2)，[别页](https://sandbox.feishu.cn/docx/doxB#x)，"
        "[坏](javascript:alert)，@[ou_linxiaoman]\n\n- 一\n- 二\n\n1. 甲\n1. 乙\n\n- [x] 做了\n\n> 引文\n\n---\n\n"
        f"```\nif a < b:\n```\n\n| 城市 | 标准 |\n|---|---|\n| {HOSTILE} | 600 |\n\n![门口](boxcnPicture)\n\n"
        "![不在](boxcnGone)\n\n[[sheet:shtcnPrices_shtA]]\n\n[[file:boxcnFile|规定.pdf]]\n\n[[bitable:bascnNone_tbl]]\n\n[[board:b]]\n"
    )
    store.write("doxA", f"标题 {HOSTILE}", markdown)
    html = await opened(sandbox, "docx/doxA")
    for block in blocks_of("doxA", "", markdown)[1:]:
        assert f'id="{block["block_id"]}"' in html
    assert f"<h1>标题 {SHOWN}" in html and SHOWN in html.partition("<table>")[2] and "<img src=x" not in html
    assert '<h2 id="' in html and "<strong>制度</strong>" in html and "<code>code</code>" in html
    assert 'href="https://example.com/a?b=1&amp;c=2"' in html and "javascript:" not in html
    assert 'href="/sandbox/documents/docx/doxB?language=zh#x"' in html
    assert "@林小满" in html and "☑ 做了" in html and "if a &lt; b:" in html
    assert re.search(r'<ul><li id="\w+">一</li><li id="\w+">二</li></ul><ol>', html)
    assert 'src="/sandbox/resources/boxcnPicture"' in html and "<figcaption>门口</figcaption>" in html
    assert "内容已不在： 不在" in html
    assert 'href="/sandbox/documents/sheets/shtcnPrices?sheet=shtA&amp;language=zh">价目 · 一月' in html
    assert 'href="/sandbox/documents/file/boxcnFile?language=zh">规定.pdf' in html
    assert "内容已不在： bascnNone" in html


async def test_a_wikis_link_opens_what_the_page_holds() -> None:
    sandbox = Sandbox(SandboxSettings())
    put_samples(sandbox.platform.documents)
    nodes = {node.title: node.node_token for node in sandbox.platform.documents.nodes}
    assert "园区平面图" in await opened(sandbox, f"wiki/{nodes['园区地图']}")
    shuttle = await opened(sandbox, f"wiki/{nodes['园区班车时刻表']}?sheet=shtShuttle")
    assert "aria-current=page>班车</a>" in shuttle
    assert f"https://sandbox.feishu.cn/wiki/{nodes['园区班车时刻表']}?sheet=shtShuttle" in shuttle
    assert "投影仪 P-17" in await opened(sandbox, f"wiki/{nodes['设备借用登记']}?table=tblLoans")
    assert 'id="访客停车须知"># 访客停车须知</b>' in await opened(sandbox, f"wiki/{nodes['访客停车须知.md']}")


async def test_a_spreadsheet_opens_at_the_sheet_with_values_as_people_see_them() -> None:
    sandbox = Sandbox(SandboxSettings())
    sandbox.platform.documents.sheets(
        "shtcn1",
        "价目",
        Sheet("a", "旧", [["停用"]], is_hidden=True),
        Sheet("b", "一月", [["一月的"]]),
        Sheet(
            "c",
            f"二月{HOSTILE}",
            [
                ["项目", "价格", "项目二"],
                ["住宿", Cell(0.5, "50%", "0%"), HOSTILE],
                ["隐藏行"],
                [None, 3, "末"],
                ["a", "b"],
            ],
            merges=((1, 0, 3, 0), (4, 1, 9, 9)),
            hidden_rows=frozenset({2}),
        ),
    )
    first = await opened(sandbox, "sheets/shtcn1")
    assert "一月的" in first and "停用" not in first and "旧" not in first and SHOWN in first
    chosen = await opened(sandbox, "sheets/shtcn1?sheet=c")
    assert "<tr><th>1</th><td>项目</td><td>价格</td><td>项目二</td></tr>" in chosen and "<th>C</th>" in chosen
    assert f"<td rowspan=2>住宿</td><td class=number>50%</td><td>{SHOWN}</td>" in chosen and "隐藏行" not in chosen
    assert "<th>4</th><td class=number>3</td><td>末</td>" in chosen  # its first cell is the merged one above
    assert "<td>a</td><td colspan=2>b</td></tr>" in chosen
    hidden = await opened(sandbox, "sheets/shtcn1?sheet=a")
    assert "停用" not in hidden and "已隐藏" in hidden and "一月的" in hidden


async def test_a_bitable_opens_at_the_table_and_at_the_record() -> None:
    sandbox = Sandbox(SandboxSettings())
    store = sandbox.platform.documents
    store.attach("boxcnPhoto", "照片.png", b"\x89PNG\r\n\x1a\n")
    fields = [
        {"field_name": "数量", "type": 2, "property": {"formatter": "0.0"}},
        {"field_name": f"名称{HOSTILE}", "type": 1, "is_primary": True},
        {"field_name": "隐", "type": 1, "is_hidden": True},
        {"field_name": "完成", "type": 7},
        {"field_name": "照片", "type": 17},
        {"field_name": "网址", "type": 15},
        {"field_name": "上级", "type": 18, "property": {"table_id": "tblB"}},
        {"field_name": "合计", "type": 20, "property": {"type": {"ui_property": {"formatter": "0.0%"}}}},
        {"field_name": "时间", "type": 5, "property": {"date_formatter": "yyyy-MM-dd HH:mm"}},
    ]
    record = {
        "数量": 3,
        f"名称{HOSTILE}": [{"type": "text", "text": HOSTILE}, {"type": "text", "text": "！"}],
        "隐": "看不见",
        "完成": True,
        "照片": [{"file_token": "boxcnPhoto", "name": "照片.png"}],
        "网址": {"text": "点<我>", "link": "javascript:alert(1)"},
        "上级": {"link_record_ids": ["recA"]},
        "合计": {"type": 2, "value": [0.25]},
        "时间": 1_798_675_200_000,
    }
    store.base(
        "bas1", "登记", Table("tblA", "空", fields, []), Table("tblB", "借用", fields, [("recA", record), ("recB", {})])
    )
    first = await opened(sandbox, "base/bas1")
    assert "aria-current=page>空</a>" in first and "recA" not in first
    for path in ("base/bas1?table=tblB&record=recA", "record/recA"):
        html = await opened(sandbox, path)
        assert "aria-current=page>借用</a>" in html
        assert '<tr id="recA" class=cited>' in html and '<tr id="recB">' in html
        assert html.index(f"<th>名称{SHOWN}</th>") < html.index("<th>数量</th>")
        assert f"<td>{SHOWN}！</td><td class=number>3.0</td><td>☑</td>" in html and "看不见" not in html
        assert '<a href="/sandbox/documents/file/boxcnPhoto?language=zh">照片.png</a>' in html
        assert "<td>点&lt;我&gt;</td>" in html and "javascript:" not in html
        assert f"<td>{SHOWN}！</td><td>25.0%</td><td>2026-12-31 08:00</td>" in html
    assert "不在这张数据表里" in await opened(sandbox, "base/bas1?table=tblB&record=recNone&view=vewX")
    assert "vewX" in await opened(sandbox, "base/bas1?view=vewX")


async def test_files_are_shown_drawn_or_given_to_download() -> None:
    sandbox = Sandbox(SandboxSettings())
    store = sandbox.platform.documents
    store.upload("boxText", "a.html", f"<script>alert(1)</script>{HOSTILE}".encode())
    store.upload("boxMd", "b.md", "# 一 二\n\n```\n# 不是\n```\n\n## 一 二\n".encode())
    store.upload("boxPdf", "c.pdf", PDF)
    store.upload("boxLie", "d.pdf", b"<html>\0")
    store.upload("boxSvg", "e.svg", b"<svg onload='alert(1)'>", "image/svg+xml")
    store.upload("boxPng", f"{HOSTILE}.png", b"\x89PNG\r\n\x1a\n")
    assert SHOWN in await opened(sandbox, "file/boxText")
    assert re.findall(r'class="heading" id="([^"]+)"', await opened(sandbox, "file/boxMd")) == ["一-二", "一-二-1"]
    assert '<iframe class="pdf" data-src="/sandbox/resources/boxPdf"' in await opened(sandbox, "file/boxPdf")
    assert "不能在这里预览" in await opened(sandbox, "file/boxLie")
    assert "<svg" not in await opened(sandbox, "file/boxSvg")
    assert f'alt="{SHOWN}.png"' in await opened(sandbox, "file/boxPng")
    async with viewer(sandbox) as http:
        given = {token: await http.get(f"/sandbox/resources/{token}") for token in store.resources}
        assert (await http.get("/sandbox/resources/boxNone")).status_code == 404
    inline = {token for token, each in given.items() if each.headers["content-disposition"].startswith("inline")}
    assert inline == {"boxPdf", "boxPng"}
    assert given["boxPdf"].headers["content-type"] == "application/pdf" and given["boxPdf"].content == PDF
    assert given["boxText"].headers["content-type"] == "application/octet-stream"
    assert all("default-src 'none'" in each.headers["content-security-policy"] for each in given.values())


@pytest.mark.parametrize(
    "path",
    [
        "wiki/wikNone",
        "docx/doxNone",
        "sheets/doxA",
        "file/doxA",
        "record/recNone",
        "wiki/space/730000",
        "x",
        "",
        "a/b/c/d",
    ],
)
@pytest.mark.parametrize(("language", "words"), [("zh", "没有这份文档"), ("en", "No such document")])
async def test_what_is_not_there_is_said_in_the_language_of_the_page(path: str, language: str, words: str) -> None:
    sandbox = Sandbox(SandboxSettings())
    sandbox.platform.documents.write("doxA", "有", "有")
    async with viewer(sandbox, "fr") as http:
        answer = await http.get(f"/sandbox/documents/{path}", params={"language": language, "sheet": HOSTILE})
    assert answer.status_code == 404 and words in answer.text and "<img" not in answer.text
    assert f'<html lang="{"zh-CN" if language == "zh" else "en"}">' in answer.text and 'href="/"' in answer.text


async def test_a_deleted_document_is_gone_and_one_of_another_kind_says_so() -> None:
    sandbox = Sandbox(SandboxSettings())
    store = sandbox.platform.documents
    store.other("mnd1", "mindnote", "导图")
    node = store.node("1", "页", "正文")
    assert "只保存这类文档的标题" in await opened(sandbox, "mindnotes/mnd1")
    assert "正文" in await opened(sandbox, f"wiki/{node.node_token}")
    store.remove(node.obj_token)
    async with viewer(sandbox, "en-GB") as http:
        answer = await http.get(f"/sandbox/documents/wiki/{node.node_token}")
    assert answer.status_code == 404 and "No such document" in answer.text


async def test_only_loopback_names_see_the_pages() -> None:
    sandbox = Sandbox(SandboxSettings())
    sandbox.platform.documents.write("doxA", "有", "有")
    async with viewer(sandbox) as http:
        answer = await http.get("/sandbox/documents/docx/doxA", headers={"Host": "evil.example"})
    assert answer.status_code == 403


async def test_what_a_person_may_not_open_is_refused_to_them_without_its_title() -> None:
    sandbox = Sandbox(SandboxSettings())
    store = sandbox.platform.documents
    store.attach("boxcnInner", "内图.png", b"\x89PNG\r\n\x1a\n")
    store.write(
        "doxSecret", "秘密标题", "机密正文，见 [别页](https://sandbox.feishu.cn/docx/doxOther)\n\n![图](boxcnInner)\n"
    )
    store.upload("boxcnSecret", "秘密文件.pdf", PDF)
    sandbox.rights.share("doxSecret", owner="ou_zhouming")
    sandbox.rights.share("boxcnSecret", owner="ou_zhouming")
    async with viewer(sandbox) as http:
        for path in ("docx/doxSecret", "file/boxcnSecret"):
            for person in ("ou_linxiaoman", "ou_nobody"):
                refused = await http.get(f"/sandbox/documents/{path}?person={person}")
                assert (refused.status_code, "秘密" in refused.text, "机密" in refused.text) == (403, False, False)
                assert "你不能打开这份文档" in refused.text
        opened_by_owner = await http.get("/sandbox/documents/docx/doxSecret?person=ou_zhouming")
        assert opened_by_owner.status_code == 200 and "机密正文" in opened_by_owner.text
        assert 'href="/sandbox/documents/docx/doxOther?language=zh&amp;person=ou_zhouming"' in opened_by_owner.text
        assert 'src="/sandbox/resources/boxcnInner?person=ou_zhouming"' in opened_by_owner.text
        assert "person=" not in opened_by_owner.text.partition('class="address"')[2].partition("</span>")[0]
        codes = [
            (await http.get(f"/sandbox/resources/{token}?person={person}")).status_code
            for token in ("boxcnSecret", "boxcnInner")
            for person in ("ou_linxiaoman", "ou_zhouming")
        ]
        assert codes == [403, 200, 200, 200]
        assert (await http.get("/sandbox/documents/docx/doxSecret")).status_code == 200
