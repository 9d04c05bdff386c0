"""Links that open at a place: how each kind is made, what hostile anchors become, and what the index keeps of them."""

import importlib.util
import sqlite3
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from rag.documents import Chunk, Document, Place, link_at
from rag.errors import Unreadable
from rag.index.local.chunk_store import SqliteChunks, SqliteWriter
from rag.ingestion.readers.headings import places_by_order, places_by_slug
from rag.ingestion.readers.html import read_html
from rag.ingestion.readers.parsed import Parsed
from rag.ingestion.readers.text import read_markdown, read_text
from rag.ingestion.sources import RemoteDocument
from rag.text.chunking import split

DOCX = "https://acme.feishu.cn/docx/doxcnA"
SHEET = "https://acme.feishu.cn/sheets/shtcnA"
BASE = "https://acme.feishu.cn/base/bascnA"
CHUNK = Chunk(
    1, "a.pdf", "制度", ("时限",), "十个工作日内。", 0, 7, "https://example.com/a.pdf", "hr", Place("page", "3")
)


@pytest.mark.parametrize(
    ("link", "place", "opens"),
    [
        (DOCX, Place("heading", "时限", "doxcnB1"), f"{DOCX}#doxcnB1"),
        (DOCX + "?from=wiki", Place("heading", "时限", "doxcnB1"), f"{DOCX}?from=wiki#doxcnB1"),
        (DOCX + "#doxcnOwn", Place("heading", "时限", "doxcnB1"), f"{DOCX}#doxcnOwn"),
        (DOCX, Place("heading", "时限"), DOCX),
        (SHEET, Place("sheet", "报价", "a1B2c3"), f"{SHEET}?sheet=a1B2c3"),
        (SHEET + "?sheet=old&x=1", Place("sheet", "报价", "new"), f"{SHEET}?x=1&sheet=new"),
        (SHEET, Place("sheet", "报价"), SHEET),
        (BASE, Place("table", "客户", "tblA"), f"{BASE}?table=tblA"),
        (BASE + "?table=tblA&view=vewA", Place("table", "客户", "tblB"), f"{BASE}?view=vewA&table=tblB"),
        (BASE, Place("record", "客户 7", "tblA/recB"), f"{BASE}?table=tblA&record=recB"),
        (BASE, Place("record", "客户 7", link="https://acme.feishu.cn/record/r7"), "https://acme.feishu.cn/record/r7"),
        ("https://example.com/a.pdf", Place("page", "12"), "https://example.com/a.pdf#page=12"),
        ("https://example.com/a.pdf", Place("page", "封面"), "https://example.com/a.pdf"),
        ("https://example.com/a.pptx", Place("slide", "5"), "https://example.com/a.pptx"),
        (
            "https://example.com/a",
            Place("heading", "三、时限", "三时限"),
            "https://example.com/a#%E4%B8%89%E6%97%B6%E9%99%90",
        ),
        (None, Place("page", "12"), None),
        (DOCX, None, DOCX),
    ],
)
def test_a_link_opens_at_its_place(link: str | None, place: Place | None, opens: str | None) -> None:
    assert link_at(link, place) == opens
    assert replace(CHUNK, link=link, place=place).link_at_place == opens


@pytest.mark.parametrize("kind", ["heading", "sheet", "table", "record"])
@pytest.mark.parametrize(
    "anchor",
    [
        '"><script>alert(1)</script>',
        "a)b](javascript:x)",
        "x#y?z&record=q",
        "a\nb",
        "\u202enimda",
        "\x00",
        "../../x",
        "x" * 10_000,
        "\ud800",
    ],
)
def test_no_anchor_leads_elsewhere(kind: str, anchor: str) -> None:
    opens = link_at(DOCX, Place(kind, "x", anchor))  # type: ignore[arg-type]
    assert opens is not None and len(opens) < 1_000
    parts = urlsplit(opens)
    assert (parts.scheme, parts.netloc, parts.path) == ("https", "acme.feishu.cn", "/docx/doxcnA")
    assert opens.isascii() and not set('<>"()[] \n\x00').intersection(opens)
    assert parts.query.count("=") == len(parts.query.split("&")) if parts.query else True


@pytest.mark.parametrize("link", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "https://[x", "a.pdf"])
def test_what_is_no_web_address_is_never_added_to_and_never_taken(link: str) -> None:
    assert link_at(link, Place("heading", "x", "y")) == link
    assert link_at(DOCX, Place("record", "x", "t/r", link)) == f"{DOCX}?table=t&record=r"


def test_a_chunk_knows_the_places_that_begin_inside_it() -> None:
    text = "第一页。\n\n第二页。\n\n第三页。"
    places = tuple((text.index(f"第{number}"), Place("page", str(at))) for at, number in enumerate("一二三", 1))
    [chunk] = split(Document("a.pdf", "a", text, "https://example.com/a.pdf", places=places))
    assert chunk.place == Place("page", "1")
    assert [chunk.place_at(text.index(sign)) for sign in "一二三"] == [place for _, place in places]
    [later] = split(Document("a.pdf", "a", text, places=places[1:]))
    assert (later.place, later.place_at(0), later.place_at(99)) == (None, None, Place("page", "3"))


def test_an_index_keeps_places_and_their_anchors(tmp_path: Path) -> None:
    file = tmp_path / "chunks.sqlite"
    further = ((3, Place("page", "4")), (5, Place("page", "5\ud800", "a")))
    placed = replace(CHUNK, id=2, place=Place("record", "客户 7\ud800", "tblA/recB", "https://acme.feishu.cn/record/r"))
    placed = replace(placed, places=further)
    writer = SqliteWriter(file)
    writer.put([CHUNK, placed, replace(CHUNK, id=3, place=None)])
    writer.close()
    store = SqliteChunks(file)
    kept = store.get([1, 2, 3])
    assert kept[1] == CHUNK and kept[3].place is None
    assert kept[2].place == Place("record", "客户 7?", "tblA/recB", "https://acme.feishu.cn/record/r")
    assert kept[2].place_at(4) == Place("page", "4") and kept[2].place_at(2) == kept[2].place
    assert {chunk.id for chunk in store.all()} == {1, 2, 3}
    assert {chunk.id for chunk in store.of_document(("hr", "a.pdf"), 9)} == {1, 2, 3}
    store.close()


def test_an_index_of_the_last_version_has_no_anchors_until_it_is_written_to(tmp_path: Path) -> None:
    file = tmp_path / "chunks.sqlite"
    writer = SqliteWriter(file)
    writer.put([CHUNK])
    writer.close()
    with sqlite3.connect(file) as database:
        for column in ("anchor", "place_link", "places", "edited_at"):
            database.execute(f"ALTER TABLE chunk DROP COLUMN {column}")
    database.close()
    store = SqliteChunks(file)
    assert store.get([1]) == {1: CHUNK} and list(store.all()) == [CHUNK]
    store.close()
    headed = replace(CHUNK, id=2, place=Place("heading", "时限", "doxcnB1"))
    writer = SqliteWriter(file)
    writer.put([headed])
    writer.close()
    store = SqliteChunks(file)
    assert store.get([1, 2]) == {1: CHUNK, 2: headed}
    store.close()


def test_headings_get_the_anchors_of_the_same_names_in_the_same_order() -> None:
    linked = "## **范围** [见此](https://x.example/a_b)"
    text = f"前言\n# 总则\n甲\n## 范围\n乙\n```\n# 范围\n```\n{linked}\n丙\n# 没有的\n丁\n# 附录\n"
    given = [("总则", "b1"), ("画板里的标题", "b2"), ("范围", "b3"), ("范围 见此", "b4"), ("附录", "b5")]
    places = places_by_order(text, given)
    assert [(text[offset:].split("\n")[0], place.anchor) for offset, place in places] == [
        ("# 总则", "b1"),
        ("## 范围", "b3"),
        (linked, "b4"),
        ("# 没有的", "b4"),
        ("# 附录", "b5"),
    ]
    chunks = {chunk.text: chunk for chunk in split(Document("x", "x", text, DOCX, places=places))}
    assert chunks["前言"].link_at_place == DOCX and chunks["丙"].link_at_place == f"{DOCX}#b4"


def test_headings_without_anchors_are_no_places() -> None:
    assert places_by_order("# 一\n# 二\n", []) == () == places_by_order("没有标题", [("一", "b1")])


def test_markdown_headings_have_the_anchors_of_common_sites() -> None:
    parsed = read_markdown("# 差旅 报销\n\n## 1. Time limits, v2!\n\n## 说明\n\n## 说明\n\n## 附 {#more}\n".encode())
    assert [place.anchor for _, place in parsed.places] == ["差旅-报销", "1-time-limits-v2", "说明", "说明-1", "more"]
    assert read_text(b"# a\n").places == ()
    assert places_by_slug("# 总则\n", "https://acme.feishu.cn/docx/x") == ()
    assert len(places_by_slug("# 总则\n", "https://acme.example/feishu.cn/x")) == 1


@pytest.mark.skipif(importlib.util.find_spec("bs4") is None, reason="the extra docs is not installed")
def test_headings_of_a_web_page_have_the_anchors_that_the_page_gives_them() -> None:
    page = (
        "<html><head><link rel=canonical href=https://example.com/a></head><body><main>"
        "<h1 id=top>制度</h1><p>甲</p><h2><a name=time></a>时限</h2>"
        "<p>乙</p><section id=annex><h2>附录</h2><p>丙</p><h2>没有</h2><p>丁</p></section></main>"
        "<h2 id='\"><script>'>别处</h2></body></html>"
    )
    parsed = read_html(page.encode())
    anchors = [(parsed.text[offset:].split("\n")[0], place.anchor) for offset, place in parsed.places]
    assert anchors == [("# 制度", "top"), ("## 时限", "time"), ("## 附录", "annex"), ("## 没有", "annex")]
    chunks = split(Document("a.html", "制度", parsed.text, parsed.link, places=parsed.places))
    assert [chunk.link_at_place for chunk in chunks] == [f"https://example.com/a#{name}" for _, name in anchors]


def remote(found: Parsed) -> RemoteDocument:
    return RemoteDocument("feishu:a", "百科", DOCX, "1", lambda _: found)


def test_a_page_elsewhere_comes_with_its_places_and_notes() -> None:
    text = "甲\r\n# 一\r\n乙\x00\r\n# 二\r\n丙"
    places = tuple((text.index(name), Place("heading", name, name)) for name in ("# 一", "# 二"))
    document = remote(Parsed(text, places=places, notes=("a board was left out",))).load(None)  # type: ignore[arg-type]
    assert document.text == "甲\n# 一\n乙\n# 二\n丙" and document.notes == ("a board was left out",)
    assert [document.text[offset : offset + 3] for offset, _ in document.places] == ["# 一", "# 二"]
    assert remote(Parsed("甲\r\n乙")).load(None).text == "甲\n乙"  # type: ignore[arg-type]
    with pytest.raises(Unreadable, match="no text"):
        remote(Parsed(" ")).load(None)  # type: ignore[arg-type]
