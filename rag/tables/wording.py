"""What was computed, in words: the answer in the question's language, and the passage that a reader or a model gets as
its evidence. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from rag.documents import Chunk
from rag.tables.compute import Group, Result
from rag.tables.lines import row_text
from rag.tables.plan import Filter
from rag.tables.table import Column, Table

Language = Literal["zh", "en"]
SHOWN_ROWS = 10
"""Rows that an answer shows, if there are no more; a passage shows twice as many."""
SHOWN_VALUES = 30
MOST_CELL_CHARS = 80
COMPUTED_NOTES = {
    "zh": "（未配置语言模型，以上由程序对整张表计算得出。）",
    "en": "(No language model is configured; this was computed over the whole table.)",
}
UNCOUNTED = {
    "zh": "这个问题要对整张表或全部资料计数、求和或比较，仅凭摘录无法得出结果。",
    "en": "This cannot be counted, added up or compared from excerpts: it takes the whole table, or all documents.",
}
_WORDS = {
    "zh": {
        "computed": "按整张表计算：",
        "count": "共 **{value}** 条",
        "distinct": "不同的“{measure}”共 **{value}** 个：{values}",
        "sum": "“{measure}”合计 **{value}**",
        "average": "“{measure}”平均 **{value}**",
        "high": "“{measure}”最高的是 **{name}**：**{value}**",
        "low": "“{measure}”最低的是 **{name}**：**{value}**",
        "late": "“{measure}”最晚的是 **{name}**：**{value}**",
        "early": "“{measure}”最早的是 **{name}**：**{value}**",
        "high of": "“{measure}”最高的 {most} 条：{values}",
        "low of": "“{measure}”最低的 {most} 条：{values}",
        "late of": "“{measure}”最晚的 {most} 条：{values}",
        "early of": "“{measure}”最早的 {most} 条：{values}",
        "group": "按“{group}”{what}，最{side}的是 **{name}**：{value}",
        "groups": "按“{group}”{what}：",
        "what count": "统计条数",
        "what sum": "合计“{measure}”",
        "what average": "计算“{measure}”的平均值",
        "side high": "高",
        "side low": "低",
        "ties": "（另有 {ties} 个与之相同）",
        "where": "（条件：{conditions}）",
        "is": "{column}为{values}",
        "is not": "{column}不为{values}",
        "said": "{column}：{said}",
        "basis": "依据《{table}》的全部 {rows} 行",
        "of rows": "，其中 {of_rows} 行符合条件",
        "totals": "；{totals} 行合计未重复计入",
        "missing": "；{missing} 行没有可用的数值，未计入",
        "unread": "；{unread} 行的内容无法判断是否符合条件，未计入",
        "cut": "；文件没有读完（{cut}），结果只限于读入的部分",
        "end": "。",
        "and": "；",
        "or": "、",
        "colon": "：",
    },
    "en": {
        "computed": "Computed over the whole table: ",
        "count": "**{value}** in all",
        "distinct": '**{value}** different values of "{measure}": {values}',
        "sum": '"{measure}" adds up to **{value}**',
        "average": '"{measure}" is **{value}** on average',
        "high": 'Highest by "{measure}": **{name}**, **{value}**',
        "low": 'Lowest by "{measure}": **{name}**, **{value}**',
        "late": 'Latest by "{measure}": **{name}**, **{value}**',
        "early": 'Earliest by "{measure}": **{name}**, **{value}**',
        "high of": 'The {most} highest by "{measure}": {values}',
        "low of": 'The {most} lowest by "{measure}": {values}',
        "late of": 'The {most} latest by "{measure}": {values}',
        "early of": 'The {most} earliest by "{measure}": {values}',
        "group": '{side} by "{group}", {what}: **{name}**, {value}',
        "groups": 'By "{group}", {what}:',
        "what count": "number of rows",
        "what sum": 'sum of "{measure}"',
        "what average": 'average of "{measure}"',
        "side high": "Highest",
        "side low": "Lowest",
        "ties": " ({ties} more have the same)",
        "where": " (where {conditions})",
        "is": "{column} is {values}",
        "is not": "{column} is not {values}",
        "said": "{column}: {said}",
        "basis": 'From all {rows} rows of "{table}"',
        "of rows": ", of which {of_rows} meet the conditions",
        "totals": "; rows of totals were not counted again ({totals})",
        "missing": "; rows without a usable number were left out ({missing})",
        "unread": "; rows whose cells leave the conditions open were left out ({unread})",
        "cut": "; the file was not read to its end ({cut}), so this holds for what was read",
        "end": ".",
        "and": "; ",
        "or": ", ",
        "colon": ": ",
    },
}


@dataclass(frozen=True, slots=True)
class Told:
    """An answer without citations: what came out, on what that rests, and the rows that made it, where they are few."""

    outcome: str
    basis: str
    rows: tuple[str, ...] = ()

    def answer(self, number: int) -> str:
        """The whole answer, citing the passage of this number."""
        first, _, listed = self.outcome.partition("\n")
        parts = [f"{first} [{number}]" + (f"\n\n{listed}" if listed else "")]
        parts += [f"{self.basis} [{number}]"] if self.basis else []
        return "\n\n".join([*parts, *(["\n".join(self.rows)] if self.rows else [])])


def told(result: Result, language: Language, *, most_rows: int = SHOWN_ROWS) -> Told:
    """A result in words."""
    table = result.plan.table
    if result.plan.operation == "row":
        return Told("- " + shown_row(table, result.rows[0]), "")
    words = _WORDS[language]
    rows = [f"- {shown_row(table, row)}" for row in result.rows] if _shows_rows(result, most_rows) else []
    return Told(_outcome(result, words), _basis(result, words), tuple(rows))


def evidence(result: Result, language: Language) -> Chunk:
    """The result as a piece of the table's document."""
    table = result.plan.table
    words = told(result, language, most_rows=2 * SHOWN_ROWS)
    text = words.outcome
    if result.plan.operation != "row":
        text = "\n".join([_WORDS[language]["computed"] + words.outcome, words.basis, *words.rows])
    return replace(table.first, text=text, start=table.start, end=max(table.end, table.start + 1))


def shown_row(table: Table, row: int) -> str:
    """A row with its headers, long cells cut."""
    cells = [cell if len(cell) <= MOST_CELL_CHARS else cell[: MOST_CELL_CHARS - 1] + "…" for cell in table.rows[row]]
    return row_text(table.names, cells)


def figure(value: Decimal, unit: str = "") -> str:
    """A number as people read it: 1,234.5元, $20, 12.35%; fractions with two decimals, more for very small ones."""
    places = 2 if abs(value) >= Decimal("0.1") or value == 0 else 6
    rounded = round(value, places) if value != value.to_integral_value() else value
    text = f"{rounded:,f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    if unit in ("$", "€", "£"):
        return f"-{unit}{text[1:]}" if text.startswith("-") else f"{unit}{text}"
    shown = {"h": "hours", "d": "days"}.get(unit, unit)
    joint = " " if shown and shown.isascii() and shown != "%" else ""
    return f"{text}{joint}{shown}"


def _shows_rows(result: Result, most: int) -> bool:
    plan = result.plan
    if plan.group is not None or plan.operation == "distinct":
        return False
    is_part = len(result.rows) < len(plan.table.rows) or plan.operation == "extreme"
    return is_part and len(result.rows) <= most


def _outcome(result: Result, words: dict[str, str]) -> str:
    plan, table = result.plan, result.plan.table
    where = words["where"].format(conditions=words["and"].join(_conditions(result, words))) if plan.filters else ""
    if plan.group is not None:
        return _of_groups(result, words, where)
    measure = table.columns[plan.measure or 0]
    if plan.operation == "extreme":
        return _of_extreme(result, words, measure, where)
    value = figure(result.value or Decimal(0), measure.unit if plan.operation in ("sum", "average") else "")
    values = words["or"].join(result.values[:SHOWN_VALUES]) + ("…" if len(result.values) > SHOWN_VALUES else "")
    return words[plan.operation].format(value=value, measure=measure.bare_shown, values=values) + where + words["end"]


def _of_extreme(result: Result, words: dict[str, str], measure: Column, where: str) -> str:
    plan = result.plan
    sides = ("early", "late") if measure.kind == "date" else ("low", "high")
    side = sides[0] if plan.is_low else sides[1]
    named = [(_label(plan.table, row, plan.label), _cell(plan.table, measure, row)) for row in result.rows]
    ties = words["ties"].format(ties=result.ties) if result.ties else ""
    if plan.most == 1:
        name, value = named[0]
        text = words[side].format(measure=measure.bare_shown, name=name, value=value)
    else:
        values = words["and"].join(f"**{name}**{words['colon']}{value}" for name, value in named)
        text = words[f"{side} of"].format(measure=measure.bare_shown, most=len(named), values=values)
    return text + ties + where + words["end"]


def _of_groups(result: Result, words: dict[str, str], where: str) -> str:
    plan, table = result.plan, result.plan.table
    how = plan.of_groups if plan.operation == "extreme" else plan.operation
    measure = table.columns[plan.measure] if plan.measure is not None else None
    what = words[f"what {how}"].format(measure=measure.bare_shown if measure else "")
    unit = measure.unit if measure else ""
    group = table.columns[plan.group or 0].bare_shown
    if plan.operation == "extreme" and plan.most == 1:
        best, side = result.groups[0], words["side low" if plan.is_low else "side high"]
        value = figure(best.value, unit)
        text = words["group"].format(group=group, what=what, side=side, name=best.name, value=value)
        return text + (words["ties"].format(ties=result.ties) if result.ties else "") + where + words["end"]
    listed = _listed(result.groups, words, unit)
    return words["groups"].format(group=group, what=what) + where + "\n" + listed


def _listed(groups: Sequence[Group], words: dict[str, str], unit: str) -> str:
    lines = [f"- {each.name}{words['colon']}{figure(each.value, unit)}" for each in groups[:SHOWN_VALUES]]
    return "\n".join([*lines, *(["- …"] if len(groups) > SHOWN_VALUES else [])])


def _conditions(result: Result, words: dict[str, str]) -> list[str]:
    return [_condition(each, result.plan.table, words) for each in result.plan.filters]


def _condition(condition: Filter, table: Table, words: dict[str, str]) -> str:
    column = table.columns[condition.column]
    if not condition.values:
        return words["said"].format(column=column.bare_shown, said=condition.said)
    written = dict(zip(column.values, (row[column.index] for row in table.rows), strict=True))
    values = words["or"].join(sorted(written[value] for value in condition.values))
    return words["is not" if condition.is_negated else "is"].format(column=column.bare_shown, values=values)


def _basis(result: Result, words: dict[str, str]) -> str:
    plan, table = result.plan, result.plan.table
    text = words["basis"].format(table=table.name, rows=len(table.rows))
    if plan.filters:
        text += words["of rows"].format(of_rows=result.of_rows)
    if table.totals:
        text += words["totals"].format(totals=len(table.totals))
    if result.missing:
        text += words["missing"].format(missing=result.missing)
    if result.unread:
        text += words["unread"].format(unread=result.unread)
    if table.cut:
        text += words["cut"].format(cut=table.cut)
    return text + words["end"]


def _label(table: Table, row: int, column: int | None) -> str:
    """What a row is called: by this column, else by a name that no other row has, else by a code."""
    texts = [each for each in table.columns if each.kind == "text" and each.values[row]]
    keys = [each for each in texts if each.is_key]
    named = [each for each in keys if not each.is_code] or keys or texts
    if column is not None and table.rows[row][column]:
        return table.rows[row][column]
    return table.rows[row][named[0].index if named else 0]


def _cell(table: Table, measure: Column, row: int) -> str:
    """The measured cell with the unit that may stand in the column's name."""
    amount = measure.amounts[row] if measure.kind == "number" else None
    return figure(amount.number, measure.unit) if amount is not None else table.rows[row][measure.index]
