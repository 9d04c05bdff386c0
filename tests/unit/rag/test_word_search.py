"""The lexical leg: the order of what it finds, what a match is made of, and where chance begins."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from rag.documents import Chunk
from rag.index.local.bm25 import TantivyIndex, TantivyWriter
from rag.retrieval.coverage import Coverage
from rag.retrieval.keyword_search import READ, KeywordMatch, KeywordSearch, chance_of


class Chunks:
    """What a chunk store gives, of texts numbered from 0; it knows none of `gone`."""

    def __init__(self, texts: Sequence[str], gone: frozenset[int] = frozenset()) -> None:
        self._texts = texts
        self._gone = gone

    def get(self, ids: Sequence[int]) -> dict[int, Chunk]:
        """The chunks that are known."""
        return {at: chunk(self._texts[at], at) for at in ids if at not in self._gone}


def chunk(text: str, number: int = 0, title: str = "") -> Chunk:
    return Chunk(number, "a.md", title, (), text, 0, len(text))


def search_in(folder: Path, texts: Sequence[str], gone: frozenset[int] = frozenset()) -> KeywordSearch:
    writer = TantivyWriter(folder)
    writer.add((number, "default", text) for number, text in enumerate(texts))
    writer.close()
    return KeywordSearch(TantivyIndex(folder), Chunks(texts, gone))  # type: ignore[arg-type]


def flat(_term: str) -> float:
    return 1.0


def match(question: str) -> KeywordMatch:
    return KeywordMatch(
        question, Coverage(question, term_idf=flat, character_idf=flat), term_idf=flat, character_idf=flat
    )


def test_a_text_that_covers_the_question_goes_before_one_that_repeats_a_word(tmp_path: Path) -> None:
    texts = ["报销 " * 30, "差旅费的报销期限是十五天，" + "其他事项另行通知，" * 12, *["食堂午餐"] * 5]
    search = search_in(tmp_path / "words", texts)
    found = search.search("差旅费报销期限", search.coverage("差旅费报销期限"), 10)
    assert [number for number, _ in found.hits] == [1, 0]
    assert found.matches[0] > found.matches[1] > 0
    assert set(found.read) == {0, 1}


def test_what_was_not_read_stays_behind_in_its_order(tmp_path: Path) -> None:
    search = search_in(tmp_path / "words", ["报销"] * (READ + 5))
    found = search.search("报销", search.coverage("报销"), READ + 5)
    assert len(found.hits) == READ + 5 and len(found.matches) == READ
    assert {number for number, _ in found.hits} == set(range(READ + 5))


def test_a_chunk_that_is_gone_matches_nothing(tmp_path: Path) -> None:
    search = search_in(tmp_path / "words", ["报销", "报销期限"], gone=frozenset({1}))
    found = search.search("报销期限", search.coverage("报销期限"), 5)
    assert [number for number, _ in found.hits] == [0, 1] and found.matches[1] == 0.0


@pytest.mark.parametrize(
    ("question", "better", "worse"),
    [
        ("报销期限", "报销期限", "报销"),
        ("报销期限", "期限", "午餐"),
        ("保修 35 个月", "保修三十五个月", "保修三十六个月"),
        ("什么时候发钱", "每月十日发放工资", "每月十日供应午餐"),
        ("reimbursement", "reimbursement", "reimbursement" + " and other things" * 80),
    ],
)
def test_a_match_is_higher_the_more_of_the_question_is_there(question: str, better: str, worse: str) -> None:
    asked = match(question)
    assert asked.of(chunk(better)) > asked.of(chunk(worse)) >= 0.0


def test_headings_count_as_the_text_does() -> None:
    asked = match("差旅费报销期限")
    assert asked.of(chunk("十五天内", title="差旅费报销期限")) == pytest.approx(
        asked.of(chunk("差旅费报销期限 十五天内"))
    )


@pytest.mark.parametrize("question", ["", "？！", "的", "    "])
def test_nothing_to_look_for_matches_nothing(question: str) -> None:
    assert match(question).of(chunk("年假有五天")) in (0.0, pytest.approx(0.0))


def test_chance_is_what_questions_about_other_things_reach(tmp_path: Path) -> None:
    own = search_in(tmp_path / "own", ["报销期限是十五天"]).chance()
    assert own["zh"] < 0.2 and own["en"] == 0.0
    general = [
        *("长江有多长？黄河多长？", "法国的首都在哪里", "世界上最高的山是哪座", "光速是多少"),
        "明天下雨 周末 电影 天空 蓝色 红楼梦 感冒 睡着 猫 喜欢 盒子 人生 意义 种 多肉 唱歌 奥运会 恐龙 灭绝 孩子 青菜"
        "钢琴 弹好 球队 世界杯 水烧 秦始皇 失恋 朋友 星期 巧克力 颜色 月亮 地球 西红柿 炒鸡蛋 笑话 心情",
    ]
    reached = search_in(tmp_path / "general", general).chance()
    assert reached["zh"] > 2 * own["zh"] + 0.2
    assert chance_of(reached, "zh") == reached["zh"] and chance_of(reached, None) == chance_of({}, "zh") == 0.0
