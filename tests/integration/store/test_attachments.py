"""Files of a private chat answer where they know better than the documents; silent mode counts strong evidence only."""

import asyncio
import signal
import subprocess
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import func, insert, select

from bot.access.rules import Access
from bot.intake.intake import SilentMode
from bot.models import LeftOut, Turn, quoted_by
from bot.repositories.attachments import DAY_S, MOST_READ_AT_ONCE, Attachments, OverQuota, Quota
from bot.repositories.chat_facts import ChatFacts
from bot.repositories.erasure import Erasure
from bot.repositories.turns import turn_values
from bot.settings.models import BotSettings
from bot.settings.people import PeopleSettings
from bot.storage.database import Database
from bot.storage.tables import attachments, received_files, turns
from feishu.events.types import MessageReceived
from rag.documents import Chunk, Passage
from rag.errors import IndexMissing
from rag.events import Question
from rag.ingestion.readers import Readers
from rag.knowledge_base import KnowledgeBase
from rag.retrieval.confidence import Evidence
from rag.retrieval.retriever import SearchResult
from rag.scope import EVERYTHING, Scope
from rag.settings import ReadingSettings
from tests.support.clock import HandClock
from tests.support.library_parts import rag_settings

FILE = "## 帐篷押金\n\n帐篷押金为每顶 320 元，归还时检查无损后退还。\n\n## 归还\n\n帐篷在周一归还。\n"
KNOWN, VAGUE, UNKNOWN = "帐篷押金是多少？", "押金退还需要几天到账", "恐龙怎么灭绝的"
PASSAGE = Passage(Chunk(1, "a.md", "甲", (), "文", 0, 1), 1.0)


class Documents:
    """The team's, with a set finding; None for no index."""

    def __init__(self, evidence: Evidence | None = None, confidence: float = 0.0) -> None:
        self.found = None if evidence is None else SearchResult((PASSAGE,), evidence, confidence)
        self.asked: list[str] = []

    async def verified(self, _question: object) -> None:
        """Nobody has answered anything for good."""

    async def search(self, text: str, scope: Scope) -> SearchResult:
        self.asked.append(text)
        if self.found is None:
            raise IndexMissing("There is no index yet")
        return self.found


Make = Callable[[Documents], Attachments]


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    """Attachments of one conversation that holds one file."""
    database = Database(f"sqlite:///{tmp_path / 'bot.db'}")
    database.migrate()
    made: list[Attachments] = []

    def attachments(documents: Documents) -> Attachments:
        made.append(Attachments(database, rag_settings(tmp_path), documents, quota=Quota(0, 0, kept_s=3600)))
        return made[-1]

    await attachments(Documents()).keep("cli_a", "c", "om_1", "ou_a", "露营须知.md", FILE)
    yield attachments
    for each in made:
        await each.aclose()
    database.close()


async def kept_names(database: Database, sender: str) -> list[str]:
    statement = select(attachments.c.name).where(attachments.c.sender == sender).order_by(attachments.c.created_at)
    return await database.read(lambda connection: list(connection.scalars(statement)))


class Store:
    """Files of people, with a quota; time is moved by hand."""

    def __init__(self, url: str, folder: Path, **quota: float) -> None:
        self.clock = HandClock()
        self.database = Database(url)
        self.database.migrate()
        given = Quota(**{"bytes_per_day": 0, "bytes_kept": 0, "kept_s": 3600.0, **quota})  # type: ignore[arg-type]
        self.files = Attachments(self.database, rag_settings(folder), Documents(), quota=given, clock=self.clock)

    async def keep(self, number: int, text: str, sender: str = "ou_a") -> int:
        await self.clock.advance(1)
        return await self.files.keep("cli_a", "c", f"om_{number}", sender, f"{number}.md", text)


async def test_what_is_kept_of_a_person_has_a_quota_and_the_oldest_make_room(store_url: str, tmp_path: Path) -> None:
    store = Store(store_url, tmp_path, bytes_kept=30)
    try:
        await store.keep(0, "x" * 30, "ou_b")
        assert [await store.keep(n, "十个字" + "x") for n in (1, 2, 3)] == [0, 0, 0]  # ten bytes each
        assert await store.keep(4, "x" * 15) == 2
        assert await kept_names(store.database, "ou_a") == ["3.md", "4.md"]
        with pytest.raises(OverQuota):
            await store.keep(5, "x" * 31)
        assert await store.keep(4, "x" * 15) == 0, "a job that runs again keeps its file once"
        assert await kept_names(store.database, "ou_a") == ["3.md", "4.md"]
        assert await kept_names(store.database, "ou_b") == ["0.md"], "another person's are their own"
    finally:
        store.database.close()


async def test_what_a_person_sends_in_a_day_has_a_quota_whatever_became_of_it(store_url: str, tmp_path: Path) -> None:
    store = Store(store_url, tmp_path, bytes_per_day=100)
    try:
        assert await store.files.left_today("cli_a", "ou_a") == 100
        for _ in range(2):  # its job runs again
            await store.files.received("cli_a", "om_1", "ou_a", 70)
        assert await store.files.left_today("cli_a", "ou_a") == 30
        await Erasure(store.database, clock=store.clock).person("ou_a")
        assert await store.files.left_today("cli_a", "ou_a") == 30, "nor does /forget begin the day anew"
        await store.files.received("cli_a", "om_2", "ou_a", 70)
        assert await store.files.left_today("cli_a", "ou_a") == 0
        assert await store.files.left_today("cli_a", "ou_b") == 100
        await store.clock.advance(DAY_S + 1)
        assert await store.files.left_today("cli_a", "ou_a") == 100
        await store.files.forget_unused()
        counted = select(func.count()).select_from(received_files)
        assert await store.database.read(lambda connection: connection.scalar(counted)) == 0
        store.files.quota = Quota(0, 0, kept_s=60.0)
        assert await store.files.left_today("cli_a", "ou_a") is None
    finally:
        store.database.close()


async def test_a_file_is_deleted_once_it_is_used_no_more(store_url: str, tmp_path: Path) -> None:
    store = Store(store_url, tmp_path, kept_s=60.0)
    try:
        await store.keep(1, "x")
        await store.clock.advance(50)
        await store.keep(2, "x")
        assert await store.files.forget_unused() == 0
        await store.clock.advance(20)
        assert await store.files.forget_unused() == 1
        assert await kept_names(store.database, "ou_a") == ["2.md"]
    finally:
        store.database.close()


def test_a_file_is_kept_no_longer_than_it_is_used() -> None:
    assert Quota.of(PeopleSettings(memory_h=12, file_kept_h=24)).kept_s == 12 * 3600
    assert Quota.of(PeopleSettings(memory_h=48, file_kept_h=24)).kept_s == 24 * 3600
    assert Quota.of(PeopleSettings(file_mb_per_day=0.5, file_mb_kept=0)).bytes_per_day == 500_000


async def taken(attachments: Attachments, asked: str, standalone: str = "", chat_type: str = "p2p") -> bool:
    turn = Turn("t", "cli_a", "c", "oc", chat_type, "om", "ou_a", asked)
    return await attachments.library_for(turn, Question(standalone or asked, EVERYTHING)) is not None


async def weight_of(make: Make, question: str) -> SearchResult:
    """What the file alone says of a question."""
    attachments = make(Documents())
    turn = Turn("t", "cli_a", "c", "oc", "p2p", "om", "ou_a", question)
    library = await attachments.library_for(turn, Question(question, EVERYTHING))
    assert library is not None
    return await library.search(question, EVERYTHING)


async def test_a_file_that_surely_knows_is_taken_and_the_documents_are_not_asked(make: Make) -> None:
    assert (await weight_of(make, KNOWN)).evidence == "strong"
    documents = Documents("strong", 1.0)
    assert await taken(make(documents), KNOWN)
    assert documents.asked == []


async def test_a_file_that_may_know_is_taken_where_the_documents_know_no_better(make: Make) -> None:
    found = await weight_of(make, VAGUE)
    assert found.evidence == "weak"
    sure = found.confidence
    for documents, is_taken in (
        (Documents("none", 0.99), True),
        (Documents("weak", sure - 0.01), True),
        (Documents("weak", sure), True),
        (Documents("weak", sure + 0.01), False),
        (Documents("strong", 0.99), False),
        (Documents(None), True),
    ):
        assert await taken(make(documents), VAGUE) is is_taken
        assert documents.asked == [VAGUE]


async def test_a_file_that_does_not_know_is_never_taken(make: Make) -> None:
    assert not await taken(make(Documents("none")), UNKNOWN)
    assert not await taken(make(Documents(None)), UNKNOWN)
    assert not await taken(make(Documents("none")), KNOWN, chat_type="group")


async def test_the_question_counts_as_it_was_asked_and_as_it_was_understood(make: Make) -> None:
    assert await taken(make(Documents("strong", 1.0)), "那是多少？", standalone=KNOWN)
    assert await taken(make(Documents("strong", 1.0)), KNOWN, standalone=UNKNOWN)


@pytest.mark.parametrize(("evidence", "told"), [("strong", 0.9), ("weak", 0.0), ("none", 0.0), (None, 0.0)])
async def test_silent_mode_hears_of_strong_evidence_only(
    tmp_path: Path, evidence: Evidence | None, told: float
) -> None:
    library = cast(KnowledgeBase, Documents(evidence, 0.9))
    message = cast(MessageReceived, type("Message", (), {"chat_id": "c", "chat_type": "group", "sender_open_id": "o"}))
    access = Access(BotSettings().access, rag_settings(tmp_path))
    assert await SilentMode(library, access).confidence(KNOWN, message) == told


async def test_a_file_that_takes_for_ever_ends_with_the_job_that_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And until then it keeps none of the threads that others need."""
    monkeypatch.setattr("rag.ingestion.readers.WORKER", "tests.support.misbehaving_reader")
    begun: asyncio.Queue[subprocess.Popen[bytes]] = asyncio.Queue()
    loop, really = asyncio.get_running_loop(), Readers._started

    def started(readers: Readers) -> subprocess.Popen[bytes]:
        process = really(readers)
        loop.call_soon_threadsafe(begun.put_nowait, process)
        return process

    monkeypatch.setattr(Readers, "_started", started)
    settings = rag_settings(tmp_path).model_copy(update={"reading": ReadingSettings(timeout_s=3600)})
    database = Database(f"sqlite:///{tmp_path / 'bot.db'}")
    attachments = Attachments(database, settings, Documents(), quota=Quota(0, 0, kept_s=3600.0))
    reading = [asyncio.create_task(attachments.read("a.hangs", b"")) for _ in range(MOST_READ_AT_ONCE + 20)]
    processes = [await begun.get() for _ in range(MOST_READ_AT_ONCE)]
    assert await asyncio.to_thread(lambda: "others go on") == "others go on"
    for task in reading:
        task.cancel()
    assert {type(each) for each in await asyncio.gather(*reading, return_exceptions=True)} == {asyncio.CancelledError}
    for process in processes:
        assert await asyncio.to_thread(process.wait, 60) == -signal.SIGKILL
    await attachments.aclose()
    database.close()


async def test_a_file_that_a_group_s_question_quotes_is_kept_for_that_question_alone(make: Make) -> None:
    quoting = make(Documents("weak", 0.9))
    for _ in range(2):  # a job that runs again keeps it once
        await quoting.keep("cli_a", quoted_by("om_2"), "om_file", "ou_b", "露营须知.md", FILE)
    turn = Turn("t", "cli_a", "oc_g", "oc_g", "group", "om_2", "ou_b", KNOWN)
    library = await quoting.library_for(turn, Question(KNOWN, EVERYTHING))
    assert library is not None and len(await library.titles(EVERYTHING)) == 1
    for other in (replace(turn, question_message_id="om_3"), replace(turn, app_id="cli_b")):
        assert await quoting.library_for(other, Question(KNOWN, EVERYTHING)) is None


async def test_a_quoted_file_goes_with_its_question(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'bot.db'}")
    database.migrate()
    kept = Attachments(database, rag_settings(tmp_path), Documents(), quota=Quota(0, 0, kept_s=3600.0))
    await kept.keep("cli_a", quoted_by("om_2"), "om_file", "ou_b", "露营须知.md", FILE)
    turn = Turn(
        "t", "cli_a", "oc_g", "oc_g", "group", "om_2", "ou_b", KNOWN, left_out=(LeftOut("file", "gone", "a.md"),)
    )
    await database.write(lambda connection: connection.execute(insert(turns).values(**turn_values(turn))) and None)
    await ChatFacts(database).recall("cli_a", "om_2")
    assert await kept.library_for(turn, Question(KNOWN, EVERYTHING)) is None
    row = await database.read(lambda connection: connection.execute(select(turns)).one())
    assert (row.recalled, row.left_out) == (True, "[]")
    database.close()
