"""Other words for the same thing: found in both languages, for less than the word itself."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pytest

from rag.index.local.bm25 import TantivyIndex, TantivyWriter
from rag.retrieval.coverage import SYNONYM_SHARE, Coverage
from rag.text.synonyms import LINES, matches
from rag.text.tokenizer import normalise, terms


def lines() -> list[list[str]]:
    return [[form.strip() for form in line.replace("|", ",").split(",")] for line in LINES.strip().split("\n")]


def named(question: str) -> set[str]:
    text = normalise(question)
    return {text[match.start : match.end] for match in matches(question)}


def others_of(question: str) -> set[frozenset[str]]:
    return {other for match in matches(question) for other in match.others}


def needed(*forms: str) -> set[frozenset[str]]:
    return {frozenset(terms(form)) for form in forms}


def flat(question: str) -> Coverage:
    return Coverage(question, term_idf=lambda term: 1.0, character_idf=lambda character: 1.0)


def index_of(folder: Path, texts: Sequence[str]) -> TantivyIndex:
    writer = TantivyWriter(folder)
    writer.add((number, "default", text) for number, text in enumerate(texts, start=1))
    writer.close()
    return TantivyIndex(folder)


def test_every_form_is_found_and_leads_to_all_others_of_all_its_lines() -> None:
    for line in lines():
        for form in line:
            assert terms(form), form
            assert named(form) == {normalise(form)}
            assert needed(*line) - needed(form) <= others_of(form), form
            assert needed(form).isdisjoint(others_of(form)), form


def test_no_line_says_a_thing_twice() -> None:
    for line in lines():
        assert len(line) >= 2 and all(line)


@pytest.mark.parametrize(
    ("question", "forms"),
    [
        ("年休假怎么休", {"年休假"}),
        ("陪产假有多久", {"陪产假"}),
        ("我要在家办公", {"在家办公"}),
        ("work from home policy", {"work from home", "policy"}),
        ("two laptops", {"laptops"}),
        ("laptop坏了找谁", {"laptop", "坏了", "找谁"}),
        ("公司wifi密码", {"公司", "wifi", "密码"}),
        ("ＷｉＦｉ", {"wifi"}),
        ("staple", set()),
        ("今日份", set()),
    ],
)
def test_the_longest_form_is_taken_and_a_word_inside_another_is_none(question: str, forms: set[str]) -> None:
    assert named(question) == forms


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("年假", "Annual leave is 15 days"),
        ("annual leave", "年休假十五天"),
        ("薪水", "工资每月十日发放"),
        ("laptop", "笔记本电脑三年更换"),
        ("电脑", "Laptops are replaced every three years"),
        ("陪產假", "Paternity leave"),
    ],
)
def test_both_languages_find_each_other(tmp_path: Path, question: str, text: str) -> None:
    index = index_of(tmp_path, ["无关的内容", text, "Something else"])
    assert [chunk_id for chunk_id, _ in index.search(question, 5)] == [2]


@pytest.mark.parametrize(("question", "own", "other"), [("薪水", "薪水", "工资"), ("salary", "salary", "wages")])
def test_the_word_itself_comes_before_another_for_it(tmp_path: Path, question: str, own: str, other: str) -> None:
    hits = index_of(tmp_path, [f"{other} x", f"{own} x", "y z"]).search(question, 5)
    assert [chunk_id for chunk_id, _ in hits] == [2, 1] and hits[0][1] > hits[1][1]


def test_many_words_for_a_thing_count_once(tmp_path: Path) -> None:
    texts = ["薪酬 甲甲 乙乙", "薪酬 月薪 薪资", *(f"第{number}个别的段落" for number in range(40))]
    scores = dict(index_of(tmp_path, texts).search("薪水", 5))
    assert set(scores) == {1, 2} and scores[1] <= scores[2] < 1.5 * scores[1]


def test_another_word_covers_a_share(tmp_path: Path) -> None:
    assert flat("薪水").of("薪水") == 1.0
    assert flat("薪水").of("工资") == pytest.approx(SYNONYM_SHARE)
    assert flat("薪水").of("Your salary") == pytest.approx(SYNONYM_SHARE)
    assert flat("annual leave").of("年假") == pytest.approx(SYNONYM_SHARE)
    assert flat("薪水").of("天气") == 0.0
    assert flat("annual leave").of("annual report") == pytest.approx(0.5), "half of a form is not the thing"


def test_an_inflected_word_is_no_other_word(tmp_path: Path) -> None:
    singular, plural = matches("laptop"), matches("laptops")
    assert [match.others for match in singular] == [match.others for match in plural]
    assert dataclasses.replace(plural[0], end=6) == singular[0]
