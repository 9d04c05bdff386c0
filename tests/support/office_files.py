"""Real files of office kinds, made on the spot: a Chinese PDF with a ruled table, Word, Excel, PowerPoint."""

import datetime
from collections.abc import Sequence
from pathlib import Path

PAGE_HEIGHT = 842


def write_pdf(
    file: Path,
    pages: Sequence[Sequence[str]],
    *,
    table: Sequence[Sequence[str]] = (),
    title: str = "",
    outline: Sequence[tuple[str, int]] = (),
) -> Path:
    """Each page's lines from the top; on the last page a ruled table below them, and a last line after it."""
    streams = [_lines(lines) for lines in pages]
    if table:
        streams[-1] += _table(table) + _text("表后一行。", 60, 300)
    file.write_bytes(_document(streams, title, outline))
    return file


def write_picture_pdf(file: Path) -> Path:
    """A page that holds nothing but a picture."""
    file.write_bytes(_document(["q 300 0 0 300 100 300 cm BI /W 1 /H 1 /CS /G /BPC 8 ID \x80 EI Q\n"], "", ()))
    return file


def picture_of(lines: Sequence[str], file: Path, *, font: Path, size: int = 28, tilt: float = 0.4) -> Path:
    """The lines as somebody scanned them: grey on off-white, a little askew, grainy. PDF by its name, too."""
    from PIL import Image, ImageDraw, ImageFilter, ImageFont

    letters = ImageFont.truetype(str(font), size)
    page = Image.new("L", (1240, 160 + 2 * size * len(lines)), 246)
    draw = ImageDraw.Draw(page)
    for number, line in enumerate(lines):
        draw.text((90, 80 + 2 * size * number), line, fill=40, font=letters)
    page = page.rotate(tilt, fillcolor=246, resample=Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(0.6))
    grain = Image.effect_noise(page.size, 18)
    page = Image.blend(page, grain, 0.08)
    page.convert("RGB").save(file, **({"resolution": 150.0} if file.suffix == ".pdf" else {}))
    return file


def _lines(lines: Sequence[str]) -> str:
    return "".join(_text(line, 60, 780 - 24 * number) for number, line in enumerate(lines))


def _text(text: str, x: float, y: float) -> str:
    return f"BT /F1 12 Tf {x} {y} Td <{text.encode('utf-16-be').hex()}> Tj ET\n"


def _table(rows: Sequence[Sequence[str]]) -> str:
    top, left, width, height = 600, 60, 150, 30
    bottom, right = top - height * len(rows), left + width * len(rows[0])
    lines = [f"{left} {top - height * n} m {right} {top - height * n} l S\n" for n in range(len(rows) + 1)]
    lines += [f"{left + width * n} {top} m {left + width * n} {bottom} l S\n" for n in range(len(rows[0]) + 1)]
    cells = [
        _text(cell, left + width * column + 6, top - height * row - 20)
        for row, cells in enumerate(rows)
        for column, cell in enumerate(cells)
    ]
    return "".join(lines + cells)


def _document(streams: Sequence[str], title: str, outline: Sequence[tuple[str, int]]) -> bytes:
    pages = [10 + 2 * number for number in range(len(streams))]
    first_entry = 10 + 2 * len(streams)
    outline_root = "/Outlines 8 0 R" if outline else ""
    objects = {
        1: f"<< /Type /Catalog /Pages 2 0 R {outline_root} >>",
        2: f"<< /Type /Pages /Count {len(pages)} /Kids [{' '.join(f'{page} 0 R' for page in pages)}] >>",
        3: "<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UCS2-H /DescendantFonts [4 0 R] >>",
        4: "<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light /DW 1000 /FontDescriptor 5 0 R"
        " /CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 2 >> >>",
        5: "<< /Type /FontDescriptor /FontName /STSong-Light /Flags 6 /Ascent 880 /Descent -120 /CapHeight 880"
        " /ItalicAngle 0 /StemV 93 /FontBBox [-25 -254 1000 880] >>",
        6: f"<< /Title <feff{title.encode('utf-16-be').hex()}> >>",
    }
    for page, stream in zip(pages, streams, strict=True):
        objects[page] = (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 {PAGE_HEIGHT}] /Contents {page + 1} 0 R"
            " /Resources << /Font << /F1 3 0 R >> >> >>"
        )
        objects[page + 1] = f"<< /Length {len(stream.encode('latin-1'))} >>\nstream\n{stream}\nendstream"
    if outline:
        last_entry = first_entry + len(outline) - 1
        objects[8] = f"<< /Type /Outlines /First {first_entry} 0 R /Last {last_entry} 0 R /Count {len(outline)} >>"
    for number, (heading, page) in enumerate(outline):
        following = f"/Next {first_entry + number + 1} 0 R" if number + 1 < len(outline) else ""
        title = f"<feff{heading.encode('utf-16-be').hex()}>"
        objects[first_entry + number] = f"<< /Title {title} /Parent 8 0 R /Dest [{pages[page]} 0 R /Fit] {following} >>"
    return _assembled(objects)


def _assembled(objects: dict[int, str]) -> bytes:
    content, offsets = b"%PDF-1.7\n", {}
    for number, body in sorted(objects.items()):
        offsets[number] = len(content)
        content += f"{number} 0 obj\n{body}\nendobj\n".encode("latin-1")
    start = len(content)
    rows = [f"{number} 1\n{offset:010d} 00000 n \n" for number, offset in offsets.items()]
    head = f"xref\n0 1\n0000000000 65535 f \n{''.join(rows)}"
    tail = f"trailer\n<< /Size {max(objects) + 1} /Root 1 0 R /Info 6 0 R >>\nstartxref\n{start}\n%%EOF\n"
    return content + (head + tail).encode("latin-1")


def write_docx(file: Path) -> Path:
    """Headings, a list, a table with a merged cell, in this order."""
    import docx

    document = docx.Document()
    document.core_properties.title = "采购制度"
    document.add_heading("采购流程", level=1)
    document.add_paragraph("一万元以上的采购需要三家比价。")
    document.add_paragraph("先填申请单", style="List Number")
    document.add_paragraph("再由部门负责人审批", style="List Number")
    document.add_heading("审批权限", level=2)
    table = document.add_table(rows=3, cols=3)
    for row, cells in enumerate(
        (("金额", "审批人", "时限"), ("一万元以下", "经理", "2 天"), ("一万元以上", "总监", "总监"))
    ):
        for column, text in enumerate(cells):
            table.cell(row, column).text = text
    table.cell(2, 1).merge(table.cell(2, 2))
    table.cell(2, 1).text = "总监"
    document.add_paragraph("表后说明。")
    document.save(str(file))
    return file


def write_xlsx(file: Path) -> Path:
    """A title row, a header row, three rows; a second sheet; a hidden one."""
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "价目表"
    for row in (
        ("2026 年价目", None, None),
        ("型号", "单价", "上架日"),
        ("X100", 1280.5, datetime.datetime(2026, 3, 1)),
        (None, None, None),
        ("X200", 1999, datetime.datetime(2026, 4, 15, 9, 30)),
    ):
        sheet.append(row)
    contacts = book.create_sheet("联系人")
    contacts.append(("姓名", "电话"))
    contacts.append(("王芳", "8001"))
    book.create_sheet("草稿").append(("不应出现", "x"))
    book["草稿"].sheet_state = "hidden"
    book.save(file)
    return file


def write_pptx(file: Path) -> Path:
    """Two slides: bullets with notes, and a table."""
    import pptx
    from pptx.util import Inches

    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text = "发布计划"
    slide.placeholders[1].text = "三月内测\n四月公测"
    slide.notes_slide.notes_text_frame.text = "公测前要完成安全评审。"
    second = deck.slides.add_slide(deck.slide_layouts[5])
    second.shapes.title.text = "分工"
    table = second.shapes.add_table(2, 2, Inches(1), Inches(2), Inches(6), Inches(1)).table
    for row, cells in enumerate((("角色", "人"), ("测试", "李雷"))):
        for column, text in enumerate(cells):
            table.cell(row, column).text = text
    deck.save(str(file))
    return file
