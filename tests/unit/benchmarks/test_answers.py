"""How benchmarks/answers.py reads its arguments, plays the model and judges answers."""

import argparse
from pathlib import Path
from typing import get_args

import pytest

from benchmarks._asking import OUTCOMES, REFUSAL, Item, cut, is_refused, obedient, outcome_of, sampled, shown_of
from benchmarks._overrides import override, settings_for
from rag.documents import Chunk, Document, Passage
from rag.evaluation.dataset import Case
from rag.events import Finished
from rag.generation.answer_text import AnswerText
from rag.generation.prompts import passages_text
from rag.retrieval.confidence import Evidence
from rag.retrieval.retriever import SearchResult

ROW = Item(Case("住一晚多少", frozenset({"a.md"}), "P7 | 650"), answers=("P7 | 650",))


def passage(text: str, source: str = "a.md") -> Passage:
    return Passage(Chunk(1, source, "差旅", (), text, 0, len(text)), 1.0)


def prompt(*texts: str) -> dict[str, object]:
    return {"messages": [{"role": "user", "content": passages_text([passage(text) for text in texts])}]}


@pytest.mark.parametrize(
    ("text", "is_right"),
    [
        ("P7：一类城市 650；二类城市 500 [1]", True),
        ("P4：一类城市 550 [1]\nP7：一类城市 650 [1]", True),
        ("650 是 P7 的 [1]", False),
        ("P7：一类城市 550 [1]\nP8：一类城市 650 [1]", False),
    ],
)
def test_a_row_of_a_table_is_quoted_on_one_line_and_in_order(text: str, is_right: bool) -> None:
    assert ROW.is_right_answer(text, []) is is_right


def test_where_no_words_are_named_a_right_passage_has_to_be_shown() -> None:
    item = Item(Case("?", frozenset({"a.md"})), gold=("差旅住宿标准",))
    assert item.is_right_answer("不论什么", [passage("甲", "b.md"), passage("乙")])
    assert not item.is_right_answer("不论什么", [passage("甲", "b.md")])


def test_nothing_is_right_where_nothing_answers() -> None:
    item = Item(Case("今天天气", answerable=False))
    assert not item.is_right_answer("P7 650", [passage("P7 | 650")])
    assert not item.is_right_passage("差旅", "P7 | 650")


def test_the_scripted_model_quotes_the_first_passage_that_answers() -> None:
    assert obedient(ROW)(prompt("P4 | 550", "| P7 | 650 |", "P7 | 650")).text == "P7 650 [2]"


def test_the_scripted_model_refuses_without_one() -> None:
    assert obedient(ROW)(prompt("P4 | 550")).text == REFUSAL


def test_the_scripted_model_knows_pieces_of_the_documents_that_answer() -> None:
    item = Item(Case("?", frozenset({"a.md"})), gold=("第一段第二段",))
    assert obedient(item)(prompt("别的", "第一段")).text == "第一段 [2]"


def test_outcomes_are_the_products_own() -> None:
    assert set(OUTCOMES) == {"answered", "hedged", "no_evidence"}
    assert [outcome_of(Finished("", outcome)) for outcome in OUTCOMES] == list(OUTCOMES)
    assert [is_refused(SearchResult((), evidence)) for evidence in get_args(Evidence)] == [
        evidence == "none" for evidence in get_args(Evidence)
    ]
    assert replied(REFUSAL).is_refusal


def replied(text: str) -> AnswerText:
    read = AnswerText(1)
    read.feed(text)
    read.finish()
    return read


def test_what_is_shown_without_a_model_are_the_passages_that_are_named() -> None:
    passages = [passage(str(number)) for number in range(5)]
    closest = Finished("…", "hedged", (4, 1, 2))
    assert [each.chunk.text for each in shown_of(closest, passages)] == ["3", "0", "1"]
    assert shown_of(Finished("…", "no_evidence"), passages) == []


def test_settings_are_overridden_by_their_keys(tmp_path: Path) -> None:
    more = {**override("rag.retrieval.passages=8"), **override("embedding.batch_size=4")}
    made = settings_for(tmp_path, {"provider": "none"}, {"provider": "extractive"}, more)
    assert (made.retrieval.passages, made.embedding.batch_size, made.embedding.provider) == (8, 4, "none")
    with pytest.raises(argparse.ArgumentTypeError):
        override("rag.retrieval.passages")


def test_a_sample_is_always_the_same() -> None:
    items = [Item(Case(str(number))) for number in range(50)]
    assert sampled(items, 50) == items
    assert sampled(items, 10) == sampled(items, 10) and len(set(sampled(items, 10))) == 10


def test_a_smaller_corpus_keeps_what_answers() -> None:
    documents = [Document(str(number), "", "") for number in range(50)]
    kept = [document.source for document in cut(documents, frozenset({"7", "49"}), 10)]
    assert len(kept) == 10 and {"7", "49"} <= set(kept) and kept == sorted(kept, key=int)
    assert cut(documents, frozenset({"7", "49"}), 1) == [documents[7], documents[49]]
