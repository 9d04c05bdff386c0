"""Coverage: the share of a question that a text speaks to."""

import pytest

from rag.retrieval.coverage import Coverage


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


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("三十五", "共 35 项"),
        ("35 项", "共三十五项"),
        ("十五个工作日", "须在 15 个工作日内"),
        ("15 个工作日", "须在十五个工作日内"),
        ("三天", "3 天"),
        ("3 天", "三天"),
        ("五千元", "5,000 元"),
        ("5,000 元", "五千元"),
        ("百分之八十", "80%"),
        ("第3条", "第三条"),
        ("2026年3月", "二〇二六年三月"),
        ("2026-03-15", "2026年3月15日"),
        ("10:00", "十点"),
        ("v2.3.1", "2.3.1"),
        ("2.3.1", "v2.3.1"),
        ("Ｃ＃", "c#"),
    ],
)
def test_equal_forms_cover_each_other(question: str, text: str) -> None:
    assert flat(question).of(text) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("C#", "C++"),
        ("C#", "C"),
        ("C", "C#"),
        ("C++", "C#"),
        ("2.3.1", "2.3.10"),
        ("5.3", "5.30"),
        ("三十五", "三十六"),
        ("三十五", "三 十 五"),
        ("E-4021", "E-4012"),
        ("5,000", "500"),
    ],
)
def test_what_only_looks_alike_covers_nothing(question: str, text: str) -> None:
    assert flat(question).of(text) == 0.0


def test_a_name_without_its_sign_covers_in_part() -> None:
    assert 0 < flat(".NET").of("net") < 0.5
    assert 0 < flat("80%").of("80") < 0.5


def test_a_contraction_is_not_a_name() -> None:
    assert flat("what's the company's policy").of("company policy") >= 0.6
