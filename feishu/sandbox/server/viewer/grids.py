"""Spreadsheets and bitables as HTML tables, with a tab for each sheet or table."""

from collections.abc import Iterable, Sequence
from html import escape

from feishu.sandbox.document_store import Cell, DocumentStore, Sheet, Table
from feishu.sandbox.server.viewer.field_values import NUMBER, Values
from feishu.sandbox.server.viewer.frame import Reader
from feishu.sandbox.server.workbook import letters

Tab = tuple[str, str]


def spreadsheet_html(store: DocumentStore, token: str, reader: Reader) -> str:
    """The sheet that the link names, or the first one; hidden ones are left out."""
    sheets = [each for each in store.spreadsheets[token] if not each.is_hidden]
    if not sheets:
        return reader.notice("empty")
    wanted = reader.asked.get("sheet", "")
    chosen = next((each for each in sheets if each.sheet_id == wanted), None)
    notices = reader.notice("no_sheet") if wanted and chosen is None else ""
    shown = chosen or sheets[0]
    tabs = [(each.sheet_id, each.title) for each in sheets]
    return notices + _tabs("sheets", token, "sheet", tabs, shown.sheet_id, reader) + _sheet(shown)


def bitable_html(store: DocumentStore, token: str, reader: Reader) -> str:
    """The table that the link names, or the first one, with the record that it names marked."""
    base = store.bases[token]
    if not base.tables:
        return reader.notice("empty")
    wanted, record = reader.asked.get("table", ""), reader.asked.get("record", "")
    chosen = next((each for each in base.tables if each.table_id == wanted), None)
    shown = chosen or base.tables[0]
    notices = reader.notice("no_table") if wanted and chosen is None else ""
    if record and all(each != record for each, _ in shown.records):
        notices += reader.notice("no_record")
    if view := reader.asked.get("view", ""):
        notices += reader.notice("view", view)
    tabs = [(each.table_id, each.name) for each in base.tables]
    tabs_html = _tabs("base", token, "table", tabs, shown.table_id, reader)
    return notices + tabs_html + _records(shown, record, Values(base, reader))


def _tabs(kind: str, token: str, parameter: str, tabs: Sequence[Tab], chosen: str, reader: Reader) -> str:
    links = "".join(
        f'<a href="{reader.href(kind, token, **{parameter: part})}"'
        f"{' aria-current=page' if part == chosen else ''}>{escape(name)}</a>"
        for part, name in tabs
    )
    return f'<nav class="tabs" data-testid="tabs">{links}</nav>'


def _grid(head: Iterable[str], rows: Iterable[str]) -> str:
    top = "".join(f"<th>{each}</th>" for each in head)
    table = f"<table><thead><tr>{top}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    return f'<div class="grid table-scroll">{table}</div>'


def _records(table: Table, record: str, values: Values) -> str:
    fields = [each for each in table.fields if each.get("is_hidden") is not True]
    fields.sort(key=lambda each: each.get("is_primary") is not True)

    def row(record_id: str, given: dict[str, object]) -> str:
        cells = "".join(
            f"<td{' class=number' if each.get('type') == NUMBER else ''}>"
            f"{values.html(given.get(each['field_name']), each)}</td>"
            for each in fields
        )
        style = " class=cited" if record_id == record else ""
        return f'<tr id="{escape(record_id)}"{style}>{cells}</tr>'

    head = (escape(str(each["field_name"])) for each in fields)
    return _grid(head, (row(record_id, given) for record_id, given in table.records))


def _sheet(sheet: Sheet) -> str:
    cells = sheet.cells()
    width = max(map(len, cells), default=0)
    visible = [at for at in range(len(cells)) if at not in sheet.hidden_rows]
    spans, covered = _merged(sheet, visible, width)

    def cell(row: int, column: int) -> str:
        if (row, column) in covered:
            return ""
        at, rows, columns = spans.get((row, column), (row, 1, 1))
        shown = cells[at][column] if column < len(cells[at]) else Cell(None)
        span = (f" rowspan={rows}" if rows > 1 else "") + (f" colspan={columns}" if columns > 1 else "")
        is_number = isinstance(shown.value, int | float) and not isinstance(shown.value, bool)
        return f"<td{span}{' class=number' if is_number else ''}>{escape(shown.text)}</td>"

    rows = (f"<tr><th>{at + 1}</th>{''.join(cell(at, column) for column in range(width))}</tr>" for at in visible)
    return _grid(["", *(letters(column + 1) for column in range(width))], rows)


def _merged(
    sheet: Sheet, visible: Sequence[int], width: int
) -> tuple[dict[tuple[int, int], tuple[int, int, int]], set[tuple[int, int]]]:
    """Where merged cells begin: the row that holds their value, and their size in visible rows and in columns; and
    the cells that they cover."""
    spans, covered = {}, set()
    for top, left, bottom, right in sheet.merges:
        rows = [at for at in visible if top <= at <= bottom]
        columns = range(left, min(right + 1, width))
        if rows and columns:
            covered |= {(row, column) for row in rows for column in columns} - {(rows[0], left)}
            spans[rows[0], left] = (top, len(rows), len(columns))
    return spans, covered
