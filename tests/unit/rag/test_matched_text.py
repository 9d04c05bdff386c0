"""Where the terms of a question stand in a text, in characters of the text as it is written."""

import itertools

import pytest

from rag.retrieval.matched_text import matched_spans


@pytest.mark.parametrize(
    ("question", "text", "marked"),
    [
        ("出差回来多久内要报销？", "出差结束后提交报销单。", ["出差", "报销"]),
        ("报销单交给谁？", "請提交報銷單。", ["報銷單"]),
        ("How do I set up the VPN?", "The ＶＰＮ needs a token, not the WLAN.", ["ＶＰＮ"]),
        ("逾期 15 天怎么办", "逾期十五天的，扣款。", ["逾期十五"]),
        ("ERR_1042 是什么", "Code ERR_1042: no route", ["ERR_1042"]),
        ("年假", "没有相关内容", []),
        ("年假", "", []),
        ("ﬁle size", "the 𝒇𝒊𝒍𝒆 has a ﬁle size", ["𝒇𝒊𝒍𝒆", "ﬁle", "size"]),
    ],
)
def test_terms_are_found_as_a_search_would_find_them(question: str, text: str, marked: list[str]) -> None:
    assert [text[start:end] for start, end in matched_spans(question, text)] == marked


def test_spans_are_in_order_and_apart() -> None:
    text = "报销报销，差旅报销。" * 20
    spans = matched_spans("差旅报销", text)
    assert spans and all(one[1] < other[0] for one, other in itertools.pairwise(spans))
