"""Spreadsheets: exported as a file, which has everything a person sees; cell by cell where that is not allowed.

The values API computes no references across sheets and no array formulas, formats no number where dates are formatted,
and tells neither hidden rows nor columns (sheets-v2 values); an export has all of it in one job for a spreadsheet, and
is read by the reader of Excel files. It needs a scope of its own and the right to export the file.
Sources: open.feishu.cn/document sheets-v3/spreadsheet-sheet/query, sheets-v2/values, drive-v1/export_task.
"""

from typing import Any

from feishu.api.client import FeishuClient
from feishu.api.endpoints import SHEET_VALUES, SHEETS
from feishu.documents.downloads import NOT_EXPORTABLE, TOO_MUCH, Downloads
from feishu.documents.listing import Page
from feishu.documents.parts import Anchor, Attached, Pieces, SheetGrid
from feishu.errors import ApiError

MOST_COLUMNS = 100
"""Of one range; open ranges give no more, either."""
ROWS_AT_ONCE = 5_000
MOST_ROWS = 100_000
_NO_RIGHT = "the app may not export it (the scope docs:document:export, and the right to export the file)"
_TOO_LARGE = "it is too large for an export"
_LESS = "hidden rows and columns cannot be told, references to other sheets and array formulas may lack their values"

Sheet = dict[str, Any]


class Sheets:
    """Reads spreadsheets as one app."""

    def __init__(self, client: FeishuClient, downloads: Downloads, *, include_hidden: bool = False) -> None:
        self._client = client
        self._downloads = downloads
        self._include_hidden = include_hidden

    async def content(self, page: Page) -> Pieces:
        """A whole spreadsheet, or the one sheet that the page names. Raises `FeishuError`."""
        sheets = await self._listed(page.token)
        if page.part and any(each.get("sheet_id") == page.part for each in sheets):
            return await self._by_cells(page.token, [each for each in sheets if each.get("sheet_id") == page.part])
        try:
            file_token = await self._downloads.export(page.token, "sheet", "xlsx")
        except ApiError as error:
            if error.code not in NOT_EXPORTABLE | TOO_MUCH:
                raise
            found = await self._by_cells(page.token, sheets)
            why = _TOO_LARGE if error.code in TOO_MUCH else _NO_RIGHT
            return Pieces(found.parts, (f"was read cell by cell, since {why}: {_LESS}", *found.notes))
        ids = {str(each.get("title", "")): str(each.get("sheet_id", "")) for each in sheets}
        file = Attached("file", file_token, f"{page.title or 'sheet'}.xlsx", "export", sheets=ids)
        return Pieces((file,), _embedded(sheets))

    async def sheet(self, token: str, sheet_id: str) -> Pieces:
        """One sheet, as documents have them inside. Raises `FeishuError`."""
        sheets = [each for each in await self._listed(token) if each.get("sheet_id") == sheet_id]
        return await self._by_cells(token, sheets)

    async def _listed(self, token: str) -> list[Sheet]:
        reply = await self._client.call(SHEETS, path={"token": token})
        found = [each for each in reply.get("sheets") or [] if isinstance(each, dict)]
        return sorted(found, key=lambda each: _count(each.get("index")))

    async def _by_cells(self, token: str, sheets: list[Sheet]) -> Pieces:
        parts, notes = [], list(_embedded(sheets))
        hidden = [str(each.get("title", "")) for each in sheets if each.get("hidden")]
        for sheet in sheets:
            if sheet.get("resource_type", "sheet") != "sheet" or (sheet.get("hidden") and not self._include_hidden):
                continue
            title = str(sheet.get("title", ""))
            rows, cut = await self._rows(token, sheet)
            notes += [f"left out in the sheet {title}: {each}" for each in cut]
            if rows:
                filled = _filled(rows, sheet.get("merges"))
                parts.append(SheetGrid(title, filled, Anchor("sheet", title, str(sheet.get("sheet_id", "")))))
        if hidden and not self._include_hidden:
            notes.append(f"{len(hidden)} hidden sheet{'' if len(hidden) == 1 else 's'} left out: {', '.join(hidden)}")
        return Pieces(tuple(parts), tuple(notes))

    async def _rows(self, token: str, sheet: Sheet) -> tuple[list[list[str]], list[str]]:
        """The cells as text, and what of them was left out."""
        size = sheet.get("grid_properties")
        size = size if isinstance(size, dict) else {}
        height, width = _count(size.get("row_count")), _count(size.get("column_count"))
        cut = [f"columns after the first {MOST_COLUMNS}"] if width > MOST_COLUMNS else []
        cut += [f"rows after the first {MOST_ROWS}"] if height > MOST_ROWS else []
        last = _letters(min(width, MOST_COLUMNS))
        found: list[list[str]] = []
        for first in range(1, min(height, MOST_ROWS) + 1, ROWS_AT_ONCE):
            end = min(first + ROWS_AT_ONCE - 1, height, MOST_ROWS)
            found += await self._range(token, f"{sheet.get('sheet_id', '')}!A{first}:{last}{end}")
        while found and not any(found[-1]):
            found.pop()
        return found, cut

    async def _range(self, token: str, cells: str) -> list[list[str]]:
        params = {"valueRenderOption": "FormattedValue", "dateTimeRenderOption": "FormattedString"}
        reply = await self._client.call(SHEET_VALUES, path={"token": token, "range": cells}, params=params)
        answered = reply.get("valueRange")
        values = answered.get("values") if isinstance(answered, dict) else None
        return [[_shown(value) for value in row] for row in values or [] if isinstance(row, list)]


def _embedded(sheets: list[Sheet]) -> tuple[str, ...]:
    """Sheets of a spreadsheet that are no sheets."""
    others = [str(each.get("title", "")) for each in sheets if each.get("resource_type", "sheet") != "sheet"]
    return (f"not read, since they are no sheets: {', '.join(others)}",) if others else ()


def _filled(rows: list[list[str]], merges: object) -> tuple[tuple[str, ...], ...]:
    """Every cell of a merged span with the value of its first."""
    width = max(map(len, rows))
    full = [[*row, *[""] * (width - len(row))] for row in rows]
    for merge in merges if isinstance(merges, list) else []:
        if not isinstance(merge, dict):
            continue
        top, left = _count(merge.get("start_row_index")), _count(merge.get("start_column_index"))
        bottom, right = _count(merge.get("end_row_index")), _count(merge.get("end_column_index"))
        if top < len(full) and left < width and full[top][left]:
            for row in full[top : bottom + 1]:
                row[left : right + 1] = [full[top][left]] * len(row[left : right + 1])
    return tuple(tuple(row) for row in full)


def _shown(value: object) -> str:
    """A cell as it is read: segments of links, mentions and styles by their words."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, list):
        return "".join(_shown(each) for each in value)
    if isinstance(value, dict):
        return str(value.get("text") or value.get("name") or "")
    return str(value)


def _letters(column: int) -> str:
    """The name of a column, from 1: A, Z, AA."""
    name = ""
    while column > 0:
        column, rest = divmod(column - 1, 26)
        name = chr(ord("A") + rest) + name
    return name or "A"


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
