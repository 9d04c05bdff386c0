"""The library over a real index: ingest, search, refusal, collections, switching, damage."""

import asyncio
import contextlib
import dataclasses
import sqlite3
from pathlib import Path

import pytest

from rag.embedding import factory as choice_module
from rag.errors import IndexCorrupt, IndexMissing, IngestError, SettingsMismatch
from rag.events import NO_EVIDENCE_TEXT, AnswerEvent, Delta, Exchange, Finished, NoEvidence, Question, Retrieved
from rag.index.base.manifest import current_name
from rag.ingestion.pipeline import ingest
from rag.knowledge_base import KnowledgeBase
from rag.scope import EVERYTHING, Scope
from rag.settings import CollectionSettings, EmbeddingSettings, LlmSettings, PromptSettings, RagSettings
from tests.support.library_parts import LEAVE, rag_settings, write_knowledge


@pytest.fixture
def settings(tmp_path: Path) -> RagSettings:
    write_knowledge(tmp_path / "knowledge")
    return rag_settings(tmp_path)


async def events_of(library: KnowledgeBase, text: str, scope: Scope = EVERYTHING) -> list[AnswerEvent]:
    async with contextlib.aclosing(library.answer(Question(text, scope))) as events:
        return [event async for event in events]


def finished(events: list[AnswerEvent]) -> Finished:
    last = events[-1]
    assert isinstance(last, Finished)
    return last


async def test_a_question_is_answered_with_its_source(settings: RagSettings) -> None:
    report = ingest(settings)
    assert (report.documents, report.skipped) == (3, ())
    library = await KnowledgeBase.open(settings)
    events = await events_of(library, "出差结束后多久内提交报销单？")
    first = events[0]
    assert isinstance(first, Retrieved)
    passage = first.passages[0]
    assert (passage.chunk.heading_path, passage.lexical_rank) == ("报销制度 > 差旅报销", 1)
    assert passage.chunk.link == "https://wiki.example.com/expenses"
    assert "".join(event.text for event in events if isinstance(event, Delta)) == finished(events).text
    assert finished(events).text.startswith("员工出差结束后 15 个工作日内提交报销单，逾期需部门负责人特批。 [1]")
    assert (finished(events).citations, finished(events).answered) == ((1,), True)
    await library.aclose()


async def test_without_a_model_what_may_not_answer_is_shown_and_claims_nothing(settings: RagSettings) -> None:
    ingest(settings)
    library = await KnowledgeBase.open(settings)
    events = await events_of(library, "出差回来多久内要报销？")
    assert isinstance(events[0], Retrieved)
    assert events[0].passages[0].chunk.heading_path == "报销制度 > 差旅报销"
    end = finished(events)
    assert (end.outcome, end.citations[0], end.is_calibrated) == ("hedged", 1, False)
    assert end.text.startswith("**最接近的原文**\n\n**报销制度 > 差旅报销** [1]\n\n员工出差结束后 15 个工作日内")
    await library.aclose()


@pytest.mark.parametrize("text", ["今天天气怎么样？", "who won the world cup", "？？？", "", "x" * 9000])
async def test_what_the_documents_do_not_know_is_said(settings: RagSettings, text: str) -> None:
    ingest(settings)
    library = await KnowledgeBase.open(settings)
    events = await events_of(library, text)
    assert [type(event) for event in events] == [Retrieved, NoEvidence, Finished]
    assert events[0].passages == ()  # type: ignore[union-attr]
    assert finished(events) == dataclasses.replace(
        finished(events), text=NO_EVIDENCE_TEXT, outcome="no_evidence", citations=()
    )
    await library.aclose()


async def test_a_follow_up_is_sought_with_the_question_before_it(settings: RagSettings) -> None:
    ingest(settings)
    library = await KnowledgeBase.open(settings)
    follow_up = "那要证明材料吗？"
    assert not finished(await events_of(library, follow_up)).answered
    question = Question(follow_up, EVERYTHING, history=(Exchange("病假怎么请", "……"),))
    async with contextlib.aclosing(library.answer(question)) as events:
        last = [event async for event in events][-1]
    assert isinstance(last, Finished) and "医院证明" in last.text
    await library.aclose()


async def test_one_bad_file_never_stops_the_rest(settings: RagSettings) -> None:
    folder = settings.knowledge[0]
    (folder / "empty.md").write_text("")
    (folder / "binary.txt").write_bytes(b"\x00\x01\x02")
    told: list[tuple[str, int, int]] = []
    report = ingest(settings, progress=lambda *step: told.append(step))
    assert [error.source for error in report.skipped] == ["binary.txt", "empty.md"]
    assert report.documents == 3
    assert told[-1] == ("documents", 5, 5)


@pytest.mark.parametrize("content", [None, {}])
async def test_nothing_to_ingest_leaves_the_old_index(
    settings: RagSettings, tmp_path: Path, content: dict[str, str] | None
) -> None:
    before = ingest(settings).index
    other = tmp_path / "other"
    for name, text in (content or {}).items():
        other.mkdir(exist_ok=True)
        (other / name).write_text(text)
    if content == {}:
        other.mkdir()
    with pytest.raises(IngestError, match=str(other)):
        ingest(settings, paths=[other])
    assert current_name(settings.index_dir) == before
    library = await KnowledgeBase.open(settings)
    assert library.status().index.ok
    await library.aclose()


async def test_a_missing_index_says_what_to_run_and_a_later_ingest_is_taken_up(settings: RagSettings) -> None:
    library = await KnowledgeBase.open(settings)
    assert not library.status().index.ok
    assert "feishu-rag ingest" in library.status().index.detail
    with pytest.raises(IndexMissing, match="feishu-rag ingest"):
        await events_of(library, "年假有几天")
    await asyncio.to_thread(ingest, settings)
    assert finished(await events_of(library, "年假有几天")).answered
    assert library.status().index.ok
    await library.aclose()


async def test_a_new_version_is_taken_up_without_a_restart(settings: RagSettings) -> None:
    ingest(settings)
    library = await KnowledgeBase.open(settings)
    assert not finished(await events_of(library, "食堂几点供应午餐？")).answered
    (settings.knowledge[0] / "canteen.md").write_text("# 食堂\n\n食堂 11:30 开始供应午餐。\n", encoding="utf-8")
    await asyncio.to_thread(ingest, settings)
    assert "11:30" in finished(await events_of(library, "食堂几点供应午餐？")).text
    await library.aclose()


async def test_an_answer_under_way_outlives_the_switch(settings: RagSettings) -> None:
    ingest(settings)
    library = await KnowledgeBase.open(settings)
    events = library.answer(Question("年假有几天", EVERYTHING))
    assert isinstance(await anext(events), Retrieved)
    for _ in range(3):
        await asyncio.to_thread(lambda: ingest(settings, rebuild=True))
    assert finished(await events_of(library, "年假有几天")).answered
    assert isinstance([event async for event in events][-1], Finished)
    await library.aclose()


async def test_a_damaged_new_version_leaves_the_open_one_serving(settings: RagSettings) -> None:
    ingest(settings)
    library = await KnowledgeBase.open(settings)
    name = (await asyncio.to_thread(lambda: ingest(settings, rebuild=True))).index
    (settings.index_dir / name / "chunks.sqlite").write_bytes(b"damaged")
    assert finished(await events_of(library, "年假有几天")).answered
    part = library.status().index
    assert not part.ok and "damaged" in part.detail and "older version serves" in part.detail
    await library.aclose()


async def test_a_damaged_index_is_one_sentence_with_the_fix(settings: RagSettings) -> None:
    name = ingest(settings).index
    (settings.index_dir / name / "manifest.json").unlink()
    library = await KnowledgeBase.open(settings)
    with pytest.raises(IndexCorrupt, match="feishu-rag ingest"):
        await events_of(library, "年假有几天")
    assert not library.status().index.ok
    await library.aclose()


async def test_collections_limit_the_search_itself(settings: RagSettings, tmp_path: Path) -> None:
    for name, file in (("hr", "leave.md"), ("other", "expenses.md"), ("other", "vpn.md")):
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / file).write_text(LEAVE, encoding="utf-8")
    collections = {name: CollectionSettings(folders=[tmp_path / name]) for name in ("hr", "other")}
    settings = settings.model_copy(update={"collections": collections, "knowledge": []})
    ingest(settings)
    library = await KnowledgeBase.open(settings)
    for name, sources in (("hr", {"leave.md"}), ("other", {"expenses.md", "vpn.md"}), ("none", set())):
        events = await events_of(library, "年假有几天", Scope.of({name}))
        found = events[0].passages if finished(events).answered else events[1].nearest  # type: ignore[union-attr]
        assert bool(found) == bool(sources) and {passage.chunk.source for passage in found} <= sources
    await library.aclose()


async def test_a_prompt_that_cannot_work_refuses_to_open(settings: RagSettings) -> None:
    broken = settings.model_copy(update={"prompts": PromptSettings(answer="{question}")})
    with pytest.raises(SettingsMismatch, match=r"rag\.prompts\.answer"):
        await KnowledgeBase.open(broken)


async def test_words_only_is_said_plainly(settings: RagSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice_module, "_installed", lambda *packages: False)
    automatic = settings.model_copy(update={"embedding": EmbeddingSettings(provider="auto"), "llm": LlmSettings()})
    report = ingest(automatic)
    assert "search is by words only" in report.embedding
    library = await KnowledgeBase.open(automatic)
    await library.warm_up()
    status = library.status()
    assert status.embedding.ok and "search is by words only" in status.embedding.detail
    assert status.model.ok and status.model.name == "extractive" and "RAG__LLM__MODEL" in status.model.detail
    await library.aclose()


def test_odd_file_names_and_texts_are_stored(settings: RagSettings) -> None:
    folder = settings.knowledge[0]
    names = ["'; DROP TABLE chunk;--.md", "😀 表情.md", "a\nb.md", "名" * 60 + ".txt", "-rf.md"]
    for name in names:
        (folder / name).write_text(f"# {name}\n\n正文 {name}\n", encoding="utf-8")
    (folder.joinpath("x").parent / b"\xff\xfe.md".decode("utf-8", "surrogateescape")).write_text(
        "正文", encoding="utf-8"
    )
    report = ingest(settings)
    assert report.documents == 3 + len(names) + 1
    with contextlib.closing(sqlite3.connect(settings.index_dir / report.index / "chunks.sqlite")) as database:
        sources = {row[0] for row in database.execute("SELECT source FROM chunk")}
    assert set(names) <= sources
