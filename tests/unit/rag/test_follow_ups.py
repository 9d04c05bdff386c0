"""Which questions lean on what was said before, and which rewrites may take their place."""

import json
from pathlib import Path

import pytest

from rag.events import Exchange, Question
from rag.generation.follow_ups import (
    LONGEST_REWRITE_CHARS,
    in_full,
    is_fragment,
    is_only_connected,
    leans,
    own_words,
    standing_alone,
)
from rag.scope import EVERYTHING

QUALITY = Path(__file__).parents[2] / "quality"
LABELLED = [json.loads(line) for line in (QUALITY / "follow_ups.jsonl").read_text("utf-8").splitlines()]
HALVES = {"built on": LABELLED[::2], "held out": LABELLED[1::2]}


@pytest.mark.parametrize("half", HALVES)
def test_what_leans_is_told_from_what_stands_alone(half: str) -> None:
    rows = HALVES[half]
    wrong = [row for row in rows if leans(row["text"]) != row["leans"]]
    alone = [row for row in rows if not row["leans"]]
    misled = [row for row in wrong if not row["leans"]]
    print(f"{half}: right {1 - len(wrong) / len(rows):.3f}, misled {len(misled) / len(alone):.3f}", wrong)  # noqa: T201
    assert len(rows) >= 60 and len(alone) >= 50
    assert len(wrong) / len(rows) <= 0.08
    assert len(misled) / len(alone) <= 0.03


def test_questions_that_were_written_to_stand_alone_do() -> None:
    asked = [json.loads(line)["question"] for line in (QUALITY / "handbook.jsonl").read_text("utf-8").splitlines()]
    assert [question for question in asked if leans(question)] == []


@pytest.mark.parametrize("text", ["", "？", "   ", "🙂"])
def test_nothing_is_no_follow_up(text: str) -> None:
    assert not leans(text)


@pytest.mark.parametrize(
    ("text", "own"),
    [("那上海呢？", "上海"), ("为什么", ""), ("还有别的吗", ""), ("and for interns?", "interns"), ("how long?", "")],
)
def test_the_words_of_its_own(text: str, own: str) -> None:
    assert own_words(text) == own


def test_it_is_joined_with_the_question_before_it_and_with_no_answer() -> None:
    history = (Exchange("年假几天", "5 天"), Exchange("住宿标准是多少", "每晚 600 元"))
    assert in_full(Question("那上海呢", EVERYTHING, history)) == "住宿标准是多少 那上海呢"
    assert in_full(Question("发票抬头是什么", EVERYTHING, history)) == "发票抬头是什么"
    assert in_full(Question("那上海呢", EVERYTHING)) == "那上海呢"


def test_a_word_before_a_whole_question_is_all_that_connects_it() -> None:
    assert is_only_connected("那食堂几点供应午餐？") and is_only_connected("and where is the gym?")
    assert not any(map(is_only_connected, ["那上海呢", "那要多久", "那它怎么用", "食堂几点开门", "and for interns?"]))


def test_a_fragment_goes_on_with_a_card_that_it_replies_to() -> None:
    assert is_fragment("上海的") and is_fragment("interns")
    assert not is_fragment("年假几天？") and not is_fragment("差旅费报销时限在哪份制度里写着") and not is_fragment("")


@pytest.mark.parametrize(
    ("written", "asked", "kept"),
    [
        ("出差住宿的报销标准是多少？", "那住宿呢？", "出差住宿的报销标准是多少？"),
        ("改写后的问题：“出差住宿的标准是多少？”", "那住宿呢？", "出差住宿的标准是多少？"),
        ("**问题：** 出差住宿的标准是多少？", "那住宿呢？", "出差住宿的标准是多少？"),
        ("Rewritten question: What is the hotel limit?", "what about hotels", "What is the hotel limit?"),
        ("出差住宿标准", "那住宿呢？", "出差住宿标准"),
        ("\n\n出差住宿标准是多少？\n", "那住宿呢？", "出差住宿标准是多少？"),
        ("VPN 怎么申请？", "那 VPN 呢", "VPN 怎么申请？"),
        ("how long do I have to file expenses", "how long?", "how long do I have to file expenses"),
    ],
)
def test_a_rewrite_that_is_one_question_is_used(written: str, asked: str, kept: str) -> None:
    assert standing_alone(written, asked) == kept


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("", "那住宿呢？"),
        ("住宿标准是每晚 600 元。", "那住宿呢？"),
        ("您需要在 15 个工作日内提交", "那住宿呢？"),
        ("根据现有资料无法回答此问题", "那住宿呢？"),
        ("抱歉，我无法改写这个问题？", "那住宿呢？"),
        ("住宿标准是多少？\n餐补是多少？", "那住宿呢？"),
        ("# 住宿标准是多少？", "那住宿呢？"),
        ("**住宿**标准是多少？", "那住宿呢？"),
        ("- 住宿标准是多少？", "那住宿呢？"),
        ("住宿标准是多少？[1]", "那住宿呢？"),
        ("住" * LONGEST_REWRITE_CHARS + "？", "那住宿呢？"),
        ("差旅费报销时限是多久？", "那住宿呢？"),
        ("连不上怎么办？", "那 VPN 连不上呢"),
        ("E-4012 怎么处理？", "那 E-4013 呢"),
        ("员工年假几天？", "满 10 年的呢"),
        ("报销单在哪里下载？", "那《差旅申请单》呢"),
        ("What is the meal allowance?", "and for interns?"),
    ],
)
def test_what_says_something_else_is_not(written: str, asked: str) -> None:
    assert standing_alone(written, asked) == ""
