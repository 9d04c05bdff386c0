"""PDF pages as a person reads them: columns, tables, forms, notes, headers, scans."""

import pytest

from rag.ingestion.readers.parsed import CannotRead, Parsed
from rag.ingestion.readers.pdf import joined_lines, read_pdf
from rag.ingestion.readers.pdf_layout import joined
from tests.support.pdf_pages import FONT, PdfPage, hexed, jpeg_of, pdf_of, scan

pytest.importorskip("pypdfium2")
pytest.importorskip("pdfplumber")
LEFT = [
    "一、借款。员工因公借款须填写",
    "借款单，单笔不超过三千元，由",
    "主管签字，并在三十日内归还，",
    "逾期的从工资中扣除。",
]
RIGHT = [
    "二、备用金。各部门备用金上限",
    "为五千元，每季度末清点一次，",
    "差异须在两个工作日内说明，由",
    "财务部核对并存档。",
]
THIRD = ["三、印章。公章由行政部保管，", "使用须登记，外借须经总经理批", "准，当日归还，不得在空白的纸", "上盖章。"]
ENGLISH = [
    "Travel expenses are paid back when the receipts",
    "have been handed in within fifteen days of the",
    "return, together with the form that was appro-",
    "ved before the journey began, by the manager.",
]


def read(*pages: PdfPage) -> Parsed:
    return read_pdf(pdf_of(*pages))


def flat(parsed: Parsed) -> str:
    return "".join(parsed.text.split())


@pytest.mark.parametrize("shift", [0, 7])
def test_two_columns_with_a_title_and_a_footnote_across(shift: int) -> None:
    page = PdfPage()
    page.text("员工借款与备用金管理办法及其各项附则的说明", 120, 60, size=18)
    page.lines(LEFT, 60, 110)
    page.lines(RIGHT, 320, 110 + shift)
    page.text("注：本办法自二〇二六年三月一日起施行，由财务部负责解释，原办法同时废止，其他规定照旧。", 60, 780, size=9)
    text = flat(read(page))
    assert text.startswith("员工借款与备用金管理办法")
    assert "须填写借款单，单笔不超过三千元，由主管签字，并在三十日内归还，逾期的从工资中扣除。二、备用金" in text
    assert "上限为五千元，每季度末清点一次" in text and "照旧。" in text[-4:]


def test_columns_written_line_by_line_three_of_them() -> None:
    page = PdfPage()
    for number, (one, two, three) in enumerate(zip(LEFT, RIGHT, THIRD, strict=True)):
        for words, x in ((one, 30), (two, 215), (three, 400)):
            page.text(words, x, 100 + 18 * number)
    text = flat(read(page))
    assert text == "".join((*LEFT, *RIGHT, *THIRD))


def test_english_columns_and_hyphens() -> None:
    page = PdfPage()
    page.lines(ENGLISH, 50, 100)
    page.lines([line.replace("Travel", "Hotel") for line in ENGLISH], 320, 100)
    text = read(page).text
    assert "receipts have been handed in" in text and "approved before" in text
    assert text.index("manager.") < text.index("Hotel")


def test_labels_with_their_values_are_no_columns() -> None:
    page = PdfPage()
    pairs = [
        ("员工姓名", "王芳"),
        ("所属部门", "财务部"),
        ("入职日期", "2026-03-01"),
        ("住宿标准", "每晚六百元"),
        ("联系电话", "8001"),
        ("紧急联系人", "李雷"),
    ]
    for number, (name, value) in enumerate(pairs):
        page.text(name, 60, 100 + 24 * number)
        page.text(value, 330, 100 + 24 * number)
    assert read(page).text.split("\n")[:6] == [f"{name} {value}" for name, value in pairs]


def table(page: PdfPage, rows: list[list[str]], left: float, top: float, width: float = 110) -> None:
    right, bottom = left + width * len(rows[0]), top + 30 * len(rows)
    for number in range(len(rows) + 1):
        page.rule(left, top + 30 * number, right, top + 30 * number)
    for number in range(len(rows[0]) + 1):
        page.rule(left + width * number, top, left + width * number, bottom)
    for row, cells in enumerate(rows):
        for column, cell in enumerate(cells):
            page.text(cell, left + width * column + 5, top + 30 * row + 20)


TABLE = [["城市", "经理", "员工"], ["北京", "600", "500"], ["成都", "420", "350"]]
MARKDOWN = "| 城市 | 经理 | 员工 |\n| --- | --- | --- |\n| 北京 | 600 | 500 |\n| 成都 | 420 | 350 |"


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
def test_a_ruled_table_below_columns_stays_one_on_turned_pages_too(rotate: int) -> None:
    page = PdfPage()
    page.lines(LEFT, 60, 80)
    page.lines(RIGHT, 320, 80)
    table(page, TABLE, 60, 300)
    turned = PdfPage(rotate=rotate)
    matrix = {0: "1 0 0 1 0 0", 90: "0 1 -1 0 842 0", 180: "-1 0 0 -1 595 842", 270: "0 -1 1 0 0 595"}[rotate]
    turned.size = (842, 595) if rotate % 180 else (595, 842)
    turned.content = f"q {matrix} cm {page.content} Q"
    text = read(turned).text
    assert MARKDOWN in text
    assert flat(read(turned)).index("从工资中扣除") < flat(read(turned)).index("二、备用金")


def test_a_table_inside_of_a_column_stays_in_it() -> None:
    page = PdfPage()
    page.lines(LEFT, 50, 80)
    table(page, TABLE, 50, 170, 75)
    page.lines(THIRD, 50, 290)
    page.lines(RIGHT * 3, 320, 80)
    text = read(page).text
    assert MARKDOWN in text
    assert text.index("工资中扣除") < text.index("成都") < text.index("三、印章") < text.index("二、备用金")


def test_the_same_form_on_every_page_is_no_header() -> None:
    pages = []
    for number in range(4):
        page = PdfPage()
        table(page, [["工号", "姓名"], [str(1000 + 7 * number), "王芳"]], 60, 30)
        page.text(f"第{'一二三四'[number]}人", 60, 300)
        pages.append(page)
    assert read(*pages).text.count("王芳") == 4


@pytest.mark.parametrize("boxes", ["[0 0 595 842] /CropBox [40 40 560 800]", "[100 50 695 892]"])
def test_boxes_of_pages_that_do_not_begin_at_zero(boxes: str) -> None:
    page = PdfPage()
    page.text("表前的一行。", 60, 90)
    table(page, TABLE, 60, 300)
    page.text("裁掉", 5, 835)
    if boxes.startswith("[100"):
        page.content = f"q 1 0 0 1 100 50 cm {page.content} Q"
    content = pdf_of(page).replace(b"[0 0 595 842]", boxes.encode())
    text = read_pdf(content).text
    assert text.startswith("表前的一行。") and MARKDOWN in text
    assert ("裁掉" in text) == boxes.startswith("[100")


def test_merged_cells_of_a_ruled_table_fill_their_places() -> None:
    page = PdfPage()
    for y in (100, 130, 190):
        page.rule(60, y, 390, y)
    page.rule(170, 160, 390, 160)
    for x in (60, 170, 280, 390):
        page.rule(x, 100, x, 190)
    for words, x, y in (("地区", 65, 120), ("职级", 175, 120), ("上限", 285, 120), ("西北", 65, 165)):
        page.text(words, x, y)
    for words, x, y in (("经理", 175, 150), ("520", 285, 150), ("员工", 175, 180), ("360", 285, 180)):
        page.text(words, x, y)
    assert "| 西北 | 经理 | 520 |\n| 西北 | 员工 | 360 |" in read(page).text


def test_text_that_is_turned_on_its_page() -> None:
    page = PdfPage()
    for number, line in enumerate(LEFT):
        page.text(line, 100 + 18 * number, 700, quarter=True)
    page.text("旁注", 300, 400)
    text = flat(read(page))
    assert "".join(LEFT) in text and "旁注" in text


def test_headers_footers_and_page_numbers_that_repeat() -> None:
    pages = []
    for number in range(1, 6):
        page = PdfPage()
        page.text("某某公司员工手册 HR-2026-041", 60, 40, size=9)
        page.text(f"第 {number} 页 共 5 页", 260, 815, size=9)
        page.text(f"工号 {1000 + number * 37}", 60, 70)
        page.lines([f"第{'一二三四五'[number - 1]}章的正文。", "完。"], 60, 300)
        pages.append(page)
    parsed = read(*pages)
    assert parsed.text.count("HR-2026-041") == 1 and "共 5 页" not in parsed.text
    assert all(f"工号 {1000 + number * 37}" in parsed.text for number in range(1, 6))
    assert parsed.text.count("完。") == 5 and "2 headers or footers that repeat" in parsed.notes[0]
    two = read(*pages[:2])
    assert two.text.count("HR-2026-041") == 2 and two.notes == ()


def test_page_numbers_of_wide_pages_and_of_few_pages() -> None:
    pages = []
    for number in range(1, 9):
        page = PdfPage(size=(842, 595))
        page.text(f"第{'一二三四五六七八'[number - 1]}张的正文。", 60, 300)
        if number % 2:
            page.text(str(number), 420, 575)
        pages.append(page)
    assert not any(line.isdigit() for line in read(*pages).text.split("\n"))


def form() -> PdfPage:
    page = PdfPage()
    page.text("姓名：", 60, 100)
    page.annotation(120, 88, 300, 104, f"/Subtype /Widget /FT /Tx /T (name) /V {hexed('王芳')} /F 4")
    page.text("同意夜班", 80, 140)
    page.annotation(60, 128, 72, 142, "/Subtype /Widget /FT /Btn /T (night) /V /Yes /AS /Yes /F 4")
    page.text("同意出差", 80, 170)
    page.annotation(60, 158, 72, 172, "/Subtype /Widget /FT /Btn /T (trip) /V /Off /AS /Off /F 4")
    options = f"/Opt [{hexed('北京')} {hexed('成都')}] /V {hexed('成都')} /TU {hexed('城市')}"
    page.annotation(60, 218, 200, 234, f"/Subtype /Widget /FT /Ch /Ff 131072 /T (city) {options} /F 4")
    page.annotation(60, 258, 200, 274, f"/Subtype /Widget /FT /Tx /T (secret) /V {hexed('藏')} /F 2")
    return page


def test_values_of_forms_stand_beside_their_labels() -> None:
    parsed = read(form())
    assert parsed.text.strip().split("\n") == ["姓名： 王芳", "☑同意夜班", "☐同意出差", "城市：成都"]
    assert parsed.notes == ("1 hidden fields or annotations were left out",)


def test_values_inside_of_a_table_stand_in_its_cells() -> None:
    page = PdfPage()
    table(page, [["姓名", "电话"], ["王芳", ""]], 60, 100)
    page.annotation(172, 135, 275, 155, f"/Subtype /Widget /FT /Tx /T (phone) /V {hexed('8001')} /F 4")
    assert read(page).text.strip() == "| 姓名 | 电话 |\n| --- | --- |\n| 王芳 | 8001 |"


def test_annotations_are_read_and_links_are_not() -> None:
    page = PdfPage()
    page.text("报销须在十日内提出。", 60, 100)
    page.annotation(60, 150, 300, 170, f"/Subtype /FreeText /Contents {hexed('打字机注释')}")
    page.annotation(60, 90, 80, 104, f"/Subtype /Text /Contents {hexed('改为十五日')}")
    page.annotation(
        60, 90, 80, 104, f"/Subtype /Link /Contents {hexed('链接')} /A << /S /URI /URI (https://a.example) >>"
    )
    text = read(page).text
    assert "打字机注释" in text and "> 改为十五日" in text and "链接" not in text and "a.example" not in text


def test_a_file_that_needs_no_password_is_read_and_others_are_named() -> None:
    page = PdfPage()
    page.text("加密的一页。", 60, 100)
    table(page, TABLE, 60, 300)
    parsed = read_pdf(pdf_of(page, password=""))
    assert "加密的一页。" in parsed.text and MARKDOWN in parsed.text
    with pytest.raises(CannotRead, match="is a password-protected PDF; remove the password and save it again"):
        read_pdf(pdf_of(page, password="geheim"))
    with pytest.raises(CannotRead, match="damaged or cut off"):
        read_pdf(b"%PDF-1.7\n" + b"x" * 99)


@pytest.mark.skipif(not FONT.is_file(), reason="no Chinese font")
def test_without_the_extra_pictures_are_counted_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.ingestion.readers.pdf.can_ocr", lambda: False)
    with pytest.raises(CannotRead, match=r"1 of 1 pages hold pictures only.*ocr"):
        read(scan(stamp="Internal"))
    page = PdfPage()
    page.lines(LEFT, 60, 80)
    page.picture(jpeg_of(["室外车位"], FONT, height=500), 60, 400, 450, 190)
    parsed = read(page, scan(stamp="Internal"))
    assert "Internal" in parsed.text
    assert parsed.notes[0].startswith("1 of 2 pages hold pictures only")
    assert parsed.notes[1].startswith("pictures on 1 pages (1) were not read; pip install")


@pytest.mark.skipif(not FONT.is_file(), reason="no Chinese font")
def test_text_over_a_background_and_a_scan_with_its_own_layer_need_no_ocr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.ingestion.readers.pdf.can_ocr", lambda: False)
    for mode in (0, 3):
        page = PdfPage()
        page.picture(jpeg_of([], FONT), 0, 0, 595, 842)
        for number in range(30):
            page.text("背景之上的一整行文字，" * 4, 40, 60 + 24 * number, mode=mode)
        parsed = read(page)
        assert "背景之上" in parsed.text
        assert parsed.notes == (("1 scanned pages have a text of their own, which was read",) if mode else ())


def test_hyphens_of_compounds_stay() -> None:
    assert joined_lines("A long line that ends in some docu-\nmentation of it.").endswith("documentation of it.")
    assert "state-owned" in joined_lines("One state-owned firm and another state-\nowned firm of that kind.")[20:]
    assert "COVID-19" in joined_lines("Rules for the time of the COVID-\n19 years.")


def test_words_that_are_set_closely_keep_the_spaces_between_them() -> None:
    """TeX moves the next word by less than a space of the font and writes no space."""
    page = PdfPage()
    page.content = (
        "BT /F2 10 Tf 1 0 0 1 60 700 Tm [(the common requirement) -170 (of) -170 (coordinating) -170 (agents)] TJ ET\n"
    )
    assert read(page).text.strip() == "the common requirement of coordinating agents"


@pytest.mark.parametrize(
    ("before", "after", "whole"),
    [("보험", "금융", "보험 금융"), ("员工", "手册", "员工手册"), ("the", "end", "the end"), ("第", "3", "第3")],
)
def test_scripts_with_spaces_keep_them_where_lines_are_joined(before: str, after: str, whole: str) -> None:
    assert joined(before, after) == whole
