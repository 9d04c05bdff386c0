"""The weekly card to an owner of documents: a whole week with all four kinds, each button, and the card after it."""

from pathlib import Path

from bot.cancellation import StopSignal
from bot.job import Job
from bot.repositories.owner_decisions import OwnedDocument, OwnerCard, OwnerItem, item_key
from bot.repositories.verified_answers import Approver
from bot.texts import ZH
from tests.integration.conftest import ALICE, BOB, words
from tests.support.bot_inside import idle
from tests.support.owners_house import PEOPLE, PRINTER, ask_all, decide, newest_form, pressed_by, propose, week, weekly
from tests.support.verified_house import LUNCH, open_house, private_chat


async def test_a_week_of_an_owner(tmp_path: Path) -> None:
    async with open_house(tmp_path, people=PEOPLE) as house:
        await ask_all(house)
        first = await week(house)
        said = words(first["card"])
        assert all(
            part in said for part in ("printers", "piano", "午餐", "押金", "健身房 · 上次更新", "15 分钟", "三十分钟")
        ), said
        assert weekly(house, BOB) == [], "an admin is not asked while an owner is left"
        stranger = await house.bot.handlers.admit(pressed_by(BOB, first, "own_right", "健身房"))
        assert stranger.body["toast"]["type"] == "warning" and "card" not in stranger.body
        assert await house.bot.decisions.in_force() == [], "the card is another's"

        await decide(house, first, "own_right", "健身房", "仍然正确")
        await decide(house, first, "own_obsolete", "三十分钟", "为过时")
        await decide(house, first, "own_not_mine", "piano", "不归我管")
        await decide(house, first, "own_right", "押金", "仍然正确")
        await decide(house, first, "own_write", "午餐", "正在写答案")
        form = await newest_form(house, LUNCH)
        await house.send(form, answer="午餐 11:30 开始。", days="0")
        await decide(house, first, "own_write", "printers", "正在写答案")
        form = await newest_form(house, PRINTER)
        await house.send(form, answer="打 8001。", days="0")
        twice = await house.bot.handlers.admit(pressed_by(ALICE, first, "own_obsolete", "三十分钟"))
        assert twice.body["toast"]["type"] == "success"
        house.bot.worker.wake()
        await idle(house.bot)
        told = [each.content for each in house.sandbox.messages_in(private_chat(BOB))]
        assert sum("已经过时" in each for each in told) == 1, told

        house.advance(7)
        assert await propose(house) == 2
        await idle(house.bot)
        assert [each["message_id"] for each in weekly(house, ALICE)] == [first["message_id"]], "nothing is left to ask"
        (admins,) = weekly(house, BOB)
        assert "piano" in words(admins["card"]) and "printers" not in words(admins["card"]), "nobody else is left"
        assert house.sandbox.violations == []


async def test_a_card_that_is_sent_again_shows_its_own_questions_and_what_happened_since(tmp_path: Path) -> None:
    async with open_house(tmp_path, people=PEOPLE) as house:
        await house.ask(PRINTER)
        decisions, key = house.bot.decisions, f"owners:{ALICE}:2026-W01"
        (gap,), more = await house.bot.owner_week.asking.items(ALICE, "2026-W01")
        closed = OwnerItem("stale", "k", (OwnedDocument("gone", "x.md", "金库"),), leaned_on=("@files",))
        card_id = item_key("cli_sandbox", key)[:24]
        await decisions.keep(OwnerCard(card_id, ALICE, (gap, closed), more, house.clock.time()))
        await decisions.decide(gap, "not_mine", Approver(ALICE, "林小满"))
        payload = {"key": key, "open_id": ALICE}
        job = Job(1, "cli_sandbox", "owner_digest", "owners", payload, "running", 2, 1, "", "", "", house.clock.time())
        assert (await house.bot.owner_week.run(job, StopSignal())).state == "done"
        (shown,) = weekly(house, ALICE)
        said = words(shown["card"])
        assert PRINTER in said and "不归我管" in said and "林小满" in said
        assert ZH.owner_closed in said and "金库" not in said
        assert "own_" not in str(shown["card"]), "nothing is left to press"
