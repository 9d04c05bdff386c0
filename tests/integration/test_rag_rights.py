"""The library with access lists, in both stores: what an audience may not open is in nothing that comes back, not where
rights change between the search and the answer, and not where they cannot be read."""

import contextlib
import importlib.util
import logging
import random
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rag.access_lists import AccessLists
from rag.events import AnswerEvent, Finished, NoEvidence, Question, Retrieved
from rag.ingestion.pipeline import ingest
from rag.knowledge_base import KnowledgeBase
from rag.retrieval.retriever import Retriever, SearchResult
from rag.scope import EVERYTHING, Scope
from rag.settings import EmbeddingSettings, MilvusSettings, RagSettings
from tests.support.library_parts import model_settings, rag_settings
from tests.support.model_server import ModelServer, Reply, running
from tests.support.organisation import WORDS, mark

HAS_MILVUS = all(importlib.util.find_spec(name) is not None for name in ("pymilvus", "milvus_lite"))
needs_milvus = pytest.mark.skipif(not HAS_MILVUS, reason="pymilvus or milvus-lite is not installed (extra milvus)")
STORES = ["faiss", pytest.param("milvus", marks=needs_milvus)]
ANNA, BEN = frozenset({"user:anna"}), frozenset({"user:ben"})
TO_ANNA, TO_BEN = Scope(None, frozenset({ANNA})), Scope(None, frozenset({BEN}))
TO_BOTH = Scope(None, frozenset({ANNA, BEN}))


class Rights:
    """Where a library gets its snapshots; a test changes them, or has the source fail."""

    def __init__(self, readers: dict[str, str] | None = None) -> None:
        self.failure: Exception | None = None
        self.give(readers or {})

    def give(self, readers: dict[str, str]) -> None:
        """People's names by the source of a document."""
        named = {source: frozenset(f"user:{name}" for name in names.split()) for source, names in readers.items()}
        self.now = AccessLists(named, controlled="wiki/", version=repr(readers))

    def __call__(self) -> AccessLists:
        if self.failure is not None:
            raise self.failure
        return self.now


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with running() as server:
        yield server


@pytest.fixture(params=STORES)
def settings(request: pytest.FixtureRequest, tmp_path: Path, server: ModelServer) -> Iterator[RagSettings]:
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL)
    logging.getLogger("milvus_lite").setLevel(logging.CRITICAL)
    embedding = EmbeddingSettings(provider="openai", base_url=server.base_url, model="bge-test")
    changes = {"store": request.param, "milvus": MilvusSettings(uri=str(tmp_path / "milvus.db"))}
    yield rag_settings(tmp_path, embedding=embedding).model_copy(update=changes)
    if request.param == "milvus":
        from milvus_lite.server_manager import server_manager_instance

        with contextlib.suppress(Exception):
            server_manager_instance.release_server(str(tmp_path / "milvus.db"))


@pytest.fixture
def words(tmp_path: Path) -> RagSettings:
    """By words alone, in a folder: for what is the same in every store."""
    return rag_settings(tmp_path)


def write(settings: RagSettings, texts: dict[str, str]) -> None:
    """Documents by their sources, ingested."""
    for source, text in texts.items():
        file = settings.knowledge[0] / source
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    ingest(settings)


@contextlib.asynccontextmanager
async def opened(settings: RagSettings, rights: Callable[[], AccessLists]) -> AsyncIterator[KnowledgeBase]:
    library = await KnowledgeBase.open(settings, access_lists=rights)
    try:
        await library.warm_up()
        yield library
    finally:
        await library.aclose()


async def answered(library: KnowledgeBase, text: str, scope: Scope) -> list[AnswerEvent]:
    async with contextlib.aclosing(library.answer(Question(text, scope))) as events:
        return [event async for event in events]


def sources(events: list[AnswerEvent]) -> set[str]:
    """Of all passages in the events."""
    shown = [event.passages for event in events if isinstance(event, Retrieved)]
    shown += [event.nearest for event in events if isinstance(event, NoEvidence)]
    return {passage.chunk.source for passages in shown for passage in passages}


def outcome(events: list[AnswerEvent]) -> str:
    assert isinstance(events[-1], Finished)
    return events[-1].outcome


async def test_what_an_audience_may_not_open_is_in_nothing_that_comes_back(settings: RagSettings) -> None:
    chance = random.Random(settings.store)
    shared = [" ".join(chance.choices(WORDS, k=12)) for _ in range(2)]
    names = [f"{'wiki/' if number % 4 else ''}{number}.md" for number in range(16)]
    write(
        settings,
        {
            name: f"# {chance.choice(WORDS)}{mark(name)}\n\n{chance.choice(shared)} {chance.choice(['', mark(name)])}\n"
            for name in names
        },
    )
    readers = {name: " ".join(chance.sample(["anna", "ben"], chance.randint(0, 2))) for name in names}
    rights = Rights(readers)
    found = 0
    async with opened(settings, rights) as library:
        for scope in (TO_ANNA, TO_BEN, TO_BOTH, Scope(None, frozenset({frozenset[str]()}))):
            seen = library.seen(scope, names)
            hidden = [name for name in names if not rights.now.shows(scope.audience, name)]
            assert seen == set(names) - set(hidden) and hidden
            assert {each.source for each in await library.documents(scope)} == seen
            assert len(await library.titles(scope)) == len(seen)
            for _ in range(6):
                asked = " ".join([*chance.choices(WORDS, k=2), chance.choice(["", mark(chance.choice(hidden))])])
                events = await answered(library, asked, scope)
                for each in (*events, await library.search(asked, scope), await library.titles(scope)):
                    told = repr(each).replace(asked, "")
                    assert not [name for name in hidden if mark(name) in told or repr(name) in told], (asked, each)
                found += len(sources(events))
    assert found


CLOSED = {"named": "林晓雯的转岗方案已经批准。", "unnamed": "季度会议的茶歇安排已经确定。"}
OPEN = "# 假期\n\n## 年假\n\n年假有五天，报销期限为十五个工作日。\n\n## 病假\n\n病假须提供医院证明。\n"


@pytest.mark.parametrize("question", ["林晓雯的转岗方案", "林晓雯的年假有几天", "报销期限"])
async def test_what_closed_documents_hold_shows_in_no_figure(settings: RagSettings, question: str) -> None:
    """Asked both ways: with a name in a document that the audience may not open, and with the name nowhere."""
    told = []
    for text in CLOSED.values():
        write(settings, {"wiki/open.md": OPEN, "b.md": OPEN, "wiki/plan.md": f"# 方案\n\n{text * 20}\n"})
        async with opened(settings, Rights({"wiki/open.md": "anna", "wiki/plan.md": "ben"})) as library:
            found = await library.search(question, TO_ANNA)
            assert found.signals is not None and found.passages
            signals = replace(found.signals, chance=0.0, standing=0.0, standing_margin=0.0)  # of the whole index
            told.append((signals, [passage.chunk.heading_path for passage in found.passages]))
    assert told[0] == told[1]


def taking_away(monkeypatch: pytest.MonkeyPatch, after_each_search: Callable[[], None]) -> None:
    """Change rights when a search has ended, before anything else happens."""
    search = Retriever.search

    async def then(self: Retriever, question: str, scope: Scope = EVERYTHING) -> SearchResult:
        found = await search(self, question, scope)
        after_each_search()
        return found

    monkeypatch.setattr(Retriever, "search", then)


SALES = "# 报价\n\n给星海公司的报价有效期为三十天。\n"
OTHER = "# 报价流程\n\n报价须经主管审批，有效期写在报价单上。\n"


@pytest.mark.parametrize("left", ["", "wiki/other.md"])
async def test_rights_that_end_after_the_search_count_for_the_answer(
    words: RagSettings, monkeypatch: pytest.MonkeyPatch, left: str
) -> None:
    write(words, {"wiki/sales.md": SALES, "wiki/other.md": OTHER})
    rights = Rights({"wiki/sales.md": "anna", "wiki/other.md": "anna"})
    async with opened(words, rights) as library:
        assert "wiki/sales.md" in sources(await answered(library, "星海公司的报价有效期多久？", TO_ANNA))
        taking_away(monkeypatch, lambda: rights.give({left: "anna"}))
        events = await answered(library, "星海公司的报价有效期多久？", TO_ANNA)
    assert sources(events) == ({left} if left else set()) and "三十天" not in repr(events)
    assert left or outcome(events) == "no_evidence"


async def test_rights_that_change_faster_than_is_searched_leave_what_may_be_seen_last(
    words: RagSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(words, {"wiki/sales.md": SALES, "wiki/other.md": OTHER})
    rights = Rights({"wiki/sales.md": "anna", "wiki/other.md": "anna"})
    ends = iter([{"wiki/other.md": "anna"}, {"wiki/sales.md": "anna"}])
    async with opened(words, rights) as library:
        taking_away(monkeypatch, lambda: rights.give(next(ends)))
        events = await answered(library, "星海公司的报价有效期多久？", TO_ANNA)
    assert (sources(events), outcome(events)) == (set(), "no_evidence")


async def test_a_source_that_fails_closes_what_is_controlled(
    words: RagSettings, caplog: pytest.LogCaptureFixture
) -> None:
    write(words, {"wiki/sales.md": SALES, "policy.md": OTHER})
    rights = Rights({"wiki/sales.md": "anna"})
    rights.failure = OSError("unreachable")
    async with opened(words, rights) as library:
        assert sources(await answered(library, "报价有效期", TO_ANNA)) == set(), "it is not known what is controlled"
        assert sources(await answered(library, "报价有效期", EVERYTHING)) == {"wiki/sales.md", "policy.md"}
        rights.failure = None
        assert sources(await answered(library, "报价有效期", TO_ANNA)) == {"wiki/sales.md", "policy.md"}
        rights.failure = OSError("unreachable")
        assert sources(await answered(library, "报价有效期", TO_ANNA)) == {"policy.md"}
        assert library.seen(TO_ANNA, ["wiki/sales.md", "policy.md"]) == {"policy.md"}
    assert sum("Who may read which document" in record.message for record in caplog.records) == 2


SECRET = "# 奖金\n\n| 姓名 | 项目 | 奖金（元） |\n| --- | --- | --- |\n" + "\n".join(
    f"| 员工{at:02} | 雪豹计划 | {1000 * at} |" for at in range(1, 31)
)
SUM = "465,000"


async def test_a_table_is_computed_for_those_alone_who_may_open_it(
    words: RagSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(words, {"wiki/bonus.md": SECRET, "wiki/rules.md": "# 奖金制度\n\n奖金每年发放一次，由人事部核算合计。\n"})
    rights = Rights({"wiki/bonus.md": "anna", "wiki/rules.md": "anna ben"})
    question = "雪豹计划的奖金合计是多少？"
    async with opened(words, rights) as library:
        assert SUM in repr(await answered(library, question, TO_ANNA))
        for scope in (TO_BEN, TO_BOTH):
            events = await answered(library, question, scope)
            assert SUM not in repr(events) and sources(events) <= {"wiki/rules.md"}
        taking_away(monkeypatch, lambda: rights.give({"wiki/rules.md": "anna"}))
        events = await answered(library, question, TO_ANNA)
        assert SUM not in repr(events) and sources(events) <= {"wiki/rules.md"}


def spoken(server: ModelServer, since: int) -> str:
    return "\n".join(each.prompt for each in server.requests[since:])


async def test_a_model_reads_only_what_may_be_seen_when_it_is_asked(
    words: RagSettings, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(words, {"wiki/sales.md": SALES, "wiki/other.md": OTHER})
    rights = Rights({"wiki/sales.md": "anna", "wiki/other.md": "anna"})
    told = words.model_copy(update={"llm": model_settings(server.base_url)})
    server.script(Reply("写在报价单上 [1]。"))
    async with opened(told, rights) as library:
        taking_away(monkeypatch, lambda: rights.give({"wiki/other.md": "anna"}))
        since = len(server.requests)
        events = await answered(library, "星海公司的报价有效期多久？", TO_ANNA)
    assert (sources(events), outcome(events)) == ({"wiki/other.md"}, "answered")
    assert "报价须经主管审批" in spoken(server, since) and "三十天" not in spoken(server, since)


async def test_the_nearest_of_a_refusal_are_what_may_be_seen_when_it_is_told(
    words: RagSettings, server: ModelServer
) -> None:
    write(words, {"wiki/sales.md": SALES, "wiki/other.md": OTHER})
    rights = Rights({"wiki/sales.md": "anna", "wiki/other.md": "anna"})
    told = words.model_copy(update={"llm": model_settings(server.base_url)})

    def refuse(_asked: dict[str, Any]) -> Reply:
        rights.give({"wiki/other.md": "anna"})
        return Reply("NO_ANSWER 根据现有资料无法回答此问题")

    server.script(answer=refuse)
    async with opened(told, rights) as library:
        events = await answered(library, "星海公司的报价有效期多久？", TO_ANNA)
    [refusal] = [event for event in events if isinstance(event, NoEvidence)]
    assert [passage.chunk.source for passage in refusal.nearest] == ["wiki/other.md"]


async def test_questions_are_proposed_of_what_may_be_seen(words: RagSettings, server: ModelServer) -> None:
    write(words, {"wiki/sales.md": SALES, "wiki/other.md": OTHER})
    rights = Rights({"wiki/sales.md": "anna", "wiki/other.md": "anna"})
    told = words.model_copy(update={"llm": model_settings(server.base_url)})
    server.proposal = Reply("谁来审批？")
    async with opened(told, rights) as library:
        question = Question("报价有效期多久？", TO_ANNA)
        passages = (await library.search(question.text, TO_ANNA)).passages
        assert len(passages) == 2
        rights.give({"wiki/other.md": "anna"})
        since = len(server.requests)
        assert (await library.propose(question, passages, budget_s=60)).questions == ("谁来审批？",)
        assert "报价须经主管审批" in spoken(server, since) and "三十天" not in spoken(server, since)
        rights.give({})
        since = len(server.requests)
        assert (await library.propose(question, passages, budget_s=60)).questions == ()
        assert len(server.requests) == since
