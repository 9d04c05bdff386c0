"""Questions about whole tables, asked of an index that was ingested from real files, through every door."""

import asyncio
import contextlib
import hashlib
import importlib.util
import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.settings import ApiKey, BotSettings
from rag.events import Finished, Question, Retrieved
from rag.index.base.manifest import read_current
from rag.ingestion.pipeline import ingest
from rag.knowledge_base import KnowledgeBase
from rag.scope import EVERYTHING, Scope
from rag.settings import CollectionSettings, EmbeddingSettings, LlmSettings, MilvusSettings, RagSettings
from rag.tables.wording import COMPUTED_NOTES, UNCOUNTED
from tests.integration.conftest import Stage, answer_text
from tests.support.caller import caller
from tests.support.model_server import ModelServer, Reply, running
from tests.support.spreadsheets import xlsx
from tests.support.web_door import web_door

HAS_MILVUS = all(importlib.util.find_spec(name) is not None for name in ("pymilvus", "milvus_lite"))
STORES = [
    "faiss",
    pytest.param("milvus", marks=pytest.mark.skipif(not HAS_MILVUS, reason="milvus-lite is not installed")),
]
CITIES = ("深圳", "上海", "广州")
SUPPLIERS = [
    ["供应商名单"],
    ["单位：万元"],
    ["供应商名称", "城市", "注册资本"],
    *([f"星海{at:03}公司", CITIES[at % 3], 100 + at] for at in range(90)),
    ["合计", None, sum(100 + at for at in range(90))],
]
BONUSES = [["姓名", "项目", "奖金（元）"], *([f"员工{at:02}", "雪豹计划", 1000 * at] for at in range(1, 31))]
COUNT, IN_SHENZHEN = "深圳一共有几家供应商？", "**30**"
SECRET, SECRET_SUM = "雪豹计划的奖金合计是多少？", "465,000"


def settings_of(folder: Path, **more: object) -> RagSettings:
    for name, content in (("open/供应商.xlsx", xlsx(SUPPLIERS)), ("hr/奖金.xlsx", xlsx(BONUSES))):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    (folder / "open" / "制度.md").write_text("# 供应商管理\n\n供应商每年评审一次，由采购部负责。\n", encoding="utf-8")
    given = {
        "knowledge": [],
        "collections": {
            "open": CollectionSettings(folders=[folder / "open"], public=True),
            "hr": CollectionSettings(folders=[folder / "hr"]),
        },
        "index_dir": folder / "index",
        "embedding": EmbeddingSettings(provider="none"),
        "llm": LlmSettings(provider="extractive", typing_pause_s=0),
    }
    return RagSettings.model_validate({**given, **more})


@pytest.fixture
def settings(tmp_path: Path) -> RagSettings:
    settings = settings_of(tmp_path)
    ingest(settings)
    return settings


@pytest.fixture
async def library(settings: RagSettings) -> AsyncIterator[KnowledgeBase]:
    opened = await KnowledgeBase.open(settings)
    yield opened
    await opened.aclose()


async def answered(library: KnowledgeBase, text: str, scope: Scope = EVERYTHING) -> tuple[Retrieved, Finished]:
    async with contextlib.aclosing(library.answer(Question(text, scope))) as events:
        seen = [event async for event in events]
    assert isinstance(seen[0], Retrieved) and isinstance(seen[-1], Finished)
    return seen[0], seen[-1]


async def test_a_count_is_that_of_all_rows_with_its_evidence(library: KnowledgeBase) -> None:
    found, end = await answered(library, COUNT)
    assert (end.outcome, end.citations, end.level) == ("answered", (1,), "high")
    assert IN_SHENZHEN in end.text and "全部 90 行" in end.text and "1 行合计未重复计入" in end.text
    assert end.text.endswith(COMPUTED_NOTES["zh"])
    evidence = found.passages[0].chunk
    assert (evidence.source.endswith("供应商.xlsx"), evidence.place and evidence.place.kind) == (True, "sheet")


async def test_a_unit_row_above_the_table_goes_into_the_answer(library: KnowledgeBase) -> None:
    _, end = await answered(library, "供应商的注册资本总共多少？")
    assert f"**{sum(100 + at for at in range(90)):,}万元**" in end.text


async def test_a_row_comes_alone_with_its_headers(library: KnowledgeBase) -> None:
    _, end = await answered(library, "星海041公司在哪个城市？")
    assert end.text.startswith("- 供应商名称：星海041公司；城市：广州；注册资本：141 [1]")
    assert end.outcome == "answered" and "星海040" not in end.text


async def test_what_cannot_be_computed_is_said(library: KnowledgeBase) -> None:
    _, end = await answered(library, "哪个供应商的评审次数最多？")
    assert end.outcome == "hedged" and end.text.startswith(UNCOUNTED["zh"])


@pytest.mark.parametrize("names", [["open"], []])
async def test_a_table_of_a_closed_collection_is_never_computed(library: KnowledgeBase, names: list[str]) -> None:
    found, end = await answered(library, SECRET, Scope.of(names))
    assert SECRET_SUM not in end.text and "雪豹" not in "".join(each.chunk.text for each in found.passages)
    _, allowed = await answered(library, SECRET, Scope.of(["open", "hr"]))
    assert SECRET_SUM in allowed.text


async def test_the_web_door_gives_it_to_those_who_may_see_it(
    library: KnowledgeBase, settings: RagSettings, tmp_path: Path
) -> None:
    keys = [
        ApiKey(hash=SecretStr(hashlib.sha256(name.encode()).hexdigest()), name=name, collections=collections)
        for name, collections in (("plain", None), ("hr", ["hr", "open"]))
    ]
    async with web_door(library, tmp_path, BotSettings(api_keys=keys), rag=settings) as door:
        told = {}
        for name in ("plain", "hr"):
            async with caller(door.url, headers={"Authorization": f"Bearer {name}"}) as http:
                told[name] = (await http.post("/chat", json={"question": SECRET})).json()
                count = (await http.post("/chat", json={"question": COUNT})).json()
                assert IN_SHENZHEN in count["answer"] and count["sources"][0]["metadata"]["cited"]
        assert SECRET_SUM not in str(told["plain"]) and SECRET_SUM in told["hr"]["answer"]
        async with caller(door.url, headers={"Authorization": "Bearer hr"}) as http:
            opened = await http.get(f"/chat/{told['hr']['answer_id']}/sources/1")
        assert SECRET_SUM in opened.json()["text"]


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with running() as server:
        yield server


async def test_a_model_gets_what_was_computed_as_a_passage_of_its_own(
    settings: RagSettings, server: ModelServer
) -> None:
    server.script(Reply("深圳有 30 家供应商 [1]。"))
    server.requests.clear()
    llm = LlmSettings(provider="openai", base_url=server.base_url, model="m", api_key=SecretStr("k"))
    library = await KnowledgeBase.open(settings.model_copy(update={"llm": llm}))
    try:
        _, end = await answered(library, COUNT)
    finally:
        await library.aclose()
    prompt = server.chats()[-1].prompt
    assert "按整张表计算：共 **30** 条" in prompt and "cannot be counted" in prompt
    assert (end.outcome, end.citations) == ("answered", (1,))


@pytest.mark.parametrize("store", STORES)
async def test_either_store_and_an_index_of_an_earlier_version_have_the_tables(tmp_path: Path, store: str) -> None:
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL)
    settings = settings_of(tmp_path, store=store, milvus=MilvusSettings(uri=str(tmp_path / "milvus.db")))
    await asyncio.to_thread(ingest, settings)
    if store == "faiss":  # nothing beside the files that every version before wrote
        names = {path.name for path in read_current(settings.index_dir)[0].iterdir()}
        assert names == {"manifest.json", "chunks.sqlite", "lexical"}
    library = await KnowledgeBase.open(settings)
    try:
        _, end = await answered(library, COUNT)
    finally:
        await library.aclose()
    assert IN_SHENZHEN in end.text


async def test_a_changed_table_is_computed_anew(settings: RagSettings, library: KnowledgeBase, tmp_path: Path) -> None:
    await answered(library, COUNT)
    (tmp_path / "open" / "供应商.xlsx").write_bytes(xlsx([*SUPPLIERS[:-1], ["新公司", "深圳", 50]]))
    await asyncio.to_thread(ingest, settings)
    _, end = await answered(library, COUNT)
    assert "**31**" in end.text


async def test_the_bot_answers_in_a_chat_with_the_number(stage: Stage, tmp_path: Path) -> None:
    knowledge = tmp_path / "tables"
    knowledge.mkdir()
    (knowledge / "供应商.xlsx").write_bytes(xlsx(SUPPLIERS))
    index = tmp_path / "tables-index"
    own = settings_of(tmp_path, knowledge=[knowledge], collections={}, index_dir=index)
    await asyncio.to_thread(ingest, own)
    await stage.bot(RAG__INDEX_DIR=str(index))
    card = await stage.closed(await stage.ask(COUNT))
    assert "30" in answer_text(card) and "全部 90 行" in answer_text(card)
