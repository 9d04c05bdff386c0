"""Unanswered questions that mean the same come together, and those that do not stay apart."""

from dataclasses import replace

import pytest

from bot.repositories.figures import percentiles
from bot.repositories.gap_report import Reply, Unanswered, draft, gaps_of, normalised
from bot.web.admin.routes import COLUMNS, csv_of


def asked(*questions: str) -> list[Unanswered]:
    return [
        Unanswered(question, f"ou_{number}", float(number), f"t{number}", (("食堂", "canteen.md"),))
        for number, question in enumerate(questions)
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("食堂周末开门吗？", "周末食堂开不开门"),
        ("公司班车几点发车？", "请问班车几点发车"),
        ("How do I book a meeting room?", "how can we book meeting rooms? booking a meeting room"),
        ("ＶＰＮ 密码", "vpn 密码"),
    ],
)
def test_the_same_question_in_other_words_is_one_gap(one: str, other: str) -> None:
    assert len(gaps_of(asked(one, other))) == 1


@pytest.mark.parametrize(
    ("one", "other"), [("食堂周末开门吗？", "班车周末发车吗？"), ("年假有几天？", "病假工资怎么算？")]
)
def test_different_questions_are_different_gaps(one: str, other: str) -> None:
    assert len(gaps_of(asked(one, other))) == 2


def test_what_most_people_ask_comes_first() -> None:
    found = gaps_of(asked("宠物可以带来吗", "班车几点发车", "班车几点发车？"))
    assert [len(gap.members) for gap in found] == [2, 1]
    assert found[0].id != found[1].id


def test_a_question_of_fillers_or_signs_alone_keeps_something() -> None:
    assert normalised("什么？") == "什么" and normalised("？？") == "？？"
    assert len(gaps_of(asked("？？", "😀"))) == 2


def test_a_draft_is_markdown_in_the_questions_language_and_holds_no_markup_of_people() -> None:
    [gap] = gaps_of(asked("# <b>班车</b> [几点](x)？"))
    text = draft(gap)
    assert text.startswith("# \\# \\<b\\>班车") and "canteen.md" in text and "## 回答" in text
    assert "## Answer" in draft(gaps_of(asked("When does the shuttle leave?"))[0])


def test_a_draft_begins_with_what_owners_replied() -> None:
    late = Reply("周末休息，\n1. 见 https://wiki.example.com/a_b 的通知\n---\n<img src=x> # 完", "ou_owner", 9.0)
    one, other = asked("食堂周末开门吗？", "周末食堂开不开门")
    [gap] = gaps_of([replace(one, replies=(late,)), replace(other, replies=(Reply("只开早餐。", "ou_other", 5.0),))])
    answer = draft(gap).partition("## 回答\n\n")[2].partition("\n\n## 相近的资料")[0]
    assert answer.startswith("只开早餐。\n\n周末休息，\n1. 见 https://wiki.example.com/a_b 的通知\n\\---\n")
    assert "\\<img src=x\\> \\# 完\n\n（以上是负责人" in answer
    assert "ou_" not in answer
    english = replace(asked("When does the shuttle leave?")[0], replies=(Reply("At 8.", "ou_owner", 1.0),))
    assert "## Answer\n\nAt 8.\n\n(What an owner replied" in draft(gaps_of([english])[0])


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "  =1", "\r=1"])
def test_cells_that_look_like_formulas_are_quoted(text: str) -> None:
    row = dict.fromkeys(COLUMNS)
    reply = {"text": text, "by": "ou_owner", "at": "2026-01-01T00:00:00+00:00"}
    told = csv_of([{**row, "question": text, "up": 0, "down": -1, "replies": [reply]}])
    assert f'"\'{text}"' in told and '"-1"' in told
    assert f"\"'{text} (ou_owner" in told


def test_percentiles_are_measured_values() -> None:
    assert percentiles([None, 3.0, 1.0, 2.0]) == {"p50": 2.0, "p95": 3.0}
    assert percentiles([]) == {"p50": None, "p95": None}
