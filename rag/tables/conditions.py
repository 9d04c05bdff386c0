"""The conditions in a question: values, comparisons, days and months, each bound to one column or to none. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from rag.tables.cells import Day, month_named, unit_of
from rag.tables.plan import FIRST_DAY, Bound, Filter, Span
from rag.tables.reading import TableMention
from rag.tables.table import Column, Table
from rag.tables.vocabulary import FIRST_MONEY, IS_MONEY, MONEY_COLUMN
from rag.text.numerals import digit, number

_QUANTITY = re.compile(
    r"[¥￥$€£]?\s?(?P<digits>\d[\d,]*(?:\.\d+)?|[零一二两三四五六七八九十百千]+)\s?(?P<scale>百万|千万|[百千万亿])?\s?(?P<unit>.*)"
)
_QUARTERS = {"一": 1, "二": 2, "三": 3, "四": 4, "first": 1, "second": 2, "third": 3, "fourth": 4}
MONEY_UNITS = frozenset("元$€£")
_BEFORE = ("以前", "之前", "before", "until")
_AFTER = ("以后", "之后", "after")
_SINCE = ("以来", "开始", "起", "since", "from")


class CannotBind(Exception):
    """A condition that belongs to no column, or to several."""


@dataclass(slots=True)
class Bindings:
    """Filters, and the mentions that are left when what they used is taken away."""

    filters: list[Filter] = field(default_factory=list)
    rest: list[TableMention] = field(default_factory=list)


def conditions(table: Table, mentions: Sequence[TableMention], today: date) -> Bindings:
    """All conditions. Raises CannotBind."""
    found = Bindings(rest=list(mentions))
    _take_values(table, found)
    _take_bounds(table, found)
    _take_days(table, found, today)
    return found


def _take_values(table: Table, found: Bindings) -> None:
    wanted: dict[tuple[int, bool], set[str]] = {}
    said: dict[tuple[int, bool], list[str]] = {}
    at = 0
    while at < len(found.rest):
        mention = found.rest[at]
        if mention.kind == "not":
            if at + 1 == len(found.rest) or found.rest[at + 1].kind != "value":
                raise CannotBind("a negation")
            del found.rest[at]
            at = _take_value(found, at, wanted, said, is_negated=True)
            if at < len(found.rest) and found.rest[at].kind == "but":
                del found.rest[at]
        elif mention.kind == "value":
            at = _take_value(found, at, wanted, said, is_negated=False)
        else:
            at += 1
    for (column, is_negated), values in wanted.items():
        words = "、".join(said[column, is_negated])
        found.filters.append(Filter(column, frozenset(values), is_negated, said=words))


def _take_value(
    found: Bindings,
    at: int,
    wanted: dict[tuple[int, bool], set[str]],
    said: dict[tuple[int, bool], list[str]],
    *,
    is_negated: bool,
) -> int:
    """Bind the value at this place, with the column's name beside it; gives the place of what is next."""
    mention = found.rest.pop(at)
    columns = {column for column, _ in mention.values}
    before, after = (found.rest[at - 1] if at else None), (found.rest[at] if at < len(found.rest) else None)
    for beside in (after, before):
        labels = columns.intersection(beside.columns) if beside is not None and beside.kind == "column" else set()
        if (
            beside is not None
            and len(labels) == 1
            and labels == set(beside.columns) & columns
            and _is_label(beside, labels)
        ):
            place = found.rest.index(beside)
            del found.rest[place]
            columns, at = labels, at - (place < at)
            break
    if len(columns) > 1:
        raise CannotBind(f"{mention.text} stands in several columns")
    column = next(iter(columns))
    values = {value for at_column, value in mention.values if at_column == column}
    wanted.setdefault((column, is_negated), set()).update(values)
    said.setdefault((column, is_negated), []).append(mention.text)
    return at


def _is_label(mention: TableMention, labels: set[int]) -> bool:
    return set(mention.columns) == labels


def _take_bounds(table: Table, found: Bindings) -> None:
    for mention in [each for each in found.rest if each.kind in ("compare", "between")]:
        at = found.rest.index(mention)
        bound, unit = _bound(mention)
        column = _measured(table, found, at, unit)
        found.rest.remove(mention)
        found.filters.append(Filter(column, bound=bound, said=mention.text.strip()))


def _bound(mention: TableMention) -> tuple[Bound, str]:
    groups = mention.groups
    if mention.kind == "between":
        low, low_whole, low_unit = _quantity(groups["low"])
        high, high_whole, high_unit = _quantity(groups["high"])
        if high_whole and not low_whole and low < 1000 <= high:  # 1到2万
            low = low * (high / Decimal(str(_digits(groups["high"]))))
        return Bound(low, high, in_whole=low_whole or high_whole), low_unit or high_unit
    value, in_whole, unit = _quantity(groups["n"])
    if "more" in groups or "above" in groups:
        return Bound(low=value, with_low="more" in groups, in_whole=in_whole), unit
    return Bound(high=value, with_high="less" in groups, in_whole=in_whole), unit


def _digits(text: str) -> Decimal:
    found = _QUANTITY.fullmatch(text.strip())
    digits = (found["digits"] if found else "").replace(",", "")
    value = digits if digits.isascii() else (digit(digits) if len(digits) == 1 else number(digits))
    if not value:
        raise CannotBind(text)
    return Decimal(value)


def _quantity(text: str) -> tuple[Decimal, bool, str]:
    """A number as (value, whether it is without a power of ten, unit): 5万元 is 50000, True, 元."""
    found = _QUANTITY.fullmatch(text.strip())
    if found is None:
        raise CannotBind(text)
    unit, power = unit_of((found["scale"] or "") + (found["unit"] or "").strip())
    sign = text.strip()[0]
    unit = unit or {"¥": "元", "￥": "元", "$": "$", "€": "€", "£": "£"}.get(sign, "")
    is_money = unit in MONEY_UNITS
    return _digits(text).scaleb(power), bool(power) or is_money, unit


def _measured(table: Table, found: Bindings, at: int, unit: str) -> int:
    """The column that a comparison is about: named before it, else after it, else the one of its unit, else the only
    one of numbers. What names it is used up."""
    numbers = {column.index for column in table.columns if column.kind == "number" and not column.is_mixed}
    for mention in (*reversed(found.rest[:at]), *found.rest[at + 1 : at + 2]):
        candidates = numbers.intersection(columns_named(table, mention))
        if len(candidates) > 1:
            raise CannotBind(f"{mention.text} may be several columns")
        if candidates:
            found.rest.remove(mention)
            return _of_unit(table, candidates.pop(), unit)
    alike = {index for index in numbers if unit and _is_in(table.columns[index], unit)}
    if len(alike or numbers) == 1 and (alike or not unit):
        return _of_unit(table, (alike or numbers).pop(), unit)
    raise CannotBind("a comparison without its column")


def _is_in(column: Column, unit: str) -> bool:
    """Whether a column's numbers are given in a unit, by their unit or by the column's name: Hours spent, 金额."""
    own = unit_of(column.unit)[0]
    word = {"h": "hour", "d": "day"}.get(unit, unit)
    is_money = unit in MONEY_UNITS and bool(MONEY_COLUMN.search(column.bare))
    return own == unit if own else (word in column.bare or is_money)


def _of_unit(table: Table, index: int, unit: str) -> int:
    """The column, if it is not given in another unit than the question. Raises CannotBind."""
    own = unit_of(table.columns[index].unit)[0]
    if own and unit and own != unit:
        raise CannotBind(f"{table.columns[index].name} is not in {unit}")
    return index


def columns_named(table: Table, mention: TableMention) -> tuple[int, ...]:
    """The columns that a mention may name; for words of money those of amounts, the plainest of them."""
    if mention.kind not in ("money", "spend") and not (
        mention.kind in ("sum", "max", "min") and IS_MONEY.search(mention.text)
    ):
        return mention.columns
    money = [each for each in table.columns if each.kind == "number" and MONEY_COLUMN.search(each.bare)]
    adding = [each for each in money if each.adds_up] or money
    first = [each for each in adding if FIRST_MONEY.search(each.bare)] or adding
    return tuple(each.index for each in first)


def _take_days(table: Table, found: Bindings, today: date) -> None:
    mentions = [each for each in found.rest if each.kind in ("date", "relative")]
    if any(each.kind == "date" and _year(each) for each in mentions):
        mentions, dropped = (
            [each for each in mentions if each.kind == "date"],
            [each for each in mentions if each.kind == "relative"],
        )
        found.rest = [each for each in found.rest if each not in dropped]
    if not mentions:
        return
    said = " ".join(each.text.strip() for each in mentions)
    if len(mentions) > 2 or (len(mentions) == 2 and not _is_year_and_month(mentions)):
        raise CannotBind(said)
    columns = [column for column in table.columns if column.kind == "date"]
    found.rest = [each for each in found.rest if each not in mentions]
    if not columns:
        if all(_digits_of(each.text) and _digits_of(each.text) in table.context for each in mentions):
            return
        raise CannotBind(f"{said}: the table has no days")
    named = [each for each in found.rest if {column.index for column in columns}.intersection(each.columns)]
    chosen = {index for each in named for index in each.columns if table.columns[index].kind == "date"}
    if len(columns) > 1 and len(chosen) != 1:
        raise CannotBind(f"{said}: several columns of days")
    column = table.columns[chosen.pop()] if len(chosen) == 1 else columns[0]
    span = _joined([_span(each, today) for each in mentions])
    years = {day.year for day in column.days if day is not None}
    if span.months and span.low == FIRST_DAY and len(years) > 1:
        raise CannotBind(f"{said}: of which year")
    found.filters.append(Filter(column.index, span=span, said=said))


def _digits_of(text: str) -> str:
    match = re.search(r"\d{4}", text)
    return match.group() if match else ""


def _year(mention: TableMention) -> int:
    return int(mention.groups.get("y") or mention.groups.get("y2") or 0)


def _is_year_and_month(mentions: Sequence[TableMention]) -> bool:
    years = [each for each in mentions if (_year(each) or each.kind == "relative") and not _months(each)]
    return len(years) == 1


def _joined(spans: Sequence[Span]) -> Span:
    months = frozenset[int]().union(*(each.months for each in spans))
    return Span(max(each.low for each in spans), min(each.high for each in spans), months)


def _months(mention: TableMention) -> frozenset[int]:
    groups = mention.groups
    if "name" in groups:
        return frozenset({month_named(groups["name"])})
    if "m" in groups:
        text = groups["m"].removesuffix("份").removesuffix("月")
        value = text if text.isascii() else (digit(text) if len(text) == 1 else number(text))
        return frozenset({int(value or 0)})
    if "q" in groups:
        text = groups["q"]
        digits = re.search(r"[1-4]", text)
        quarter = int(digits.group()) if digits else next(at for name, at in _QUARTERS.items() if name in text)
        return frozenset(range(3 * quarter - 2, 3 * quarter + 1))
    if "h" in groups:
        return frozenset(range(1, 7) if groups["h"] in ("上半年", "first half") else range(7, 13))
    return frozenset()


def _span(mention: TableMention, today: date) -> Span:
    if mention.kind == "relative":
        return _relative(mention.text, today)
    year, months = _year(mention), _months(mention)
    side = mention.groups.get("side") or mention.groups.get("since") or ""
    if side in ("", "in", "during", "for"):
        return Span(Day(year), Day(year, 12, 31), months) if year else Span(months=months)
    if not year:
        raise CannotBind(f"{mention.text}: of which year")
    first = Day(year, min(months or {1}), 1)
    last = Day(year, max(months or {12}), 31)
    if side in _BEFORE:
        return Span(high=Day(first.year, first.month, 0))
    return Span(low=first) if side in _SINCE else Span(low=Day(last.year, last.month, 32))


def _relative(text: str, today: date) -> Span:
    year = today.year - {"去年": 1, "last year": 1, "前年": 2}.get(text, 0)
    if text in ("本月", "这个月", "this month"):
        return Span(Day(year), Day(year, 12, 31), frozenset({today.month}))
    if text in ("上个月", "上月", "last month"):
        year, month = (year, today.month - 1) if today.month > 1 else (year - 1, 12)
        return Span(Day(year), Day(year, 12, 31), frozenset({month}))
    return Span(Day(year), Day(year, 12, 31))
