"""What owners are told with a question: no more than its readers may see."""

from typing import cast

from bot.access.rules import FILES, Access
from bot.intake.bot_identity import Identity
from bot.intake.threads import ThreadReader, Utterance
from bot.jobs.owner_context import MOST_DOCUMENTS, OwnerContext
from bot.models import Answer, Source, Turn
from bot.repositories.history import ChatHistory, Remembered
from bot.settings.access import AccessSettings
from bot.texts import ZH, Texts
from feishu.api.client import BotIdentity
from rag.scope import Scope
from rag.settings import CollectionSettings, RagSettings

ACCESS = Access(
    AccessSettings(),
    RagSettings(collections={"open": CollectionSettings(public=True), "hr": CollectionSettings()}),
)
ALL, OPEN = Scope.of({"open", "hr", FILES}), Scope.of({"open"})


class Memory:
    async def before(self, turn: Turn, scope: Scope) -> tuple[Remembered, ...]:
        said = Remembered("t0", "ou_a", "出差多久内报销？", "**10 个工作日**内。", frozenset({"hr"}))
        return (said,) if scope.shows(said.behind) else ()


class Topic:
    async def last_of_topic(self, turn: Turn, wording: Texts, count: int) -> tuple[Utterance, ...]:
        return (Utterance(0.0, "周明", "周四\n上线"),)


def source(number: int, collection: str = "open", title: str = "") -> Source:
    named = title or f"{collection} {number}"
    return Source(number, named, "一、总则", "", f"{number}.md", f"https://x.example/{number}", False, collection)


def turn(*, chat_type: str = "group", standalone: str = "火星补贴是多少？") -> Turn:
    where = ("oc_1/omt_1", "oc_1", chat_type)
    return Turn("t1", "cli_1", *where, "om_1", "ou_a", "那补贴呢？", standalone=standalone)


async def words(asked: Turn, scope: Scope, *sources: Source, leaned_on: tuple[str, ...] = ()) -> str:
    async def ask() -> BotIdentity:
        raise AssertionError

    context = OwnerContext(Identity(ask), cast(ChatHistory, Memory()), cast(ThreadReader, Topic()), ACCESS)
    answer = Answer("a1", "t1", 1, "no_evidence", sources=sources, leaned_on=leaned_on)
    return await context.words(asked, answer, scope)


async def test_owners_are_told_what_a_question_leaned_on_and_where_to_answer() -> None:
    told = await words(turn(), ALL, source(1), source(2, "hr"))
    lines = told.splitlines()
    assert lines[0].endswith("火星补贴是多少？") and "那补贴呢？" in lines[1]
    assert lines[2:4] == [ZH.person_before, "• 出差多久内报销？ — 10 个工作日内。"]
    assert lines[4:6] == [ZH.person_topic, "• 周明: 周四 上线"]
    assert lines[6:9] == [
        ZH.person_documents,
        "• open 1 › 一、总则 https://x.example/1",
        "• hr 2 › 一、总则 https://x.example/2",
    ]
    assert lines[9:] == [ZH.person_reply_mention]


async def test_what_a_reader_may_not_see_stays_out() -> None:
    told = await words(turn(), OPEN, source(1), source(2, "hr"))
    assert "hr 2" not in told and "open 1" in told
    assert ZH.person_before not in told, "what was answered from closed documents"
    assert "火星" not in told and told.splitlines()[0].endswith("那补贴呢？"), "nor how it was understood with them"


async def test_a_private_topic_stays_private_and_files_are_nobodys_documents() -> None:
    told = await words(turn(chat_type="p2p"), ALL, source(1, FILES))
    assert ZH.person_topic not in told and ZH.person_documents_none in told and told.endswith(ZH.person_reply)


async def test_a_question_that_stands_alone_brings_no_other_along() -> None:
    asked = Turn("t1", "cli_1", "oc_1", "oc_1", "group", "om_1", "ou_a", "差旅报销的补贴标准是多少？")
    told = await words(asked, ALL, *(source(number) for number in range(1, 9)), source(1))
    assert ZH.person_before not in told and told.count("https://x.example/1 ") == 0
    assert told.count("• open") == MOST_DOCUMENTS
