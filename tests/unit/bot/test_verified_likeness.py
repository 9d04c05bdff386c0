"""What is shown before a verified answer is saved: others like it, and documents that give another figure."""

import pytest

from bot.repositories.verified_answers import Approved, Approver, VerifiedDraft
from bot.repositories.verified_likeness import alike, figures_of, other_figures
from bot.verified.approval import NotApprovable, checked
from bot.verified.passages import renumbered
from rag.documents import Chunk

NOW = 1_800_000_000.0
BY = Approver("ou_lin", "林小满")


def approved(wording: str, answer: str, *variants: str, is_withdrawn: bool = False) -> Approved:
    draft = VerifiedDraft(wording, variants, answer, "open")
    return Approved(wording, draft, BY, NOW, is_withdrawn, frozenset(), 1)


OTHERS = (
    approved("出差回来多久内要报销？", "10 个工作日内提交。", "出差多久内报销"),
    approved("招待费多久内要报销？", "15 个工作日内提交。"),
    approved("加班餐补怎么领？", "随工资一起发放，不用申请。"),
    approved("年假有几天？", "5 天。", is_withdrawn=True),
)


@pytest.mark.parametrize(
    ("wording", "answer", "found"),
    [
        ("请问出差回来多久内要报销", "10 个工作日内提交。", ["duplicate"]),
        ("出差多久内报销", "15 天内提交。", ["conflict"]),
        ("招待费多久内要报销呢", "10 个工作日内提交。", ["conflict", "same_answer"]),
        ("招待费多久内能报销？", "不限。", ["near"]),
        ("餐补怎么发？", "随工资一起发放，不用申请。", ["same_answer"]),
        ("年假有几天？", "10 天。", []),
        ("打印机在哪里？", "三楼。", []),
    ],
)
def test_others_are_shown_by_how_they_are_like_it(wording: str, answer: str, found: list[str]) -> None:
    draft = VerifiedDraft(wording, (), answer, "open")
    assert [each.how for each in alike(draft, OTHERS)] == found
    assert alike(OTHERS[0].draft, OTHERS, without=OTHERS[0].id) == []


@pytest.mark.parametrize(
    ("text", "figures"),
    [
        ("15 个工作日内 [1]，最多 5,000 元", {"工作日": {"15"}, "元": {"5000"}}),
        ("三天或两周", {"天": {"3"}, "周": {"2"}}),
        ("within 10 working days, up to 1,500 yuan", {"day": {"10"}, "yuan": {"1500"}}),
        ("version 2 of 2024", {}),
    ],
)
def test_figures_are_told_by_what_they_count(text: str, figures: dict[str, set[str]]) -> None:
    found = figures_of(text)
    assert {unit: found.get(unit) for unit in figures} == figures


def test_a_document_with_another_figure_is_shown_with_its_sentence() -> None:
    chunks = [
        Chunk(1, "a.md", "报销制度", (), "出差回来后 15 个工作日内提交报销单。发票保存 3 年。", 0, 30),
        Chunk(2, "b.md", "差旅办法", (), "出差回来后 10 个工作日内提交；逾期 15 个工作日不再受理。", 0, 30),
    ]
    draft = VerifiedDraft("出差回来多久内要报销？", (), "10 个工作日内提交 [1]。", "open")
    (found,) = other_figures(draft, chunks)
    assert (found.own, found.theirs, found.title) == ("10工作日", "15工作日", "报销制度")
    assert "15 个工作日" in found.sentence


def test_citations_follow_the_passages_that_were_chosen() -> None:
    text = "十天 [3][1]，另见 [2] 和 [9]。"
    assert renumbered(text, [3, 1]) == "十天 [1] [2]，另见 和。"
    assert renumbered("没有 [1]", []) == "没有"


@pytest.mark.parametrize(
    ("draft", "why"),
    [
        (VerifiedDraft(" ", (), "x", "open"), "a question and an answer"),
        (VerifiedDraft("年假几天？", (), " \x00", "open"), "a question and an answer"),
        (VerifiedDraft("怎么？", (), "x", "open"), "names nothing"),
        (VerifiedDraft("年" * 401, (), "x", "open"), "400 characters"),
        (VerifiedDraft("年假几天？", ("吗？",), "x", "open"), "names nothing"),
        (VerifiedDraft("年假几天？", (), "x" * 10_001, "open"), "10000 characters"),
        (VerifiedDraft("年假几天？", (), "x", ""), "collection"),
        (VerifiedDraft("年假几天？", (), "x", "@files"), "collection"),
        (VerifiedDraft("年假几天？", (), "x", "open", until=NOW), "later one"),
        (VerifiedDraft("年假几天？", tuple(f"编号 {n} 的年假几天？" for n in range(40)), "x", "open"), "30 other"),
    ],
)
def test_what_cannot_be_approved_says_what_to_change(draft: VerifiedDraft, why: str) -> None:
    with pytest.raises(NotApprovable, match=why):
        checked(draft, NOW)


def test_a_draft_loses_white_space_and_wordings_that_say_the_same() -> None:
    draft = VerifiedDraft(
        " 年假\n几天？", ("年假有几天？", "年休假有多少天", "病假几天", "病假有几天？"), " 5 天 ", "open"
    )
    assert checked(draft, NOW) == VerifiedDraft("年假 几天？", ("病假几天",), "5 天", "open")
