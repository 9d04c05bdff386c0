"""Word files as Word shows them: every kind of text once and in order, and a note of what is left out."""

import pytest

from rag.ingestion.readers.parsed import CannotRead
from rag.ingestion.readers.word import read_docx
from tests.support.office_xml import cell, paragraph, root, row, run, slides_file, table, word_file

pytest.importorskip("lxml")
BOX = "<w:txbxContent>{}</w:txbxContent>"
DRAWN = "<w:drawing><wp:inline>{}</wp:inline></w:drawing>"
SHAPE = "<wps:wsp><wps:spPr>{}</wps:spPr><wps:txbx>" + BOX + "</wps:txbx></wps:wsp>"


def text_of(*blocks: str, **more: object) -> str:
    return read_docx(word_file("".join(blocks), **more)).text  # type: ignore[arg-type]


def field(code: str, result: str) -> str:
    marks = [f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>' for kind in ("begin", "separate", "end")]
    return f"{marks[0]}<w:r><w:instrText>{code}</w:instrText></w:r>{marks[1]}{run(result)}{marks[2]}"


def test_text_boxes_are_read_once() -> None:
    fallback = f"<w:pict><v:shape><v:textbox>{BOX.format(paragraph('新框'))}</v:textbox></v:shape></w:pict>"
    choice = DRAWN.format(SHAPE.format("", paragraph("新框")))
    both = f"<mc:AlternateContent><mc:Choice>{choice}</mc:Choice><mc:Fallback>{fallback}</mc:Fallback>"
    both += "</mc:AlternateContent>"
    old = f"<w:pict><v:textbox>{BOX.format(paragraph('旧框'))}</v:textbox></w:pict>"
    alone = f"<mc:AlternateContent><mc:Fallback>{old}</mc:Fallback></mc:AlternateContent>"
    text = text_of(
        paragraph("前", f"<w:r>{both}</w:r>", "后"),
        paragraph(f"<w:r>{alone}</w:r>"),
        table(row("甲", cell(paragraph("乙", f"<w:r>{both.replace('新框', '格中框')}</w:r>")))),
    )
    assert text == "前后\n\n新框\n\n旧框\n\n| 甲 | 乙 格中框 |\n| --- | --- |"


def test_grouped_shapes_are_read_from_top_to_bottom() -> None:
    places = {"下": (0, 90), "右": (50, 0), "左": (0, 0)}
    shapes = "".join(
        SHAPE.format(f'<a:xfrm><a:off x="{x}" y="{y}"/></a:xfrm>', paragraph(name)) for name, (x, y) in places.items()
    )
    assert text_of(paragraph(f"<w:r>{DRAWN.format(f'<wpg:wgp>{shapes}</wpg:wgp>')}</w:r>")) == "左\n\n右\n\n下"


def test_changes_are_accepted() -> None:
    gone = '<w:rPr><w:del w:id="1"/></w:rPr>'
    parsed = read_docx(
        word_file(
            paragraph(
                "补贴", "<w:del><w:r><w:delText>三十元</w:delText></w:r></w:del>", f"<w:ins>{run('四十元')}</w:ins>"
            )
            + f"<w:ins>{paragraph('整段插入')}</w:ins>"
            + paragraph(f"<w:moveFrom>{run('搬走')}</w:moveFrom>", properties="<w:rPr><w:moveFrom/></w:rPr>")
            + paragraph(f"<w:moveTo>{run('搬来')}</w:moveTo>")
            + paragraph("前半", properties=gone)
            + paragraph("后半")
            + table(
                row("项目", "标准"),
                row("插入行", "一", properties='<w:ins w:id="2"/>'),
                row("删除行", "二", properties='<w:del w:id="3"/>'),
                row("保留", cell("三"), cell("删除格", properties='<w:cellDel w:id="4"/>')),
            )
        )
    )
    assert parsed.text == (
        "补贴四十元\n\n整段插入\n\n搬来\n\n前半后半\n\n| 项目 | 标准 |\n| --- | --- |\n| 插入行 | 一 |\n| 保留 | 三 |"
    )
    assert parsed.notes == ("text that tracked changes delete was left out",)


def test_wrappers_are_read_through() -> None:
    def control(inner: str, more: str = "") -> str:
        return f"<w:sdt><w:sdtPr>{more}</w:sdtPr><w:sdtContent>{inner}</w:sdtContent></w:sdt>"

    inline = "<w:smartTag><w:customXml>" + run("标签") + "</w:customXml></w:smartTag>"
    parsed = read_docx(
        word_file(
            control(paragraph("块", control(run("行内")), f"<w:hyperlink>{run('链接')}</w:hyperlink>", inline))
            + paragraph(control(run("单击此处输入"), "<w:showingPlcHdr/>"))
            + table(control(row("甲", control(cell("乙")))))
        )
    )
    assert parsed.text == "块行内链接标签\n\n| 甲 | 乙 |\n| --- | --- |"
    assert parsed.notes == ("1 prompt of an empty field was left out",)


def test_fields_show_their_results_and_the_contents_are_left_out() -> None:
    unclosed = '<w:r><w:fldChar w:fldCharType="begin"/></w:r>'
    box = '<w:r><w:fldChar w:fldCharType="begin"><w:ffData><w:checkBox><w:checked/></w:checkBox></w:ffData>'
    box += '</w:fldChar></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r>'
    nested = field(" IF " + "</w:instrText></w:r>" + field(" PAGE ", "7") + "<w:r><w:instrText>", "结果")
    parsed = read_docx(
        word_file(
            paragraph(field(' TOC \\o "1-3" ', "目录项 3"))
            + paragraph(
                "图 ", f'<w:fldSimple w:instr=" SEQ 图 ">{run("1")}</w:fldSimple>', " 见", field(" REF x ", "第二节")
            )
            + paragraph(nested, box, "同意", unclosed)
            + paragraph("之后")
        )
    )
    assert parsed.text == "图 1 见第二节\n\n结果☒同意\n\n之后"
    assert parsed.notes == ("the table of contents was left out",)


def test_hidden_text_is_left_out_and_said() -> None:
    styles = (
        '<w:style w:type="character" w:styleId="暗"><w:rPr><w:vanish/></w:rPr></w:style>'
        '<w:style w:type="paragraph" w:styleId="密"><w:rPr><w:vanish/></w:rPr></w:style>'
    )
    content = word_file(
        paragraph(
            "明", run("甲", "<w:vanish/>"), run("乙", '<w:rStyle w:val="暗"/>'), run("丙", '<w:vanish w:val="0"/>')
        )
        + paragraph("丁", run("戊", '<w:vanish w:val="0"/>'), properties='<w:pStyle w:val="密"/>')
        + paragraph("尾")
        + table(row("项", "值"), row("己", "庚", properties="<w:hidden/>"), row("辛", "壬")),
        styles=styles,
    )
    parsed = read_docx(content)
    assert parsed.text == "明丙\n\n戊尾\n\n| 项 | 值 |\n| --- | --- |\n| 辛 | 壬 |"
    assert parsed.notes == ("1 hidden table row was left out", "hidden text was left out")
    everything = read_docx(content, include_hidden=True)
    assert all(sign in everything.text for sign in "甲乙丁己庚") and everything.notes == ()


def test_breaks_tabs_hyphens_symbols_and_formulas() -> None:
    signs = (
        "<w:r><w:t>甲</w:t><w:tab/><w:t>乙</w:t><w:br/><w:t>A</w:t><w:noBreakHyphen/><w:t>1</w:t><w:softHyphen/></w:r>"
    )
    signs += '<w:r><w:sym w:font="Wingdings" w:char="F0FE"/><w:sym w:font="Symbol" w:char="F0B3"/></w:r>'
    formula = (
        "<m:oMath><m:r><m:t>v=</m:t></m:r><m:f><m:num><m:r><m:t>s</m:t></m:r></m:num><m:den><m:sSup><m:e><m:r><m:t>t"
        "</m:t></m:r></m:e><m:sup><m:r><m:t>2</m:t></m:r></m:sup></m:sSup></m:den></m:f></m:oMath>"
    )
    ruby = f"<w:r><w:ruby><w:rt>{run('かん')}</w:rt><w:rubyBase>{run('漢')}</w:rubyBase></w:ruby></w:r>"
    parsed = read_docx(word_file(paragraph(signs) + paragraph(formula, ruby)))
    assert parsed.text == "甲\t乙\nA-1☑≥\n\nv=s/(t^2)漢"
    assert parsed.notes == ("phonetic guides were left out",)


def test_letters_of_symbol_fonts_are_read_as_their_signs() -> None:
    fonts = '<w:rFonts w:ascii="{0}" w:hAnsi="{0}"/>'
    signs = (
        run("þ", fonts.format("Wingdings")),
        run("\uf061\uf0b1", fonts.format("Symbol")),
        run("þ", fonts.format("Arial")),
    )
    assert text_of(paragraph(*signs)) == "☑α±þ"


def test_a_paragraph_that_goes_on_stops_before_a_table() -> None:
    gone, apart = "<w:rPr><w:del/></w:rPr>", "<w:rPr><w:vanish/><w:specVanish/></w:rPr>"
    text = text_of(
        paragraph("甲", properties=gone), table(row("乙", "丙")), paragraph("丁", properties=apart), paragraph("戊")
    )
    assert text == "甲\n\n| 乙 | 丙 |\n| --- | --- |\n\n丁\n\n戊"


def test_notes_stand_where_they_are_referred_to_and_comments_are_counted() -> None:
    def note(kind: str, *texts: str) -> tuple[str, str]:
        separator = f'<w:{kind} w:id="-1" w:type="separator">{paragraph("分隔")}</w:{kind}>'
        each = "".join(f'<w:{kind} w:id="{at}">{paragraph(text)}</w:{kind}>' for at, text in enumerate(texts, 1))
        return f"{kind}s", root(f"w:{kind}s", separator + each)

    def mark(kind: str, at: int) -> str:
        return f'<w:r><w:{kind}Reference w:id="{at}"/></w:r>'

    parts = {"footnotes.xml": note("footnote", "脚注一", "脚注二"), "endnotes.xml": note("endnote", "尾注")}
    parts["comments.xml"] = "comments", root("w:comments", '<w:comment w:id="1"/><w:comment w:id="2"/>')
    parsed = read_docx(
        word_file(
            paragraph("甲", mark("footnote", 1), "乙", mark("endnote", 1), mark("footnote", 9))
            + table(row("丙", cell(paragraph("丁", mark("footnote", 2))))),
            parts=parts,
        )
    )
    assert parsed.text == (
        "甲[^1]乙[^2]\n\n[^1]: 脚注一\n\n[^2]: 尾注\n\n| 丙 | 丁[^3] |\n| --- | --- |\n\n[^3]: 脚注二"
    )
    assert parsed.notes == ("2 comments were left out",)


def test_headers_and_footers_are_read_once_and_page_numbers_not() -> None:
    parts = {
        "h1.xml": ("header", root("w:hdr", paragraph("文件编号：HR-1"))),
        "h2.xml": ("header", root("w:hdr", paragraph("文件编号：HR-1") + paragraph("第二部分"))),
        "h3.xml": ("header", root("w:hdr", paragraph("首页页眉"))),
        "f1.xml": (
            "footer",
            root("w:ftr", paragraph("第 ", field(" PAGE ", "3"), " 页 共 ", field("NUMPAGES", "9"), " 页")),
        ),
        "f2.xml": ("footer", root("w:ftr", paragraph("人事部制"))),
    }
    sections = [
        '<w:headerReference w:type="default" r:id="h1"/><w:footerReference w:type="default" r:id="f1"/>',
        '<w:headerReference w:type="default" r:id="h2"/><w:headerReference w:type="first" r:id="h3"/>'
        '<w:footerReference w:type="default" r:id="f2"/>',
    ]
    first = paragraph("正文一", properties=f"<w:sectPr>{sections[0]}</w:sectPr>")
    content = word_file(first + paragraph("正文二") + f"<w:sectPr>{sections[1]}</w:sectPr>", parts=parts)
    parsed = read_docx(content)
    assert parsed.text == "文件编号：HR-1\n\n正文一\n\n第二部分\n\n正文二\n\n人事部制"
    assert parsed.notes == ("headers or footers that no page shows were left out",)
    shown = word_file(f"<w:sectPr>{sections[1]}<w:titlePg/></w:sectPr>", parts=parts)
    assert read_docx(shown).text == "首页页眉\n\n文件编号：HR-1\n\n第二部分\n\n人事部制"


def test_headings_come_from_outline_levels_too() -> None:
    styles = (
        '<w:style w:type="paragraph" w:styleId="题"><w:name w:val="Title"/></w:style>'
        '<w:style w:type="paragraph" w:styleId="纲"><w:name w:val="我的"/>'
        '<w:pPr><w:outlineLvl w:val="1"/></w:pPr></w:style>'
        '<w:style w:type="paragraph" w:styleId="子"><w:name w:val="我的子"/><w:basedOn w:val="纲"/></w:style>'
        '<w:style w:type="paragraph" w:styleId="三"><w:name w:val="标题 3"/></w:style>'
        '<w:style w:type="paragraph" w:styleId="圈"><w:name w:val="圈"/><w:basedOn w:val="圈2"/></w:style>'
        '<w:style w:type="paragraph" w:styleId="圈2"><w:name w:val="圈2"/><w:basedOn w:val="圈"/></w:style>'
    )
    said = [paragraph(name, properties=f'<w:pStyle w:val="{name}"/>') for name in "题纲子三圈"]
    own = paragraph("己", properties='<w:outlineLvl w:val="0"/>')
    body = paragraph("体", properties='<w:pStyle w:val="纲"/><w:outlineLvl w:val="9"/>')
    parsed = read_docx(word_file("".join([*said, own, body]), styles=styles))
    assert parsed.text == "# 题\n\n## 纲\n\n## 子\n\n### 三\n\n圈\n\n# 己\n\n体"
    assert parsed.title == "题"


def test_what_cannot_be_read_is_counted() -> None:
    picture = (
        "<w:r><w:drawing><wp:inline><a:graphic><a:graphicData><pic:pic xmlns:pic='p'/></a:graphicData></a:graphic>"
    )
    picture += "</wp:inline></w:drawing></w:r>"
    embedded = "<w:r><w:object><v:shape><v:imagedata/></v:shape><o:OLEObject/></w:object></w:r>"
    parsed = read_docx(word_file(paragraph("文", picture, picture, embedded) + '<w:altChunk r:id="x"/>'))
    assert parsed.text == "文"
    assert parsed.notes == (
        "2 pictures were not read",
        "1 embedded object was not read",
        "1 embedded document was not read",
    )


def test_broken_and_hostile_files_cost_themselves() -> None:
    with pytest.raises(CannotRead):
        read_docx(word_file("<w:p>"))
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
    content = word_file(paragraph("文"), parts={"footnotes.xml": ("footnotes", f"{bomb}<x>&b;</x>")})
    assert read_docx(content).text == "文"
    with pytest.raises(CannotRead, match="not a Word document"):
        read_docx(slides_file(""))
    deep = paragraph("底")
    for _ in range(40):
        deep = table(row(cell(deep), "旁"))
    assert "底" in text_of(deep)


def test_the_strict_form_of_the_format_is_read() -> None:
    import io
    import zipfile

    content = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(word_file(paragraph("严格")))) as old, zipfile.ZipFile(content, "w") as new:
        for name in old.namelist():
            xml = old.read(name)
            for kind in (b"wordprocessingml", b"officeDocument"):
                usual = b"http://schemas.openxmlformats.org/" + kind + b"/2006/"
                xml = xml.replace(usual, b"http://purl.oclc.org/ooxml/" + kind + b"/")
            new.writestr(name, xml)
    assert read_docx(content.getvalue()).text == "严格"


def test_links_to_the_web_keep_their_addresses() -> None:
    link = field(' HYPERLINK "https://example.com/form" ', "报销单")
    assert text_of(paragraph(run("填写"), link, run("。"))) == "填写[报销单](https://example.com/form)。"
    for code in (' HYPERLINK "#top" ', ' HYPERLINK \\l "top" ', ' HYPERLINK "javascript:x" ', " PAGEREF a "):
        assert text_of(paragraph(field(code, "报销单"))) == "报销单"
    assert (
        text_of(paragraph(field(' HYPERLINK "https://example.com" ', "https://example.com"))) == "https://example.com"
    )
    styles = '<w:style w:type="paragraph" w:styleId="h"><w:name w:val="heading 1"/></w:style>'
    assert text_of(paragraph(link, properties='<w:pStyle w:val="h"/>'), styles=styles) == "# 报销单"
