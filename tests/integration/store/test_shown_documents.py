"""The record of which document was shown to whom: written with the answer, once, and found again."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.inbox.queue import Jobs
from bot.job import AnswerPayload, Job, NewJob
from bot.models import Answer, Source, Turn
from bot.repositories.chat_facts import ChatFacts
from bot.repositories.shown_documents import ADMIN, ShownDocuments, ShownTo
from bot.repositories.turns import Conversations
from bot.storage.database import Database
from feishu.events.types import MessageReceived
from tests.support.clock import HandClock

PAY, RULES = "feishu:pay", "feishu:rules"


def source(number: int, where: str, *, cited: bool, title: str = "薪酬") -> Source:
    return Source(number, title, "", "", where, None, cited=cited)


@pytest.fixture
async def database(store_url: str) -> AsyncIterator[Database]:
    database = Database(store_url)
    yield database
    await asyncio.to_thread(database.close)


async def begun(database: Database, conversations: Conversations) -> tuple[Job, Answer]:
    """A claimed job with its turn and open answer."""
    jobs = Jobs(database, lease_s=60)
    message = MessageReceived("cli", "t", "", 0, "om_1", "oc_1", "group", "", "", "", "text", "{}", (), "ou_1", "user")
    await jobs.accept(NewJob("cli", "answer", "oc_1", AnswerPayload(message), ("message:om_1",)))
    job = await jobs.claim()
    assert job is not None
    turn = Turn("t1", "cli", "oc_1", "oc_1", "group", "om_1", "ou_1", "年终奖？")
    _, answer = await conversations.begin(job, turn)
    return job, answer


async def test_what_stands_on_the_card_is_recorded_with_the_answer(database: Database) -> None:
    clock = HandClock()
    conversations, shown = (
        Conversations(database, clock=clock, records_shown=True),
        ShownDocuments(database, clock=clock),
    )
    job, answer = await begun(database, conversations)
    cited = (source(1, PAY, cited=True), source(2, RULES, cited=False), source(3, PAY, cited=False))
    await conversations.save_answer(job, replace(answer, outcome="answered", text="三个月 [1]", sources=cited))
    count, [row] = await shown.find(1)
    assert (count, row.source, row.cited, row.asker, row.chat_id, row.at) == (
        1,
        PAY,
        True,
        "ou_1",
        "oc_1",
        clock.time(),
    )
    nearest = (source(1, PAY, cited=False), source(2, RULES, cited=False))
    await conversations.save_answer(job, replace(answer, outcome="no_evidence", sources=nearest))
    _, rows = await shown.find(1)
    assert {(each.source, each.cited) for each in rows} == {(PAY, False), (RULES, False)}, "as it is stored now"


async def test_nothing_is_recorded_of_a_question_that_is_gone_nor_where_rights_are_off(database: Database) -> None:
    clock = HandClock()
    shown = ShownDocuments(database, clock=clock)
    job, answer = await begun(database, Conversations(database, clock=clock))
    told = replace(answer, outcome="answered", sources=(source(1, PAY, cited=True),))
    await Conversations(database, clock=clock).save_answer(job, told)
    assert await shown.find(1) == (0, [])
    await ChatFacts(database, clock=clock).recall("cli", "om_1")
    await Conversations(database, clock=clock, records_shown=True).save_answer(job, told)
    assert await shown.find(1) == (0, [])


async def test_it_is_found_by_document_and_by_person(database: Database) -> None:
    clock = HandClock()
    shown = ShownDocuments(database, clock=clock)
    await shown.add("a1", [source(1, PAY, cited=True, title="Pay 100%")], ShownTo("oc_1", "group", "ou_1"))
    await shown.add("a2", [source(1, RULES, cited=False, title="班车")], ShownTo("", ADMIN, "Lin", asked_as="ou_2"))
    await shown.add("a3", (), ShownTo("", ADMIN, "Lin", asked_as="ou_3"))
    await shown.add("a4", (), ShownTo("oc_1", "group", "ou_4"))

    async def found(**by: str) -> list[str]:
        return [each.answer_id for each in (await shown.find(1, **by))[1]]  # type: ignore[arg-type]

    assert await found() == ["a3", "a2", "a1"], "an admin's look is recorded also where it showed nothing"
    assert await found(document="pay 1") == await found(document="feishu:pay") == ["a1"]
    assert await found(document="100%") == ["a1"] and await found(document="100_") == []
    assert await found(person="ou_2") == ["a2"] and await found(person="Lin") == ["a3", "a2"]
    assert await found(person="ou_") == [], "an id is whole"
    assert await shown.find(1, limit=1) == (3, (await shown.find(1))[1][:1])
    await clock.advance(2 * 86_400)
    assert await shown.find(1) == (0, [])
