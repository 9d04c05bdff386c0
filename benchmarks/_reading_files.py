"""Files as people have them, made by public writers, with what in them is seen and what is not."""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks._reading_measures import Expected

_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_BOX = (
    '<w:r {w} xmlns:v="urn:schemas-microsoft-com:vml"><w:pict><v:shape style="width:200pt;height:50pt"><v:textbox>'
    "<w:txbxContent><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:txbxContent></v:textbox></v:shape></w:pict></w:r>"
)
_NUMBERS = (
    '<w:abstractNum {w} w:abstractNumId="90"><w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="chineseCounting"/>'
    '<w:lvlText w:val="第%1条"/></w:lvl><w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="decimal"/>'
    '<w:lvlText w:val="(%2)"/></w:lvl></w:abstractNum>'
)
_CHANGES = (
    '<w:ins {w} w:id="901" w:author="a"><w:r><w:t>每小时四十五元</w:t></w:r></w:ins>',
    '<w:del {w} w:id="902" w:author="a"><w:r><w:delText>每小时三十元</w:delText></w:r></w:del>',
)
_HIDDEN = "<w:r {w}><w:rPr><w:vanish/></w:rPr><w:t>内部批注勿外传</w:t></w:r>"


def handbook_docx(file: Path) -> Expected:
    """An employee handbook: automatic numbers, a text box, changes, hidden text, merged cells, headers, a comment."""
    import docx

    document = docx.Document()
    section = document.sections[0]
    section.header.paragraphs[0].text = "云帆科技员工手册 HR-2026-041"
    section.footer.paragraphs[0].text = "人力资源部编制"
    document.add_heading("考勤与休假制度", level=1)
    number = _numbering(document)
    for text, level in (
        ("员工每日工作八小时", 0), ("弹性上班时间为九点到十点", 1), ("迟到三次记旷工半天", 1), ("年假按工龄计算", 0),
    ):  # fmt: skip
        _numbered(document.add_paragraph(text), number, level)
    document.add_heading("加班与补贴", level=2)
    paragraph = document.add_paragraph("周末加班补贴为")
    for xml in (*_CHANGES, _HIDDEN):
        paragraph._p.append(_element(xml))
    paragraph.add_run("，次月发放。")
    box = document.add_paragraph("停车须知见右。")
    box._p.append(_element(_BOX.replace("{text}", "访客停车费每小时八元")))
    _merged_table(document)
    remark = document.add_paragraph("本手册自三月一日起施行。")
    document.add_comment(remark.runs, text="法务尚未确认", author="法务")
    document.save(str(file))
    visible = (
        "考勤与休假制度", "第一条", "员工每日工作八小时", "(1)", "弹性上班时间为九点到十点",
        "(2)", "迟到三次记旷工半天", "第二条", "年假按工龄计算", "加班与补贴",
        "周末加班补贴为每小时四十五元，次月发放。",
        "停车须知见右。", "访客停车费每小时八元", "职级", "工龄", "天数", "经理", "十年以上", "15天", "五年以上",
        "12天",
        "专员", "8天", "本手册自三月一日起施行。",
    )  # fmt: skip
    hidden = ("每小时三十元", "内部批注勿外传", "法务尚未确认")
    rows = (("经理", "十年以上", "15天"), ("经理", "五年以上", "12天"), ("专员", "8天"))
    return Expected(visible, hidden, rows, ("云帆科技员工手册 HR-2026-041", "人力资源部编制"))


def _numbering(document: Any) -> int:
    part = document.part.numbering_part.element
    part.insert(0, _element(_NUMBERS))
    part.append(_element('<w:num {w} w:numId="90"><w:abstractNumId w:val="90"/></w:num>'))
    return 90


def _numbered(paragraph: Any, number: int, level: int) -> None:
    properties = paragraph._p.get_or_add_pPr()
    properties.append(_element(f'<w:numPr {{w}}><w:ilvl w:val="{level}"/><w:numId w:val="{number}"/></w:numPr>'))


def _element(xml: str) -> Any:
    from docx.oxml import parse_xml

    return parse_xml(xml.replace("{w}", _W))


def _merged_table(document: Any) -> None:
    rows = (
        ("职级", "工龄", "天数"),
        ("经理", "十年以上", "15天"),
        ("", "五年以上", "12天"),
        ("专员", "三年以上", "8天"),
    )
    table = document.add_table(rows=len(rows), cols=3, style="Table Grid")
    for at, row in enumerate(rows):
        for column, text in enumerate(row):
            table.cell(at, column).text = text
    table.cell(1, 0).merge(table.cell(2, 0)).text = "经理"


def report_docx(file: Path) -> Expected:
    """An English report: lists, a nested table, two sections with headers of their own, and a field of page numbers."""
    import docx

    document = docx.Document()
    document.sections[0].header.paragraphs[0].text = "Harbour Logistics quarterly report"
    document.add_heading("Freight volumes", level=1)
    document.add_paragraph("Volumes rose by eleven percent against last year.")
    for text in ("Rail carried forty trains a week", "Road carried nine hundred lorries"):
        document.add_paragraph(text, style="List Bullet")
    outer = document.add_table(rows=2, cols=2)
    outer.cell(0, 0).text, outer.cell(0, 1).text = "Terminal", "Opening hours"
    outer.cell(1, 0).text = "North quay"
    inner = outer.cell(1, 1).add_table(rows=2, cols=2)
    for at, (day, hours) in enumerate((("Weekdays", "06:00 to 22:00"), ("Sundays", "08:00 to 14:00"))):
        inner.cell(at, 0).text, inner.cell(at, 1).text = day, hours
    section = document.add_section()
    section.header.is_linked_to_previous = False
    section.header.paragraphs[0].text = "Appendix on surcharges"
    document.add_paragraph("Night handling costs thirty euros a container.")
    document.save(str(file))
    visible = (
        "Freight volumes", "Volumes rose by eleven percent against last year.",
        "Rail carried forty trains a week", "Road carried nine hundred lorries", "Terminal", "Opening hours",
        "North quay", "Weekdays", "06:00 to 22:00", "Sundays", "08:00 to 14:00",
        "Night handling costs thirty euros a container.",
    )  # fmt: skip
    rows = (("Weekdays", "06:00 to 22:00"), ("Sundays", "08:00 to 14:00"))
    return Expected(visible, (), rows, ("Harbour Logistics quarterly report", "Appendix on surcharges"))


def allowances_xlsx(file: Path) -> Expected:
    """Titles, headers of two levels, merged cells, formats, a formula, hidden rows, columns and sheets."""
    import datetime

    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "差旅标准"
    sheet.append(["2026年差旅住宿标准"])
    sheet.append(["地区", "职级", "住宿上限", None, "编号", "折扣", "生效日"])
    sheet.append([None, None, "旺季", "淡季"])
    day = datetime.date(2026, 3, 5)
    for row in (
        ["华东", "经理", 680, 560, 482, 0.125, day], [None, "员工", 450, 380, 483, 0.2, day],
        ["西北", "经理", 520, 430, 484, 0.15, day], [None, "员工", 360, 300, 485, 0.1, day],
        ["华南", "草稿行", 999, 998, 486, 0.9, day],
    ):  # fmt: skip
        sheet.append(row)
    for merged in ("A1:G1", "A2:A3", "B2:B3", "C2:D2", "E2:E3", "F2:F3", "G2:G3", "A4:A5", "A6:A7"):
        sheet.merge_cells(merged)
    for row in range(4, 9):
        sheet.cell(row, 5).number_format = "000000"
        sheet.cell(row, 6).number_format = "0.0%"
        sheet.cell(row, 7).number_format = 'yyyy"年"m"月"d"日"'
    sheet.row_dimensions[8].hidden = True
    costs = book.create_sheet("成本")
    for row in (["项目", "预算", "内部成本"], ["展会", 120000, 73251], ["培训", 45000, 38117]):
        costs.append(row)
    costs.column_dimensions["C"].hidden = True
    costs.append(["合计", "=SUM(B2:B3)"])
    book.create_sheet("薪酬底稿").append(["机密薪酬", 88123])
    book["薪酬底稿"].sheet_state = "hidden"
    book.save(file)
    visible = (
        "2026年差旅住宿标准", "华东", "680", "000482", "12.5%", "2026年3月5日",
        "450", "西北", "520", "360", "展会", "120000", "培训", "45000", "合计", "165000",
    )  # fmt: skip
    rows = (("华东", "员工", "450", "380"), ("西北", "员工", "360", "300"), ("西北", "经理", "520", "000484"))
    names = ("地区", "职级", "住宿上限", "旺季", "淡季", "项目", "预算")
    return Expected(visible, ("草稿行", "73251", "内部成本", "机密薪酬", "88123"), rows, names)


def launch_pptx(file: Path) -> Expected:
    """Titles, texts out of order in the file, a group, a table with merged cells, a chart, notes, a hidden slide."""
    import pptx
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE
    from pptx.util import Inches

    deck = pptx.Presentation()
    first = deck.slides.add_slide(deck.slide_layouts[5])
    first.shapes.title.text = "产品发布计划"
    for text, top in (("第二步公开测试", 4), ("第一步内部测试", 2)):
        first.shapes.add_textbox(Inches(1), Inches(top), Inches(4), Inches(1)).text_frame.text = text
    group = first.shapes.add_group_shape()
    group.shapes.add_textbox(Inches(1), Inches(6), Inches(3), Inches(0.5)).text_frame.text = "责任人李雷"
    first.notes_slide.notes_text_frame.text = "公开测试前完成安全评审"
    second = deck.slides.add_slide(deck.slide_layouts[5])
    second.shapes.title.text = "分工与预算"
    rows = (("小组", "负责人", "预算"), ("研发", "韩梅梅", "八十万"), ("", "赵敏", "二十万"))
    table = second.shapes.add_table(3, 3, Inches(1), Inches(2), Inches(7), Inches(1)).table
    for at, row in enumerate(rows):
        for column, text in enumerate(row):
            table.cell(at, column).text = text
    table.cell(1, 0).merge(table.cell(2, 0))
    series = CategoryChartData()
    series.categories = ["一季度", "二季度"]
    series.add_series("活跃用户", (1280, 2560))
    second.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, Inches(1), Inches(4), Inches(6), Inches(3), series)
    draft = deck.slides.add_slide(deck.slide_layouts[5])
    draft.shapes.title.text = "未公开的收购方案"
    draft._element.set("show", "0")
    deck.save(str(file))
    visible = (
        "产品发布计划", "第一步内部测试", "第二步公开测试", "责任人李雷", "公开测试前完成安全评审", "分工与预算",
        "小组",
        "负责人", "研发", "韩梅梅", "八十万", "赵敏", "二十万", "活跃用户", "一季度", "1280", "二季度", "2560",
    )  # fmt: skip
    return Expected(visible, ("未公开的收购方案",), (("研发", "韩梅梅", "八十万"), ("研发", "赵敏", "二十万")))


_PAGE = """<!doctype html><html><head><title>报销指南</title><style>.x{color:red}</style></head><body>
<nav><a href="/">首页</a> <a href="/about">关于我们</a></nav>
<form id="aspnetForm"><h1>差旅报销指南</h1><p>报销须在三十日内提交。</p>
<div style="display:none">旧版规定已作废</div>
<table><thead><tr><th rowspan="2">城市</th><th colspan="2">住宿上限</th></tr><tr><th>旺季</th><th>淡季</th></tr></thead>
<tbody><tr><td rowspan="2">北京</td><td>700</td><td>600</td></tr><tr><td>720</td><td>610</td></tr>
<tr><td>成都</td><td>480</td><td>400</td></tr></tbody></table>
<img src="data:image/png;base64,{data}" alt="审批流程图"><p>填写<a href="https://example.com/form">电子报销单</a>后提交。</p>
<ul><li>附上发票原件</li><li>注明项目编号</li></ul></form>
<script>var secret = "跟踪脚本";</script><footer>版权所有 云帆科技</footer></body></html>"""


def guide_html(file: Path) -> Expected:
    """A page inside a form with navigation, hidden parts, spans, an inline picture and a link."""
    file.write_text(_PAGE.replace("{data}", "iVBORw0KGgoAAAANSUhEUgAA" * 400), encoding="utf-8")
    visible = (
        "差旅报销指南", "报销须在三十日内提交。", "城市", "住宿上限", "旺季", "淡季", "北京", "700", "600",
        "720", "610", "成都",
        "480", "400", "审批流程图", "电子报销单", "附上发票原件", "注明项目编号",
    )  # fmt: skip
    hidden = ("旧版规定已作废", "跟踪脚本", "iVBORw0KGgoAAAANSUhEUgAAiVBORw0KGgo", "color:red")
    return Expected(visible, hidden, (("北京", "720", "610"), ("成都", "480", "400")))


_ROWS = (
    ("工号", "姓名", "部门", "分机"), ("000731", "陈晓", "法务部", "8012"), ("000732", "吴桐", "采购部", "8013"),
    ("000733", "孟凡", "行政部", "8014"),
)  # fmt: skip


def contacts_csv(file: Path) -> Expected:
    """A table that a Chinese Excel saved: GB18030, leading zeros."""
    content = io.StringIO()
    csv.writer(content).writerows(_ROWS)
    file.write_bytes(content.getvalue().encode("gb18030"))
    visible = tuple(text for row in _ROWS[1:] for text in row)
    return Expected(visible, (), (("000731", "陈晓", "8012"), ("000733", "孟凡", "8014")), _ROWS[0])


_EXPORT = """# 值班安排

值班电话为 0755-0000。

![图](data:image/png;base64,{data})

| 日期 | 值班人 |
| --- | --- |
| 周一 | 高远 |
| 周二 | 林夕 |

> 节假日另行通知。
"""


def export_md(file: Path) -> Expected:
    """A document that Feishu exported, with a picture inside the text."""
    file.write_text(_EXPORT.replace("{data}", "R0lGODlhAQABAIAAAAUEBA" * 300), encoding="utf-8")
    visible = (
        "值班安排",
        "值班电话为 0755-0000。",
        "日期",
        "值班人",
        "周一",
        "高远",
        "周二",
        "林夕",
        "节假日另行通知。",
    )
    return Expected(visible, ("R0lGODlhAQABAIAAAAUEBAR0lGODlh",), (("周一", "高远"), ("周二", "林夕")))


_NOTE = "会议室预订须提前一天。\n空调由行政部统一开关。\n钥匙在前台领取。\n"


def note_txt(encoding: str) -> Callable[[Path], Expected]:
    """A short Chinese text in an old encoding."""

    def write(file: Path) -> Expected:
        file.write_bytes(_NOTE.encode(encoding))
        return Expected(tuple(_NOTE.split()))

    return write


WRITERS: dict[str, Callable[[Path], Expected]] = {
    "handbook.docx": handbook_docx,
    "report.docx": report_docx,
    "allowances.xlsx": allowances_xlsx,
    "launch.pptx": launch_pptx,
    "guide.html": guide_html,
    "contacts.csv": contacts_csv,
    "export.md": export_md,
    "note-gb18030.txt": note_txt("gb18030"),
    "note-utf-16.txt": note_txt("utf-16"),
}
"""By file name."""
