"""Tables for tests, as the index holds them: written like readers write them, cut into chunks, put together again."""

from collections.abc import Sequence
from datetime import date

from rag.documents import Document
from rag.ingestion.readers.parsed import labelled, markdown_table
from rag.tables.cells import fold
from rag.tables.compute import Result, compute
from rag.tables.plan import TablePlan, Unclear
from rag.tables.planning import plan_for
from rag.tables.reading import Lexicon
from rag.tables.scanning import tables_of
from rag.tables.table import Table
from rag.text.chunking import split

TODAY = date(2026, 3, 15)
SUPPLIERS = (
    ("供应商名称", "城市", "类别", "等级", "合作日期", "注册资本（万元）"),
    ("华远印务", "深圳", "印刷", "A", "2019-03-05", "500"),
    ("蓝海物流", "深圳", "物流", "B", "2021-07-01", "1,200"),
    ("同创云科", "上海", "云服务", "A", "2025-11-20", "300"),
    ("嘉禾文具", "广州", "办公用品", "C", "2025-03-02", "待核"),
    ("新锐物流", "上海", "物流", "B", "2023-01-15", "800"),
    ("合计", "", "", "", "", "2,800"),
)
ORDERS = (
    ("Order ID", "Date", "Region", "Product", "Units", "Revenue"),
    ("S-1001", "2025-01-03", "North", "Desk", "3", "$960"),
    ("S-1002", "2025-01-20", "South", "Sofa", "2", "$1,560"),
    ("S-1003", "2025-02-11", "North", "Sofa", "1", "$780"),
    ("S-1004", "2025-03-30", "West", "Desk", "4", "$1,280"),
    ("Total", "", "", "", "10", "$4,580"),
)
Rows = Sequence[Sequence[str]]


def listed(rows: Rows) -> str:
    """As sheets are read: each row on a line, every value after the name of its column."""
    return "\n".join("- " + labelled(rows[0], row) for row in rows[1:])


def tables(text: str, *, title: str = "名单") -> tuple[Table, ...]:
    """The tables of a document of this text."""
    return tables_of(split(Document(f"{title}.csv", title, text)))


def table(rows: Rows, *, title: str = "名单", barred: bool = False) -> Table:
    """These rows as one table."""
    [found] = tables(markdown_table(rows) if barred else listed(rows), title=title)
    return found


def planned(question: str, of: Table) -> TablePlan | Unclear:
    """What a question wants of a table."""
    return plan_for(fold(question), Lexicon(of), TODAY)


def computed(question: str, of: Table) -> Result:
    """What comes of it; the test fails where there is no plan."""
    plan = planned(question, of)
    assert isinstance(plan, TablePlan), plan
    result = compute(plan)
    assert result is not None
    return result
