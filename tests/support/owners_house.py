"""A house whose owner has something to decide of every kind, and the weekly card that asks about it."""

import os
from datetime import datetime, timedelta
from typing import Any

from bot.jobs.digest import due_at
from feishu.events.types import CardAction
from tests.integration.conftest import ALICE, BOB, DEADLINE_S, button, walk, words
from tests.support.bot_inside import idle
from tests.support.verified_house import DAY_S, LUNCH, House, Message, private_chat

PEOPLE = {"owners": {"*": [ALICE]}, "admins": [BOB]}
OLD_DAYS = 500
DEPOSIT, PRINTER, PIANO = "餐卡的押金是多少？", "Who repairs printers?", "Are there piano lessons?"
FILES = {
    "visitors.md": "# 访客须知\n\n## 门禁\n\n访客在前台登记后领取临时门禁卡，当天有效，押金 50 元。\n",
    "gym.md": "# 健身房\n\n## 开放时间\n\n员工健身房每天开放的时间是 7:00 到 22:00。\n",
    "rules-a.md": "# 行政手册\n\n## 会议室\n\n会议室预订后超过 15 分钟无人使用会自动释放。\n",
    "rules-b.md": "# 办公室指南\n\n## 会议室\n\n会议室预订后超过三十分钟无人使用会自动释放。\n",
}


async def ask_all(house: House) -> None:
    """Documents that are old and contradict each other; questions without an answer, and answers that are disliked."""
    for name, text in FILES.items():
        (house.folder / "open" / name).write_text(text, encoding="utf-8")
    old = house.clock.time() - OLD_DAYS * DAY_S
    os.utime(house.folder / "open" / "gym.md", (old, old))
    house.ingest()
    await house.ask(PRINTER)
    await house.ask(PIANO)
    for question in (LUNCH, DEPOSIT):
        card = await house.ask(question)
        await house.sandbox.click(card["message_id"], BOB, value=button(card, "down"))
    await house.ask("员工健身房几点开放？")


async def week(house: House) -> Message:
    """The week's card to Alice."""
    assert await propose(house) == 2
    assert await propose(house) == 0, "once a week"
    await idle(house.bot)
    return weekly(house, ALICE)[0]


async def propose(house: House) -> int:
    """At the moment at which this week's cards are due."""
    bot, now = house.bot.settings.bot, datetime.fromtimestamp(house.clock.time())
    due = due_at(now, bot.digest_weekday, bot.digest_hour)
    house.advance(
        ((due + timedelta(days=7) - now).total_seconds() + 60) / DAY_S if now > due + timedelta(hours=1) else 0
    )
    accepted = await house.bot.owner_week.propose()
    house.bot.worker.wake()
    return accepted


async def newest_form(house: House, question: str) -> Message:
    """The form with this question in it."""

    def found() -> Message | None:
        forms = house.forms("approve")
        fields = [(form, each) for form in forms for each in walk(form["card"]) if each.get("tag") == "input"]
        return next((form for form, each in fields if each.get("default_value") == question), None)

    return await house.sandbox.wait_for(found, DEADLINE_S)


def weekly(house: House, person: str) -> list[Message]:
    shown = [house.sandbox.shown(each.message_id) for each in house.sandbox.messages_in(private_chat(person))]
    return [each for each in shown if each["card"] and "📮" in words(each["card"])]


def press(card: Message, kind: str, about: str) -> Any:
    """The value of a button below the item that says this; of several the last."""
    elements = elements_of(card)
    at = next(at for at, each in enumerate(elements) if each["tag"] == "markdown" and about in each["content"])
    values = [each["behaviors"][0]["value"] for each in walk(elements[at + 1]) if each.get("tag") == "button"]
    return [value for value in values if value["act"] == kind][-1]


async def decide(house: House, card: Message, kind: str, about: str, said: str) -> None:
    """Presses it; what was done stands in its place, and every other item keeps its buttons."""
    before = house.sandbox.shown(card["message_id"])
    shown = await house.sandbox.click(card["message_id"], ALICE, value=press(before, kind, about))
    assert shown.toast["type"] == "success", shown
    await idle(house.bot)
    after = house.sandbox.shown(card["message_id"])
    elements = elements_of(after)
    at = next(at for at, each in enumerate(elements) if each["tag"] == "markdown" and about in each["content"])
    assert said in words(elements[at + 1]) and "林小满" in words(elements[at + 1]), words(elements[at + 1])
    rows = [sum(each["tag"] == "column_set" for each in elements_of(one)) for one in (before, after)]
    assert rows[1] == rows[0] - 1


def elements_of(card: Message) -> list[dict[str, Any]]:
    return list(card["card"]["body"]["elements"])


def pressed_by(person: str, card: Message, kind: str, about: str) -> CardAction:
    """A press that no client would send: the card is not in this person's chat."""
    value, where = press(card, kind, about), (private_chat(person), card["message_id"])
    return CardAction("cli_sandbox", "tenant", "ev_forged", 0.0, person, *where, value, {}, "", "button")
