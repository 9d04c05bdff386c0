"""Verified answers in the store: versions, one snapshot while nothing changes, and a name that was forgotten."""

from bot.repositories.erasure import DAY_S, Erasure
from bot.repositories.verified_answers import Approver, VerifiedDraft, VerifiedStore
from bot.storage.database import Database
from rag.documents import Chunk, Place
from rag.verified.answers import Evidence
from tests.support.clock import HandClock

NOW = 1_800_000_000.0
LIN, ZHOU = Approver("ou_lin", "林小满"), Approver("ou_zhou", "周明")
CHUNK = Chunk(7, "feishu:doxcn1", "食堂", ("食堂", "午餐"), "11:30", 3, 8, "https://x.test", "open", Place("page", "3"))
DRAFT = VerifiedDraft("午餐几点？", ("几点吃午饭？",), "11:30 [1]", "open", (Evidence(CHUNK, "f1"),), NOW + 9, "gap:t1")


async def test_what_was_approved_comes_back_whole_and_each_version_stays(database: Database) -> None:
    clock = HandClock(NOW)
    store = VerifiedStore(database, clock=clock)
    made = await store.make(DRAFT, LIN)
    assert await store.of(made.id) == made and made.draft == DRAFT
    assert made.behind == {"open", "@document:feishu:doxcn1"}
    await clock.advance(5)
    edited = await store.edit(made.id, VerifiedDraft("午餐几点开始？", (), "12:00", "hr"), ZHOU)
    assert edited is not None and (edited.by, edited.at, edited.version) == (ZHOU, NOW + 5, 2)
    assert edited.draft.origin == "gap:t1" and await store.of_origin("gap:t1") == edited
    kept = await store.keep(made.id, None, (), LIN)
    assert kept is not None and kept.draft.until is None and kept.by == LIN
    gone = await store.withdraw(made.id, ZHOU)
    assert gone is not None and gone.is_withdrawn and gone.by == LIN, "who withdraws stands for nothing"
    told = [(each.version, each.what, each.name, each.body["answer"]) for each in await store.versions(made.id)]
    assert told == [
        (4, "withdrawn", "周明", "12:00"),
        (3, "kept", "林小满", "12:00"),
        (2, "edited", "周明", "12:00"),
        (1, "made", "林小满", "11:30 [1]"),
    ]
    assert await store.of_origin("gap:t1") is None
    again = await store.make(DRAFT, ZHOU, once=True)
    assert await store.make(DRAFT, LIN, once=True) == again != await store.make(DRAFT, LIN)
    assert await store.edit("v0", DRAFT, LIN) is await store.keep("v0", None, (), LIN) is await store.of("v0") is None


async def test_a_snapshot_is_the_same_until_something_changes_in_any_process(database: Database) -> None:
    clock = HandClock(NOW)
    store, other = VerifiedStore(database, clock=clock), VerifiedStore(database, clock=clock)
    made = await store.make(DRAFT, LIN)
    first = await store.snapshot()
    assert await store.snapshot() is first and [each.id for each in first.to("几点吃午饭")] == [made.id]
    await other.edit(made.id, VerifiedDraft("晚餐几点？", (), "18:00", "open"), LIN)
    changed = await store.snapshot()
    assert changed is not first and changed.to("午餐几点？") == [] and changed.to("晚餐几点")[0].text == "18:00"
    await other.withdraw(made.id, LIN)
    assert (await store.snapshot()).answers == ()


async def test_reasons_asked_about_are_forgotten_once_somebody_has_decided(database: Database) -> None:
    store = VerifiedStore(database, clock=HandClock(NOW))
    made = await store.make(DRAFT, LIN)
    for reason in ("expires", "changed", "expires"):
        await store.asked(made.id, reason)
    stored = await store.of(made.id)
    assert stored is not None and stored.asked_about == {"expires", "changed"}
    kept = await store.keep(made.id, NOW + 100, DRAFT.evidence, LIN)
    assert kept is not None and kept.asked_about == frozenset()


async def test_an_answer_whose_approver_is_forgotten_is_given_to_nobody(database: Database) -> None:
    clock = HandClock(NOW)
    store, erasure = VerifiedStore(database, clock=clock), Erasure(database, clock=clock)
    made = await store.make(DRAFT, LIN)
    assert (await store.snapshot()).answers
    await clock.advance(1)
    await erasure.person(LIN.open_id)
    assert (await store.snapshot()).answers == ()
    stored = await store.of(made.id)
    assert stored is not None and stored.by == Approver("", "") and stored.draft.answer == DRAFT.answer
    assert [each.name for each in await store.versions(made.id)] == [""]
    await store.keep(made.id, None, (), ZHOU)
    assert [each.by for each in (await store.snapshot()).answers] == ["周明"]


async def test_what_was_withdrawn_long_ago_is_forgotten(database: Database) -> None:
    clock = HandClock(NOW)
    store = VerifiedStore(database, clock=clock)
    kept, gone = await store.make(DRAFT, LIN), await store.make(DRAFT, LIN)
    await store.withdraw(gone.id, LIN)
    await clock.advance(31 * DAY_S)
    await Erasure(database, clock=clock).older_than(30)
    assert [each.id for each in await store.all()] == [kept.id]
    assert await store.versions(gone.id) == []
