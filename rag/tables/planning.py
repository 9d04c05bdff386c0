"""A question and a table to a plan, or to the reason why there is none. Rules only; what is not understood whole is not
computed. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import cached_property

from rag.tables.compute import matching
from rag.tables.conditions import CannotBind, columns_named, conditions
from rag.tables.plan import Filter, Plan, Unclear
from rag.tables.reading import Lexicon, Mention, plain_reading
from rag.tables.table import Column, Table
from rag.tables.vocabulary import (
    GENERIC,
    HEADCOUNT_COLUMN,
    IS_MONEY,
    OF_GOODS,
    OF_ROWS,
    PERSON_COLUMN,
    PLACE_COLUMN,
    PRICE_COLUMN,
    QUANTITY_COLUMN,
    TYPE_COLUMN,
)
from rag.text.numerals import digit

EXTREMES = ("max", "min", "first", "last")
MANY = ("最多", "最少", "most", "fewest", "least")
TOGETHER = ("加起来", "加在一起", "加总", "altogether", "combined", "in all")
_WORDS = {"two": 2, "three": 3, "four": 4, "five": 5, "ten": 10}
_LEAST_CODE_CHARS = 4


def asks_for_all(folded: str) -> bool:
    """Whether a question, by its own words, wants something counted, added up or compared over many: how many in all,
    the average, which is the highest. What one may, can or must do is none of that."""
    mentions = plain_reading(folded)
    kinds = {mention.kind for mention in mentions}
    if "modal" in kinds or "say" in kinds:
        return False
    asks = bool(kinds & {"count", "howmuch", "money", "spend", "which", "who", "each", "where"})
    is_sum = bool(kinds & {"sum", "average"}) and bool(asks or kinds & {"all", "which"})
    # What is the maximum: a limit that somebody set, not one that is found by comparing.
    compares = any(each.kind == "which" and not each.text.startswith("what") for each in mentions)
    is_extreme = bool(kinds & {*EXTREMES, "top"}) and (compares or bool(kinds & {"who", "where", "top", "some"}))
    return is_sum or is_extreme or ({"count", "all"} <= kinds)


def plan_for(folded: str, lexicon: Lexicon, today: date) -> Plan | Unclear:
    """What a folded question wants of a table."""
    mentions = lexicon.read(folded)
    score = sum(len(each.text) for each in mentions if each.kind in ("value", "column", "context"))
    try:
        plan = _Planner(lexicon.table, mentions, today).plan()
    except CannotBind as error:
        is_understood = not any(each.kind == "unknown" for each in mentions)
        return Unclear(str(error), _wants_count(mentions), score if is_understood else 0)
    score += _as_subject(plan, mentions, lexicon)
    return replace(plan, score=score) if score else Unclear("nothing of this table is said")


def _wants_count(mentions: Sequence[Mention]) -> bool:
    """Whether something is counted or compared that the table speaks of: two of its words, and no word of what is
    allowed."""
    kinds = {each.kind for each in mentions}
    said = sum(each.kind in ("value", "column", "context") for each in mentions)
    counts = bool(kinds & {"count", "sum", "average", "top"}) or bool(
        kinds & set(EXTREMES) and kinds & {"which", "who"}
    )
    return counts and said > 1 and not kinds & {"modal", "say"}


def _as_subject(plan: Plan, mentions: Sequence[Mention], lexicon: Lexicon) -> int:
    """More for a table that lists what is asked for than for one that only mentions it: suppliers are counted in the
    list of suppliers, not among those who got an order."""
    named = [each for each in mentions if each.kind == "column" and each.text in lexicon.context]
    is_named = any(plan.table.columns[at].is_key for each in mentions for at in each.columns)
    is_people = any(each.kind == "people" or each.groups.get("of") == "人" for each in mentions)
    lists = plan.operation == "count" and (is_named or is_people)
    return sum(len(each.text) for each in named) + 2 * lists


def _counting(mentions: Sequence[Mention], table: Table) -> list[Mention]:
    """Mentions in which a thing that is asked for by 多少 or by 数量 is counted: 多少订单, 订单数量. The word 数量 alone may
    be a column."""
    found = list(mentions)
    for at, each in enumerate(found):
        after = found[at + 1] if at + 1 < len(found) else None
        before = found[at - 1] if at else None
        if each.kind == "howmuch" and each.text == "多少" and after is not None and _is_thing(after, table):
            found[at] = replace(each, kind="count")
        elif each.text == "数量" and each.kind == "column" and before is not None and before.kind != "context":
            found[at] = Mention("count", each.text) if _is_thing(before, table) else each
    return found


def _is_thing(mention: Mention, table: Table) -> bool:
    """Whether it names what rows or people are called."""
    kinds = {table.columns[index].kind for index in mention.columns}
    return mention.kind in ("people", "context") or (mention.kind == "column" and kinds == {"text"})


class _Planner:
    def __init__(self, table: Table, mentions: Sequence[Mention], today: date) -> None:
        self._table = table
        self._all = mentions
        self._today = today

    def plan(self) -> Plan:
        """Raises CannotBind."""
        unknown = [each.text for each in self._all if each.kind == "unknown"]
        is_personal = any(each.kind == "modal" for each in self._all)
        code = self._row_of_code()
        if code is not None and not self._kinds(self._all) & {*EXTREMES, "top", "average", "not", "compare", "between"}:
            return code
        if unknown:
            raise CannotBind(f"{''.join(unknown)} is nothing of this table")
        if is_personal:
            raise CannotBind("it asks what is allowed, or of the asker alone")
        found = conditions(self._table, [each for each in self._all if each.kind != "unknown"], self._today)
        self._filters = tuple(found.filters)
        self._rest = _counting([self._named(each) for each in found.rest], self._table)
        kinds = self._kinds(self._rest)
        if (row := self._row(kinds)) is not None:
            return row
        if "say" in kinds:
            raise CannotBind("it asks what something is")
        self._check_each()
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

    def _kinds(self, mentions: Sequence[Mention]) -> set[str]:
        return {each.kind for each in mentions}

    # One row.

    def _row_of_code(self) -> Plan | None:
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
        return Plan(self._table, "row", (Filter(column, frozenset({value}), said=value),))

    def _row(self, kinds: set[str]) -> Plan | None:
        """The one row whose key the question names."""
        if kinds & {*EXTREMES, "top", "average", "each", "sum", "not"}:
            return None
        keys = [each for each in self._filters if each.values and self._table.columns[each.column].is_key]
        if len(keys) != 1 or keys[0].is_negated or len(keys[0].values) != 1:
            return None
        self._check_concepts()
        if "count" in kinds and not self._of_kind("number"):
            raise CannotBind("a number that the row does not have")
        rows, _ = matching(self._table, self._filters)
        if len(rows) != 1:
            raise CannotBind("no row meets all conditions")
        return Plan(self._table, "row", self._filters)

    # What names columns.

    def _named(self, mention: Mention) -> Mention:
        """A mention with the columns that its word of a person, place or day may stand for."""
        columns = self._table.columns
        match mention.kind:
            case "who" | "people":
                found = [each for each in columns if each.kind == "text" and PERSON_COLUMN.search(each.bare)]
            case "which" if mention.text.endswith(("种", "类")):
                found = [each for each in columns if each.kind == "text" and TYPE_COLUMN.search(each.bare)]
            case "where":
                found = [each for each in columns if each.kind == "text" and PLACE_COLUMN.search(each.bare)]
            case "when":
                found = [each for each in columns if each.kind == "date"]
            case "money" | "spend" | "sum" | "max" | "min":
                return replace(mention, columns=columns_named(self._table, mention))
            case _:
                return mention
        return replace(mention, columns=tuple(each.index for each in found))

    def _of_kind(self, kind: str) -> list[tuple[Mention, set[int]]]:
        """Mentions that may name columns of a kind, with these."""
        columns = self._table.columns
        found = [(each, {index for index in each.columns if columns[index].kind == kind}) for each in self._rest]
        return [(each, named) for each, named in found if named]

    def _measures(self) -> set[int]:
        """The columns of numbers that are named best: by their whole name, then by most of what is said."""
        points: dict[int, int] = {}
        for mention, named in self._of_kind("number"):
            for index in named:
                is_whole = mention.text == self._table.columns[index].bare
                weight = 1 if mention.kind != "column" else 10 * len(mention.text) + 100 * is_whole
                points[index] = points.get(index, 0) + weight
        most = max(points.values(), default=0)
        return {index for index, value in points.items() if value == most}

    def _measure(self, *, may_be_only: bool) -> Column:
        """The one column of numbers that is meant. Raises CannotBind."""
        columns = self._table.columns
        found = self._measures()
        if not found and may_be_only:
            found = {each.index for each in columns if each.kind == "number"}
        if len(found) != 1:
            raise CannotBind("which numbers are meant")
        column = columns[found.pop()]
        if column.is_mixed:
            raise CannotBind(f"{column.name} has numbers of different units")
        return column

    @cached_property
    def _entities(self) -> list[Column]:
        """The columns of text that are named, in the order of the question, each once. Raises CannotBind for a word
        that may be several."""
        found: list[Column] = []
        for mention, named in self._of_kind("text"):
            if len(named) > 1:
                own = {index for index in named if self._table.columns[index] in found}
                keys = {index for index in named if self._table.columns[index].is_key}
                named = own or keys
            if len(named) != 1:
                if any(self._table.columns[index].kind != "text" for index in mention.columns):
                    continue
                raise CannotBind(f"{mention.text} may be several columns")
            column = self._table.columns[next(iter(named))]
            if column not in found:
                found.append(column)
        self._check_concepts()
        return found

    def _check_concepts(self) -> None:
        for each in self._rest:
            is_named = each.kind == "who" and any(other.kind == "column" for other in self._rest)
            is_kind = each.kind == "which" and each.text.endswith(("种", "类")) and not self._names_after(each)
            is_open = is_kind or each.kind in ("who", "where", "people")
            if is_open and not (each.columns or is_named or self._headcounts()):
                raise CannotBind(f"{each.text}: the table has no such column")

    def _names_after(self, mention: Mention) -> bool:
        """Whether a column of text is named right behind: 哪类物品."""
        at = self._rest.index(mention)
        return any(self._table.columns[i].kind == "text" for each in self._rest[at + 1 : at + 2] for i in each.columns)

    def _headcounts(self) -> list[Column]:
        return [each for each in self._table.columns if each.kind == "number" and HEADCOUNT_COLUMN.search(each.bare)]

    def _repeated(self) -> list[Column]:
        """Named columns whose values come in several rows."""
        return [each for each in self._entities if not each.is_key]

    def _group(self) -> Column | None:
        """The one named column by whose values rows are put together. Raises CannotBind for several."""
        repeated = self._repeated()
        if len(repeated) > 1:
            raise CannotBind("by which of several columns")
        return repeated[0] if repeated else None

    # Operations.

    def _extreme(self, kinds: set[str]) -> Plan:
        extremes = [each for each in self._rest if each.kind in EXTREMES]
        if len(extremes) > 1 or "count" in kinds:
            raise CannotBind("several things are asked")
        is_low = bool(kinds & {"min", "first"})
        label = self._entities[0].index if self._entities else None
        plan = Plan(self._table, "extreme", self._filters, most=self._number(), is_low=is_low, label=label)
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

    def _compared(self, extremes: Sequence[Mention], *, says_many: bool) -> Column:
        """The column of numbers that is compared: the prices, where it is what is dear or cheap."""
        prices = [e for e in self._table.columns if e.kind == "number" and PRICE_COLUMN.search(e.bare)]
        if extremes and IS_MONEY.search(extremes[0].text) and not self._of_columns():
            if len(prices) > 1:
                raise CannotBind("which price")
            if prices:
                return prices[0]
        return self._measure(may_be_only=bool(extremes) and not says_many)

    def _of_columns(self) -> list[Mention]:
        """Mentions of columns of numbers by their names."""
        return [each for each, _ in self._of_kind("number") if each.kind == "column"]

    def _days(self) -> Column:
        named = {index for _, indexes in self._of_kind("date") for index in indexes}
        exact = [index for each, indexes in self._of_kind("date") if each.kind == "column" for index in indexes]
        every = [each.index for each in self._table.columns if each.kind == "date"]
        for candidates in (set(exact), named, set(every)):
            if len(candidates) == 1:
                return self._table.columns[candidates.pop()]
        raise CannotBind("which days are meant")

    def _number(self) -> int:
        """How many are asked for: top 3, 最大的三笔."""
        for each in self._rest:
            if each.kind in ("top", "some"):
                text = each.groups.get("n") or each.groups.get("n2") or ""
                value = _WORDS.get(text) or int(text if text.isdigit() else digit(text) or 0)
                if not 1 <= value <= 20:
                    raise CannotBind("too many")
                return value
        return 1

    def _average(self) -> Plan:
        column = self._measure(may_be_only=False)
        plan = Plan(self._table, "average", self._filters, measure=column.index)
        group = self._group()
        if group is None:
            return plan
        order = [each.kind for each in self._rest]
        says = next((each.text for each in self._rest if each.kind == "each"), "")
        if not says or order.index("average") + 1 == order.index("each") or says == "per":
            raise CannotBind("the average of which rows, or of which sums")
        return replace(plan, group=group.index)

    def _grouped(self, kinds: set[str]) -> Plan | None:
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
            return Plan(self._table, "sum", self._filters, measure=column.index, group=group.index)
        if not kinds & {"count", "all", "howmuch"}:
            raise CannotBind("what of each")
        if any(each.groups.get("of") == "人" or each.kind == "people" for each in self._rest):
            self._person()
        return Plan(self._table, "count", self._filters, group=group.index)

    def _total(self, kinds: set[str]) -> Plan:
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

    def _sum(self, kinds: set[str]) -> Plan:
        column = self._measure(may_be_only=False)
        is_clear = kinds & {"sum", "all", "spend"} or (self._filters and self._of_columns())
        if not column.adds_up or not is_clear or ("each" in kinds and self._repeated()):
            raise CannotBind(f"{column.name} is not added up")
        if [each for each in self._repeated() if "each" not in kinds]:
            raise CannotBind("the sum of which rows")
        if "count" in kinds and not self._follows_count(column):
            raise CannotBind("a number of what")
        return Plan(self._table, "sum", self._filters, measure=column.index)

    def _follows_count(self, column: Column) -> bool:
        """Whether the column is what is counted: how many hours, 多少台 of 数量."""
        at = next(at for at, each in enumerate(self._rest) if each.kind == "count")
        beside = [*self._rest[at + 1 : at + 2], *self._rest[max(0, at - 1) : at]]
        return any(column.index in each.columns for each in beside)

    def _count(self) -> Plan:
        plan = Plan(self._table, "count", self._filters)
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

    def _person(self) -> Column:
        """The column of names of a list of people, each of whom has one row. Raises CannotBind."""
        persons = [e for e in self._table.columns if e.kind == "text" and e.is_key and PERSON_COLUMN.search(e.bare)]
        if len(persons) != 1:
            raise CannotBind("the table is no list of people")
        return persons[0]

    def _goods(self, counted: Mention, classifier: str) -> Column | None:
        """The column of quantities, where things are counted of which a row may hold several."""
        quantities = [e for e in self._table.columns if e.kind == "number" and QUANTITY_COLUMN.search(e.bare)]
        if len(quantities) != 1 or self._entities:
            return None
        if classifier in OF_GOODS:
            return quantities[0]
        at = self._all.index(counted) if counted in self._all else len(self._all)
        follows = self._all[at + 1].kind if at + 1 < len(self._all) else ""
        return quantities[0] if not classifier and follows == "value" else None

    def _of_entities(self, plan: Plan, counted: Mention) -> Plan:
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
