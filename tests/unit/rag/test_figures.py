"""Figures to terms: what is written differently and means the same meets, and numerals in words stay words."""

import pytest

from rag.text.figures import figure_terms, figures
from rag.text.numerals import number
from rag.text.tokenizer import normalise, terms

EQUAL = """
35|三十五|３５|叁拾伍
15 个工作日|十五个工作日|15工作日|１５个工作日
5000元|五千元|5,000 元|5，000元|5000.00元|¥5,000|￥5000|5000块钱|伍仟圆|5 千元
10000|1万|一万|10,000|1 万|壹万|壹萬
3.5万元|三点五万元|35000元|三万五千元|三万五元|35,000 元
100 万元|一百万元|1000000元
120000000|1亿2000万|一亿二千万
2天|两天|二天|2 天
80%|百分之八十|80 %|８０％|百分之80
3.5%|百分之三点五
3‰|千分之三
1/3|三分之一
第3条|第三条|第 3 条|第３条|3条
第35条|第三十五条
第3天|第三天|第 3 天
2026年3月|二〇二六年三月|2026 年 3 月|2026-03|2026/3|二零二六年三月
3月15日|三月十五日|3 月 15 日
10:00|十点|10点|10 点
10:30|十点半|十点三十|10点30分|10点半
9:30|09:30|九点半
3小时|三个小时|3 个小时|三小时|3个钟头
1个月|一个月|1 个月
10gb|10 GB|10 gb
12000|一万二|1万2千|1.2万
1001|一千零一|1,001
v2|V2|版本2|版本 2|version 2|Ver. 2
"""
DIFFERENT = """
35|36|三百五|三十|三五|3.5|350
5.3|5.30
2.3.1|2.3.10
5000元|500元|50000元|5000|五百元
3天|3个月|3次|第3天
80%|8%|80|百分之八
一月|一个月
10点|10点半|22:00
"""
WORDS = (
    "一起 万一 三星 一般 十分 五一 统一 不管三七二十一 三三两两 七七八八 九一八 三八 三五天 一两天 "
    "两三千 十一放假 三角形 几十个 十几天 三十多天 十来个 数百人 上百 百万 千万不要 万元 百度 一点 一些 一家 "
    "第三方 第三者 第三人 "
    "一心一意 亿万"
)


def rows(text: str) -> list[list[str]]:
    return [line.split("|") for line in text.strip().split("\n")]


def exact(text: str) -> set[str]:
    """The terms that a figure is known by: all but those of its spelling and its parts."""
    found = set(figure_terms(normalise(text)))
    return found | {term for term in terms(text) if any(character.isdigit() for character in term)}


@pytest.mark.parametrize("forms", rows(EQUAL), ids=lambda forms: forms[0])
def test_equal_figures_share_their_term(forms: list[str]) -> None:
    shared = set.intersection(*map(exact, forms))
    assert shared, [sorted(exact(form)) for form in forms]
    assert any(len(term) > 1 for term in shared) or forms[0].isdigit()


@pytest.mark.parametrize("forms", rows(DIFFERENT), ids=lambda forms: forms[0])
def test_different_figures_have_a_term_that_tells_them_apart(forms: list[str]) -> None:
    first, *others = map(exact, forms)
    assert first and all(first - other for other in others)


@pytest.mark.parametrize("word", WORDS.split())
def test_numerals_in_words_are_no_figures(word: str) -> None:
    assert figure_terms(word) == [] and figures(word) == []


@pytest.mark.parametrize(
    "text", ["", "十十", "千", "零", "两", "3.", "1,23", "三点", "点五", "一千百", "5.5.5", "三百四千"]
)
def test_what_is_no_number_has_no_value(text: str) -> None:
    assert number(text) is None


def test_a_figure_knows_its_places() -> None:
    (figure,) = figures("第 三十五 条")
    assert (figure.start, figure.end, figure.lead_at, figure.unit_at) == (2, 5, 0, 6)
    assert figure.terms == ("35条",) and figure.replaces
