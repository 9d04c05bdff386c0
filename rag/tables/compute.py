"""A plan carried out over all rows of its table. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from rag.tables.plan import Filter, TablePlan
from rag.tables.table import Table


@dataclass(frozen=True, slots=True)
class Group:
    """The rows of one value of the grouping column, and what comes of them."""

    name: str
    value: Decimal
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a plan. `rows` are the numbers of the rows that meet its filters, in order; for an `extreme` of rows
    the first of them, the best first. `unread` is how many rows could not be judged by a filter, because their cell
    says nothing clear, `missing` how many that were meant have no number in the measured column. `ties` is how many
    more are as good as the last of an `extreme`."""

    plan: TablePlan
    rows: tuple[int, ...]
    value: Decimal | None = None
    groups: tuple[Group, ...] = ()
    values: tuple[str, ...] = ()
    """The different values of a `distinct`."""
    of_rows: int = 0
    """How many rows the filters leave."""
    unread: int = 0
    missing: int = 0
    ties: int = 0


def matching(table: Table, filters: Sequence[Filter]) -> tuple[tuple[int, ...], int]:
    """The rows that meet all filters, and how many could not be judged."""
    found, unread = [], 0
    for row in range(len(table.rows)):
        verdicts = [each.holds(table.columns[each.column], row) for each in filters]
        if all(verdicts):
            found.append(row)
        elif None in verdicts and False not in verdicts:
            unread += 1
    return tuple(found), unread


def compute(plan: TablePlan) -> Result | None:
    """The result; None where the filters leave nothing to add up or to compare."""
    rows, unread = matching(plan.table, plan.filters)
    result = _computed(plan, rows, unread)
    return result if result is None or plan.operation in ("count", "distinct") or result.rows else None


def _computed(plan: TablePlan, rows: tuple[int, ...], unread: int) -> Result | None:
    if plan.operation == "row":
        return Result(plan, rows, of_rows=len(rows), unread=unread) if len(rows) == 1 else None
    if plan.group is not None:
        return _by_group(plan, rows, unread)
    if plan.operation == "count":
        return Result(plan, rows, Decimal(len(rows)), of_rows=len(rows), unread=unread)
    if plan.measure is None:
        return None
    if plan.operation == "distinct":
        values = _shown(plan, rows)
        missing = sum(not plan.table.columns[plan.measure].values[row] for row in rows)
        found = Decimal(len(values))
        return Result(plan, rows, found, values=values, of_rows=len(rows), unread=unread, missing=missing)
    if plan.operation == "extreme":
        return _first(plan, rows, unread)
    numbers = _numbers(plan, rows)
    if not numbers:
        return None
    value = sum(numbers.values(), Decimal(0))
    if plan.operation == "average":
        value /= len(numbers)
    missing = len(rows) - len(numbers)
    return Result(plan, tuple(numbers), value, of_rows=len(rows), unread=unread, missing=missing)


def _shown(plan: TablePlan, rows: Sequence[int]) -> tuple[str, ...]:
    """The different values of the measured column, as they are written where they come first."""
    found: dict[str, str] = {}
    for row in rows:
        value = plan.table.columns[plan.measure or 0].values[row]
        if value:
            found.setdefault(value, plan.table.rows[row][plan.measure or 0])
    return tuple(found.values())


def _numbers(plan: TablePlan, rows: Sequence[int]) -> dict[int, Decimal]:
    amounts = plan.table.columns[plan.measure or 0].amounts
    found = {row: amounts[row] for row in rows}
    return {row: amount.number for row, amount in found.items() if amount is not None}


def _first(plan: TablePlan, rows: tuple[int, ...], unread: int) -> Result | None:
    column = plan.table.columns[plan.measure or 0]
    keys: dict[int, object]
    if column.kind == "date":
        keys = {row: day for row in rows if (day := column.days[row]) is not None}
    else:
        keys = dict(_numbers(plan, rows))
    if not keys:
        return None
    ordered = sorted(keys, key=lambda row: keys[row], reverse=not plan.is_low)  # type: ignore[arg-type,return-value]
    chosen = ordered[: plan.most]
    ties = sum(keys[row] == keys[chosen[-1]] for row in ordered[plan.most :])
    missing = len(rows) - len(keys)
    return Result(plan, tuple(chosen), of_rows=len(rows), unread=unread, missing=missing, ties=ties)


def _by_group(plan: TablePlan, rows: tuple[int, ...], unread: int) -> Result | None:
    column = plan.table.columns[plan.group or 0]
    members: dict[str, list[int]] = {}
    for row in rows:
        if column.values[row]:
            members.setdefault(column.values[row], []).append(row)
    numbers = _numbers(plan, rows) if plan.measure is not None else {}
    how = plan.of_groups if plan.operation == "extreme" else plan.operation
    groups = []
    for of_group in members.values():
        given = [numbers[row] for row in of_group if row in numbers]
        if how != "count" and not given:
            continue
        total = Decimal(len(of_group)) if how == "count" else sum(given, Decimal(0))
        name = plan.table.rows[of_group[0]][plan.group or 0]
        groups.append(Group(name, total / len(given) if how == "average" else total, tuple(of_group)))
    groups.sort(key=lambda group: group.value, reverse=not (plan.operation == "extreme" and plan.is_low))
    if not groups:
        return None
    missing = len(rows) - (len(numbers) if plan.measure is not None else sum(map(len, members.values())))
    chosen = groups[: plan.most] if plan.operation == "extreme" else groups
    ties = sum(group.value == chosen[-1].value for group in groups[len(chosen) :])
    used = tuple(sorted(row for group in chosen for row in group.rows))
    return Result(plan, used, None, tuple(chosen), of_rows=len(rows), unread=unread, missing=missing, ties=ties)
