"""The think filter on whole texts; any cut is a property test."""

import pytest

from rag.generation.reasoning import ThinkFilter
from tests.support.filters import thought

KIMI = "◁think▷a◁/think▷b"


@pytest.mark.parametrize(
    ("text", "answer", "thinking"),
    [
        ("plain", "plain", ""),
        ("<think>a</think>b", "b", "a"),
        ("\n<think>a</think>\n\nb", "\n\n\nb", "a"),
        ("<think>never closed", "", "never closed"),
        ("1 < 2 and <thin", "1 < 2 and <thin", ""),
        (KIMI, "b", "a"),
        ("[THINK]a[/THINK]b [1]", "b [1]", "a"),
        ("<seed:think>a</seed:think>b", "b", "a"),
        ("<thought>a</thought>b", "b", "a"),
        ("<think>a</think>\n\n</think>b", "\n\nb", "a"),
        ("<think>about `</think>` in code</think>b", "b", "about `</think>` in code"),
    ],
)
def test_thinking_is_told_from_the_answer(text: str, answer: str, thinking: str) -> None:
    assert thought([text]) == (answer, thinking)


@pytest.mark.parametrize(
    ("text", "answer", "thinking"),
    [
        ("lost </think> tag", " tag", "lost "),
        ("我先看资料。\n</think>\n\n十五天 [1]。", "\n\n十五天 [1]。", "我先看资料。\n"),
        ("</think>\n\nb", "\n\nb", ""),
    ],
)
def test_what_stands_before_a_lone_closing_tag_is_thinking(text: str, answer: str, thinking: str) -> None:
    assert thought([text]) == (answer, thinking)
    assert thought(list(text)) == (answer, thinking)


@pytest.mark.parametrize(
    "text",
    [
        "a<think>b</think>c",
        "写作 `</think>` 即可",
        "例如：\n```\n<think>x</think>\n```\n完",
        "标签 `<think>` 与 `</think>` 成对出现",
        "<<think>x</think>",
    ],
)
def test_a_tag_in_code_or_after_text_is_text(text: str) -> None:
    assert thought([text]) == (text, "")
    assert thought(list(text)) == (text, "")


def test_a_later_tag_after_thinking_is_text() -> None:
    assert thought(["<think>a</think>b<think>c</think>d"]) == ("b<think>c</think>d", "a")


def test_text_is_thinking_from_the_start_where_that_is_presumed() -> None:
    think = ThinkFilter(presumed=True)
    assert think.feed("看看") == [("thinking", "看看")]
    assert think.feed("资料</think>好") == [("thinking", "资料"), ("answer", "好")]
    assert think.finish() == [] and think.lone_close is True


def test_what_was_wrongly_presumed_is_the_answer() -> None:
    think = ThinkFilter(presumed=True)
    think.feed("十五天。")
    assert think.finish() == [("answer", "十五天。")] and think.lone_close is False


def test_thinking_that_used_up_all_tokens_is_no_answer() -> None:
    think = ThinkFilter(presumed=True)
    think.feed("还在想")
    assert think.finish(is_whole=False) == [] and think.lone_close is None


def test_nothing_is_presumed_where_thinking_has_its_own_field() -> None:
    think = ThinkFilter(presumed=True)
    think.thinks_elsewhere()
    assert think.feed("好") == [("answer", "好")]
