"""An answer that goes on where it was cut off."""

import pytest

from tests.support.filters import written

SO_FAR = "差旅费用须在返回后 15 个工作日内提交报销单[1]。超过五"


@pytest.mark.parametrize(
    "said",
    [
        "千元的需总监审批[2]。",
        "继续：千元的需总监审批[2]。",
        "**继续：**千元的需总监审批[2]。",
        "Continuing: 千元的需总监审批[2]。",
        "……千元的需总监审批[2]。",
        "超过五千元的需总监审批[2]。",
        "工作日内提交报销单[1]。超过五千元的需总监审批[2]。",
        "\n工作日内提交报销单[1]。超过五千元的需总监审批[2]。",
        "继续：\n差旅费用须在返回后 15 个工作日内提交报销单[1]。超过五千元的需总监审批[2]。",
    ],
)
def test_what_is_said_twice_is_left_out(said: str) -> None:
    for pieces in ([said], list(said)):
        text, shown = written(pieces, so_far=SO_FAR)
        assert SO_FAR + "".join(shown) == text.text == f"{SO_FAR}千元的需总监审批[2]。"
        assert text.citations == (1, 2) and text.outcome == "answered"


@pytest.mark.parametrize("said", ["，继续教育除外。", "五五开。", " and more.", "单另算。", "\n\n- 第二条", ""])
def test_what_is_new_stays(said: str) -> None:
    for pieces in ([said], list(said)):
        text, _ = written(pieces, so_far=SO_FAR)
        assert text.text == SO_FAR + said and text.outcome == "answered"


def test_a_citation_across_the_cut_is_one() -> None:
    text, _ = written(["2]。"], so_far="十五天 [")
    assert text.text == "十五天 [2]。" and text.citations == (2,)


def test_the_mark_is_taken_out_and_what_was_said_stays() -> None:
    text, _ = written(["[[NO_ANSWER]]"], so_far=SO_FAR)
    assert text.text == SO_FAR and text.outcome == "answered"
