"""PowerPoint files as they are shown: order, groups, tables, SmartArt, charts, and what is left out."""

import pytest

from rag.ingestion.readers.office_drawings import shown_number
from rag.ingestion.readers.slides import read_pptx
from rag.ingestion.readers.word import read_docx
from tests.support.office_xml import paragraph, root, shape, slides_file, word_file

pytest.importorskip("lxml")
TITLE = '<p:ph type="title"/>'
FRAME = (
    '<p:graphicFrame><p:nvGraphicFramePr><p:cNvPr id="4" name=""/><p:nvPr/></p:nvGraphicFramePr><p:xfrm>'
    '<a:off x="0" y="500"/></p:xfrm><a:graphic><a:graphicData>{}</a:graphicData></a:graphic></p:graphicFrame>'
)
CHART = '<c:chart r:id="chart1"/>'


def text_of(*slides: str, **more: object) -> str:
    return read_pptx(slides_file(*slides, **more)).text.strip()  # type: ignore[arg-type]


def point(identity: str, text: str = "", more: str = "", kind: str = "node") -> str:
    inner = f"<dgm:t><a:p><a:r><a:t>{text}</a:t></a:r></a:p></dgm:t>" if text else ""
    return f'<dgm:pt modelId="{identity}" type="{kind}"><dgm:prSet {more}/>{inner}</dgm:pt>'


def cached(name: str, kind: str, *values: str, pattern: str = "General") -> str:
    points = "".join(f'<c:pt idx="{at}"><c:v>{value}</c:v></c:pt>' for at, value in enumerate(values))
    code = f"<c:formatCode>{pattern}</c:formatCode>" if kind == "num" else ""
    return f"<c:{name}><c:{kind}Ref><c:f>x</c:f><c:{kind}Cache>{code}{points}</c:{kind}Cache></c:{kind}Ref></c:{name}>"


def chart() -> str:
    labels = cached("cat", "str", "001", "002")
    first = (
        f"<c:ser>{cached('tx', 'str', '北京')}{labels}{cached('val', 'num', '0.125', '0.3', pattern='0.0%')}</c:ser>"
    )
    second = f"<c:ser>{cached('tx', 'str', '成都')}{labels}{cached('val', 'num', '1280.5', '1999')}</c:ser>"
    title = "<c:title><c:tx><c:rich><a:p><a:r><a:t>季度完成率</a:t></a:r></a:p></c:rich></c:tx></c:title>"
    return root("c:chartSpace", f"<c:chart>{title}<c:plotArea>{first}{second}</c:plotArea></c:chart>")


def test_shapes_come_from_top_to_bottom_and_from_left_to_right() -> None:
    group = '<p:grpSp><p:nvGrpSpPr><p:cNvPr id="2" name=""/></p:nvGrpSpPr><p:grpSpPr><a:xfrm><a:off x="0" y="150"/>'
    group += f"</a:xfrm></p:grpSpPr>{shape('组下', top=9000)}{shape('组上', top=8000)}</p:grpSp>"
    shapes = [
        shape("末", top=900),
        shape("右", top=300, left=500),
        shape("左", top=310),
        group,
        shape("题", holder=TITLE),
    ]
    assert text_of("".join(shapes)) == "## 题\n\n组上\n\n组下\n\n左\n\n右\n\n末"


def test_a_placeholder_stands_where_its_layout_says() -> None:
    inherited = shape("版式定的", holder='<p:ph idx="7"/>').replace('<a:xfrm><a:off x="0" y="0"/>', "<a:xfrm>")
    prompt = shape("单击此处编辑", top=800, holder='<p:ph idx="7"/>')
    layout = root("p:sldLayout", f"<p:cSld>{prompt}</p:cSld>")
    parts = {"layout.xml": ("slideLayout", layout)}
    assert text_of(inherited + shape("先", top=100), parts=parts) == "## 1\n\n先\n\n版式定的"


def test_automatic_numbers_are_written() -> None:
    body = shape("甲\n乙", more='<a:pPr><a:buAutoNum type="arabicPeriod" startAt="3"/></a:pPr>')
    body += shape("丙\n丁", top=500, more='<a:pPr><a:buAutoNum type="alphaLcParenBoth"/></a:pPr>')
    body += shape("一行\n二行", top=900)
    assert text_of(body) == "## 1\n\n3. 甲\n4. 乙\n\n- (a) 丙\n- (b) 丁\n\n- 一行\n- 二行"


def test_merged_cells_of_a_table_are_said_in_each_row() -> None:
    def each(text: str, more: str = "") -> str:
        return f"<a:tc {more}><a:txBody><a:p><a:r><a:t>{text}</a:t></a:r></a:p></a:txBody></a:tc>"

    rows = [
        each("地区") + each("职级") + each("上限"),
        each("西北", 'rowSpan="2"') + each("经理") + each("520"),
        each("", 'vMerge="1"') + each("员工") + each("360"),
        each("东部", 'gridSpan="2"') + each("", 'hMerge="1"') + each("480"),
    ]
    table = "<a:tbl>" + "".join(f"<a:tr>{cells}</a:tr>" for cells in rows) + "</a:tbl>"
    expected = "## 1\n\n| 地区 | 职级 | 上限 |\n| --- | --- | --- |\n"
    expected += "| 西北 | 经理 | 520 |\n| 西北 | 员工 | 360 |\n| 东部 | 东部 | 480 |"
    assert text_of(FRAME.format(table)) == expected


def test_smartart_comes_in_the_order_of_its_outline() -> None:
    points = [point("9", "末"), point("0", kind="doc"), point("2", "二"), point("1", "一"), point("3", "一之一")]
    points += [point("4", "[文本]", 'phldr="1"'), point("5", "样子", kind="pres")]
    links = [("0", "2", 1), ("0", "1", 0), ("1", "3", 0), ("3", "1", 0), ("0", "4", 2)]
    joined = "".join(f'<dgm:cxn srcId="{a}" destId="{b}" srcOrd="{order}"/>' for a, b, order in links)
    inner = f"<dgm:ptLst>{''.join(points)}</dgm:ptLst><dgm:cxnLst>{joined}</dgm:cxnLst>"
    parts = {"data1.xml": ("diagramData", root("dgm:dataModel", inner))}
    graphic = '<dgm:relIds r:dm="data1"/>'
    assert text_of(FRAME.format(graphic), parts=parts) == "## 1\n\n- 一\n- 一之一\n- 二\n- 末"
    drawing = f"<w:r><w:drawing><a:graphic><a:graphicData>{graphic}</a:graphicData></a:graphic></w:drawing></w:r>"
    assert read_docx(word_file(paragraph(drawing), parts=parts)).text == "- 一\n- 一之一\n- 二\n- 末"


def test_charts_are_read_as_tables() -> None:
    parts = {"chart1.xml": ("chart", chart())}
    table = "|  | 北京 | 成都 |\n| --- | --- | --- |\n| 001 | 12.5% | 1280.5 |\n| 002 | 30.0% | 1999 |"
    assert text_of(FRAME.format(CHART), parts=parts) == f"## 1\n\n季度完成率\n\n{table}"


def test_newer_charts_are_read_too() -> None:
    labels = '<cx:strDim type="cat"><cx:lvl><cx:pt idx="0">签约</cx:pt><cx:pt idx="1">回款</cx:pt></cx:lvl></cx:strDim>'
    values = '<cx:lvl formatCode="#,##0"><cx:pt idx="0">1200</cx:pt><cx:pt idx="1">80</cx:pt></cx:lvl>'
    series = "<cx:series><cx:tx><cx:txData><cx:v>漏斗</cx:v></cx:txData></cx:tx><cx:dataId val='0'/></cx:series>"
    inner = f'<cx:chartData><cx:data id="0">{labels}<cx:numDim>{values}</cx:numDim></cx:data></cx:chartData>'
    inner += f"<cx:chart>{series}</cx:chart>"
    parts = {"chart1.xml": ("chartEx", root("cx:chartSpace", inner))}
    choice = f'<mc:AlternateContent><mc:Choice Requires="cx1">{FRAME.format(CHART)}</mc:Choice>'
    choice += f"<mc:Fallback>{shape('此图表不可用')}</mc:Fallback></mc:AlternateContent>"
    assert text_of(choice, parts=parts) == "## 1\n\n|  | 漏斗 |\n| --- | --- |\n| 签约 | 1,200 |\n| 回款 | 80 |"


def test_what_is_not_shown_is_left_out_and_said() -> None:
    furniture = "".join(shape("2026 内部", holder=f'<p:ph type="{kind}"/>') for kind in ("dt", "ftr", "sldNum"))
    hidden = shape("藏").replace('name=""', 'name="" hidden="1"')
    picture = '<p:pic><p:nvPicPr><p:cNvPr id="5" name=""/><p:nvPr/></p:nvPicPr></p:pic>'
    spoken = shape("讲稿", holder='<p:ph type="body"/>')
    notes = root("p:notes", f"<p:cSld><p:spTree>{spoken}</p:spTree></p:cSld>")
    parts = {
        "notes1.xml": ("notesSlide", notes),
        "comment1.xml": ("comments", root("p:cmLst", "<p:cm/><p:cm/>")),
    }
    content = slides_file(shape("密"), shape("明") + furniture + hidden + picture, parts=parts, attributes='show="0"')
    parsed = read_pptx(content)
    assert parsed.text.strip() == "## 2\n\n明\n\n讲稿"
    assert [place.name for _, place in parsed.places] == ["2"]
    assert parsed.notes == (
        "1 hidden slide was left out",
        "1 hidden shape was left out",
        "2 comments were left out",
        "footers and dates of slides were left out",
        "1 picture was not read",
    )
    everything = read_pptx(content, include_hidden=True)
    assert "密" in everything.text and "藏" in everything.text


def test_an_embedded_object_is_counted_and_a_formula_is_read() -> None:
    formula = (
        "<mc:AlternateContent><mc:Choice Requires='a14'><a14:m><m:oMath><m:r><m:t>x=1</m:t></m:r></m:oMath></a14:m>"
    )
    formula += "</mc:Choice><mc:Fallback><a:r><a:t>图</a:t></a:r></mc:Fallback></mc:AlternateContent>"
    body = shape("式").replace("<a:r>", f"{formula}<a:r>")
    parsed = read_pptx(slides_file(FRAME.format("<p:oleObj/>") + body))
    assert (parsed.text.strip(), parsed.notes) == ("## 1\n\nx=1式", ("1 embedded object was not read",))


@pytest.mark.parametrize(
    ("text", "pattern", "shown"),
    [
        ("0.125", "0%", "12.5%"),
        ("0.5", "0.00%", "50.00%"),
        ("12345.678", "#,##0.00", "12,345.68"),
        ("46082", "yyyy/m/d", "2026-03-01"),
        ("3.0000000000000004", "General", "3"),
        ("1E400", "0.0", "1E400"),
        ("约三成", "0%", "约三成"),
    ],
)
def test_numbers_of_charts(text: str, pattern: str, shown: str) -> None:
    assert shown_number(text, pattern) == shown
