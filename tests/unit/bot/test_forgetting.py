"""What a person asked goes with everything written for it, the trace too."""

import orjson
from sqlalchemy import func, insert, select, update

from bot.cards.verified import verified_line
from bot.models import Source
from bot.repositories.chat_facts import ChatFacts
from bot.repositories.erasure import DAY_S, Erasure
from bot.repositories.owner_decisions import FORGOTTEN, OwnerDecisions, OwnerItem
from bot.repositories.owner_questions import OwnerQuestion, OwnerQuestions
from bot.repositories.prompt_versions import PromptVersions
from bot.repositories.shown_documents import ShownDocuments, ShownTo, record_shown
from bot.repositories.turns import verified_text
from bot.repositories.verified_answers import Approver, VerifiedDraft, VerifiedStore
from bot.storage.database import Database
from bot.storage.tables import answers, settled_gaps, shown_documents, traces, turns, votes
from bot.texts import ZH
from rag.events import Verification
from tests.support.clock import HandClock

NOW = 1_800_000_000.0


async def asked(database: Database, number: int, asker: str, at: float) -> None:
    """A turn with its answer, vote and trace."""
    turn = {
        "id": f"t{number}",
        "app_id": "cli_x",
        "conversation": "oc_x",
        "chat_id": "oc_x",
        "chat_type": "group",
        "question_message_id": f"om_{number}",
        "asker": asker,
        "question": "出差回来多久内要报销？",
        "created_at": at,
    }
    answer = {
        "id": f"a{number}",
        "turn_id": f"t{number}",
        "version": 1,
        "job_id": number,
        "outcome": "answered",
        "created_at": at,
    }

    def work(connection: object) -> None:
        execute = connection.execute  # type: ignore[attr-defined]
        execute(insert(turns).values(**turn))
        execute(insert(answers).values(**answer))
        execute(insert(votes).values(answer_id=f"a{number}", voter="ou_other", vote="up", at=at))
        execute(insert(traces).values(job_id=number, body="{}", created_at=at))
        source = Source(1, "薪酬", "", "", "feishu:doc1", None, cited=True)
        record_shown(connection, f"a{number}", [source], ShownTo("oc_x", "group", asker), at)  # type: ignore[arg-type]

    await database.write(work)


async def counted(database: Database) -> dict[str, int]:
    tables = {"turns": turns, "answers": answers, "votes": votes, "traces": traces, "shown": shown_documents}
    return await database.read(
        lambda c: {name: c.scalar(select(func.count()).select_from(table)) or 0 for name, table in tables.items()}
    )


async def test_a_person_is_forgotten_with_answers_votes_and_traces(database: Database) -> None:
    await asked(database, 1, "ou_gone", NOW)
    await asked(database, 2, "ou_stays", NOW)
    assert await Erasure(database, clock=HandClock(NOW)).person("ou_gone") == 1
    assert await counted(database) == {"turns": 1, "answers": 1, "votes": 1, "traces": 1, "shown": 1}


async def test_a_recalled_question_leaves_no_word_and_no_trace(database: Database) -> None:
    await asked(database, 1, "ou_x", NOW)
    await asked(database, 2, "ou_x", NOW)
    await ChatFacts(database, clock=HandClock(NOW)).recall("cli_x", "om_1")
    assert await counted(database) == {"turns": 2, "answers": 2, "votes": 1, "traces": 1, "shown": 2}
    questions = await database.read(lambda c: list(c.scalars(select(turns.c.question).order_by(turns.c.id))))
    assert questions == ["", "出差回来多久内要报销？"]


async def test_what_is_old_goes_by_itself(database: Database) -> None:
    await asked(database, 1, "ou_x", NOW - 31 * DAY_S)
    await asked(database, 2, "ou_x", NOW - 1 * DAY_S)
    assert await Erasure(database, clock=HandClock(NOW)).older_than(30) == 1
    assert await counted(database) == {"turns": 1, "answers": 1, "votes": 1, "traces": 1, "shown": 1}


async def test_an_admin_s_look_with_somebody_s_rights_goes_with_that_person(database: Database) -> None:
    shown = ShownDocuments(database, clock=HandClock(NOW))
    await shown.add("x1", (), ShownTo("", "admin", "Lin", asked_as="ou_gone"))
    await shown.add("x2", (), ShownTo("", "admin", "Lin", asked_as="ou_stays"))
    await Erasure(database, clock=HandClock(NOW)).person("ou_gone")
    _, [left] = await shown.find(1)
    assert left.asked_as == "ou_stays"


async def test_answers_to_others_do_not_name_a_forgotten_approver(database: Database) -> None:
    store, draft = VerifiedStore(database, clock=HandClock(NOW)), VerifiedDraft("午餐几点？", (), "11:30", "open")
    lin, other = Approver("ou_gone", "林小满"), Approver("ou_stays", "林小满")
    made, others = await store.make(draft, lin), await store.make(draft, other)
    await store.edit(made.id, draft, Approver("ou_stays", "周明"))
    told = [(made.id, "林小满"), (made.id, "周明"), (others.id, "林小满")]
    for number, (verified_id, name) in enumerate(told):
        await asked(database, number, "ou_stays", NOW)
        given = verified_text(Verification(verified_id, name, NOW, None, "open"))
        change = update(answers).where(answers.c.id == f"a{number}").values(verified=given)
        await database.write(lambda connection, change=change: connection.execute(change) and None)
    await Erasure(database, clock=HandClock(NOW)).person("ou_gone")
    rows = await database.read(lambda c: list(c.scalars(select(answers.c.verified).order_by(answers.c.id))))
    left = [Verification(**orjson.loads(each)) for each in rows]
    assert [(each.id, each.by) for each in left] == [(made.id, ""), *told[1:]]
    assert verified_line(left[0], ZH) == "" and "周明" in verified_line(left[1], ZH)


async def test_what_a_forgotten_admin_did_names_nobody(database: Database) -> None:
    prompts, decisions = (kind(database, clock=HandClock(NOW)) for kind in (PromptVersions, OwnerDecisions))
    await prompts.save("answer", "x", by="ou_gone", note="n")
    await prompts.save("answer", "y", by="ou_stays", note="n")
    item = OwnerItem("stale", "k")
    undone = [await decisions.decide(item, "right", Approver(f"ou_{name}", name)) for name in "ab"]
    await decisions.decide(item, "not_mine", Approver("ou_gone", "林小满"))
    for decision, by in zip(undone, ("ou_gone", "ou_stays"), strict=True):
        await decisions.undo(decision.id, by)
    for key, by in (("k1", "ou_gone"), ("k2", "林小满"), ("k3", "周明")):
        row = insert(settled_gaps).values(question=key, settled_by=by, at=NOW)
        await database.write(lambda connection, row=row: connection.execute(row) and None)
    await Erasure(database, clock=HandClock(NOW)).person("ou_gone")
    by_key = select(settled_gaps.c.settled_by).order_by(settled_gaps.c.question)
    assert await database.read(lambda c: list(c.scalars(by_key))) == ["", "", "周明"]
    assert [each.saved_by for each in await prompts.all()] == ["ou_stays", ""]
    left = [await decisions.of(each.id) for each in undone]
    assert [each and each.undone_by for each in left] == [FORGOTTEN, "ou_stays"]
    assert await decisions.in_force() == []


async def test_a_question_does_not_say_that_a_forgotten_owner_was_asked(database: Database) -> None:
    gaps = OwnerQuestions(database, clock=HandClock(NOW))
    await gaps.asked(OwnerQuestion("t1", "cli_x", "oc_x", "?", "ou_asker", ("ou_gone", "ou_stays", "ou_gone2")))
    await Erasure(database, clock=HandClock(NOW)).person("ou_gone")
    left = await gaps.of("t1")
    assert left is not None and left.owners == ("ou_stays", "ou_gone2")
