"""Coverage: the share of a question that a text speaks to."""

import pytest

from rag.coverage import Coverage


def flat(question: str) -> Coverage:
    return Coverage(question, term_idf=lambda term: 1.0, character_idf=lambda character: 1.0)


def test_question_words_weigh_nothing() -> None:
    assert flat("请问年假是什么？").of("年假") == 1.0


def test_a_question_of_fillers_alone_asks_for_nothing() -> None:
    assert not flat("什么？怎么了？")
    assert not flat("How much is it?")
    assert flat("什么？").of("什么") == 0.0


def test_straddling_pairs_do_not_count_against_a_passage() -> None:
    assert flat("出差回来多久内要报销？").of("出差结束后 15 个工作日内提交报销单") >= 0.7


def test_a_lone_character_counts_in_part() -> None:
    assert flat("年假").of("假") == pytest.approx(0.2)
    assert flat("茶").of("请在茶水间等候") == 1.0


def test_rare_terms_weigh_more() -> None:
    idf = {"vpn": 9.0, "offic": 1.0}
    coverage = Coverage("vpn office", term_idf=lambda term: idf[term], character_idf=lambda character: 1.0)
    assert coverage.of("vpn") == pytest.approx(0.9)
    assert coverage.of("office") == pytest.approx(0.1)


def test_unrelated_text_covers_nothing() -> None:
    assert flat("who won the world cup").of("出差报销") == 0.0
