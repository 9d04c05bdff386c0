"""The values of a bitable's records as a person sees them (bitable-v1, app-table-record data structure).

Written apart from the client's own reading of them, so that one checks the other.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

from feishu.sandbox.document_store import Bitable
from feishu.sandbox.server.viewer.frame import Reader

NUMBER, DATE, CHECKBOX, URL, ATTACHMENT, LINK, LOOKUP, FORMULA, TWO_WAY = 2, 5, 7, 15, 17, 18, 19, 20, 21
DATES = (DATE, 1001, 1002)
_SIGNS = {"CNY": "¥", "JPY": "¥", "USD": "$", "EUR": "€", "GBP": "£"}
_DATE = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}

Json = dict[str, Any]


class Values:
    """Shows values of one base: its time zone, and the names of records that others link to."""

    def __init__(self, base: Bitable, reader: Reader) -> None:
        self._reader = reader
        self._zone = _zone(base.time_zone)
        self._names: dict[str, str] = {}
        for table in base.tables:
            for primary in (each for each in table.fields if each.get("is_primary") is True):
                for record_id, given in table.records:
                    self._names[record_id] = self.text(given.get(primary["field_name"]), primary)

    def html(self, value: object, field: Json) -> str:
        """A value in a cell: attachments and addresses are links."""
        kind = field.get("type")
        if kind == ATTACHMENT:
            return " ".join(
                f'<a href="{self._reader.href("file", str(each["file_token"]))}">{escape(_words(each))}</a>'
                for each in _listed(value)
                if isinstance(each, dict) and each.get("file_token")
            )
        if kind == URL and isinstance(value, dict):
            return self._reader.link(str(value.get("link") or ""), escape(_words(value)))
        return escape(self.text(value, field))

    def text(self, value: object, field: Json) -> str:
        """A value in words."""
        if value is None:
            return ""
        kind = field.get("type")
        looks = field.get("property") or {}
        if kind in (LOOKUP, FORMULA) and isinstance(value, dict) and "value" in value:
            typed = looks.get("type") or {}
            more = typed.get("ui_property") if isinstance(typed, dict) else None
            kind, value, looks = value.get("type"), value["value"], looks | (more or {})
        if kind == NUMBER:
            return "、".join(_number(each, looks) for each in _listed(value))
        if kind in DATES:
            return "、".join(_date(each, looks, self._zone) for each in _listed(value))
        if kind == CHECKBOX:
            return "☑" if value is True else "☐"
        if kind in (LINK, TWO_WAY):
            return "、".join(self._names.get(each, each) for each in _linked(value))
        return _words(value)


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _words(value: object) -> str:
    """What names itself; the pieces of a text run on, other lists are parted."""
    if isinstance(value, list):
        is_text = all(isinstance(each, dict) and "type" in each and "text" in each for each in value)
        return ("" if is_text else "、").join(filter(None, map(_words, value)))
    if isinstance(value, dict):
        names = (value.get(key) for key in ("text", "full_address", "name", "en_name", "link", "id"))
        return next((each for each in names if isinstance(each, str) and each), "")
    return "" if value is None else str(value)


def _linked(value: object) -> list[str]:
    if isinstance(value, dict):
        return [str(each) for each in value.get("link_record_ids") or []]
    return [str(one) for each in _listed(value) if isinstance(each, dict) for one in each.get("record_ids") or []]


def _number(value: object, looks: Mapping[str, Any]) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _words(value)
    pattern, currency = str(looks.get("formatter") or ""), str(looks.get("currency_code") or "")
    sign = _SIGNS.get(currency, currency)
    if not pattern:
        return f"{sign}{value}"
    decimals = re.search(r"\.(0+)", pattern)
    places = len(decimals[1]) if decimals else 0
    comma = "," if "," in pattern or currency else ""
    return f"{sign}{value:{comma}.{places}{'%' if pattern.endswith('%') else 'f'}}"


def _date(value: object, looks: Mapping[str, Any], zone: tzinfo) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _words(value)
    try:
        at = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=value)).astimezone(zone)
    except (OverflowError, ValueError):
        return str(value)
    pattern = str(looks.get("date_formatter") or "yyyy/MM/dd")
    return at.strftime(re.sub("yyyy|MM|dd|HH|mm|ss", lambda match: _DATE[match[0]], pattern))


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return ZoneInfo("Asia/Shanghai")
