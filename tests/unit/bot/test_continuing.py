"""A cut answer goes on only over the passages that its citations name."""

from dataclasses import replace

import pytest

from bot.answering import can_go_on
from bot.models import Source

TRAVEL = Source(1, "差旅", "时限", "15 个自然日内提交。", "travel.md", None, cited=True)
LEAVE = Source(2, "休假", "年假", "满一年 5 天。", "leave.md", None, cited=False)


def test_the_same_passages_behind_the_cited_numbers_are_enough() -> None:
    elsewhere = replace(LEAVE, snippet="满一年 7 天。")
    assert can_go_on("15 个自然日 [1]，", (TRAVEL, LEAVE), (replace(TRAVEL, cited=False), elsewhere))
    assert can_go_on("还没有引用", (replace(TRAVEL, cited=False), LEAVE), ())


@pytest.mark.parametrize(
    "now",
    [
        (),
        (replace(LEAVE, number=1), replace(TRAVEL, number=2)),
        (replace(TRAVEL, snippet="10 个自然日内提交。"),),
        (replace(TRAVEL, collection="finance"),),
    ],
    ids=["gone", "in another order", "changed", "of another collection"],
)
def test_other_passages_are_not(now: tuple[Source, ...]) -> None:
    assert not can_go_on("15 个自然日 [1]，", (TRAVEL, LEAVE), now)


def test_a_number_in_the_text_counts_whatever_was_stored_as_cited() -> None:
    assert not can_go_on("年假 [2] 和", (TRAVEL, LEAVE), (TRAVEL,))


def test_a_number_that_never_was_a_source_does_not_count() -> None:
    assert can_go_on("数组 a[7] 的值 [1]", (TRAVEL,), (TRAVEL,))
