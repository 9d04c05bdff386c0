"""Which operation a question asks for, once its words are bound to a table. Rules only. Pure."""

from collections.abc import Sequence
from dataclasses import replace

from rag.tables.compute import matching
from rag.tables.conditions import CannotBind, conditions
from rag.tables.naming import Naming, counting
from rag.tables.plan import Filter, TablePlan
from rag.tables.reading import TableMention
from rag.tables.table import Column
from rag.tables.vocabulary import GENERIC, OF_GOODS, OF_ROWS, PRICE_COLUMN

EXTREMES = ("max", "min", "first", "last")
MANY = ("最多", "最少", "most", "fewest", "least")
TOGETHER = ("加起来", "加在一起", "加总", "altogether", "combined", "in all")
_LEAST_CODE_CHARS = 4


class Planner(Naming):
    """Makes the plan of one question for one table."""

    def plan(self) -> TablePlan:
        """Raises CannotBind."""
        code = self._row_of_code()
        if code is not None and not self._kinds(self._all) & {*EXTREMES, "top", "average", "not", "compare", "between"}:
            return code
        if any(each.kind == "modal" for each in self._all):
            raise CannotBind("it asks what is allowed, or of the asker alone")
        unknown = [each.text for each in self._all if each.kind == "unknown"]
        found = conditions(self._table, [each for each in self._all if each.kind != "unknown"], self._today)
        self._filters = tuple(found.filters)
        self._rest = counting([self._named(each) for each in found.rest], self._table)
        kinds = self._kinds(self._rest)
        if (row := self._row(kinds, "".join(unknown))) is not None:
            return row
        if unknown:
            raise CannotBind(f"{''.join(unknown)} is nothing of this table")
        if "say" in kinds:
            raise CannotBind("it asks what something is")
        self._check_each()
        if any(each.bound for each in self._filters) and "count" in kinds and kinds & {"sum", "each", "average"}:
            raise CannotBind("a comparison of rows, or of their sums")
        if kinds & {*EXTREMES, "top"}:
            return self._extreme(kinds)
        if "average" in kinds:
            return self._average()
        if "each" in kinds and (grouped := self._grouped(kinds)) is not None:
            return grouped
        return self._total(kinds)

    def _check_each(self) -> None:
        """Raise CannotBind where each of a column's values is asked for, and only one of them, too."""
        lone = {each.column for each in self._filters if len(each.values) == 1 and not each.is_negated}
        each = any(mention.kind == "each" for mention in self._rest)
        if each and any(lone.intersection(mention.columns) for mention in self._rest if mention.kind == "column"):
            raise CannotBind("each of one")

    def _kinds(self, mentions: Sequence[TableMention]) -> set[str]:
        return {each.kind for each in mentions}

    def _row_of_code(self) -> TablePlan | None:
        """The row of a code, such as an order's number, whatever else is said."""
        columns = self._table.columns
        keys = [
            (column, value)
            for each in self._all
            if each.kind == "value"
            for column, value in each.values
            if columns[column].is_key and len(value) >= _LEAST_CODE_CHARS and any(map(str.isdigit, value))
        ]
        if len(keys) != 1:
            return None
        column, value = keys[0]
        return TablePlan(self._table, "row", (Filter(column, frozenset({value}), said=value),))

    def _row(self, kinds: set[str], unknown: str) -> TablePlan | None:
        """The one row whose key the question names, with a column that it asks for; a word that is not understood does
        no harm then, since all of the row is shown."""
        if kinds & {*EXTREMES, "top", "average", "each", "sum", "not"}:
            return None
        keys = [each for each in self._filters if each.values and self._table.columns[each.column].is_key]
        if len(keys) != 1 or keys[0].is_negated or len(keys[0].values) != 1:
            return None
        self._check_concepts()
        asks = any(set(each.columns) - {keys[0].column} for each in self._rest)
        if unknown and (not asks or len(unknown) > (2 if not unknown.isascii() else 12)):
            return None
        if not asks and kinds - {"say", "which"}:
            raise CannotBind("which of its cells is meant")
        if "count" in kinds and not self._of_kind("number"):
            raise CannotBind("a number that the row does not have")
        rows, _ = matching(self._table, self._filters)
        if len(rows) != 1:
            raise CannotBind("no row meets all conditions")
        return TablePlan(self._table, "row", self._filters)

    def _extreme(self, kinds: set[str]) -> TablePlan:
        extremes = [each for each in self._rest if each.kind in EXTREMES]
        if len(extremes) > 1 or "count" in kinds:
            raise CannotBind("several things are asked")
        is_low = bool(kinds & {"min", "first"})
        label = self._entities[0].index if self._entities else None
        plan = TablePlan(self._table, "extreme", self._filters, most=self._number(), is_low=is_low, label=label)
        group = self._group()
        if kinds & {"first", "last"}:
            if group is not None:
                raise CannotBind("the first day of groups")
            return replace(plan, measure=self._days().index)
        says_many = bool(extremes) and extremes[0].text in MANY
        others = [each for each in self._entities if each is not group]
        says_what = bool(others) or any(each.kind in ("context", "people") for each in self._rest)
        if group is not None and says_many and not self._measures() and says_what:
            return replace(plan, group=group.index, of_groups="count")
        column = self._compared(extremes, says_many=says_many)
        if group is None and kinds & {"average", "sum"}:
            raise CannotBind("the sum or the average of what")
        is_price = bool(PRICE_COLUMN.search(column.bare)) and not column.adds_up
        if group is None or (is_price and "average" not in kinds):
            return replace(plan, measure=column.index)
        if "average" in kinds:
            return replace(plan, measure=column.index, group=group.index, of_groups="average")
        if not column.adds_up:
            raise CannotBind(f"{column.name} does not add up")
        return replace(plan, measure=column.index, group=group.index, of_groups="sum")

    def _average(self) -> TablePlan:
        column = self._measure(may_be_only=False)
        plan = TablePlan(self._table, "average", self._filters, measure=column.index)
        group = self._group()
        if group is None:
            return plan
        order = [each.kind for each in self._rest]
        says = next((each.text for each in self._rest if each.kind == "each"), "")
        if not says or order.index("average") + 1 == order.index("each") or says == "per":
            raise CannotBind("the average of which rows, or of which sums")
        return replace(plan, group=group.index)

    def _grouped(self, kinds: set[str]) -> TablePlan | None:
        """By each value of a column; None where each is a row, or all are to be added up together."""
        group = self._group()
        if any(each.text in TOGETHER for each in self._rest):
            return None
        several = [each for each in self._filters if len(each.values) > 1 and not each.is_negated]
        says = {each.text for each in self._rest if each.kind == "each"}
        if group is None and says & {"分别", "各自", "各", "各个"}:
            if len(several) == 1:
                group = self._table.columns[several[0].column]
            elif says & {"分别", "各自"}:
                raise CannotBind("of each of what")
        if group is None:
            return None
        if self._measures() or kinds & {"money", "spend"}:
            column = self._measure(may_be_only=False)
            if not column.adds_up:
                raise CannotBind(f"{column.name} does not add up")
            return TablePlan(self._table, "sum", self._filters, measure=column.index, group=group.index)
        if not kinds & {"count", "all", "howmuch"}:
            raise CannotBind("what of each")
        if any(each.groups.get("of") == "人" or each.kind == "people" for each in self._rest):
            self._person()
        return TablePlan(self._table, "count", self._filters, group=group.index)

    def _total(self, kinds: set[str]) -> TablePlan:
        """A sum, or a number of rows or of different values."""
        if "but" in kinds or "some" in kinds:
            raise CannotBind("a number that belongs to nothing")
        if not kinds & {"sum", "all", "count", "money", "spend", "howmuch"}:
            raise CannotBind("nothing is counted or added up")
        if self._measures() or (kinds & {"money", "spend"} and "count" not in kinds):
            return self._sum(kinds)
        if "count" in kinds:
            return self._count()
        raise CannotBind("what is counted or added up")

    def _sum(self, kinds: set[str]) -> TablePlan:
        column = self._measure(may_be_only=False)
        is_clear = kinds & {"sum", "all", "spend"} or (self._filters and self._of_columns())
        if not column.adds_up or not is_clear or ("each" in kinds and self._repeated()):
            raise CannotBind(f"{column.name} is not added up")
        if [each for each in self._repeated() if "each" not in kinds]:
            raise CannotBind("the sum of which rows")
        if "count" in kinds and not self._follows_count(column):
            raise CannotBind("a number of what")
        return TablePlan(self._table, "sum", self._filters, measure=column.index)

    def _follows_count(self, column: Column) -> bool:
        """Whether the column is what is counted: how many hours, 多少台 of 数量."""
        at = next(at for at, each in enumerate(self._rest) if each.kind == "count")
        beside = [*self._rest[at + 1 : at + 2], *self._rest[max(0, at - 1) : at]]
        return any(column.index in each.columns for each in beside)

    def _count(self) -> TablePlan:
        plan = TablePlan(self._table, "count", self._filters)
        counted = next(each for each in self._rest if each.kind == "count")
        classifier = counted.groups.get("of", "")
        people = classifier == "人" or any(each.kind == "people" for each in self._rest)
        if people and len(heads := self._headcounts()) == 1:
            return replace(plan, operation="sum", measure=heads[0].index)
        if (goods := self._goods(counted, classifier)) is not None:
            return replace(plan, operation="sum", measure=goods.index)
        if classifier in OF_ROWS:
            self._check_none_left(self._repeated())
            return plan
        if classifier == "人" and not self._entities:
            self._person()
            return plan
        return self._of_entities(plan, counted)

    def _of_entities(self, plan: TablePlan, counted: TableMention) -> TablePlan:
        """What is named beside the word that asks how many; the rows, where that is what the table lists."""
        at = self._rest.index(counted)
        after = [index for each in self._rest[at + 1 : at + 2] for index in each.columns]
        entity = next((each for each in self._entities if each.index in after), None)
        if entity is None and self._entities:
            entity = self._entities[-1]
        if entity is None:
            is_named = any(each.kind == "context" or each.text in GENERIC for each in self._rest)
            things = OF_ROWS | OF_GOODS
            if not (is_named or (self._filters and counted.groups.get("of", " ") in things)):
                raise CannotBind("what is counted")
            return plan
        self._check_none_left([each for each in self._repeated() if each is not entity])
        if entity.is_key:
            return plan
        return replace(plan, operation="distinct", measure=entity.index)

    def _check_none_left(self, columns: Sequence[Column]) -> None:
        if columns:
            raise CannotBind(f"{columns[0].name} is named for nothing")
