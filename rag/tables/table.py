"""A whole table with what its columns hold. Pure."""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from rag.documents import Chunk
from rag.tables.cells import Amount, Day, amount_of, bare_name, day_of, fold, is_empty, named_unit, unit_of

Kind = Literal["number", "date", "text"]
MOSTLY = 0.6
"""The share of a column's cells that make it one of numbers or days."""
_CODE = re.compile(r"编号|工号|单号|号码|序号|电话|手机|邮编|税号|账号|代码|\b(?:id|no|number|code|phone|zip)\b|^#$")
_YEAR = re.compile(r"年份|年度|年$|year")
_TOTAL = re.compile(
    r"(?:.{0,8}(?:合计|小计|总计|共计|汇总|累计|平均值?|均值)|总数|总额|总和)(?:数|额|金额|[(（].*[)）])?[:：]?"
    r"|(?:.{0,20} )?(?:sub-?|grand )?totals?(?: [(（].*[)）])?:?|averages?:?|sums?:?",
    re.IGNORECASE,
)
_ADDS_NOT = re.compile(
    r"率|占比|比例|单价|均价|评分|得分|年龄|温度|折扣|%|rating|score|rate|ratio|percent|unit price|age\b"
)


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `amounts` and `days` by row, None where a cell is none; `values` are the folded texts."""

    index: int
    name: str
    bare: str
    kind: Kind
    values: tuple[str, ...]
    amounts: tuple[Amount | None, ...] = ()
    days: tuple[Day | None, ...] = ()
    unit: str = ""
    """The unit its numbers are given in, as it is shown: 万元; "" for none."""
    is_mixed: bool = False
    """Whether its numbers have units that cannot be added: 3天 and 5小时."""
    is_key: bool = False
    """Whether no two rows have the same value."""

    @property
    def bare_shown(self) -> str:
        """The name as it is written, or the column's number where it has none."""
        return self.name or f"#{self.index + 1}"

    @property
    def is_code(self) -> bool:
        """Whether it holds numbers that are names: 工号, Order ID."""
        return bool(_CODE.search(self.bare))

    @property
    def adds_up(self) -> bool:
        """Whether sums of it mean something: not for rates, prices a piece and marks."""
        return self.kind == "number" and not _ADDS_NOT.search(self.bare) and self.unit != "%"


@dataclass(frozen=True, slots=True)
class Table:
    """All rows of a table, without those that sum up others (`totals`). `caption` is the line above it; `first` the
    chunk that it begins in, `start` and `end` its place in the document's text."""

    first: Chunk
    caption: str
    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    totals: tuple[tuple[str, ...], ...]
    start: int
    end: int
    cut: str = ""
    """What the readers said of rows that were not read."""
    has_bars: bool = False
    """Whether its rows stand between bars, under a header that they do not repeat."""
    columns: tuple[Column, ...] = field(default=(), compare=False)

    @property
    def name(self) -> str:
        """What people call it: the document's title, its headings, the line above."""
        parts = [self.first.heading_path, self.caption.rstrip(":：")]
        return " > ".join(part for part in parts if part)

    @property
    def context(self) -> str:
        """The same folded, with the file's name, to look words up in."""
        stem = self.first.source.rsplit("/", 1)[-1].rsplit(".", 1)[0]
        return fold(f"{self.name} {stem}")


def divided(rows: list[tuple[str, ...]]) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """Rows, and those that sum up others."""
    body: list[tuple[str, ...]] = []
    totals: list[tuple[str, ...]] = []
    for row in rows:
        (totals if is_total(row) else body).append(row)
    return body, totals


def is_total(row: tuple[str, ...]) -> bool:
    """Whether a row sums up others: one of its first two texts says 合计, 小计, Total or the like."""
    texts = [cell for cell in row if cell][:2]
    return any(_TOTAL.fullmatch(text.strip()) for text in texts)


def columns_of(names: tuple[str, ...], rows: tuple[tuple[str, ...], ...], unit: str) -> tuple[Column, ...]:
    """The columns with their cells typed; `unit` is what the lines above the table say of all its amounts."""
    return tuple(_column(index, name, [row[index] for row in rows], unit) for index, name in enumerate(names))


def _column(index: int, name: str, cells: list[str], unit: str) -> Column:
    values = tuple("" if is_empty(cell) else fold(cell) for cell in cells)
    filled = [value for value in values if value]
    bare, is_key = bare_name(name), len(filled) == len(cells) and len(set(filled)) == len(filled)
    text = Column(index, name, bare, "text", values, is_key=is_key)
    if not filled:
        return text
    days = tuple(day_of(value) if value else None for value in values)
    if sum(day is not None for day in days) >= MOSTLY * len(filled) and _are_days(bare, days):
        return Column(index, name, bare, "date", values, days=days, is_key=is_key)
    amounts = tuple(amount_of(value) if value else None for value in values)
    if _CODE.search(bare) or sum(amount is not None for amount in amounts) < MOSTLY * len(filled):
        return text
    shown, is_mixed, amounts = _in_one_unit(amounts, named_unit(name) or unit)
    return Column(index, name, bare, "number", values, amounts, unit=shown, is_mixed=is_mixed, is_key=is_key)


def _are_days(bare: str, days: tuple[Day | None, ...]) -> bool:
    """Plain years look like numbers: they are days where the column is called so."""
    return any(day is not None and day.month for day in days) or bool(_YEAR.search(bare))


def _in_one_unit(amounts: tuple[Amount | None, ...], named: str) -> tuple[str, bool, tuple[Amount | None, ...]]:
    """The unit of all, whether there are several, and the amounts in it; 元 and 万元 become 元."""
    there = [amount for amount in amounts if amount is not None]
    units = Counter((amount.unit, amount.scale) for amount in there)
    name_unit, name_scale = unit_of(named)
    if set(units) <= {("", 0)}:
        given = tuple(each and Amount(each.number, name_unit, name_scale) for each in amounts)
        return named, False, given
    if len(units) == 1:
        unit, scale = next(iter(units))
        return _shown(unit, scale), False, amounts
    names = {unit for unit, _ in units} - {""}
    if len(names) == 1 and ("", 0) not in units:
        unit = next(iter(names))
        return unit, False, tuple(each and Amount(each.whole, unit) for each in amounts)
    if len(names) == 1 and {scale for _, scale in units} == {0} and name_unit in ("", *names):
        unit = next(iter(names))
        return unit, False, tuple(each and Amount(each.number, unit) for each in amounts)
    return "", True, amounts


def _shown(unit: str, scale: int) -> str:
    """A unit with its power of ten, as people write it."""
    prefix = {2: "百", 3: "千", 4: "万", 6: "百万", 7: "千万", 8: "亿"}.get(scale, "")
    return prefix + {"h": "小时", "d": "天"}.get(unit, unit) if prefix else unit
