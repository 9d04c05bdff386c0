"""A verified answer's life: a gap, an owner's reply, approved on a card, given with ✓, asked about again, withdrawn."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.access.rules import FILES
from bot.repositories.verified_answers import Approver, VerifiedDraft
from feishu.events.types import CardAction
from tests.integration.conftest import ALICE, BOB, DEADLINE_S, GROUP, answer_text, button, words
from tests.support.verified_house import BONUS, CANARY, HR, LUNCH, WEEKEND, House, is_verified, open_house, private_chat


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as house:
        yield house


async def test_an_owners_reply_becomes_the_answer_for_everybody(house: House) -> None:
    sandbox = house.sandbox
    gap = await house.ask(WEEKEND)
    assert not is_verified(gap)
    await sandbox.click(gap["message_id"], BOB, value=button(gap, "person"))

    def asked() -> Any:
        return next(
            (each for each in sandbox.messages_in(GROUP) if ALICE in each.content and "周末" in each.content), None
        )

    mention = await sandbox.wait_for(asked, DEADLINE_S)
    await sandbox.say(GROUP, ALICE, "周末不开门。", reply_to=mention.message_id, mention_bot=True)
    form = await house.form("approve")
    assert "“open”" in words(form["card"]) and house.forms("approve", BOB) == []
    stranger = await house.bot.verifying.collections_of(await house.bot.gaps.of(button(form, "approve")["id"]), BOB)  # type: ignore[index,arg-type]
    assert stranger == [], "who looks after nothing approves nothing"
    shown = await house.send(form, wording=WEEKEND, answer="周末**不开门**，工作日开。", days="90")
    assert shown.toast["type"] == "success", shown
    assert "已存为核实过的答案" in words(sandbox.shown(form["message_id"])["card"])
    for chat in (GROUP, private_chat(BOB)):
        card = await house.ask("请问食堂周末开不开门？", chat)
        assert answer_text(card) == "周末**不开门**，工作日开。" and "✓ 由林小满核实 · 有效期至" in words(card["card"])
        assert card["card"]["header"]["template"] == "green"
    again = await house.ask(WEEKEND)
    await sandbox.click(again["message_id"], BOB, value=button(again, "regenerate"))
    card = await sandbox.wait_for(lambda: house.answered(again["parent_id"], containing="2/2"), DEADLINE_S)
    assert "按资料重新回答" in words(card["card"]) and not is_verified(card)
    assert not is_verified(await house.ask("食堂周末几点开门？")), "another question"
    assert sandbox.violations == []


async def test_it_is_given_only_to_who_may_see_all_behind_it(house: House) -> None:
    draft = VerifiedDraft(BONUS, (), f"奖金是 {CANARY} 元。", "hr")
    await house.bot.verifying.make(draft, Approver(ALICE, "林小满"))
    for chat, person in ((GROUP, ALICE), (GROUP, BOB), (private_chat(BOB), BOB)):
        assert CANARY not in words((await house.ask(BONUS, chat, person))["card"])
    for chat, person in ((HR, BOB), (private_chat(ALICE), ALICE)):
        card = await house.ask(BONUS, chat, person)
        assert CANARY in words(card["card"]) and is_verified(card)
    assert house.sandbox.violations == []


async def test_its_owner_is_asked_when_its_document_changes_and_before_it_ends(house: House) -> None:
    verifying, sandbox = house.bot.verifying, house.sandbox
    passages = await verifying.passages.found_for(LUNCH)
    evidence = await verifying.passages.evidence(passages[:1])
    draft = VerifiedDraft(LUNCH, ("午餐几点开始？",), "午餐 11:30 开始 [1]。", "open", evidence, verifying.until(60))
    made = await verifying.make(draft, Approver(ALICE, "林小满"))
    card = await house.ask("食堂几点供应午餐")
    assert is_verified(card) and "食堂指南" in words(card["card"])
    await house.look()
    assert house.forms("keep") == [], "nothing has changed"

    house.write("12:00")
    assert not is_verified(await house.ask(LUNCH)), "what it rests upon is gone: the documents answer"
    await house.look()
    form = await house.form("keep", containing="食堂指南")
    assert "押金" not in words(form["card"])
    await house.look()
    assert len(house.forms("keep")) == 1, "one card for each reason"
    refused = await house.send(form, answer="午餐 12:00 开始 [1]。", days="90")
    assert refused.toast["type"] == "success" and "已确认" in words(sandbox.shown(form["message_id"])["card"])
    card = await house.ask(LUNCH)
    assert answer_text(card) == "午餐 12:00 开始 [1]。" and is_verified(card)
    assert [each.what for each in await verifying.store.versions(made.id)] == ["edited", "made"]

    house.advance(84)
    await house.look()
    form = await house.form("keep", containing="有效期到")
    assert is_verified(await house.ask(LUNCH)), "until its last day it holds"
    house.advance(10)
    assert not is_verified(await house.ask(LUNCH))
    gone = await sandbox.click(form["message_id"], ALICE, value=button(form, "withdraw"))
    assert gone.toast["type"] == "success"
    stored = await verifying.store.of(made.id)
    assert stored is not None and stored.is_withdrawn
    assert sandbox.violations == []


async def test_another_owner_is_asked_where_its_approver_has_left(house: House) -> None:
    verifying, sandbox = house.bot.verifying, house.sandbox
    sandbox.office.hire("ou_gone", "老王", "0")
    sandbox.office.resign("ou_gone")  # before there is anything that the bot may ask about by itself
    draft = VerifiedDraft(LUNCH, (), "午餐 11:30 开始。", "open", until=verifying.until(3))
    await verifying.make(draft, Approver("ou_gone", "老王"))
    await house.look()
    form = await house.form("keep")
    assert "核实它的老王现在不能处理" in words(form["card"])
    assert (await house.send(form)).toast["type"] == "success"
    assert "✓ 由林小满核实" in words((await house.ask(LUNCH))["card"])


async def test_where_nobody_can_be_asked_it_is_tried_again(house: House) -> None:
    verifying, sandbox = house.bot.verifying, house.sandbox
    sandbox.office.hire("ou_gone", "老王", "0")
    sandbox.office.resign("ou_gone")
    made = await verifying.make(
        VerifiedDraft(BONUS, (), "x", "lost", until=verifying.until(3)), Approver("ou_gone", "老王")
    )
    await house.look()
    stored = await verifying.store.of(made.id)
    assert stored is not None and stored.asked_about == frozenset()
    draft = VerifiedDraft(BONUS, (), "x", "open", until=verifying.until(3))
    await verifying.edit(made.id, draft, Approver("ou_gone", "老王"))
    await house.look()
    assert await house.form("keep")
    stored = await verifying.store.of(made.id)
    assert stored is not None and stored.asked_about == {"expires"}


async def test_nobody_is_shown_what_they_may_not_see_when_they_approve_or_are_asked(house: House) -> None:
    verifying = house.bot.verifying
    draft = VerifiedDraft(BONUS, (), f"{CANARY} 元。", "hr", until=verifying.until(1))
    await verifying.make(draft, Approver(BOB, "周明"))
    own = VerifiedDraft(BONUS, (), "不知道。", "open")
    for person, seen in ((ALICE, ["conflict"]), (BOB, [])):
        review = await verifying.review(own, scope=await verifying.seen_by(person))
        assert [each.how for each in review.alike] == seen
    assert not verifying.shows(await verifying.seen_by(ALICE), ("open", FILES)), "a file that somebody sent is theirs"
    await house.look()
    form = await house.form("keep")
    assert CANARY in str(form["card"]) and "核实它的周明现在不能处理" in words(form["card"])
    assert house.forms("keep", BOB) == [], "who approved it may not see its collection any more"
    assert (await house.send(form, person=ALICE)).toast["type"] == "success"
    other = await verifying.make(VerifiedDraft(LUNCH, (), "11:30。", "open"), Approver("", "boss"))
    assert verifying.may_decide(ALICE, other) and not verifying.may_decide(BOB, other)


async def test_a_card_of_an_earlier_version_changes_nothing(house: House) -> None:
    verifying = house.bot.verifying
    draft = VerifiedDraft(LUNCH, (), "11:30。", "open", until=verifying.until(3))
    made = await verifying.make(draft, Approver(ALICE, "林小满"))
    await house.look()
    form = await house.form("keep")
    newer = await verifying.edit(made.id, VerifiedDraft(LUNCH, (), "12:00。", "open"), Approver(ALICE, "林小满"))
    pressed = [await house.send(form), await house.bot.handlers.admit(press_of(ALICE, button(form, "withdraw")))]
    assert pressed[0].toast["type"] == pressed[1].body["toast"]["type"] == "warning"
    assert await verifying.store.of(made.id) == newer
    by_id = {"act": "withdraw", "id": made.id}
    for kind in ("success", "warning"):
        shown = await house.bot.handlers.admit(press_of(ALICE, by_id, kind))
        assert shown.body["toast"]["type"] == kind, "a button of an earlier release names no version"
    kept = await house.bot.handlers.admit(press_of(ALICE, {"act": "keep", "id": made.id}, answer="13:00。"))
    assert kept.body["toast"]["type"] == "warning" and "card" not in kept.body
    stored = await verifying.store.of(made.id)
    assert stored is not None and stored.is_withdrawn and stored.draft.answer == "12:00。"
    assert newer is not None and await verifying.keep(newer, None, newer.by, answer="14:00。") is None, (
        "it was read before"
    )


async def test_who_may_not_see_it_any_more_withdraws_it_unseen_and_keeps_nothing(house: House) -> None:
    verifying = house.bot.verifying
    made = await verifying.make(VerifiedDraft(BONUS, (), f"{CANARY} 元。", "hr"), Approver(BOB, "周明"))
    kept = await house.bot.handlers.admit(press_of(BOB, {"act": "keep", "id": f"{made.id}.1"}, answer="0 元。"))
    assert kept.body["toast"]["type"] == "warning" and "card" not in kept.body
    assert await verifying.store.of(made.id) == made
    gone = await house.bot.handlers.admit(press_of(BOB, {"act": "withdraw", "id": f"{made.id}.1"}))
    assert gone.body["toast"]["type"] == "success"
    assert CANARY not in str(gone.body) and BONUS not in str(gone.body)
    stored = await verifying.store.of(made.id)
    assert stored is not None and stored.is_withdrawn


def press_of(person: str, value: dict[str, Any] | None, event: str = "", **form: str) -> CardAction:
    """A press, whatever the card in the chat shows now."""
    assert value is not None
    where = (private_chat(person), "om_x")
    return CardAction("cli_sandbox", "tenant", f"ev_{event}{value}", 0.0, person, *where, value, form, "", "button")
