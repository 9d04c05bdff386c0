"""Spreadsheets: which sheets there are, and their cells (sheets-v3/spreadsheet-sheet/query, sheets-v2/values)."""

import re
from typing import Any

from feishu.sandbox.document_store import Cell, Sheet
from feishu.sandbox.refusal import Refused
from feishu.sandbox.rules.platform import Call, Platform
from feishu.sandbox.rules.rates import Window, too_frequent

SHEETS_WINDOW = Window(100, 60.0)
MOST_BYTES = 10_000_000
_RANGE = re.compile(r"(?P<sheet>[^!]+)!(?P<left>[A-Z]+)(?P<top>\d+):(?P<right>[A-Z]+)(?P<bottom>\d+)$")


def listed(platform: Platform, call: Call) -> dict[str, Any]:
    """GET /sheets/v3/spreadsheets/:token/sheets/query."""
    platform.rates.take(
        ("sheets", call.app.app_id),
        SHEETS_WINDOW,
        lambda wait_s: too_frequent(wait_s, SHEETS_WINDOW, rule="sheets_rate"),
    )
    return {"data": {"sheets": [_shown(each, at) for at, each in enumerate(_sheets(platform, call))]}}


def values(platform: Platform, call: Call) -> dict[str, Any]:
    """GET /sheets/v2/spreadsheets/:token/values/:range."""
    sheets = _sheets(platform, call)
    asked = _RANGE.match(call.path["range"])
    sheet = next((each for each in sheets if asked and each.sheet_id == asked["sheet"]), None)
    if asked is None or sheet is None:
        raise Refused(90202, "wrong range", "parameters")
    left, right = _column(asked["left"]), _column(asked["right"])
    rows = sheet.cells()[int(asked["top"]) - 1 : int(asked["bottom"])]
    option = call.query.get("valueRenderOption", "")
    found = [[_rendered(cell, option) for cell in row[left - 1 : right]] for row in rows]
    if sum(len(str(cell)) for row in found for cell in row) > MOST_BYTES:
        raise Refused(90221, "TooLargeResponse", "range", 400)
    answer = {"majorDimension": "ROWS", "range": call.path["range"], "revision": 1, "values": found}
    return {"data": {"revision": 1, "spreadsheetToken": call.path["token"], "valueRange": answer}}


def _sheets(platform: Platform, call: Call) -> list[Sheet]:
    token = call.path["token"]
    platform.require(call.app, token, 1310213, 400)
    if token not in platform.documents.spreadsheets:
        raise Refused(1310214, "SpreadSheet Not Found", None, 400)
    return platform.documents.spreadsheets[token]


def _shown(sheet: Sheet, index: int) -> dict[str, Any]:
    size = {"row_count": max(len(sheet.rows), 200), "column_count": max([20, *map(len, sheet.rows)])}
    frozen = {"frozen_row_count": 0, "frozen_column_count": 0}
    keys = ("start_row_index", "start_column_index", "end_row_index", "end_column_index")
    merges = [dict(zip(keys, merge, strict=True)) for merge in sheet.merges]
    told = {"sheet_id": sheet.sheet_id, "title": sheet.title, "index": index, "hidden": sheet.is_hidden}
    told |= {"grid_properties": frozen | size, "resource_type": "sheet"}
    return told | ({"merges": merges} if merges else {})


def _rendered(cell: Cell, option: str) -> Any:
    if cell.value is None or cell.value == "":
        return None
    if option in ("FormattedValue", "ToString") and not (option == "ToString" and isinstance(cell.value, int | float)):
        return cell.text
    return cell.value


def _column(name: str) -> int:
    number = 0
    for letter in name:
        number = number * 26 + ord(letter) - 64
    return number
