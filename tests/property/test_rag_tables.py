"""Tables written like readers write them: all rows come back, and what is computed is what a loop finds."""

from collections import Counter
from decimal import Decimal

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rag.documents import Document
from rag.ingestion.readers.delimited import read_csv
from rag.tables.compute import Result, compute
from rag.tables.plan import Bound, Filter, TablePlan
from rag.tables.scanning import tables_of
from rag.tables.table import Table
from rag.text.chunking import split
from tests.support.tables import computed, table

CITIES, KINDS = ("深圳", "上海", "广州", "成都"), ("物流", "印刷", "云服务")
WORDS = st.text("甲乙丙丁abc 0123（）()-_·%", min_size=1, max_size=40).map(str.strip).filter(bool)
ROWS = st.lists(
    st.tuples(st.sampled_from(CITIES), st.sampled_from(KINDS), st.integers(0, 10_000), st.sampled_from(("", "待核"))),
    min_size=3,
    max_size=60,
)
Row = tuple[str, str, int, str]
HEADER = ("客户名称", "城市", "类别", "金额（元）")


def book(rows: list[Row], *, barred: bool) -> Table:
    """A table of customers; where the last of a row says so, its amount is missing or no number."""
    written = [
        (f"客户{at}号", city, kind, gap if at % 7 == 3 and gap else str(amount))
        for at, (city, kind, amount, gap) in enumerate(rows)
    ]
    return table([HEADER, *written], title="客户名单", barred=barred)


def amounts(of: Table, rows: list[int]) -> list[Decimal]:
    return [Decimal(of.rows[at][3]) for at in rows if of.rows[at][3].isdigit()]


@given(ROWS, st.booleans(), st.sampled_from(CITIES), st.sampled_from(KINDS))
@settings(max_examples=60, deadline=None)
def test_counts_and_sums_are_those_of_a_loop(rows: list[Row], barred: bool, city: str, kind: str) -> None:
    of = book(rows, barred=barred)
    meant = [at for at, row in enumerate(rows) if row[0] == city and row[1] == kind]
    there = {row[0] for row in rows}, {row[1] for row in rows}
    if city not in there[0] or kind not in there[1]:
        return  # a value that stands nowhere is not understood
    assume(not of.columns[1].is_key and not of.columns[2].is_key)  # such a value would name one row
    assert computed(f"{city}的{kind}客户有几家", of).rows == tuple(meant)
    numbers = amounts(of, meant)
    if numbers and of.columns[3].kind == "number":
        result = computed(f"{city}{kind}客户的金额合计多少", of)
        assert (result.value, result.missing) == (sum(numbers), len(meant) - len(numbers))
        assert computed(f"{city}{kind}客户的平均金额是多少", of).value == sum(numbers) / len(numbers)


@given(ROWS, st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_comparisons_and_groups_are_those_of_a_loop(rows: list[Row], limit: int) -> None:
    of = book(rows, barred=False)
    assume(of.columns[3].kind == "number" and not of.columns[1].is_key)  # rows, each of another city, are no groups
    above = [at for at in range(len(rows)) if of.rows[at][3].isdigit() and int(of.rows[at][3]) > limit]
    assert computed(f"金额超过{limit}元的客户有几家", of).rows == tuple(above)
    counted = computed("各城市分别有多少家客户", of)
    assert {each.name: int(each.value) for each in counted.groups} == dict(Counter(row[0] for row in rows))
    most = computed("金额最高的客户是哪家", of)
    numbers = amounts(of, list(range(len(rows))))
    best = max(numbers)
    assert Decimal(of.rows[most.rows[0]][3]) == best and most.ties == numbers.count(best) - 1


@given(st.lists(st.one_of(st.none(), st.integers(-50, 50)), min_size=1, max_size=30), st.integers(-50, 50))
def test_a_bound_leaves_out_and_tells_what_is_no_number(numbers: list[int | None], low: int) -> None:
    rows = [("甲" if at % 2 else "乙", "待核" if number is None else str(number)) for at, number in enumerate(numbers)]
    of = table([("名", "数"), *rows, ("甲", "1"), ("乙", "2"), ("乙", "3")])
    if of.columns[1].kind != "number":
        return
    result: Result | None = compute(TablePlan(of, "count", (Filter(1, bound=Bound(low=Decimal(low), with_low=False)),)))
    everything = [*numbers, 1, 2, 3]
    assert result is not None and result.value == sum(each is not None and each > low for each in everything)
    assert result.unread == everything.count(None)


@given(st.lists(st.lists(WORDS, min_size=4, max_size=4), min_size=3, max_size=40))
@settings(max_examples=60, deadline=None)
def test_every_row_of_a_csv_comes_back(cells: list[list[str]]) -> None:
    rows = [[f"K{at}", *(word.replace(",", "") for word in row)] for at, row in enumerate(cells)]
    text = read_csv("\n".join(",".join(row) for row in [["编号", "甲", "乙", "丙", "丁"], *rows]).encode()).text
    found = tables_of(split(Document("a.csv", "a", text)))
    keys = [row[0] for each in found for row in (*each.rows, *each.totals)]
    assert keys == [row[0] for row in rows]
