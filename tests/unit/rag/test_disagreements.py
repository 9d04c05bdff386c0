"""Sentences that two documents say with different figures: which are found, and which are rightly not."""

import pytest

from rag.documents import Chunk
from rag.text.disagreements import MOST_OF_TWO, Disagreement, disagreements, masked


def found(*texts: str, names: tuple[str, ...] = ("travel.md", "handbook.md", "third.md")) -> list[Disagreement]:
    return disagreements(
        [Chunk(at, name, name.partition(".")[0], (), text, 0, len(text))]
        for at, (name, text) in enumerate(zip(names, texts, strict=False))
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("出差回来要在 10 个工作日内提交报销单。", "出差回来要在十五个工作日内提交报销单。"),
        ("Sessions time out after 30 minutes.", "Sessions time out after **45** minutes!"),
        ("食堂供应午餐的时间是 11:30。", "食堂供应午餐的时间是12:00"),
        ("- 一线城市每晚的住宿标准是 500 元", "一线城市每晚的住宿标准是 ５５０ 元。"),
    ],
)
def test_the_same_sentence_with_another_figure_is_found(one: str, other: str) -> None:
    (pair,) = found(f"# 甲\n\n前面的话。\n\n{one}\n", f"# 乙\n\n{other}\n")
    assert pair.one.values != pair.other.values
    assert (pair.one.source, pair.other.source) == ("handbook.md", "travel.md")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("出差回来要在 15 个工作日内提交报销单。", "出差回来要在十五个工作日内提交报销单。"),
        ("共 3 页。", "共 5 页。"),
        ("出差回来要在 10 个工作日内提交报销单。", "出差回来要在 10 天内提交报销单。"),
        ("本制度自 2024 年 1 月 1 日起开始执行。", "本制度自 2025 年 3 月 1 日起开始执行。"),
        ("详细的规定请参见后面的第 3 章。", "详细的规定请参见后面的第 5 章。"),
        ("出差回来要在 10 天内提交报销单吗？", "出差回来要在 15 天内提交报销单吗？"),
        ("```\nwait for 10 seconds before the retry\n```", "```\nwait for 20 seconds before the retry\n```"),
    ],
)
def test_what_may_both_be_right_is_not(one: str, other: str) -> None:
    assert found(one, other) == []


def test_editions_of_one_document_are_not_compared() -> None:
    texts = "出差回来要在 10 个工作日内提交报销单。", "出差回来要在 15 个工作日内提交报销单。"
    assert len(found(*texts)) == 1
    assert found(*texts, names=("员工手册 v1.md", "员工手册 v2.md")) == []
    assert found(*texts, names=("a/travel-2024.md", "b/travel_2025.md")) == []


def test_a_form_that_documents_fill_in_is_no_contradiction() -> None:
    said = "这间会议室最多可以坐 {} 个人。"
    assert found(said.format(6) + said.format(8), said.format(10)) == [], "one document says it of several things"
    rooms = [f"第{name}间会议室的面积一共是 {{}} 平方米。" for name in "甲乙丙丁戊己庚"[: MOST_OF_TWO + 1]]
    one, other = ("".join(room.format(at + shift) for at, room in enumerate(rooms)) for shift in (10, 50))
    assert found(one, other) == [], "two forms filled in"


def test_figures_are_masked_by_their_values() -> None:
    assert masked("每人每天 1,500 元") == masked("每人每天一千五百元")
    assert masked("IPv4 和 http2")[1] == ()
