"""Three outcomes, each with its colour, words, sources and buttons; how a cut text is told; confidence in words."""

from dataclasses import replace
from typing import Any

import pytest

from bot.cards.final_view import Final, final
from bot.cards.progress import Completed, Exhausted, Failed, Progress, Stopped, conclude, ended, fold
from bot.models import Answer, AnswerOutcome, CardState, Source, Turn
from bot.texts import EN, ZH, Texts
from rag.documents import Chunk, Passage
from rag.errors import ModelUnavailable
from rag.events import Delta, Ending, Finished, Retrieved
from tests.integration.conftest import button, walk, words

TURN = Turn("t1", "cli_a", "oc_1", "oc_1", "group", "om_1", "ou_1", "出差回来多久内要报销？")
CITED = Source(1, "费用报销制度", "一、报销时限", "出差回来后…", "a.md", None, cited=True)
NEAR = replace(CITED, number=2, title="差旅管理办法", source="b.md", cited=False)
ANSWER = Answer("a1", "t1", 1, "answered", "十个工作日 [1]。", sources=(CITED, NEAR), model="m-1", level="high")


def shown(answer: Answer, texts: Texts = ZH) -> Final:
    return final(CardState(TURN, answer, ("a1",), has_owners=True), texts)


def said(answer: Answer, texts: Texts = ZH) -> str:
    return words(shown(answer, texts).card)


def has_button(answer: Answer, kind: str) -> bool:
    return button({"card": shown(answer).card}, kind) is not None


def sources_title(answer: Answer) -> str:
    (panel,) = [node for node in walk(shown(answer).card) if node.get("element_id") == "sources"]
    return str(panel["header"]["title"]["content"])


@pytest.mark.parametrize(
    ("outcome", "model", "colour", "told", "title", "asks_person"),
    [
        ("answered", "m-1", "green", "", "📎 参考资料（1）", False),
        ("answered", "", "green", "", "📎 参考资料（1）", False),
        ("hedged", "m-1", "yellow", "没有引用资料，请自行核实", "🔎 最接近的资料（2）", True),
        ("hedged", "", "yellow", "只是最接近的原文", "🔎 最接近的资料（2）", True),
        ("no_evidence", "m-1", "orange", "可以换个说法再问", "🔎 最接近的资料（2）", True),
        ("no_evidence", "", "orange", "可以换个说法再问", "🔎 最接近的资料（2）", True),
    ],
)
def test_each_outcome_has_its_colour_words_sources_and_buttons(
    outcome: AnswerOutcome, model: str, colour: str, told: str, title: str, asks_person: bool
) -> None:
    answer = replace(ANSWER, outcome=outcome, model=model)
    assert shown(answer).card["header"]["template"] == colour
    assert told in said(answer) and told in shown(answer).text and told in words(shown(answer).plain_card or {})
    others = {"没有引用资料，请自行核实", "只是最接近的原文", "可以换个说法再问"} - {told}
    assert not [each for each in others if each in said(answer)]
    assert sources_title(answer) == title
    assert has_button(answer, "person") is asks_person
    assert has_button(answer, "regenerate") and has_button(answer, "up")


def test_both_languages_say_what_a_hedged_answer_is_worth() -> None:
    assert "cites no document" in said(replace(ANSWER, outcome="hedged"), EN)
    assert "only the closest passages" in said(replace(ANSWER, outcome="hedged", model=""), EN)


@pytest.mark.parametrize(
    ("level", "zh", "en"),
    [
        ("high", "把握较高", "high confidence"),
        ("medium", "把握一般", "medium confidence"),
        ("low", "把握较低", "low confidence"),
    ],
)
def test_confidence_is_told_in_words(level: str, zh: str, en: str) -> None:
    answer = replace(ANSWER, level=level, confidence=0.87)
    assert zh in said(answer) and en in said(answer, EN) and "87" not in said(answer)


def test_a_percentage_takes_a_calibration_and_an_answer() -> None:
    calibrated = replace(ANSWER, confidence=0.874, is_calibrated=True)
    assert "把握 87%" in said(calibrated) and "较高" not in said(calibrated)
    for outcome in ("hedged", "no_evidence", "stopped"):
        for model in ("m-1", ""):
            assert "把握" not in said(replace(calibrated, outcome=outcome, model=model))  # type: ignore[arg-type]


def test_what_earlier_versions_stored_claims_nothing() -> None:
    assert "把握" not in said(replace(ANSWER, level="", confidence=0.87))


def passages() -> Retrieved:
    texts = ("出差回来后十个工作日内报销。", "返程当日关闭出差单。")
    found = [Passage(Chunk(at, f"{at}.md", f"文件{at}", (), text, 0, 9), 1.0) for at, text in enumerate(texts, 1)]
    return Retrieved(tuple(found), 0.1)


def concluded(ending: Ending, texts: Texts = ZH) -> Answer:
    progress = fold(fold(Progress(), passages()), Finished("十个 [1]", "answered", (1,), "m-1", ending=ending))
    return conclude(Answer("a1", "t1", 1, "open"), ended(progress, Completed()), texts, seconds=1.0, first_token_s=0.1)


@pytest.mark.parametrize(
    ("ending", "zh", "en", "goes_on"),
    [
        ("length", "长度上限", "length limit", True),
        ("broken", "连接中途断开", "connection to the model broke", True),
        ("overloaded", "资源不足", "ran out of resources", True),
        ("filtered", "内容过滤", "content filter", False),
    ],
)
def test_a_cut_text_is_kept_and_told_everywhere(ending: Ending, zh: str, en: str, goes_on: bool) -> None:
    answer = concluded(ending)
    made = shown(answer)
    for text in (words(made.card), words(made.plain_card or {}), made.text):
        assert "十个 [1]" in text and zh in text
    assert en in said(concluded(ending, EN), EN)
    assert has_button(answer, "continue") is goes_on and has_button(answer, "regenerate")


def test_a_whole_answer_is_told_nothing_and_has_nothing_to_go_on_with() -> None:
    assert concluded("").notice == "" and not has_button(concluded(""), "continue")


def test_a_cut_answer_that_cites_nothing_says_both() -> None:
    text = said(replace(concluded("length"), outcome="hedged"))
    assert "长度上限" in text and "没有引用资料" in text


def test_continue_stands_out_beside_regenerate() -> None:
    row = [node for node in walk(shown(concluded("length")).card) if node.get("tag") == "button"]
    kinds = {node["element_id"]: node["type"] for node in row}
    assert list(kinds)[2:4] == ["btn_regenerate", "btn_continue"] and kinds["btn_continue"] == "primary"


@pytest.mark.parametrize("outcome", [Stopped("ou_1"), Failed(ModelUnavailable("down")), Exhausted(3)])
@pytest.mark.parametrize("grown", ["", "十个工作日 [1]，并且"])
def test_however_a_continuation_ends_nothing_is_lost(outcome: Any, grown: str) -> None:
    begun = Answer("a2", "t1", 2, "open", "十个工作日 [1]", sources=(CITED,), leaned_on=("hr",), ending="length")
    progress = Progress()
    if grown:
        progress = fold(fold(progress, passages()), Delta(grown))
    answer = conclude(begun, ended(progress, outcome), ZH, seconds=1.0, first_token_s=None)
    assert answer.text == (grown or begun.text)
    assert [source.number for source in answer.sources if source.cited] == [1]
    assert answer.can_continue and has_button(answer, "continue")
    assert grown or "hr" in answer.leaned_on


def test_only_what_was_cut_where_a_model_can_go_on_is_continued() -> None:
    cut = replace(ANSWER, ending="length")
    assert cut.can_continue
    for other in (
        replace(cut, ending=""),
        replace(cut, ending="filtered"),
        replace(cut, outcome="open"),
        replace(cut, outcome="no_evidence"),
        replace(cut, text=""),
    ):
        assert not other.can_continue
