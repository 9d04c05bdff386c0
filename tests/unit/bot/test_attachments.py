"""Files of a private chat answer where they know better than the documents; silent mode counts strong evidence only."""

import asyncio
import signal
import subprocess
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import insert, select

from bot.access import Access
from bot.colleague import Surety
from bot.models import LeftOut, Turn, quoted_by
from bot.records.attachments import MOST_READ_AT_ONCE, Attachments
from bot.records.chat_ledger import Ledger
from bot.records.conversations import turn_values
from bot.settings.models import BotSettings
from bot.store.database import Database
from bot.store.tables import turns
from feishu.events import MessageReceived
from rag.documents import Chunk, Passage
from rag.errors import IndexMissing
from rag.events import Question
from rag.evidence import Evidence
from rag.library import Library
from rag.readers import Readers
from rag.retrieval import Finding
from rag.scope import EVERYTHING, Scope
from rag.settings import ReadingSettings
from tests.support.library_parts import rag_settings

FILE = "## 帐篷押金\n\n帐篷押金为每顶 320 元，归还时检查无损后退还。\n\n## 归还\n\n帐篷在周一归还。\n"
KNOWN, VAGUE, UNKNOWN = "帐篷押金是多少？", "押金退还需要几天到账", "恐龙怎么灭绝的"
PASSAGE = Passage(Chunk(1, "a.md", "甲", (), "文", 0, 1), 1.0)


class Documents:
    """The team's, with a set finding; None for no index."""

    def __init__(self, evidence: Evidence | None = None, confidence: float = 0.0) -> None:
        self.found = None if evidence is None else Finding((PASSAGE,), evidence, confidence)
        self.asked: list[str] = []

    async def search(self, text: str, scope: Scope) -> Finding:
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
        made.append(Attachments(database, rag_settings(tmp_path), documents, kept_h=1))
        return made[-1]

    await attachments(Documents()).keep("cli_a", "c", "om_1", "ou_a", "露营须知.md", FILE)
    yield attachments
    for each in made:
        await each.aclose()
    database.close()


async def taken(attachments: Attachments, asked: str, standalone: str = "", chat_type: str = "p2p") -> bool:
    turn = Turn("t", "cli_a", "c", "oc", chat_type, "om", "ou_a", asked)
    return await attachments.library_for(turn, Question(standalone or asked, EVERYTHING)) is not None


async def weight_of(make: Make, question: str) -> Finding:
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
    library = cast(Library, Documents(evidence, 0.9))
    message = cast(MessageReceived, type("Message", (), {"chat_id": "c", "chat_type": "group", "sender_open_id": "o"}))
    access = Access(BotSettings().access, rag_settings(tmp_path))
    assert await Surety(library, access).confidence(KNOWN, message) == told


async def test_a_file_that_takes_for_ever_ends_with_the_job_that_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And until then it keeps none of the threads that others need."""
    monkeypatch.setattr("rag.readers.WORKER", "tests.support.misbehaving_reader")
    begun: asyncio.Queue[subprocess.Popen[bytes]] = asyncio.Queue()
    loop, really = asyncio.get_running_loop(), Readers._started

    def started(readers: Readers) -> subprocess.Popen[bytes]:
        process = really(readers)
        loop.call_soon_threadsafe(begun.put_nowait, process)
        return process

    monkeypatch.setattr(Readers, "_started", started)
    settings = rag_settings(tmp_path).model_copy(update={"reading": ReadingSettings(timeout_s=3600)})
    database = Database(f"sqlite:///{tmp_path / 'bot.db'}")
    attachments = Attachments(database, settings, Documents(), kept_h=1)
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
    kept = Attachments(database, rag_settings(tmp_path), Documents(), kept_h=1)
    await kept.keep("cli_a", quoted_by("om_2"), "om_file", "ou_b", "露营须知.md", FILE)
    turn = Turn(
        "t", "cli_a", "oc_g", "oc_g", "group", "om_2", "ou_b", KNOWN, left_out=(LeftOut("file", "gone", "a.md"),)
    )
    await database.write(lambda connection: connection.execute(insert(turns).values(**turn_values(turn))) and None)
    await Ledger(database).recall("cli_a", "om_2")
    assert await kept.library_for(turn, Question(KNOWN, EVERYTHING)) is None
    row = await database.read(lambda connection: connection.execute(select(turns)).one())
    assert (row.recalled, row.left_out) == (True, "[]")
    database.close()
