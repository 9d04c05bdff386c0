"""What an owner is asked, and is not asked again; the card that asks it; and decisions in the store."""

from dataclasses import replace

import orjson
import pytest

from bot.access.rules import FILES
from bot.cards.owner_week import MOST_BYTES, WeekView, decided_of, fitting, week_card
from bot.owners.asking import SHOWN
from bot.owners.choosing import Lately, disliked_items, gap_items, pair_items, stale_items
from bot.owners.duties import Duties
from bot.repositories.erasure import Erasure
from bot.repositories.figures import DAY_S, AskedQuestion, GivenAnswer
from bot.repositories.gap_report import Unanswered, gaps_of
from bot.repositories.owner_decisions import (
    Decided,
    ItemKind,
    OwnedDocument,
    OwnerCard,
    OwnerDecision,
    OwnerDecisions,
    OwnerItem,
)
from bot.repositories.verified_answers import Approver
from bot.settings.people import PeopleSettings
from bot.storage.database import Database
from bot.texts import EN, ZH, Texts
from feishu.cards.elements import card_bytes
from feishu.sandbox.rules.schema import check_card
from feishu.sandbox.rules.shapes import Walk
from rag.text.disagreements import Disagreement, Statement
from rag.verified.answers import NOTHING_VERIFIED
from tests.support.clock import HandClock

NOW = 1_800_000_000.0
LIN, ZHOU, ADMIN = "ou_lin", "ou_zhou", "ou_admin"
PEOPLE = PeopleSettings(owners={"open": [LIN], "hr": [ZHOU]}, admins=[ADMIN])
PAIR = Disagreement(
    "报销",
    Statement("open", "travel.md", "差旅", "十天内报销。", ("10",)),
    Statement("hr", "pay.md", "薪酬", "十五天内报销。", ("15",)),
)


def asked(question: str, *, down: int = 0, outcome: str = "answered", collection: str = "open") -> AskedQuestion:
    source = {"collection": collection, "source": f"{collection}.md", "title": collection, "cited": True}
    grounds = (outcome, NOW - DAY_S, None, None, "m", orjson.dumps([source]).decode(), "[]", None, "", "")
    given = GivenAnswer("t" + question, "a", 1, *grounds, reasons=("",) * down)
    return AskedQuestion("t" + question, question, "ou_asker", "group", NOW - DAY_S, (given,))


def seen(
    *questions: AskedQuestion, person: str = LIN, decisions: tuple[OwnerDecision, ...] = (), hidden: str = ""
) -> Lately:
    return Lately(person, questions, lambda behind: hidden not in set(behind), Duties(PEOPLE, decisions), NOW)


def decided(item: OwnerItem, what: Decided, by: str = LIN, days_ago: float = 0.0) -> OwnerDecision:
    document = item.documents[0] if item.documents else OwnedDocument("", "", "")
    about = (item.turn_id, *document.key, document.title)
    return OwnerDecision(
        f"{item.key}{what}{by}", item.kind, item.key, what, *about, Approver(by, by), NOW - days_ago * DAY_S
    )


def gaps(*questions: AskedQuestion, person: str = LIN, decisions: tuple[OwnerDecision, ...] = ()) -> list[OwnerItem]:
    unanswered = [Unanswered(one.question, one.asker, one.at, one.turn_id) for one in questions]
    return gap_items(seen(*questions, person=person, decisions=decisions), gaps_of(unanswered))


def test_a_gap_is_asked_of_the_owners_of_what_came_nearest_and_in_the_end_of_the_admins() -> None:
    question = asked("停车收费吗？", outcome="no_evidence")
    (item,) = gaps(question)
    assert gaps(question, person=ZHOU) == gaps(question, person=ADMIN) == []
    not_mine = (decided(item, "not_mine"),)
    assert gaps(question, decisions=not_mine) == []
    assert [each.key for each in gaps(question, person=ADMIN, decisions=not_mine)] == [item.key]
    both = (*not_mine, decided(item, "not_mine", ADMIN))
    assert gaps(question, person=ADMIN, decisions=both) == []
    assert gaps(asked("停车？", outcome="no_evidence", collection=FILES)) == [], "files that were sent are nobody's"


def test_what_is_disliked_is_asked_until_somebody_says_it_is_right() -> None:
    liked, little, much = asked("年假几天？"), asked("午餐几点？", down=1), asked("几点下班？", down=3)
    found = disliked_items(seen(liked, little, much), NOTHING_VERIFIED)
    assert [(item.turn_id, item.count) for item in found] == [("t几点下班？", 3), ("t午餐几点？", 1)]
    assert disliked_items(seen(little, person=ZHOU), NOTHING_VERIFIED) == []
    right = (decided(found[1], "right", ZHOU),)
    assert disliked_items(seen(little, decisions=right), NOTHING_VERIFIED) == []
    again = replace(little, at=NOW + 1)
    assert len(disliked_items(seen(again, decisions=right), NOTHING_VERIFIED)) == 1


def test_an_old_document_is_asked_about_once_in_its_time_and_never_once_it_is_obsolete() -> None:
    edited = {("open", "open.md"): NOW - 400 * DAY_S}
    one = asked("年假几天？")
    (item,) = stale_items(seen(one), edited, 365)
    assert stale_items(seen(one), edited, 500) == stale_items(seen(one), {}, 365) == []
    assert stale_items(seen(), edited, 365) == [], "nobody is told anything of it"
    assert stale_items(seen(one, hidden="open"), edited, 365) == [], "its owner may not see it"
    assert stale_items(seen(one, decisions=(decided(item, "right"),)), edited, 365) == []
    assert len(stale_items(seen(one, decisions=(decided(item, "right", days_ago=366),)), edited, 365)) == 1
    assert stale_items(seen(one, decisions=(decided(item, "obsolete"),)), edited, 365) == []
    gone = (decided(item, "not_mine"),)
    disliked = asked("午餐几点？", down=1)
    assert disliked_items(seen(disliked, decisions=gone), NOTHING_VERIFIED) == [], "the document is not theirs"
    assert len(disliked_items(seen(disliked, person=ADMIN, decisions=gone), NOTHING_VERIFIED)) == 1


def test_a_contradiction_is_shown_only_to_who_may_see_both_documents() -> None:
    (item,) = pair_items(seen(), [PAIR])
    assert [each.is_own for each in item.documents] == [True, False]
    assert [each.is_own for each in pair_items(seen(person=ZHOU), [PAIR])[0].documents] == [False, True]
    assert pair_items(seen(hidden="hr"), [PAIR]) == pair_items(seen(person=ADMIN), [PAIR]) == []
    assert pair_items(seen(person=ZHOU, decisions=(decided(item, "right"),)), [PAIR]) == []
    changed = replace(PAIR, one=replace(PAIR.one, values=("12",)))
    assert len(pair_items(seen(decisions=(decided(item, "right"),)), [changed])) == 1, "other figures are another pair"


@pytest.mark.parametrize("long", ["很长的" * 40, "*_`<" * 30])
@pytest.mark.parametrize("texts", [ZH, EN], ids=["zh", "en"])
def test_the_fullest_card_is_within_the_platforms_limits(texts: Texts, long: str) -> None:
    documents = tuple(OwnedDocument("open", f"{at}.md", long) for at in range(2))
    kinds: tuple[ItemKind, ...] = ("gap", "disliked", "stale", "pair")
    items = [
        OwnerItem(kind, f"{kind}{at}", () if kind == "gap" else documents, "t", 99, NOW, (long * 3, long * 3))
        for kind in kinds
        for at in range(SHOWN)
    ]
    whole = OwnerCard("c" * 24, LIN, tuple(items), dict.fromkeys(kinds, 9))
    card = fitting(whole, {"t": long}, texts)
    shown = week_card(card, WeekView({"t": long}, {}), texts)
    check_card(shown, Walk())
    assert card_bytes(shown) <= MOST_BYTES
    assert {item.kind for item in card.items} == set(kinds)
    assert len(card.items) + sum(card.more.values()) == len(whole.items) + sum(whole.more.values())


def test_another_owners_not_mine_does_not_stand_on_the_card() -> None:
    item = OwnerItem("gap", "k")
    card = OwnerCard("c", LIN, (item,), {}, at=NOW - DAY_S)
    assert decided_of(card, [decided(item, "not_mine", ZHOU)]) == {}
    assert set(decided_of(card, [decided(item, "not_mine")])) == {"k"}
    assert decided_of(card, [decided(item, "right", ZHOU, days_ago=30)]) == {}, "of an earlier card"


async def test_decisions_are_kept_once_undone_and_go_with_their_person(database: Database) -> None:
    clock = HandClock()
    store = OwnerDecisions(database, clock=clock)
    document = OwnedDocument("open", "gym.md", "健身房")
    item = OwnerItem("stale", "k", (document,))
    first = await store.decide(item, "obsolete", Approver(LIN, "林"), document)
    await store.decide(item, "obsolete", Approver(LIN, "林"), document)
    assert [each.id for each in await store.in_force()] == [first.id]
    assert set(await store.obsolete()) == {("open", "gym.md")}
    assert await store.undo(first.id, "admin") and not await store.undo(first.id, "admin")
    assert await store.in_force() == [] and (await store.newest())[0].undone_by == "admin"
    await store.decide(item, "obsolete", Approver(LIN, "林"), document)
    assert len(await store.in_force()) == 1

    card = await store.keep(OwnerCard("c", LIN, (item,), {"gap": 2}, clock.time()))
    assert await store.card("c") == card and card.items == (item,)
    assert (await store.keep(replace(card, items=()))).items == (item,), "as it was sent"
    await Erasure(database, clock=clock).person(LIN)
    assert await store.newest() == [] and await store.card("c") is None
