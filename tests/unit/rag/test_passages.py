"""What an answer is written from: duplicates once, neighbours joined, within a budget; scripts and languages."""

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from rag.documents import Chunk, Passage, Place
from rag.embedding.language_check import PAIRS, reading
from rag.retrieval.coverage import Coverage
from rag.retrieval.passages import passages
from rag.text.tokenizer import language_of, simplified, terms

RULE = "员工出差结束后应当在十五个工作日之内向财务部门提交报销单据，并附上全部发票与行程单，逾期不予受理。"
RULE += "如对流程有疑问，请在内部论坛发帖，或者咨询财务共享中心值班的同事，对方会尽快答复。"
numbers = itertools.count(1)


def chunk(text: str, source: str = "a.md", start: int = 0, **more: object) -> Chunk:
    return Chunk(next(numbers), source, source, (), text, start, start + len(text), **more)  # type: ignore[arg-type]


def chosen(*chunks: Chunk, limit: int = 5, budget: int = 3000, question: str = "报销") -> tuple[Passage, ...]:
    coverage = Coverage(question, term_idf=lambda _: 1.0, character_idf=lambda _: 1.0)
    ranked = [(item, 1 / place) for place, item in enumerate(chunks, start=1)]
    return passages(ranked, limit=limit, budget=budget, coverage=coverage, legs=([(chunks[0].id, 9.0)], []))


def test_the_same_said_twice_is_one_passage_that_names_the_other() -> None:
    found = chosen(chunk(RULE), chunk(RULE.replace("全部", "所有"), "b.md"), chunk("完全不同的一段话。", "c.md"))
    assert [passage.chunk.source for passage in found] == ["a.md", "c.md"]
    assert found[0].duplicates == ("b.md",) and "b.md" in found[0].why


@pytest.mark.parametrize(("old", "new"), [("十五", "二十"), ("不予", "可予")])
def test_rules_that_differ_in_a_figure_or_a_negation_are_both_kept(old: str, new: str) -> None:
    assert len(chosen(chunk(RULE), chunk(RULE.replace(old, new), "b.md"))) == 2


def test_neighbours_are_joined_where_the_better_one_stands() -> None:
    text = "第一句说报销。第二句说发票。第三句说审批。"
    other = chunk("别的文档也说报销。", "b.md")
    found = chosen(chunk(text[7:], start=7), other, chunk(text[:14], start=0))
    assert [passage.chunk.text for passage in found] == [text, other.text]
    assert (found[0].chunk.start, found[0].chunk.end, len(found[0].joined)) == (0, len(text), 1)


def test_neighbours_of_other_pages_or_collections_stay_apart() -> None:
    first = chunk("第一页的报销规定。", place=Place("page", "1"))
    assert len(chosen(first, chunk("第二页的审批。", start=9, place=Place("page", "2")))) == 2
    assert len(chosen(first, chunk("第一页的审批。", start=9, place=Place("page", "1"), collection="hr"))) == 2


def test_the_budget_holds_and_the_first_is_always_given() -> None:
    texts = [
        chr(0x4E00 + 200 * number) * 2 + "".join(chr(0x4E00 + 200 * number + at) for at in range(150))
        for number in range(6)
    ]
    found = chosen(*(chunk(text, f"{number}.md") for number, text in enumerate(texts)), budget=350)
    assert len(found) == 2
    assert len(chosen(chunk(texts[0]), budget=10)) == 1


def test_limits_and_reasons() -> None:
    found = chosen(*(chunk(f"{word}的说明在此。", f"{word}.md") for word in ("报销", "年假", "病假", "加班")), limit=2)
    assert len(found) == 2
    assert "words: rank 1" in found[0].why and "covers 100%" in found[0].why


@pytest.mark.parametrize(
    ("traditional", "plain"),
    [
        ("報銷發票", "报销发票"),
        ("乾淨後臺", "干净后台"),
        ("裡裏", "里里"),
        ("為爲", "为为"),
        ("什麼", "什么"),
        ("ＶＰＮ", "ＶＰＮ"),
    ],
)
def test_traditional_characters_become_simplified_ones_of_the_same_length(traditional: str, plain: str) -> None:
    assert simplified(traditional) == plain
    assert terms(traditional) == terms(plain)
    assert simplified(plain) == plain


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("年假有几天", "zh"),
        ("VPN 连不上怎么办", "zh"),
        ("how to apply", "en"),
        ("有給休暇は何日", None),
        ("как дела", None),
    ],
)
def test_the_language_of_a_question(question: str, language: str | None) -> None:
    assert language_of(question) == language


class ReadsOnly:
    """Pairs what it was trained on, and finds all else alike but for its length."""

    dimension, max_tokens = 40, 510

    def __init__(self, language: str) -> None:
        self._known = {side: at for at, line in enumerate(PAIRS[language].split("\n")) for side in line.split("|")}

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = np.zeros((len(texts), 40), dtype=np.float32)
        for row, text in enumerate(texts):
            rows[row, self._known.get(text, 20 + len(text) % 20)] = 1.0
        return rows

    def embed_question(self, text: str) -> NDArray[np.float32]:
        return self.embed_passages([text])[0]

    def count_tokens(self, text: str) -> int:
        return len(text)

    def unknown_share(self, text: str) -> float:
        return 0.0

    def close(self) -> None:
        pass


def test_a_model_shows_which_language_it_reads() -> None:
    assert reading(ReadsOnly("en"))["en"] == 1.0 and reading(ReadsOnly("en"))["zh"] < 0.5
    assert reading(ReadsOnly("zh"))["zh"] == 1.0 and reading(ReadsOnly("zh"))["en"] < 0.5
