"""Follow-ups are judged by their own words: a topic before them answers nothing that is about something else."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from rag.events import Exchange, Finished, Question, Retrieved
from rag.ingestion.pipeline import ingest
from rag.knowledge_base import KnowledgeBase
from rag.scope import EVERYTHING
from rag.settings import EmbeddingSettings, LlmSettings, RagSettings
from tests.support.library_parts import model_settings
from tests.support.model_server import ModelServer, Reply, running

KNOWLEDGE = Path(__file__).parents[2] / "knowledge"
TOPIC = "差旅费报销时限是多久"
OFF_TOPIC = """
今天天气怎么样|帮我写一首诗|世界杯谁赢了|世界上最高的山是什么|怎么减肥|食堂今天吃什么|比特币价格|谁是美国总统|怎么做红烧肉|地球到月球的距离
那今天的天气呢|那比特币呢|那世界杯呢|what about the weather?|tell me a joke|who won the world cup|and the world cup?
那红烧肉怎么做|怎么治疗感冒|你喜欢什么颜色
"""
FOLLOW_UPS = [
    ("住宿标准是多少", "那境外出差呢", "境外"),
    ("年假有多少天", "那怎么结转呢", "结转"),
    ("病假怎么请", "那事假呢", "事假"),
    ("业务招待费的报销标准是多少", "市内交通费呢", "网约车"),
    (TOPIC, "逾期了会怎样", "逾期"),
    (TOPIC, "为什么", "工作日"),
    ("VPN 怎么开通", "那速度慢怎么办", "备用节点"),
]


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with running() as server:
        yield server


@pytest.fixture(scope="module")
def words_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("words")
    ingest(settings_of(folder))
    return folder


def settings_of(index: Path, embedding: EmbeddingSettings | None = None, llm: LlmSettings | None = None) -> RagSettings:
    return RagSettings(
        knowledge=[KNOWLEDGE],
        index_dir=index,
        embedding=embedding or EmbeddingSettings(provider="none"),
        llm=llm or LlmSettings(provider="extractive", typing_pause_s=0),
    )


@pytest.fixture(params=["words", "embedding"])
async def library(
    request: pytest.FixtureRequest, server: ModelServer, words_index: Path, tmp_path: Path
) -> AsyncIterator[KnowledgeBase]:
    settings = settings_of(words_index)
    if request.param == "embedding":
        endpoint = EmbeddingSettings(provider="openai", base_url=server.base_url, model="hash")
        settings = settings_of(tmp_path, endpoint)
        ingest(settings)
    library = await KnowledgeBase.open(settings)
    yield library
    await library.aclose()


async def answered(library: KnowledgeBase, text: str, before: str) -> tuple[str, Finished]:
    """What was found, and the answer."""
    question = Question(text, EVERYTHING, (Exchange(before, "在返回之日起 10 个工作日内提交报销单 [1]。"),))
    async with contextlib.aclosing(library.answer(question)) as answering:
        events = [event async for event in answering]
    found = [passage for event in events if isinstance(event, Retrieved) for passage in event.passages]
    assert isinstance(events[-1], Finished)
    return "\n".join(passage.chunk.text for passage in found), events[-1]


async def test_what_is_off_the_topic_is_not_answered_from_it(library: KnowledgeBase) -> None:
    asked = [question for line in OFF_TOPIC.strip().split("\n") for question in line.split("|")]
    assert len(asked) == 20
    outcomes = {question: (await answered(library, question, TOPIC))[1].outcome for question in asked}
    assert [question for question, outcome in outcomes.items() if outcome == "answered"] == []


async def test_what_follows_up_is(library: KnowledgeBase) -> None:
    missed = []
    for before, text, wanted in FOLLOW_UPS:
        found, said = await answered(library, text, before)
        if said.outcome == "no_evidence" or wanted not in found:
            missed.append((text, said.outcome, found))
    assert missed == []


async def test_an_english_follow_up_is_sought_with_the_question_before_it(words_index: Path) -> None:
    library = await KnowledgeBase.open(settings_of(words_index))
    found, said = await answered(library, "and the errors?", "What are the API limits?")
    assert said.outcome != "no_evidence" and "A-1001" in found
    await library.aclose()


async def test_a_model_is_asked_to_rewrite_only_what_leans(server: ModelServer, words_index: Path) -> None:
    library = await KnowledgeBase.open(settings_of(words_index, llm=model_settings(server.base_url)))
    server.script(Reply("改写后的问题：出差住宿的报销标准是多少？"))
    history = (Exchange(TOPIC, "10 个工作日"),)
    before = len(server.chats())
    for text in ("年假几天", "VPN 连不上", "what is the wifi", "发票抬头是什么", "如果发票丢了怎么办"):
        assert await library.condense(Question(text, EVERYTHING, history), budget_s=60) == text
    assert await library.condense(Question("那住宿呢", EVERYTHING), budget_s=60) == "那住宿呢"
    assert len(server.chats()) == before, "nothing leans, or on nothing"
    leaning = Question("那住宿呢", EVERYTHING, history)
    assert await library.condense(leaning, budget_s=60) == "出差住宿的报销标准是多少？"
    fragment = Question("住宿的", EVERYTHING, history)
    assert await library.condense(fragment, budget_s=60) == "住宿的"
    assert await library.condense(fragment, budget_s=60, is_reply=True) == "出差住宿的报销标准是多少？"
    assert len(server.chats()) == before + 2
    server.script(Reply("差旅费要在 10 个工作日内报销 [1]。"))
    assert await library.condense(leaning, budget_s=60) == "那住宿呢", "an answer is no question"
    server.script(Reply(status=500))
    assert await library.condense(leaning, budget_s=60) == "那住宿呢"
    await library.aclose()
