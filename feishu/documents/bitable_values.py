"""What stands in a field of a bitable, as people read it. Pure.

Field types and the shapes of their values: open.feishu.cn/document bitable-v1/app-table-record/
bitable-record-data-structure-overview; formats: bitable-v1/app-table-field/guide.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

TEXT, NUMBER, SINGLE, MULTI, DATE, CHECKBOX, PERSON, PHONE, URL, ATTACHMENT = 1, 2, 3, 4, 5, 7, 11, 13, 15, 17
LINK, LOOKUP, FORMULA, TWO_WAY, PLACE, GROUP = 18, 19, 20, 21, 22, 23
CREATED, MODIFIED, CREATED_BY, MODIFIED_BY, AUTO_NUMBER = 1001, 1002, 1003, 1004, 1005
BEIJING = "Asia/Beijing"
_CURRENCIES = {
    "CNY": "¥",
    "USD": "$",
    "EUR": "€",
    "GBP": "£",
    "JPY": "¥",
    "HKD": "HK$",
    "KRW": "₩",
    "INR": "₹",
    "SGD": "S$",
}
_DATES = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}
_JOIN = "、"

Json = dict[str, Any]
Links = Callable[[str, str], str]
"""The name of a record by its table and its id; "" where it is not known."""


@dataclass(frozen=True, slots=True)
class Field:
    """A column: `ui` is how it is shown, `looks` what of its settings decides that."""

    name: str
    kind: int
    ui: str = ""
    looks: Mapping[str, Any] = field(default_factory=dict)
    is_primary: bool = False
    is_hidden: bool = False


@dataclass(frozen=True, slots=True)
class Sight:
    """What is needed to show values: the base's time zone, and the names of records that others link to."""

    zone: tzinfo = UTC
    name_of: Links = lambda table, record: ""


def field_of(item: Json) -> Field:
    """A column as the platform lists it."""
    looks = item.get("property")
    kind = item.get("type")
    return Field(
        name=str(item.get("field_name", "")),
        kind=kind if isinstance(kind, int) else TEXT,
        ui=str(item.get("ui_type") or ""),
        looks=looks if isinstance(looks, dict) else {},
        is_primary=item.get("is_primary") is True,
        is_hidden=item.get("is_hidden") is True,
    )


def zone_of(name: str) -> tzinfo:
    """A base's time zone. `Asia/Beijing`, which the platform's own example has, is no name of the tz database."""
    try:
        return ZoneInfo("Asia/Shanghai" if name in ("", BEIJING) else name)
    except (ValueError, OSError, KeyError):
        return ZoneInfo("Asia/Shanghai")


def shown(value: object, column: Field, sight: Sight) -> str:
    """A value as people read it, on one line; "" for nothing."""
    if value is None or value == [] or value == {}:
        return ""
    return " ".join(_shown(value, column, sight).split())


def _shown(value: object, column: Field, sight: Sight) -> str:
    match column.kind:
        case 19 | 20:
            return _computed(value, column, sight)
        case 2:
            return _each(value, lambda one: number(one, column.ui, column.looks))
        case 5 | 1001 | 1002:
            return _each(value, lambda one: moment(one, str(column.looks.get("date_formatter") or ""), sight.zone))
        case 7:
            ticked, empty = ("yes", "no") if column.name.isascii() else ("是", "否")
            return _each(value, lambda one: (ticked if one else empty) if isinstance(one, bool) else _words(one))
        case 18 | 21:
            return _linked(value, column, sight)
        case 15:
            return _each(value, _address)
        case _:
            return _words(value)


def _each(value: object, show: Callable[[object], str]) -> str:
    """A single value, or the list of them that formulas and lookups give."""
    if isinstance(value, list):
        return _JOIN.join(filter(None, map(show, value)))
    return show(value)


def _computed(value: object, column: Field, sight: Sight) -> str:
    """A formula's or lookup's value says itself of which type it is, and the column how that is shown."""
    if not isinstance(value, dict) or "value" not in value:
        return _words(value)
    kind = value.get("type")
    looks = dict(column.looks)
    typed = column.looks.get("type")
    ui = str(value.get("ui_type") or "")
    if isinstance(typed, dict):
        more = typed.get("ui_property")
        looks |= more if isinstance(more, dict) else {}
        ui = ui or str(typed.get("ui_type") or "")
    formatter = str(looks.get("formatter") or "")
    if kind in (DATE, CREATED, MODIFIED) and "date_formatter" not in looks and "yy" in formatter:
        looks["date_formatter"] = formatter
    if kind in (LOOKUP, FORMULA) or not isinstance(kind, int):
        return _words(value["value"])
    found = value["value"]
    if kind in (NUMBER, DATE, CHECKBOX, URL) and not isinstance(found, list):
        found = [found]
    return _shown(found, Field(column.name, kind, ui, looks), sight)


def _words(value: object) -> str:
    """Whatever names itself: segments of a text run on, anything else is a list."""
    if isinstance(value, bool):
        return "✓" if value else "✗"
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return plain(value)
    if isinstance(value, dict):
        return _named(value)
    if isinstance(value, list):
        is_text = all(isinstance(each, dict) and "type" in each and "text" in each for each in value)
        return ("" if is_text else _JOIN).join(filter(None, map(_words, value)))
    return ""


def _named(value: Json) -> str:
    if value.get("type") == "url" and value.get("link"):
        return _address(value)
    for key in ("text", "full_address", "name", "en_name", "email", "id"):
        if isinstance(value.get(key), str) and value[key]:
            return str(value[key])
    return ""


def _address(value: object) -> str:
    if not isinstance(value, dict):
        return _words(value)
    text, link = str(value.get("text") or ""), str(value.get("link") or "")
    bare = link.removeprefix("mailto:")
    return f"{text}（{bare}）" if text and bare and text != bare else text or bare


def _linked(value: object, column: Field, sight: Sight) -> str:
    """The names of the records, as a person sees them; those that are unknown by their number."""
    ids = link_ids(value)
    if not ids:
        return _words(value)
    table = str(column.looks.get("table_id") or "")
    names = [sight.name_of(table, each) for each in ids]
    unknown = names.count("")
    told = [name for name in names if name]
    counted = f"{unknown} records" if column.name.isascii() else f"{unknown} 条记录"
    return _JOIN.join([*told, *([counted] if unknown else [])])


def link_ids(value: object) -> list[str]:
    """The ids of the records that a link names, in either of its shapes."""
    if isinstance(value, dict):
        return [str(each) for each in value.get("link_record_ids") or []]
    if isinstance(value, list):
        return [str(one) for each in value if isinstance(each, dict) for one in each.get("record_ids") or []]
    return []


def number(value: object, ui: str, looks: Mapping[str, Any]) -> str:
    """A number by its column's format: `0.00`, `1,000`, `0.0%`, `¥0.00`."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return str(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _words(value)
    formatter = str(looks.get("formatter") or "")
    sign = _CURRENCIES.get(str(looks.get("currency_code") or ""), str(looks.get("currency_code") or ""))
    sign = sign or next((each for each in ("¥", "￥", "$") if formatter.startswith(each)), "")
    if not formatter:
        return sign + plain(value)
    is_percent = formatter.endswith("%")
    decimals = re.search(r"\.(0+)", formatter)
    places = len(decimals[1]) if decimals else 0
    exact = Decimal(str(value)) * (100 if is_percent else 1)
    try:
        rounded = exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    except InvalidOperation:  # more digits than a decimal holds, or no number at all
        return plain(value)
    grouping = "," if "," in formatter or (sign and ui == "Currency") else ""
    text = f"{rounded:{grouping}.{places}f}"
    return f"{sign}{text}{'%' if is_percent else ''}"


def plain(value: float) -> str:
    """A number without a format: as short as it is exact."""
    if isinstance(value, int):
        return str(value)
    if not math.isfinite(value):
        return ""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def moment(value: object, formatter: str, zone: tzinfo) -> str:
    """A time in milliseconds since the epoch, as its column shows dates."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _words(value)
    try:
        at = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=value)).astimezone(zone)
    except (OverflowError, ValueError):
        return ""
    pattern = re.sub("yyyy|MM|dd|HH|mm|ss", lambda match: _DATES[match[0]], formatter or "yyyy/MM/dd")
    return at.strftime(pattern)
