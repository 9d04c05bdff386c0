"""Questions out of headings read as a colleague would ask them."""

from dataclasses import replace
from typing import Any

import pytest

from bot.intake.suggestions import LONGEST_CHARS, below, examples, proposed, question_about
from bot.jobs.card_extras import CardExtras
from bot.models import Answer, AnswerOutcome, Source, Turn
from bot.settings.people import PeopleSettings
from bot.texts import EN, ZH
from rag.index.outline import Title


@pytest.mark.parametrize(
    ("title", "path", "question"),
    [
        ("休假管理规定", ("一、年假", "天数"), "年假有多少天？"),
        ("休假管理规定", ("一、年假", "使用与结转"), "年假怎么使用和结转？"),
        ("考勤与加班管理", ("四、加班", "### 申请"), "加班怎么申请？"),
        ("费用报销制度", ("一、报销时限",), "报销时限是多久？"),
        ("费用报销制度", ("二、报销标准", "差旅费"), "差旅费的报销标准是多少？"),
        ("费用报销制度", ("三、发票要求",), "发票有什么要求？"),
        ("费用报销制度", ("第四章 审批流程",), "费用报销的审批流程是怎样的？"),
        ("代码评审规范", ("三、时限",), "代码评审的时限是多久？"),
        ("代码评审规范", ("八、例外",), "代码评审有哪些例外？"),
        ("差旅管理标准", ("二、住宿标准（元/间·晚）",), "住宿标准是多少？"),
        ("账号与权限管理", ("3.2 申请权限",), "怎么申请权限？"),
        ("账号与权限管理", ("三、忘记密码与解锁",), "忘记密码怎么办？"),
        ("VPN 与远程办公", ("四、连不上怎么办",), "VPN 连不上怎么办？"),
        ("产品常见问题", ("断网后数据会丢吗？",), "断网后数据会丢吗？"),
        ("IT Helpdesk Guide", ("Common requests", "Software"), "How do I request software?"),
        ("Atlas API Quickstart", ("Limits",), "What are the Atlas API limits?"),
        ("Atlas API Quickstart", ("3. Authentication",), "How does Atlas API authentication work?"),
        ("Onboarding Guide", ("Before you arrive",), "What should I do before I arrive?"),
        ("IT Helpdesk Guide", ("Collecting diagnostics",), "How do I collect diagnostics?"),
        ("Security Policy", ("Using your own laptop",), "How do I use my own laptop?"),
        ("Travel Policy", ("Exceptions",), "What are the exceptions to travel?"),
        ("How to book a room", ("How do I cancel?",), "How do I cancel?"),
    ],
)
def test_a_heading_asks(title: str, path: tuple[str, ...], question: str) -> None:
    assert question_about(title, path) == question


@pytest.mark.parametrize(
    "heading", ["概述", "一、其他", "附录", "Overview", "References", "目录", "更新记录", "1.", "（一）"]
)
def test_what_names_nothing_asks_nothing(heading: str) -> None:
    found = question_about("差旅管理标准" if ord(heading[0]) > 127 else "Travel Policy", (heading,))
    assert found == "" or heading in ("1.", "（一）")


@pytest.mark.parametrize("title", ["", "长" * 60, "x" * 90, "《》", "?", "1.2.3", "A\nB"])
@pytest.mark.parametrize("path", [(), ("",), ("长" * 60,), ("w " * 60,), ("###",), ("一、",), ("《X》【Y】",)])
def test_any_heading_gives_a_short_question_or_none(title: str, path: tuple[str, ...]) -> None:
    found = question_about(title, path)
    assert found == "" or (len(found) <= LONGEST_CHARS and found.endswith(("?", "？")) and "\n" not in found)


def source(number: int, path: str, *, cited: bool = False) -> Source:
    return Source(number, "休假管理规定", path, "", "leave.md", None, cited)


TURN = Turn("t1", "a", "c", "c", "p2p", "m", "ou_1", "年假有多少天？")
ANSWER = Answer(
    "a1",
    "t1",
    1,
    "answered",
    sources=(
        source(1, "一、年假 › 天数", cited=True),
        source(2, "二、病假"),
        source(3, "二、病假"),
        source(4, "三、事假"),
        source(5, "七、销假"),
        source(6, "五、其他假期"),
    ),
)


def test_below_an_answer_no_question_comes_twice_or_again() -> None:
    shown = [each.question for each in below(TURN, ANSWER, ZH, asked=["病假有什么规定"])]
    assert shown == ["事假有什么规定？", "怎么销假？", "其他假期有哪些？"]
    model = proposed(TURN, ANSWER, ["年假有多少天", "怎么销假？", "怎么销假？", "谁审批？"], "default", ["谁审批"])
    assert [(each.id, each.question) for each in model] == [("a1-m0", "怎么销假？")]


@pytest.mark.parametrize(
    ("outcome", "shown"),
    [
        ("answered", ["病假有什么规定？", "事假有什么规定？", "怎么销假？"]),
        ("hedged", ["年假有多少天？", "病假有什么规定？", "事假有什么规定？"]),
        ("no_evidence", []),
        ("failed", []),
    ],
)
def test_below_the_closest_passages_their_headings_come_first(outcome: AnswerOutcome, shown: list[str]) -> None:
    answer = replace(ANSWER, outcome=outcome)
    assert [each.question for each in below(replace(TURN, question="能歇多久"), answer, ZH)] == shown


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        (ANSWER, True),
        (replace(ANSWER, ending="length"), False),
        (replace(ANSWER, outcome="hedged"), False),
        (replace(ANSWER, outcome="no_evidence"), False),
        (replace(ANSWER, leaned_on=("finance",)), False),
    ],
    ids=["whole", "cut", "hedged", "not known", "of two collections"],
)
def test_the_model_is_asked_for_more_after_a_whole_answer_with_sources(answer: Answer, wanted: bool) -> None:
    nobody: Any = None
    assert CardExtras(nobody, nobody, PeopleSettings(), nobody).wants_proposals(answer) is wanted
    assert not CardExtras(nobody, nobody, PeopleSettings(suggestions="headings"), nobody).wants_proposals(answer)


def test_examples_are_in_the_readers_language_where_there_are_such() -> None:
    titles = [
        Title("Atlas API Quickstart", None, "default", ("Limits",)),
        Title("休假管理规定", None, "default", ("一、年假", "一、年假 › 天数")),
        Title("费用报销制度", None, "default", ("一、报销时限",)),
        Title("代码评审规范", None, "default", ("概述", "八、例外")),
    ]
    assert [question for question, _ in examples(titles, ZH)] == [
        "年假有什么规定？",
        "报销时限是多久？",
        "代码评审有哪些例外？",
    ]
    assert next(question for question, _ in examples(titles, EN)) == "What are the Atlas API limits?"
