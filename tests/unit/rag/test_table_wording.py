"""How results are told, in both languages, and which tables they may come from."""

from decimal import Decimal

import pytest

from rag.documents import Chunk, Document, Passage
from rag.index.base.types import Key, Known
from rag.ingestion.readers.parsed import markdown_table
from rag.tables.answering import Computed, TableAnswers, Uncounted, documents_with_rows
from rag.tables.whole import MOST_CHUNKS, WholeTables
from rag.tables.wording import figure, told
from rag.text.chunking import split
from tests.support.tables import ORDERS, SUPPLIERS, TODAY, Rows, computed, listed, table


class Shelf:
    """Documents by source, read like an index."""

    def __init__(self, texts: dict[str, str], note: str = "") -> None:
        self._texts, self._note = texts, note
        self.asked: list[str] = []

    def of_document(self, key: Key, limit: int) -> list[Chunk]:
        self.asked.append(key[1])
        return split(Document(key[1], key[1].rsplit(".", 1)[0], self._texts[key[1]]))[:limit]

    def document(self, key: Key) -> Known | None:
        return Known("", notes=(self._note,) if self._note else ())

    def keys(self) -> list[Key]:
        return [("default", source) for source in self._texts]


def answers(shelf: Shelf) -> TableAnswers:
    return TableAnswers(WholeTables(shelf))  # type: ignore[arg-type]


def test_the_answer_says_of_which_rows_of_which_table() -> None:
    words = told(computed("注册资本超过500万的供应商有几家", table(SUPPLIERS, title="供应商名单")), "zh")
    assert words.outcome == "共 **2** 条（条件：注册资本（万元）：超过500万）。"
    assert "《供应商名单》的全部 5 行，其中 2 行符合条件" in words.basis
    assert "1 行合计未重复计入" in words.basis and "1 行的内容无法判断" in words.basis
    assert words.rows[0].startswith("- 供应商名称：蓝海物流；城市：深圳")
    assert words.answer(1).count("[1]") == 2


def test_an_english_answer_keeps_the_currency() -> None:
    words = told(computed("total revenue in the North region", table(ORDERS, title="Sales")), "en")
    assert words.outcome == '"Revenue" adds up to **$1,740** (where Region is North).'
    assert words.basis.startswith('From all 4 rows of "Sales", of which 2 meet the conditions; rows of totals')


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        ("1234567.5", "元", "1,234,567.5元"),
        ("0.3333333", "", "0.33"),
        ("0.0001234", "", "0.000123"),
        ("-20", "$", "-$20"),
        ("12.345", "%", "12.34%"),
        ("12", "EUR", "12 EUR"),
        ("100", "万元", "100万元"),
    ],
)
def test_figures_are_written_as_people_read_them(value: str, unit: str, text: str) -> None:
    assert figure(Decimal(value), unit) == text


def test_two_tables_that_say_as_much_and_differ_are_not_chosen_between() -> None:
    other: Rows = [SUPPLIERS[0], *SUPPLIERS[1:3]]
    shelf = Shelf({"供应商A.csv": listed(SUPPLIERS), "供应商B.csv": listed(other)})
    assert isinstance(answers(shelf).look("有几个供应商在上海，一共", shelf.keys(), TODAY), Uncounted | Computed)
    assert answers(shelf).look("一共有多少家供应商", shelf.keys(), TODAY) == Uncounted("zh")
    twice = Shelf({"供应商A.csv": listed(SUPPLIERS), "供应商B.csv": listed(SUPPLIERS)})
    assert isinstance(answers(twice).look("一共有多少家供应商", twice.keys(), TODAY), Computed)


def test_only_the_documents_that_were_read_are_opened() -> None:
    shelf = Shelf({"供应商.csv": listed(SUPPLIERS), "secret.csv": listed(ORDERS)})
    verdict = answers(shelf).look("What's the total revenue?", [("default", "供应商.csv")], TODAY)
    assert not isinstance(verdict, Computed) and shelf.asked == ["供应商.csv"]


def test_a_table_that_was_not_read_to_its_end_says_so() -> None:
    shelf = Shelf({"供应商.csv": listed(SUPPLIERS)}, note="only the first 100000 rows were read")
    verdict = answers(shelf).look("一共有多少家供应商", shelf.keys(), TODAY)
    assert isinstance(verdict, Computed) and "only the first 100000 rows" in verdict.passage.chunk.text


def test_a_document_that_is_too_long_is_not_computed() -> None:
    class Endless(Shelf):
        def of_document(self, key: Key, limit: int) -> list[Chunk]:
            return super().of_document(key, limit) * (MOST_CHUNKS + 1)

    shelf = Endless({"供应商.csv": listed(SUPPLIERS)})
    assert not isinstance(answers(shelf).look("一共有多少家供应商", shelf.keys(), TODAY), Computed)


def test_the_evidence_stands_at_the_tables_place() -> None:
    shelf = Shelf({"供应商.csv": listed(SUPPLIERS)})
    verdict = answers(shelf).look("有几个供应商在深圳", shelf.keys(), TODAY)
    assert isinstance(verdict, Computed)
    chunk = verdict.passage.chunk
    assert (chunk.source, chunk.collection, chunk.start) == ("供应商.csv", "default", 0)
    assert chunk.text.startswith("按整张表计算：共 **2** 条") and "蓝海物流" in chunk.text


def test_rows_that_were_cut_off_from_their_header_get_it_back() -> None:
    rows = [("编号", "城市", "数量"), *((f"N{at:03}", "深圳特别长的地址" * 3, str(at)) for at in range(60))]
    shelf = Shelf({"长表.md": f"# 长表\n\n{markdown_table(rows)}"})
    chunks = split(Document("长表.md", "长表", f"# 长表\n\n{markdown_table(rows)}"))
    assert len(chunks) > 2 and not chunks[1].text.startswith("| 编号")
    headed = answers(shelf).headed([Passage(chunk, 1.0) for chunk in chunks])
    assert all(passage.chunk.text.startswith("| 编号 | 城市 | 数量 |\n| --- |") for passage in headed)
    assert headed[0].chunk is chunks[0]
    assert documents_with_rows(chunks) == (("default", "长表.md"),)
