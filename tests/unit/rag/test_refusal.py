"""A model that says it cannot answer is told from one that answers no."""

import pytest

from rag.generation.refusal import MARK
from rag.generation.refusal_phrases import says_no
from tests.support.filters import written

REFUSALS = """
根据现有资料，无法回答此问题
根据现有资料无法回答此问题。
根據現有資料無法回答該問題
**根据现有资料，无法回答此问题。**
资料中没有提到停车费的标准。
抱歉，提供的文档中未包含关于停车费的信息。
无法从给定内容中得出答案。
對不起，目前的資料中沒有提及停車費用。
根据提供的上下文，无法确定停车费是多少。
提供的资料与您的问题无关。
没有找到与“团建”相关的内容。
知识库中没有相关内容，建议咨询人事部门。
無相關資訊
无相关信息
未找到相关内容
根据现有资料无法回答此问题。资料仅说明了差旅报销流程。
現有資料主要介紹差旅報銷，並未涉及停車費用，因此無法回答。
抱歉，这个问题超出了知识库的范围。
现有信息不足以回答该问题。
抱歉，资料中没有提到。不过您可以咨询人力资源部。
文档中未提及停车费[1][2]。
关于停车费，资料中没有提到。
I'm sorry, but the provided passages do not contain information about parking.
I’m sorry, but the provided passages don’t contain that.
The documents don't mention parking fees.
I cannot answer this based on the provided documents.
I don't know.
Unfortunately, the passages do not provide details on parking fees.
There is no information about parking fees in the provided context.
The parking fee is not mentioned in the documents.
No relevant information found.
The passages provided do not answer the question. They only discuss travel expenses.
None of the documents mention the parking fee.
"""
ANSWERS = """
不可以报销健身费用 [3]
没有，周五不发布 [1]
试用期员工不适用远程办公[2]
无需发票[1]
停车费资料里没有提到，但差旅费用须在返回后 15 个工作日内提交报销单 [1]。
年假为五天 [1]。资料中没有提到病假。
根据资料，无法报销健身费 [3]。
系统没有找到该用户时请联系 IT [2]。
如无法确定，请咨询财务 [2]。
合同中没有写明的费用不予报销 [2]。
文件未包含签名时会被退回 [1]。
无法登录时，请重置密码 [1]。
根据文档，未提交材料的申请不会被受理 [1]。
没有。
不可以。
年假一共五天，可以留到明年三月。
No, gym fees are not reimbursed [3].
You cannot claim gym fees [3].
Contractors cannot provide their own laptops [1].
No information may be shared with third parties [2].
Documents that do not include a signature are rejected [1].
The passages do not mention gym fees, but travel must be filed within 15 days [1].
Travel must be filed within 15 days [1]. The documents do not mention gym fees.
"""
MARKS = [
    MARK,
    " [[ NO_ANSWER ]] ",
    "[NO_ANSWER]",
    "[[no_answer]]",
    "[[NO\\_ANSWER]]",
    "\\[\\[NO_ANSWER\\]\\]",
    "**[[NO_ANSWER]]**",
    "`[[NO_ANSWER]]`",
    "【NO_ANSWER】",
    "［［NO_ANSWER］］",
    "[[NO_ANSWER]]。",
    "[[NO ANSWER]]",
    "```\n[[NO_ANSWER]]\n```",
    "NO_ANSWER",
]


SUBJECT_FIRST = ("关于", "The parking fee")


def lines(text: str) -> list[str]:
    return text.strip().split("\n")


@pytest.mark.parametrize("text", lines(REFUSALS))
def test_a_refusal_is_known_by_its_words(text: str) -> None:
    assert says_no(text)


@pytest.mark.parametrize("text", lines(ANSWERS))
def test_an_answer_is_none_however_it_says_no(text: str) -> None:
    assert not says_no(text)


def test_a_long_text_without_a_source_has_something_to_say() -> None:
    assert not says_no("资料中没有提到停车费。" + "不过一般来说，公司会按月发放交通补贴，标准由各部门自行决定。" * 20)


@pytest.mark.parametrize("mark", MARKS)
def test_the_mark_never_shows_and_ends_the_answer(mark: str) -> None:
    for pieces in ([mark], list(mark), [*mark, "\n\n资料只涉及差旅报销", "的时限。"]):
        text, shown = written(pieces)
        assert text.outcome == "no_evidence" and "".join(shown) == ""


def test_the_mark_behind_words_that_were_held_shows_neither() -> None:
    text, shown = written(list(f"抱歉，资料中没有提到停车费。{MARK}"))
    assert text.outcome == "no_evidence" and "".join(shown) == ""


def test_the_mark_behind_an_uncited_answer_takes_it_back() -> None:
    text, shown = written(list(f"停车费没有规定。\n{MARK}"))
    assert text.outcome == "no_evidence" and "NO" not in "".join(shown)


@pytest.mark.parametrize("mark", MARKS[:-2])
def test_the_mark_behind_a_cited_part_leaves_it_an_answer(mark: str) -> None:
    text, shown = written(list(f"差旅须在 15 天内报销 [1]。停车费没有提到。\n\n{mark.strip()}"))
    assert text.outcome == "answered" and text.citations == (1,)
    assert "".join(shown) == text.text and text.text.rstrip() == "差旅须在 15 天内报销 [1]。停车费没有提到。"


@pytest.mark.parametrize(
    "text", [line for line in lines(REFUSALS) if "[" not in line and not line.startswith(SUBJECT_FIRST)]
)
def test_a_refusal_shows_nothing_while_it_streams(text: str) -> None:
    finished, shown = written(list(text))
    assert finished.outcome == "no_evidence" and "".join(shown) == ""


def test_a_refusal_that_begins_like_an_answer_is_known_at_its_end() -> None:
    finished, shown = written(list("关于停车费，资料中没有提到。"))
    assert finished.outcome == "no_evidence" and "".join(shown)


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("差旅费用须在返回后 15 个工作日内提交报销单 [1]。", 1),
        ("出差结束后 15 个工作日内 [1]。", 1),
        ("没有，周五不发布 [1]", 3),
        ("不可以报销健身费用 [3]", 3),
        ("无需发票[1]", 2),
        ("**差旅费**须在 15 天内报销 [1]。", 3),
        ("Travel must be filed within 15 days [1].", 2),
        ("No, gym fees are not reimbursed [3].", 3),
    ],
)
def test_the_first_words_of_an_answer_are_not_kept_back(text: str, held: int) -> None:
    _, shown = written(list(text))
    assert next(at for at, piece in enumerate(shown, start=1) if piece) <= held


def test_an_answer_that_opens_like_a_refusal_goes_out_with_its_first_sentence() -> None:
    beginning = "根据现有资料，出差回来须在 15 个工作日内提交。"
    text, shown = written([*beginning, "超过", "五千元"])
    assert "".join(shown[: len(beginning)]) == beginning
    assert text.outcome == "hedged"


def test_a_refused_part_before_a_cited_one_goes_out_with_the_citation() -> None:
    beginning = "资料中没有提到停车费。差旅费须在 15 天内报销 [1]"
    text, shown = written([*beginning, "。另外"])
    assert "".join(shown[:-2]) == beginning and text.outcome == "answered"


def test_an_answer_without_a_source_is_hedged() -> None:
    assert written(["年假一般为五天。"])[0].outcome == "hedged"
