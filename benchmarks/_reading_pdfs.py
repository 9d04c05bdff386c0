"""PDF files made by reportlab, with what in them is seen."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks._reading_measures import Expected

WIDTH, HEIGHT = 595, 842
_FONT = "STSong-Light"
_LEFT = (
    "第一节 借款", "员工因公借款须填写借款单，", "单笔不超过三千元，由主管", "签字后到财务部领取。借款",
    "须在三十日内归还，逾期从",
    "工资中扣除。",
)  # fmt: skip
_RIGHT = (
    "第二节 备用金", "各部门备用金上限为五千元，", "每季度末清点一次，差异须", "在两个工作日内书面说明，",
    "由部门负责人与财务共同签",
    "字确认。",
)  # fmt: skip
_RATES = (("城市", "经理", "员工"), ("北京", "700元", "500元"), ("成都", "480元", "360元"), ("兰州", "420元", "330元"))


def _canvas(file: Path) -> Any:
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfgen.canvas import Canvas

    pdfmetrics.registerFont(UnicodeCIDFont(_FONT))
    canvas = Canvas(str(file), pagesize=(WIDTH, HEIGHT))
    canvas.setFont(_FONT, 12)
    return canvas


def _lines(canvas: Any, lines: tuple[str, ...], x: float, y: float) -> None:
    canvas.setFont(_FONT, 12)
    for number, line in enumerate(lines):
        canvas.drawString(x, HEIGHT - y - 20 * number, line)


def columns_pdf(file: Path) -> Expected:
    """Two columns, whose lines stand beside each other, written line by line as some programs do."""
    canvas = _canvas(file)
    _lines(canvas, ("财务制度汇编",), 240, 60)
    for number, (left, right) in enumerate(zip(_LEFT, _RIGHT, strict=True)):
        _lines(canvas, (left,), 60, 110 + 20 * number)
        _lines(canvas, (right,), 320, 110 + 20 * number)
    canvas.save()
    visible = (
        "财务制度汇编", "第一节 借款", "员工因公借款须填写借款单，单笔不超过三千元，由主管签字后到财务部领取。",
        "借款须在三十日内归还，逾期从工资中扣除。", "第二节 备用金", "各部门备用金上限为五千元，每季度末清点一次，",
        "差异须在两个工作日内书面说明，由部门负责人与财务共同签字确认。",
    )  # fmt: skip
    return Expected(visible)


def ruled_pdf(file: Path) -> Expected:
    """A table with lines between text."""
    return _table(file, has_rules=True)


def unruled_pdf(file: Path) -> Expected:
    """A table without lines."""
    return _table(file, has_rules=False)


def _table(file: Path, *, has_rules: bool) -> Expected:
    canvas = _canvas(file)
    _lines(canvas, ("住宿费标准如下。",), 60, 80)
    top, left, height, width = 110, 60, 24, 120
    for row, cells in enumerate(_RATES):
        for column, text in enumerate(cells):
            _lines(canvas, (text,), left + width * column + 6, top + height * row + 17)
    if has_rules:
        edges = [HEIGHT - top - height * row for row in range(len(_RATES) + 1)]
        canvas.grid([left + width * column for column in range(4)], edges)
    _lines(canvas, ("以上标准含早餐。",), 60, 260)
    canvas.save()
    visible = ("住宿费标准如下。", *(text for row in _RATES for text in row), "以上标准含早餐。")
    return Expected(visible, (), tuple(_RATES[1:]))


def form_pdf(file: Path) -> Expected:
    """A form that somebody filled in."""
    canvas = _canvas(file)
    _lines(canvas, ("离职交接单",), 240, 60)
    values = (("Name", "Wang Fang"), ("Laptop", "returned"), ("Badge", "No. 4471"))
    for number, (label, value) in enumerate(values):
        y = HEIGHT - 120 - 40 * number
        canvas.setFont("Helvetica", 12)
        canvas.drawString(60, y + 6, label)
        canvas.acroForm.textfield(name=label, value=value, x=160, y=y, width=200, height=20, fontSize=12)
    canvas.save()
    return Expected(("离职交接单", *(text for row in values for text in row)), (), values)


def headers_pdf(file: Path) -> Expected:
    """Six pages with a header and page numbers, each with a sentence that runs on to the next page's."""
    canvas = _canvas(file)
    visible = ["云帆科技内部资料"]
    for number, name in enumerate(("甲", "乙", "丙", "丁", "戊", "己"), 1):
        _lines(canvas, ("云帆科技内部资料",), 60, 40)
        _lines(canvas, (f"{name}类设备每年检修{number}次。", f"{name}类设备由设备部登记。"), 60, 110)
        _lines(canvas, (f"第 {number} 页 共 6 页",), 260, 810)
        visible += [f"{name}类设备每年检修{number}次。", f"{name}类设备由设备部登记。"]
        canvas.showPage()
    canvas.save()
    return Expected(tuple(visible), ("第 3 页 共 6 页", "第 5 页 共 6 页"))


def scan_pdf(file: Path) -> Expected:
    """A page that is a picture, and a line of letters upon it, as a stamp of a scanner."""
    import io

    from PIL import Image, ImageDraw, ImageFont
    from reportlab.lib.utils import ImageReader

    page = Image.new("L", (1240, 1754), 248)
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(size=34)
    lines = ("Visitors sign in at the gate", "Parking costs eight yuan an hour", "Lost badges cost twenty yuan")
    for number, line in enumerate(lines):
        draw.text((120, 180 + 90 * number), line, fill=30, font=font)
    content = io.BytesIO()
    page.save(content, "PNG")
    content.seek(0)
    canvas = _canvas(file)
    canvas.drawImage(ImageReader(content), 0, 0, WIDTH, HEIGHT)
    _lines(canvas, ("扫描件 0041",), 440, 820)
    canvas.save()
    return Expected(lines)


WRITERS: dict[str, Callable[[Path], Expected]] = {
    "columns.pdf": columns_pdf,
    "ruled.pdf": ruled_pdf,
    "unruled.pdf": unruled_pdf,
    "form.pdf": form_pdf,
    "headers.pdf": headers_pdf,
    "scan.pdf": scan_pdf,
}
"""By file name."""
