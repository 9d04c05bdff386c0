"""The think filter on whole texts; any cut is a property test."""

import pytest

from rag.thinking import ThinkFilter


def filtered(text: str) -> tuple[str, str]:
    think = ThinkFilter()
    parts = think.feed(text) + think.finish()
    return ("".join(t for k, t in parts if k == "answer"), "".join(t for k, t in parts if k == "thinking"))


@pytest.mark.parametrize(
    ("text", "answer", "thinking"),
    [
        ("plain", "plain", ""),
        ("<think>a</think>b", "b", "a"),
        ("<think>never closed", "", "never closed"),
        ("lost </think> tag", "lost  tag", ""),
        ("1 < 2 and <thin", "1 < 2 and <thin", ""),
        ("<think>a</think>b<think>c</think>d", "bd", "ac"),
        ("<<think>x</think>", "<", "x"),
    ],
)
def test_thinking_is_told_from_the_answer(text: str, answer: str, thinking: str) -> None:
    assert filtered(text) == (answer, thinking)
