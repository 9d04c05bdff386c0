"""Web pages as a browser shows them: forms, tables with spans, nested tables, hidden parts, encodings."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.ingestion.readers.html import read_html
from rag.ingestion.readers.parsed import CannotRead

pytest.importorskip("bs4")


def text_of(body: str) -> str:
    return read_html(f"<html><head><meta charset=utf-8></head><body>{body}</body></html>".encode()).text


def test_a_page_inside_a_form_is_read_with_what_is_filled_in() -> None:
    read = text_of(
        '<form action="./p.aspx"><input type="hidden" name="__VIEWSTATE" value="abc"/><h1>宿舍管理</h1>'
        '<p>熄灯时间为晚上十一点半。</p><label>姓名 <input value="王芳"></label><input type=submit value=提交>'
        "<select><option>北京<option selected>成都</select><label><input type=checkbox checked> 同意</label>"
        "<textarea>备注甲</textarea><table><tr><th>楼<th>门禁<tr><td>一号<td>23:30</table></form>"
    )
    assert "# 宿舍管理" in read and "十一点半" in read and "姓名 王芳" in read and "成都" in read and "☑" in read
    assert "备注甲" in read and "| 一号 | 23:30 |" in read
    assert not any(word in read for word in ("abc", "提交", "北京"))


def test_rows_under_merged_cells_stand_alone() -> None:
    read = text_of(
        "<table><caption>补贴</caption><tr><th rowspan=2>地区<th rowspan=2>职级<th colspan=2>每晚上限"
        "<tr><th>旺季<th>淡季<tr><td rowspan=2>西北<td>经理<td>520<td>400<tr><td>员工<td>360<td>300"
        "<tr><td>华东<td>全体<td colspan=2>450<tr><td colspan=4>以上含税</table>"
    )
    assert read.startswith("补贴\n\n| 地区 | 职级 | 每晚上限 / 旺季 | 每晚上限 / 淡季 |\n| --- |")
    assert "| 西北 | 员工 | 360 | 300 |" in read and "| 华东 | 全体 | 450 | 450 |" in read
    assert read.count("以上含税") == 1


def test_a_title_row_and_headers_without_th() -> None:
    read = text_of(
        "<table><tr><td colspan=3>2026 年价目</td></tr><tr><td rowspan=2>型号</td><td colspan=2>价格</td></tr>"
        "<tr><td>含税</td><td>不含税</td></tr><tr><td>X100</td><td>113</td><td>100</td></tr></table>"
    )
    assert read.startswith("2026 年价目\n\n| 型号 | 价格 / 含税 | 价格 / 不含税 |")
    assert "| X100 | 113 | 100 |" in read


def test_nested_tables_stay_in_their_cell_and_layout_tables_dissolve() -> None:
    read = text_of(
        "<table><tr><th>车位<th>价格<tr><td>一期<td><table><tr><td>室内<td>每月五百元<tr><td>室外<td>每月三百元</table>"
        "<tr><td>二期<td>免费</table>"
    )
    assert "| 一期 | 室内 每月五百元；室外 每月三百元 |" in read and "| 二期 | 免费 |" in read
    layout = text_of(
        "<table><tr><td><h1>标题</h1><p>第一段。</p></td><td><table><tr><th>甲<th>乙<tr><td>1<td>2</table></td></tr></table>"
    )
    assert "# 标题" in layout and "| 甲 | 乙 |\n| --- | --- |\n| 1 | 2 |" in layout


def test_what_is_hidden_is_left_out_and_said() -> None:
    read = read_html(
        "<p>看得见。</p><p hidden>藏一</p><div style='color:red; DISPLAY : none'>藏二<p hidden>藏三</p></div>"
        "<span aria-hidden=true>藏四</span><template><p>藏五</p></template><noscript>藏六</noscript>"
        "<p style='visibility:hidden'>藏七</p><p style='display:block'>也看得见。</p>"
        "<details><summary>展开</summary><p>折叠的内容。</p></details>".encode()
    )
    assert "看得见。" in read.text and "也看得见。" in read.text and "展开" in read.text and "折叠的内容。" in read.text
    assert "藏" not in read.text and read.notes == ("4 hidden parts were left out",)


@pytest.mark.parametrize("tag", ["noscript", "nav", "footer", "aside"])
def test_a_page_that_is_nothing_else_is_read(tag: str) -> None:
    read = read_html(f"<body><script>x()</script><{tag}><p>全部内容在这里。</p></{tag}></body>".encode())
    assert "全部内容在这里。" in read.text and "x()" not in read.text and read.notes


def test_a_page_with_nothing_to_see_says_so() -> None:
    with pytest.raises(CannotRead, match="1 parts with text are hidden"):
        read_html("<body><p hidden>藏</p></body>".encode())


def test_several_articles_and_words_beside_an_article_are_read() -> None:
    assert "乙文" in text_of("<article>甲文</article><article>乙文</article>")
    assert "旁边还有很长的一段话" in text_of("<article>短</article><p>旁边还有很长的一段话，不能丢。</p>")
    assert text_of("<main></main><p>正文在外面。</p>") == "正文在外面。"


def test_terms_code_and_alternative_texts() -> None:
    read = text_of(
        "<dl><dt>年假</dt><dd>五天</dd><div><dt>病假</dt><dd>凭证明</dd><dd>最多十天</dd></div></dl>"
        "<pre>  a = 1\n  b = 2</pre><p><img src=a.png alt='平面图'> 与 <a href='javascript:x()'>链接</a></p>"
    )
    assert "- 年假：五天" in read and "- 病假：凭证明" in read and "- 病假：最多十天" in read
    assert "```\n  a = 1\n  b = 2\n```" in read and "平面图" in read and "链接" in read and "javascript" not in read


@pytest.mark.parametrize(
    ("encoding", "head"),
    [
        ("gb18030", "<meta charset=gb2312>"),
        ("gb18030", '<meta http-equiv="Content-Type" content="text/html; charset = GBK">'),
        ("gb18030", ""),
        ("utf-8", "<meta charset=gb2312>"),
        ("utf-8-sig", "<meta charset=big5>"),
        ("utf-16", ""),
        ("big5", "<meta charset='big5'>"),
        ("shift_jis", "<meta charset=Shift_JIS>"),
        ("gb18030", "<meta charset=utf-8>"),
        ("gb18030", "<meta charset=no-such-thing>"),
    ],
)
def test_pages_in_their_encodings(encoding: str, head: str) -> None:
    words = {"big5": "報銷須在十日內提出", "shift_jis": "領収書を提出してください"}.get(encoding, "报销须在十日内提出")
    assert words in read_html(f"<html><head>{head}</head><body><p>{words}</p></body></html>".encode(encoding)).text


def test_hostile_spans_are_bounded() -> None:
    wide = "<table>" + "<tr><td colspan=1000 rowspan=65534>文" * 3000 + "</table>"
    long = "<table><tr><td rowspan=9999>" + "长" * 50_000 + "<td>0" + "<tr><td>1" * 3000 + "</table>"
    for page in (wide, long):
        read = read_html(page.encode())
        assert len(read.text) < 8_000_000 and any("merged cells" in note for note in read.notes)


def test_a_page_that_is_nested_too_deeply_keeps_its_words() -> None:
    read = read_html(("<div>" * 5000 + "<p>深处的话</p>").encode())
    assert "深处的话" in read.text and "nested too deeply" in read.notes[0]


@st.composite
def spanned_tables(draw: st.DrawFn) -> tuple[str, list[list[str]]]:
    """A table's HTML with random merged cells, and what stands in each place."""
    height, width = draw(st.integers(2, 6)), draw(st.integers(2, 5))
    places: list[list[str]] = [[""] * width for _ in range(height)]
    rows = []
    for row in range(height):
        cells = []
        for column in range(width):
            if places[row][column]:
                continue
            free = next((at for at in range(column, width) if places[row][at]), width) - column
            across, down = draw(st.integers(1, min(free, width - 1))), draw(st.integers(1, height - row))
            if row == 0:
                across = down = 1
            name = f"r{row}c{column}"
            for below in range(row, row + down):
                places[below][column : column + across] = [name] * across
            cells.append(f"<td rowspan={down} colspan={across}>{name}</td>")
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return f"<table>{''.join(rows)}</table>", places


@settings(max_examples=60, deadline=None)
@given(spanned_tables())
def test_every_place_of_a_table_holds_what_spans_it(table: tuple[str, list[list[str]]]) -> None:
    markup, places = table
    rows = [line.strip("| ").split(" | ") for line in text_of(markup).split("\n")]
    assert [row for row in rows if row[0] != "---"] == places
