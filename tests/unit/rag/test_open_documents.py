"""OpenDocument texts, spreadsheets and presentations, and e-books: what is shown is read once, the rest is said."""

import pytest

from rag.documents import Place
from rag.ingestion.readers.parsed import CannotRead, Parsed
from rag.ingestion.readers.worker import parse
from tests.support.open_documents import (
    HIDDEN_TEXT,
    cell,
    e_book,
    frame,
    open_document,
    p,
    row,
    style,
    table,
    zipped,
)

pytest.importorskip("lxml")
pytest.importorskip("bs4")
NUMBERS = (
    '<text:list-style style:name="L1"><text:list-level-style-number text:level="1" style:num-format="一, 二, 三, ..."'
    ' style:num-prefix="第" style:num-suffix="条"/><text:list-level-style-number text:level="2" style:num-format="1"'
    ' text:display-levels="2"/></text:list-style>'
)


def odt(body: str, **more: str) -> Parsed:
    return parse(".odt", open_document("text", body, **more))


def item(*blocks: str) -> str:
    return f"<text:list-item>{''.join(blocks)}</text:list-item>"


def test_headings_lists_and_their_numbers() -> None:
    inner = f"<text:list>{item(p('丙'))}{item(p('丁'))}</text:list>"
    numbers = f'<text:list text:style-name="L1">{item(p("甲"))}{item(p("乙"), inner)}</text:list>'
    read = odt(
        f'<text:h text:outline-level="2">考勤</text:h>{numbers}<text:list>{item(p("无号"))}</text:list>',
        automatic=NUMBERS,
    )
    assert read.text == "## 考勤\n\n第一条 甲\n第二条 乙\n二.1 丙\n二.2 丁\n\n- 无号" and read.title == "考勤"


def test_a_list_that_goes_on_goes_on_counting() -> None:
    first = f'<text:list text:style-name="L1">{item(p("甲"))}</text:list>'
    following = f'<text:list text:style-name="L1" text:continue-numbering="true">{item(p("乙"))}</text:list>'
    assert odt(first + p("间") + following + first, automatic=NUMBERS).text.split("\n\n") == [
        "第一条 甲", "间", "第二条 乙", "第一条 甲",
    ]  # fmt: skip


def test_what_is_hidden_deleted_or_a_comment_is_left_out_and_said() -> None:
    automatic = style("H", "text", HIDDEN_TEXT) + style("HP", "paragraph", HIDDEN_TEXT)
    automatic += style("Child", "paragraph", "<style:paragraph-properties/>", parent="HP")
    gone = f"<text:tracked-changes><text:changed-region>{p('删去')}</text:changed-region></text:tracked-changes>"
    body = gone + p('见<text:span text:style-name="H">密</text:span>面') + p("藏", "Child")
    body += p(f"有批注<office:annotation>{p('批注')}</office:annotation>的")
    body += f'<text:section text:display="none">{p("隐节")}</text:section><text:section>{p("显节")}</text:section>'
    content = open_document("text", body, automatic=automatic)
    read = parse(".odt", content)
    assert read.text == "见面\n\n有批注的\n\n显节"
    assert set(read.notes) == {"hidden text was left out", "1 comment was left out"}
    assert parse(".odt", content, include_hidden=True).text == "见密面\n\n藏\n\n有批注的\n\n隐节\n\n显节"


def test_notes_boxes_links_spaces_and_headers() -> None:
    note = (
        f"<text:note><text:note-citation>1</text:note-citation><text:note-body>{p('脚注')}</text:note-body></text:note>"
    )
    link = '<text:a xlink:href="https://example.com/form">表单</text:a>'
    headers = "".join(
        f"<style:master-page><style:header>{p(text)}</style:header><style:footer>{p('- 3 -')}</style:footer>"
        "</style:master-page>"
        for text in ("文号一", "文号一")
    )
    read = odt(
        p(f"正文{note}后<text:s text:c='2'/>见{link}{frame('框内')}"),
        styles=f"<office:master-styles>{headers}</office:master-styles>",
    )
    assert read.text.split("\n\n") == ["文号一", "正文[^1]后  见[表单](https://example.com/form)", "框内", "[^1]: 脚注"]


def test_merged_cells_of_a_text_fill_their_rows() -> None:
    covered = "<table:covered-table-cell/>"
    rows = [
        row("地区", "职级", "上限"),
        row(cell("西北", 'table:number-rows-spanned="2"'), "经理", "520"),
        row(covered, "员工", "360"),
        row(cell("合计两人", 'table:number-columns-spanned="2"'), covered, "880"),
    ]
    assert odt(table(*rows)).text.splitlines()[2:] == [
        "| 西北 | 经理 | 520 |", "| 西北 | 员工 | 360 |", "| 合计两人 | 合计两人 | 880 |",
    ]  # fmt: skip


def test_sheets_show_what_is_seen() -> None:
    number = 'office:value-type="float" office:value="0.125"'
    rows = [
        '<table:table-column/><table:table-column table:visibility="collapse"/><table:table-column/>',
        row("产品", "成本", "返点"),
        row("星河", "机密", cell("12.5%", number)),
        row("草稿", "机密", cell("9%", number), more='table:visibility="collapse"'),
        row("银河", "机密", cell("8%", number + ' table:number-columns-repeated="1"')),
        row(cell("", 'table:number-columns-repeated="16384"'), more='table:number-rows-repeated="1048000"'),
    ]
    hidden = style("T", "table", '<style:table-properties table:display="false"/>')
    body = table(*rows, name="费率") + table(row("薪酬"), name="底稿", more='table:style-name="T"')
    content = open_document("spreadsheet", body, automatic=hidden)
    read = parse(".ods", content)
    assert read.text.strip() == "## 费率\n\n- 产品：星河；返点：12.5%\n- 产品：银河；返点：8%"
    assert read.places == ((0, Place("sheet", "费率")),)
    assert read.notes == (
        "left out in the sheet 费率: 1 hidden row, 1 hidden column", "1 hidden sheet left out: 底稿",
    )  # fmt: skip
    assert "机密" in parse(".ods", content, include_hidden=True).text


def test_repeated_rows_and_cells_are_written_down() -> None:
    body = table(
        row("甲", "乙"), row(cell("x", 'table:number-columns-repeated="2"'), more='table:number-rows-repeated="3"')
    )
    assert parse(".ods", open_document("spreadsheet", body)).text.count("甲：x；乙：x") == 3


def test_slides_in_the_order_of_reading_with_notes() -> None:
    hidden = style("D", "drawing-page", '<style:drawing-page-properties presentation:visibility="hidden"/>')
    own = frame("讲者备注", more='presentation:class="notes"')
    notes = f"<presentation:notes>{own}</presentation:notes>"
    shapes = frame("下", top=9) + frame("上一\n上二", top=3) + f"<draw:g>{frame('组', top=6)}</draw:g>"
    shapes += frame("页脚", more='presentation:class="footer"')
    grid = f'<draw:frame svg:y="12cm">{table(row("角色", "人"), row("测试", "李雷"))}</draw:frame>'
    title = frame("计划", more='presentation:class="title"')
    body = f"<draw:page>{shapes}{grid}{title}{notes}</draw:page>"
    body += f'<draw:page draw:style-name="D">{frame("未公开")}</draw:page>'
    read = parse(".odp", open_document("presentation", body, automatic=hidden))
    assert read.text.split("\n\n")[:-1] == [
        "## 计划", "- 上一\n- 上二", "组", "下", "| 角色 | 人 |\n| --- | --- |\n| 测试 | 李雷 |", "讲者备注",
    ]  # fmt: skip
    assert read.notes == ("1 hidden slide was left out", "footers and dates of slides were left out")


def test_chapters_of_a_book_are_read_in_their_order() -> None:
    chapters = {"b.xhtml": "<h1>第一章</h1><p>甲</p>", "cover.xhtml": "<img src='x.png'/>", "a.xhtml": "<p>乙</p>"}
    read = parse(".epub", e_book(chapters, title="手册"))
    assert read.text == "# 第一章\n\n甲\n\n乙" and read.title == "手册"


def test_books_with_a_key_and_documents_with_a_password_are_named() -> None:
    locked = (
        '<encryption><EncryptedData><EncryptionMethod Algorithm="urn:aes"/><CipherData><CipherReference'
        ' URI="OEBPS/a.xhtml"/></CipherData></EncryptedData></encryption>'
    )
    with pytest.raises(CannotRead, match="DRM"):
        parse(".epub", e_book({"a.xhtml": "x"}, more={"META-INF/encryption.xml": locked}))
    manifest = "<manifest><file-entry><encryption-data/></file-entry></manifest>"
    kind = {"mimetype": "application/vnd.oasis.opendocument.text"}
    with pytest.raises(CannotRead, match="password-protected OpenDocument"):
        parse(".odt", zipped({**kind, "content.xml": "\x01\x02", "META-INF/manifest.xml": manifest}))
    with pytest.raises(CannotRead, match="damaged"):
        parse(".odt", zipped({**kind, "content.xml": "<a>"}))


def test_deep_documents_are_named() -> None:
    deep = "<text:section>" * 3000 + p("深") + "</text:section>" * 3000
    with pytest.raises(CannotRead):
        odt(deep)
