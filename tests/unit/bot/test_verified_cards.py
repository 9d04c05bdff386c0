"""The cards about verified answers: who stands for it, the form to approve one, and whether it still holds."""

from dataclasses import replace
from typing import Any

import pytest

from bot.cards.final_view import CARD_BYTES, final
from bot.cards.verified import Offer, again_card, decided_card, offer_card, verified_line
from bot.models import Answer, CardState, Source, Turn
from bot.repositories.verified_answers import Approved, Approver, VerifiedDraft
from bot.texts import EN, ZH, Texts
from feishu.cards.elements import card_bytes
from rag.events import Verification
from tests.integration.conftest import button, walk, words

NOW = 1_800_000_000.0
TURN = Turn("t1", "cli_a", "oc_1", "oc_1", "group", "om_1", "ou_1", "午餐几点？")
BY = Verification("v1", "林*小*满", NOW, NOW, "open")
SOURCE = Source(1, "食堂", "", "11:30", "a.md", None, cited=True)
ANSWER = Answer("a1", "t1", 1, "answered", "11:30 [1]", sources=(SOURCE,), level="high", verified=BY)
LONG = "很长。" * 3_000


def fields(card: dict[str, Any]) -> dict[str, Any]:
    return {each["name"]: each for each in walk(card) if each.get("tag") in ("input", "select_static")}


@pytest.mark.parametrize(
    ("texts", "said"), [(ZH, "✓ 由林*小*满核实 · 有效期至 2027-"), (EN, "✓ Verified by 林*小*满 · valid until 2027-")]
)
def test_a_verified_answer_says_by_whom_and_until_when_in_every_form(texts: Texts, said: str) -> None:
    shown = final(CardState(TURN, ANSWER, ("a1",)), texts)
    for text in (words(shown.card), words(shown.plain_card or {}), shown.text):
        assert said in text
    assert texts.footer_extractive not in words(shown.card) and texts.confidence_high not in words(shown.card)
    assert shown.card["header"]["template"] == "green"


def test_without_an_end_none_is_said_and_an_answer_of_the_documents_says_nobody() -> None:
    assert verified_line(replace(BY, by="Lin", until=None), EN) == "✓ Verified by Lin"
    assert verified_line(None, EN) == ""
    assert "✓" not in words(final(CardState(TURN, replace(ANSWER, verified=None), ("a1",)), ZH).card)


@pytest.mark.parametrize("texts", [ZH, EN])
def test_the_form_holds_the_owners_words_and_a_choice_of_time(texts: Texts) -> None:
    card = offer_card(Offer("t1", "午餐几点？", "11:30", ["open"], 30, ["⚠️ *另一个*"]), texts)
    found = fields(card)
    assert found["wording"]["default_value"] == "午餐几点？" and found["answer"]["default_value"] == "11:30"
    assert found["days"]["initial_option"] == "30"
    assert [each["value"] for each in found["days"]["options"]] == ["30", "90", "180", "365", "0"]
    assert "collection" not in found and "open" in words(card) and button({"card": card}, "approve")
    several = offer_card(Offer("t1", "?", "x", ["open", "hr"], 0), texts)
    assert [each["value"] for each in fields(several)["collection"]["options"]] == ["open", "hr"]


def test_a_long_answer_is_shown_and_not_put_into_a_field() -> None:
    card = offer_card(Offer("t1", "问" * 400, LONG, ["open"], 90), ZH)
    assert "answer" not in fields(card) and "很长" in words(card)
    assert card_bytes(card) < CARD_BYTES


def test_whoever_is_asked_again_may_keep_change_or_withdraw_it() -> None:
    stored = Approved(
        "v1", VerifiedDraft("午餐几点？", (), "11:30", "open"), Approver("ou", "林"), NOW, False, frozenset(), 1
    )
    card = again_card(stored, ["资料变了"], 180, ZH, link="https://bot.example.com/admin#verified=v1")
    assert {each for each in ("keep", "withdraw") if button({"card": card}, each)} == {"keep", "withdraw"}
    assert "https://bot.example.com/admin#verified=v1" in str(card) and "资料变了" in words(card)
    assert "btn_edit" not in str(again_card(stored, [], 180, ZH))
    assert "✓ 由林核实" in words(decided_card(ZH.again_kept, stored, ZH))
    assert "✓ 由林" not in words(decided_card(ZH.again_withdrawn, replace(stored, is_withdrawn=True), ZH))
