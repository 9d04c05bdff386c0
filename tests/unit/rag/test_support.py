"""Which sentences of a passage are marked as what an answer leans on."""

import pytest

from rag.text.support import (
    MOST_BESIDE_CHARS,
    MOST_PARTS,
    MOST_QUOTED_CHARS,
    Quoted,
    quoted,
    supporting,
)

PASSAGE = (
    "## 三、时限\n\n出差结束后 15 个自然日内提交报销单。逾期需部门负责人说明原因。\n\n"
    "| 城市 | 住宿标准 |\n|---|---|\n| 北京 | 每晚 600 元 |\n| 其他 | 每晚 400 元 |\n\n"
    "Receipts must show the company's registered name. The canteen is on the second floor."
)


@pytest.mark.parametrize(
    ("answer", "marked"),
    [
        ("出差结束后 15 个自然日内要提交报销单 [1]。", ["出差结束后 15 个自然日内提交报销单。"]),
        ("逾期的话，部门负责人要说明原因。[1] 食堂不知道。", ["逾期需部门负责人说明原因。"]),
        ("北京的住宿标准是每晚 600 元 [1]。", ["| 北京 | 每晚 600 元 |"]),
        (
            "Receipts must show the registered name of the company [1].",
            ["Receipts must show the company's registered name."],
        ),
        ("宠物不可以进入园区 [1]。", []),
    ],
)
def test_the_nearest_sentences_are_marked_as_they_stand(answer: str, marked: list[str]) -> None:
    found = supporting(PASSAGE, answer, 1, "无关")
    assert all(part in PASSAGE for part in found)
    assert [part for part in found if part in marked] == marked
    assert bool(found) == bool(marked)


def test_what_is_said_with_another_number_does_not_count() -> None:
    assert supporting(PASSAGE, "出差结束后 15 天内提交报销单 [2]。逾期需说明原因 [1]。", 1, "x") == [
        "逾期需部门负责人说明原因。"
    ]


def test_without_a_citation_the_question_decides() -> None:
    assert supporting(PASSAGE, "不知道", 1, "逾期怎么说明原因") == ["逾期需部门负责人说明原因。"]


@pytest.mark.parametrize("passage", ["", "\n\n", "|---|", "。。。！", "同样的话。" * 50])
def test_odd_passages_are_marked_within_bounds(passage: str) -> None:
    assert len(supporting(passage, "同样的话 [1]。", 1, "")) <= MOST_PARTS


def test_the_quoted_sentence_stands_between_its_neighbours() -> None:
    found = quoted(PASSAGE, "[2] 不算。逾期的话，部门负责人要说明原因 [1]。", 1, "无关")
    assert found == Quoted(
        "出差结束后 15 个自然日内提交报销单。",
        "逾期需部门负责人说明原因。",
        "北京：住宿标准 每晚 600 元",
        PASSAGE.index("逾期"),
    )
    first = quoted("一。二。", "一 [1]。", 1, "x")
    assert first is not None and (first.before, first.after) == ("", "二。")


def test_a_row_is_quoted_with_the_names_of_its_columns() -> None:
    found = quoted(PASSAGE, "北京每晚 600 元 [1]。", 1, "无关")
    assert found is not None and found.sentence == "北京：住宿标准 每晚 600 元"
    assert found.at == PASSAGE.index("北京")


def test_a_passage_that_no_sentence_cites_is_quoted_by_the_question() -> None:
    found = quoted(PASSAGE, "不知道", 1, "食堂 canteen second floor")
    assert found is not None and found.sentence == "The canteen is on the second floor."


@pytest.mark.parametrize("passage", ["长" * 9_000, "很长的一句。" * 3_000, "a\n" * 400, "```\n" + "x\n" * 900])
def test_a_quote_is_one_bounded_line(passage: str) -> None:
    found = quoted(passage, "很长的一句 [1]。", 1, "")
    assert found is not None and len(found.sentence) <= MOST_QUOTED_CHARS
    assert max(len(found.before), len(found.after)) <= MOST_BESIDE_CHARS
    assert "\n" not in found.before + found.sentence + found.after


@pytest.mark.parametrize("passage", ["", "\n \n", "|---|"])
def test_an_empty_passage_has_no_quote(passage: str) -> None:
    assert quoted(passage, "x [1]", 1, "x") is None
