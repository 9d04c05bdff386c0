"""A spreadsheet as the file that an export gives."""

import io
import zipfile
from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape, quoteattr

from feishu.sandbox.document_store import Cell, Sheet

_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_LINKED = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_FIRST_OWN_FORMAT = 164
_HIDDEN = ' state="hidden"'


def workbook(sheets: Sequence[Sheet]) -> bytes:
    """The bytes of an .xlsx file."""
    formats = sorted({cell.format for sheet in sheets for row in sheet.cells() for cell in row} - {"General"})
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", _content_types(len(sheets)))
        archive.writestr("_rels/.rels", _relations([("officeDocument", "xl/workbook.xml")]))
        archive.writestr("xl/workbook.xml", _book(sheets))
        targets = [("worksheet", f"worksheets/sheet{number}.xml") for number in range(1, len(sheets) + 1)]
        archive.writestr("xl/_rels/workbook.xml.rels", _relations([*targets, ("styles", "styles.xml")]))
        archive.writestr("xl/styles.xml", _styles(formats))
        for number, sheet in enumerate(sheets, 1):
            archive.writestr(f"xl/worksheets/sheet{number}.xml", _sheet(sheet, formats))
    return written.getvalue()


def _content_types(count: int) -> str:
    parts = [("/xl/workbook.xml", "sheet.main"), ("/xl/styles.xml", "styles")]
    parts += [(f"/xl/worksheets/sheet{number}.xml", "worksheet") for number in range(1, count + 1)]
    listed = "".join(f'<Override PartName="{name}" ContentType="{_TYPE}.{kind}+xml"/>' for name, kind in parts)
    rels = '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    return f'<Types xmlns="{_PACKAGE}/content-types">{rels}{listed}</Types>'


def _relations(targets: Sequence[tuple[str, str]]) -> str:
    listed = (
        f'<Relationship Id="rId{number}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, 1)
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{"".join(listed)}</Relationships>'


def _book(sheets: Sequence[Sheet]) -> str:
    listed = (
        f'<sheet name={quoteattr(sheet.title)} sheetId="{number}"{_HIDDEN if sheet.is_hidden else ""}'
        f' r:id="rId{number}"/>'
        for number, sheet in enumerate(sheets, 1)
    )
    return f"<workbook {_MAIN} {_LINKED}><sheets>{''.join(listed)}</sheets></workbook>"


def _styles(formats: Sequence[str]) -> str:
    own = "".join(
        f'<numFmt numFmtId="{_FIRST_OWN_FORMAT + at}" formatCode={quoteattr(code)}/>' for at, code in enumerate(formats)
    )
    used = "".join(f'<xf numFmtId="{_FIRST_OWN_FORMAT + at}" applyNumberFormat="1"/>' for at in range(len(formats)))
    return (
        f'<styleSheet {_MAIN}><numFmts count="{len(formats)}">{own}</numFmts><cellXfs count="{len(formats) + 1}">'
        f'<xf numFmtId="0"/>{used}</cellXfs></styleSheet>'
    )


def _sheet(sheet: Sheet, formats: Sequence[str]) -> str:
    rows = "".join(
        f'<row r="{number}"{" hidden=" + quoteattr("1") if number - 1 in sheet.hidden_rows else ""}>'
        f"{''.join(_cells(row, number, formats))}</row>"
        for number, row in enumerate(sheet.cells(), 1)
    )
    merged = "".join(f'<mergeCell ref="{_at(t, left)}:{_at(b, right)}"/>' for t, left, b, right in sheet.merges)
    merges = f'<mergeCells count="{len(sheet.merges)}">{merged}</mergeCells>' if merged else ""
    return f"<worksheet {_MAIN}><sheetData>{rows}</sheetData>{merges}</worksheet>"


def _cells(row: Sequence[Cell], number: int, formats: Sequence[str]) -> Iterator[str]:
    for column, cell in enumerate(row):
        place = f'r="{_at(number - 1, column)}"'
        if cell.value is None or cell.value == "":
            continue
        if isinstance(cell.value, bool):
            yield f'<c {place} t="b"><v>{int(cell.value)}</v></c>'
        elif isinstance(cell.value, int | float):
            style = formats.index(cell.format) + 1 if cell.format in formats else 0
            yield f'<c {place} s="{style}"><v>{cell.value!r}</v></c>'
        else:
            yield f'<c {place} t="inlineStr"><is><t xml:space="preserve">{escape(cell.value)}</t></is></c>'


def _at(row: int, column: int) -> str:
    return f"{letters(column + 1)}{row + 1}"


def letters(column: int) -> str:
    """The name of a column, from 1."""
    name = ""
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return name
