"""OpenDocument files, an e-book and RTF with what in them is seen and what is not, written element by element."""

from collections.abc import Callable
from pathlib import Path

from benchmarks._reading_measures import Expected
from tests.support.open_documents import HIDDEN_TEXT, cell, e_book, frame, open_document, p, row, rtf, style, table


def rules_odt(file: Path) -> Expected:
    """Rules of a car park: a heading, a list, a merged cell, a footnote, hidden text, a deleted sentence."""
    note = '<text:note text:note-class="footnote"><text:note-citation>1</text:note-citation><text:note-body>'
    note += "<text:p>节假日另行通知</text:p></text:note-body></text:note>"
    items = "".join(f"<text:list-item>{p(text)}</text:list-item>" for text in ("凭工牌入场", "按车位停放"))
    body = (
        '<text:tracked-changes><text:changed-region text:id="c1"><text:deletion>'
        "<text:p>每月三百元</text:p></text:deletion></text:changed-region></text:tracked-changes>"
        '<text:h text:outline-level="1">停车场管理规定</text:h>'
        f"{p('月卡每月二百八十元')}<text:list>{items}</text:list>"
        f'<text:p>夜间十点后关闭{note}，<text:span text:style-name="gone">门卫电话勿外传</text:span>'
        "请提前离场。</text:p>"
        + table(
            row("车型", "首小时", "封顶"),
            row(cell("小型车", 'table:number-rows-spanned="2"'), "五元", "四十元"),
            row("<table:covered-table-cell/>", "三元", "二十元"),
        )
    )
    file.write_bytes(open_document("text", body, automatic=style("gone", "text", HIDDEN_TEXT)))
    return Expected(
        ("停车场管理规定", "月卡每月二百八十元", "凭工牌入场", "按车位停放", "夜间十点后关闭", "请提前离场。",
         "小型车", "五元", "四十元", "三元", "二十元"),
        ("每月三百元", "门卫电话勿外传"),
        (("小型车", "五元", "四十元"), ("小型车", "三元", "二十元")),
        ("车型", "首小时", "封顶", "节假日另行通知"),
    )  # fmt: skip


def stock_ods(file: Path) -> Expected:
    """A stock list: shown values, a hidden row, a hidden sheet."""
    shown = table(
        row("物料", "单价", "库存"),
        row("打印纸", cell("¥18.50", 'office:value-type="currency" office:value="18.5"'), "320 包"),
        row("停产墨盒", "¥99.00", "0 盒", more='table:visibility="collapse"'),
        row("硒鼓", cell("¥260.00", 'office:value-type="currency" office:value="260"'), "14 个"),
        name="在库",
    )
    hidden = table(row("供应商底价", "¥11.20"), name="底价", more='table:style-name="unseen"')
    unseen = style("unseen", "table", '<style:table-properties table:display="false"/>')
    file.write_bytes(open_document("spreadsheet", shown + hidden, automatic=unseen))
    return Expected(
        ("打印纸", "¥18.50", "320 包", "硒鼓", "¥260.00", "14 个"),
        ("停产墨盒", "供应商底价"),
        (("打印纸", "¥18.50", "320 包"), ("硒鼓", "¥260.00", "14 个")),
        ("物料", "单价", "库存"),
    )


def kickoff_odp(file: Path) -> Expected:
    """Two slides with a table and notes, and one that is hidden."""

    def slide(name: str, *parts: str, more: str = "") -> str:
        return f'<draw:page draw:name="{name}" {more}>{"".join(parts)}</draw:page>'

    people = table(row("前端", "周明"), row("后端", "林小满"))
    body = (
        slide("一", frame("二期启动会", top=1), frame("目标：六月底上线", top=4))
        + slide("旧", frame("已废弃的预算", top=1), more='draw:style-name="unseen"')
        + slide("二", frame("分工", top=1), f'<draw:frame svg:y="4cm">{people}</draw:frame>')
    )
    unseen = style("unseen", "drawing-page", '<style:drawing-page-properties presentation:visibility="hidden"/>')
    file.write_bytes(open_document("presentation", body, automatic=unseen))
    return Expected(
        ("二期启动会", "目标：六月底上线", "分工", "前端", "周明", "后端", "林小满"),
        ("已废弃的预算",),
        (("前端", "周明"), ("后端", "林小满")),
    )


def guide_epub(file: Path) -> Expected:
    """Two chapters with a list, a table and a part that no reader shows."""
    chapters = {
        "a.xhtml": "<h1>新人指南</h1><p>报到当天领取工牌。</p><p style='display:none'>旧版电话</p>",
        "b.xhtml": "<h1>班车</h1><ul><li>一号线七点四十</li><li>二号线七点半</li></ul>"
        "<table><tr><th>线路</th><th>票价</th></tr><tr><td>夜班专线</td><td>六元</td></tr></table>",
    }
    file.write_bytes(e_book(chapters, title="新人指南"))
    return Expected(
        ("新人指南", "报到当天领取工牌。", "班车", "一号线七点四十", "二号线七点半", "夜班专线", "六元"),
        ("旧版电话",),
        (("夜班专线", "六元"),),
        ("线路", "票价"),
    )


def notice_rtf(file: Path) -> Expected:
    """A notice: hidden text, a deletion, a table of two rows, a footnote."""
    line = r"\trowd\cellx2000\cellx4000\intbl {}\cell {}\cell\row"
    body = (
        r"\pard 放假通知\par 国庆放假七天{\footnote 值班表另发}。\par"
        r"{\v 内部口径}{\deleted 放假五天}\par"
        + line.format("值班组", "电话")
        + line.format("行政组", "8021")
        + r"\pard 请提前安排工作。\par"
    )
    file.write_bytes(rtf(body))
    return Expected(
        ("放假通知", "国庆放假七天", "行政组", "8021", "请提前安排工作。"),
        ("内部口径", "放假五天"),
        (("行政组", "8021"),),
        ("值班组", "电话", "值班表另发"),
    )


WRITERS: dict[str, Callable[[Path], Expected]] = {
    "停车规定.odt": rules_odt,
    "库存.ods": stock_ods,
    "启动会.odp": kickoff_odp,
    "新人指南.epub": guide_epub,
    "放假通知.rtf": notice_rtf,
}
