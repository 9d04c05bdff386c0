"""Answers that somebody stands for, in a library: who gets them, until when, and as long as their documents say so."""

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from rag.access_lists import UNCONTROLLED, AccessLists
from rag.documents import Chunk
from rag.events import AnswerEvent, Delta, Exchange, Finished, Question, Retrieved
from rag.ingestion.pipeline import ingest
from rag.knowledge_base import KnowledgeBase
from rag.scope import EVERYTHING, Scope
from rag.settings import EmbeddingSettings, LlmSettings, RagSettings
from rag.verified.answers import Evidence, VerifiedAnswer, VerifiedAnswers
from rag.verified.finding import holds
from tests.support.clock import HandClock

NOW = 1_800_000_000.0
ASKED = "食堂几点供应午餐？"
ANNA, BEN = frozenset({"user:anna"}), frozenset({"user:ben"})
LISTS = AccessLists({"canteen.md": ANNA}, controlled="canteen", version="1")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> RagSettings:
    """Of an index that no test changes."""
    return indexed(tmp_path_factory.mktemp("canteen"))


def indexed(folder: Path) -> RagSettings:
    (folder / "knowledge").mkdir()
    made = RagSettings(
        knowledge=[folder / "knowledge"],
        index_dir=folder / "index",
        embedding=EmbeddingSettings(provider="none"),
        llm=LlmSettings(provider="extractive", typing_pause_s=0.0),
    )
    write(made, "午餐 11:30 开始。")
    return made


def write(settings: RagSettings, lunch: str, *, more: str = "") -> None:
    (settings.knowledge[0] / "canteen.md").write_text(
        f"# 食堂\n\n## 午餐\n\n{lunch}\n\n## 餐卡\n\n在前台充值。{more}\n"
    )
    ingest(settings)


@contextlib.asynccontextmanager
async def library(
    settings: RagSettings, answer: Callable[[KnowledgeBase], object], lists: AccessLists = UNCONTROLLED
) -> AsyncIterator[tuple[KnowledgeBase, HandClock, list[VerifiedAnswers]]]:
    """One whose verified answers are the last of a list; `answer` is awaited for the first."""
    clock, given = HandClock(NOW), [VerifiedAnswers()]

    async def newest() -> VerifiedAnswers:
        return given[-1]

    opened = await KnowledgeBase.open(settings, clock=clock, access_lists=lambda: lists, verified=newest)
    try:
        made = await answer(opened)  # type: ignore[misc]
        given.append(VerifiedAnswers([made]))
        yield opened, clock, given
    finally:
        await opened.aclose()


async def lunch(opened: KnowledgeBase) -> VerifiedAnswer:
    chunks = await opened.chunks_of("default", "canteen.md")
    evidence = Evidence(
        next(chunk for chunk in chunks if "11:30" in chunk.text), await opened.fingerprint("default", "canteen.md")
    )
    return VerifiedAnswer("v1", (ASKED, "午餐几点？"), "11:30 [1]", "default", (evidence,), "Anna", NOW, NOW + 100)


async def told(opened: KnowledgeBase, question: Question) -> list[AnswerEvent]:
    async with contextlib.aclosing(opened.answer(question)) as events:
        return [event async for event in events]


async def is_given(opened: KnowledgeBase, question: Question) -> bool:
    last = (await told(opened, question))[-1]
    assert isinstance(last, Finished)
    return last.verified is not None


async def test_it_is_told_like_any_answer_with_who_stands_for_it(settings: RagSettings) -> None:
    async with library(settings, lunch) as (opened, _, _):
        first, *pieces, last = await told(opened, Question("请问午餐几点", EVERYTHING))
    assert isinstance(first, Retrieved) and first.passages[0].chunk.source == "canteen.md"
    assert "".join(each.text for each in pieces if isinstance(each, Delta)) == "11:30 [1]"
    assert isinstance(last, Finished) and last.verified is not None
    assert (last.text, last.outcome, last.citations, last.model) == ("11:30 [1]", "answered", (1,), None)
    assert (last.verified.by, last.verified.until, last.verified.collection) == ("Anna", NOW + 100, "default")


@pytest.mark.parametrize(
    ("scope", "gets_it"),
    [
        (EVERYTHING, True),
        (Scope.of(["default"]), True),
        (Scope.of(["other"]), False),
        (Scope(None, frozenset({ANNA})), True),
        (Scope(None, frozenset({BEN})), False),
        (Scope(None, frozenset({ANNA, BEN})), False),
        (Scope(frozenset({"default"}), frozenset({ANNA})), True),
    ],
)
async def test_only_who_may_see_all_behind_it_gets_it(settings: RagSettings, scope: Scope, gets_it: bool) -> None:
    async with library(settings, lunch, LISTS) as (opened, _, _):
        assert await is_given(opened, Question(ASKED, scope)) is gets_it
        assert (await opened.verified(Question(ASKED, scope)) is not None) is gets_it


async def test_its_collection_counts_beside_its_documents(settings: RagSettings) -> None:
    async def closed(opened: KnowledgeBase) -> VerifiedAnswer:
        return replace(await lunch(opened), collection="closed")

    async with library(settings, closed) as (opened, _, _):
        assert not await is_given(opened, Question(ASKED, Scope.of(["default"])))
        assert await is_given(opened, Question(ASKED, Scope.of(["default", "closed"])))


async def test_it_ends_at_its_time(settings: RagSettings) -> None:
    async with library(settings, lunch) as (opened, clock, _):
        await clock.advance(99)
        assert await is_given(opened, Question(ASKED, EVERYTHING))
        await clock.advance(1)
        assert not await is_given(opened, Question(ASKED, EVERYTHING))


async def test_it_is_not_given_once_its_document_says_something_else(tmp_path: Path) -> None:
    settings = indexed(tmp_path)
    async with library(settings, lunch) as (opened, _, given):
        (answer,) = given[-1].answers
        write(settings, "午餐 11:30 开始。", more="周末不开。")
        assert await is_given(opened, Question(ASKED, EVERYTHING)), "changed elsewhere"
        assert await opened.outdated(answer) == ()
        write(settings, "午餐 12:00 开始。")
        assert not await is_given(opened, Question(ASKED, EVERYTHING))
        assert [chunk.source for chunk in await opened.outdated(answer)] == ["canteen.md"]


@pytest.mark.parametrize(
    "more",
    [
        {"from_documents": True},
        {"so_far": "11"},
        {"attached": "[图片]"},
        {"text": "那午餐几点？", "history": (Exchange("周末呢", "不开"),)},
    ],
)
async def test_a_question_that_does_not_stand_for_itself_is_for_the_documents(
    settings: RagSettings, more: dict[str, object]
) -> None:
    async with library(settings, lunch) as (opened, _, _):
        question = replace(Question("午餐几点？", EVERYTHING), **more)  # type: ignore[arg-type]
        assert await opened.verified(question) is None


async def test_of_two_the_one_approved_last_is_given_and_a_failing_source_gives_none(settings: RagSettings) -> None:
    async with library(settings, lunch) as (opened, _, given):
        (answer,) = given[-1].answers
        given.append(VerifiedAnswers([answer, replace(answer, id="v2", text="12:00", evidence=(), at=NOW + 1)]))
        found = await opened.verified(Question(ASKED, EVERYTHING))
        assert found is not None and found.id == "v2"
        given.clear()
        assert not await is_given(opened, Question(ASKED, EVERYTHING))


def test_a_passage_is_found_however_its_document_is_cut() -> None:
    def chunk(text: str, start: int) -> Chunk:
        return Chunk(start, "a.md", "A", (), text, start, start + len(text))

    evidence = Evidence(chunk("一、午餐 11:30。\n二、晚餐 18:00。", 0), "x")
    assert holds([chunk("二、晚餐  18:00。", 20), chunk("前言\n一、午餐 11:30。", 0)], evidence)
    assert not holds([chunk("一、午餐 11:30。\n二、晚餐 18:30。", 0)], evidence)
    assert not holds([], evidence)
