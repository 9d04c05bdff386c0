"""Excel files for tests: made by a library, or written element by element where no library would."""

import io
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_KINDS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"

Rows = Sequence[Sequence[object]]


def xlsx(*sheets: Rows, change: Callable[[Any], object] | None = None) -> bytes:
    """A book of these rows; `change` may do more to it."""
    import openpyxl

    book = openpyxl.Workbook()
    book.remove(book.active)
    for number, rows in enumerate(sheets, 1):
        sheet = book.create_sheet(f"表{number}")
        for row in rows:
            sheet.append(row)
    if change is not None:
        change(book)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def on_first(change: Callable[[Any], object]) -> Callable[[Any], object]:
    """A change to the first sheet."""
    return lambda book: change(book.worksheets[0])


def raw_xlsx(
    rows: str,
    *,
    before: str = "",
    after: str = "",
    book: str = "",
    styles: str = "",
    main: str = MAIN,
    parts: Sequence[tuple[str, str]] = (),
) -> bytes:
    """A book of one sheet, 表1, from the XML of its rows and of what stands before and after them."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("_rels/.rels", relations(("officeDocument", "xl/workbook.xml")))
        archive.writestr("xl/_rels/workbook.xml.rels", relations(("worksheet", "worksheets/sheet1.xml")))
        sheets = '<sheets><sheet name="表1" sheetId="1" r:id="r1"/></sheets>'
        archive.writestr("xl/workbook.xml", f'<workbook xmlns="{main}" xmlns:r="{_KINDS}">{sheets}{book}</workbook>')
        archive.writestr("xl/styles.xml", f'<styleSheet xmlns="{main}">{styles}</styleSheet>')
        sheet = f'<worksheet xmlns="{main}" xmlns:r="{_KINDS}">{before}<sheetData>{rows}</sheetData>{after}</worksheet>'
        archive.writestr("xl/worksheets/sheet1.xml", sheet)
        for name, text in parts:
            archive.writestr(name, text)
    return content.getvalue()


def relations(*targets: tuple[str, str]) -> str:
    """What a part refers to, numbered r1, r2 …"""
    each = "".join(
        f'<Relationship Id="r{number}" Type="{_KINDS}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, 1)
    )
    return f'<Relationships xmlns="{_RELATIONS}">{each}</Relationships>'


def text_cell(reference: str, text: str) -> str:
    """A cell of text."""
    return f'<c r="{reference}" t="inlineStr"><is><t>{text}</t></is></c>'


def number_cell(reference: str, value: object, style: int = 0) -> str:
    """A cell of a number."""
    return f'<c r="{reference}" s="{style}"><v>{value}</v></c>'


def raw_row(number: int, *cells: str) -> str:
    """A row."""
    return f'<row r="{number}">{"".join(cells)}</row>'
