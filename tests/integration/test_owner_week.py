"""The weekly card to an owner of documents: a whole week with all four kinds, each button, and the card after it."""

from pathlib import Path

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
        told = [each.content for each in house.sandbox.messages_in(private_chat(BOB))]
        assert any("已经过时" in each for each in told), told

        house.advance(7)
        assert await propose(house) == 2
        await idle(house.bot)
        assert [each["message_id"] for each in weekly(house, ALICE)] == [first["message_id"]], "nothing is left to ask"
        (admins,) = weekly(house, BOB)
        assert "piano" in words(admins["card"]) and "printers" not in words(admins["card"]), "nobody else is left"
        assert house.sandbox.violations == []
