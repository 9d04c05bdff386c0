"""What the words of a question name in a table: its columns, people, things and numbers. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import cached_property

from rag.tables.conditions import CannotBind, columns_named
from rag.tables.plan import Filter
from rag.tables.reading import TableMention
from rag.tables.table import Column, Table
from rag.tables.vocabulary import (
    HEADCOUNT_COLUMN,
    IS_MONEY,
    OF_GOODS,
    PERSON_COLUMN,
    PLACE_COLUMN,
    PRICE_COLUMN,
    QUANTITY_COLUMN,
    TYPE_COLUMN,
)
from rag.text.numerals import digit

_WORDS = {"two": 2, "three": 3, "four": 4, "five": 5, "ten": 10}


def counting(mentions: Sequence[TableMention], table: Table) -> list[TableMention]:
    """Mentions in which a thing that is asked for by 多少 or by 数量 is counted: 多少订单, 订单数量.

    The word 数量 alone may be a column."""
    found = list(mentions)
    for at, each in enumerate(found):
        after = found[at + 1] if at + 1 < len(found) else None
        before = found[at - 1] if at else None
        if each.kind == "howmuch" and each.text == "多少" and after is not None and _is_thing(after, table):
            found[at] = replace(each, kind="count")
        elif each.text == "数量" and each.kind == "column" and before is not None and before.kind != "context":
            found[at] = TableMention("count", each.text) if _is_thing(before, table) else each
    return found


def _is_thing(mention: TableMention, table: Table) -> bool:
    """Whether it names what rows or people are called."""
    kinds = {table.columns[index].kind for index in mention.columns}
    return mention.kind in ("people", "context") or (mention.kind == "column" and kinds == {"text"})


class Naming:
    """A question's mentions, and the columns that they name. Methods raise CannotBind where several may be meant."""

    def __init__(self, table: Table, mentions: Sequence[TableMention], today: date) -> None:
        self._table = table
        self._all = mentions
        self._today = today
        self._rest: list[TableMention] = []
        self._filters: tuple[Filter, ...] = ()

    def _named(self, mention: TableMention) -> TableMention:
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

    def _of_kind(self, kind: str) -> list[tuple[TableMention, set[int]]]:
        """Mentions that may name columns of a kind, with these."""
        columns = self._table.columns
        found = [(each, {index for index in each.columns if columns[index].kind == kind}) for each in self._rest]
        return [(each, named) for each, named in found if named]

    def _measures(self) -> set[int]:
        """The columns of numbers that are named best: by their whole name, then by most of what is said."""
        points: dict[int, int] = {}
        whole = {index for each, named in self._of_kind("number") for index in named if self._is_whole(each, index)}
        if len(whole) > 1:
            return whole
        for mention, named in self._of_kind("number"):
            for index in named:
                weight = 1 if mention.kind != "column" else 10 * len(mention.text) + 100 * (index in whole)
                points[index] = points.get(index, 0) + weight
        most = max(points.values(), default=0)
        return {index for index, value in points.items() if value == most}

    def _is_whole(self, mention: TableMention, index: int) -> bool:
        return mention.kind == "column" and mention.text == self._table.columns[index].bare

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

    def _names_after(self, mention: TableMention) -> bool:
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

    def _compared(self, extremes: Sequence[TableMention], *, says_many: bool) -> Column:
        """The column of numbers that is compared: the prices, where it is what is dear or cheap."""
        prices = [e for e in self._table.columns if e.kind == "number" and PRICE_COLUMN.search(e.bare)]
        if extremes and IS_MONEY.search(extremes[0].text) and not self._of_columns():
            if len(prices) > 1:
                raise CannotBind("which price")
            if prices:
                return prices[0]
        return self._measure(may_be_only=bool(extremes) and not says_many)

    def _of_columns(self) -> list[TableMention]:
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

    def _person(self) -> Column:
        """The column of names of a list of people, each of whom has one row. Raises CannotBind."""
        persons = [e for e in self._table.columns if e.kind == "text" and e.is_key and PERSON_COLUMN.search(e.bare)]
        if len(persons) != 1:
            raise CannotBind("the table is no list of people")
        return persons[0]

    def _goods(self, counted: TableMention, classifier: str) -> Column | None:
        """The column of quantities, where things are counted of which a row may hold several."""
        quantities = [e for e in self._table.columns if e.kind == "number" and QUANTITY_COLUMN.search(e.bare)]
        if len(quantities) != 1 or self._entities:
            return None
        if classifier in OF_GOODS:
            return quantities[0]
        at = self._all.index(counted) if counted in self._all else len(self._all)
        follows = self._all[at + 1].kind if at + 1 < len(self._all) else ""
        return quantities[0] if not classifier and follows == "value" else None
