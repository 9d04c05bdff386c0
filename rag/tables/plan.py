"""What is to be computed: which rows of a table, and what of them. Pure."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from rag.tables.cells import Day
from rag.tables.table import Column, Table

Operation = Literal["count", "distinct", "sum", "average", "extreme", "row"]
"""How many rows; how many different values; a sum; a mean; the first rows or groups by something; one row as it is."""
FIRST_DAY, LAST_DAY = Day(0, 0, 0), Day(9999, 12, 31)


@dataclass(frozen=True, slots=True)
class Bound:
    """Numbers from `low` to `high` (None: any); the ends belong to it where `with_low` and `with_high` say so.
    `in_whole`: held against numbers without their power of ten (5万 against 60 000元)."""

    low: Decimal | None = None
    high: Decimal | None = None
    with_low: bool = True
    with_high: bool = True
    in_whole: bool = False

    def holds(self, number: Decimal) -> bool:
        """Whether it lies within."""
        above = self.low is None or number > self.low or (self.with_low and number == self.low)
        return above and (self.high is None or number < self.high or (self.with_high and number == self.high))


@dataclass(frozen=True, slots=True)
class Span:
    """Days from `low` to `high`, both included, of these months (none: all)."""

    low: Day = FIRST_DAY
    high: Day = LAST_DAY
    months: frozenset[int] = frozenset()

    def holds(self, day: Day) -> bool | None:
        """Whether a day lies within; None where a month or a year is too vague to say."""
        if self.months and not day.month:
            return None
        if self.months and day.month not in self.months:
            return False
        first = Day(day.year, day.month or 1, day.day or 1)
        last = Day(day.year, day.month or 12, day.day or 31)
        if self.low <= first and last <= self.high:
            return True
        return False if last < self.low or first > self.high else None


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition on one column: one of these values, or a bound, or a span."""

    column: int
    values: frozenset[str] = frozenset()
    is_negated: bool = False
    bound: Bound | None = None
    span: Span | None = None
    said: str = ""
    """The condition in the question's words."""

    def holds(self, column: Column, row: int) -> bool | None:
        """Whether a row meets it; None where its cell does not say."""
        if self.bound is not None:
            amount = column.amounts[row]
            if amount is None:
                return None if column.values[row] else False
            return self.bound.holds(amount.whole if self.bound.in_whole else amount.number)
        if self.span is not None:
            day = column.days[row]
            if day is None:
                return None if column.values[row] else False
            return self.span.holds(day)
        return (column.values[row] in self.values) != self.is_negated


@dataclass(frozen=True, slots=True)
class TablePlan:
    """An operation over the rows that meet all filters. `measure` is the column that is added up, averaged or compared,
    `group` the one by whose values; `most` how many rows or groups of an `extreme`, the lowest with `is_low`.

    An `extreme` of groups compares what `of_groups` says of each: their sums, averages or numbers of rows.
    """

    table: Table
    operation: Operation
    filters: tuple[Filter, ...] = ()
    measure: int | None = None
    group: int | None = None
    most: int = 1
    is_low: bool = False
    of_groups: Literal["count", "sum", "average"] = "count"
    label: int | None = None
    """The column that names the rows of an `extreme`, where the question says which."""
    score: int = 0
    """How many characters of the question are words of this table."""


@dataclass(frozen=True, slots=True)
class Unclear:
    """Why a table does not answer. `wants_count`: the question counts or compares what this table speaks of."""

    why: str
    wants_count: bool = False
    score: int = 0
    """As that of a plan, where every word was understood and several things may be meant."""
