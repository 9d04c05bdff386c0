"""Three documents and a model: the model is asked what people ask, in their words, and its no is an outcome."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.events import NO_EVIDENCE_TEXT, AnswerEvent, Delta, Finished, NoEvidence, Question, Retrieved
from rag.generation.refusal import MARK
from rag.ingestion.pipeline import ingest
from rag.knowledge_base import KnowledgeBase
from rag.scope import EVERYTHING
from rag.settings import EmbeddingSettings, RagSettings
from tests.support.library_parts import model_settings, rag_settings
from tests.support.model_server import ModelServer, Reply, running

QUESTION = "出差回来多久内要报销？"
RULE = "差旅费用须在返回后 15 个工作日内提交报销单"
DOCUMENTS = {
    "差旅.md": f"# 差旅\n\n{RULE}，逾期不予受理。\n",
    "考勤.md": "# 考勤\n\n上班时间为九点至十八点，迟到三次记一次警告。\n",
    "网络.md": "# 网络\n\n访客无线网的名称是 guest，前台提供当日口令。\n",
}
REFUSALS = [
    MARK,
    f"{MARK} 根据现有资料无法回答此问题",
    "根据现有资料，无法回答此问题。",
    "根據現有資料，無法回答此問題。",
    "抱歉，提供的文档中没有提到这一点。",
    "對不起，目前的資料中沒有提及此事。",
    "I'm sorry, but the provided passages do not contain this information.",
]


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with running() as server:
        yield server


@pytest.fixture(params=["words", "vectors"])
def settings(request: pytest.FixtureRequest, tmp_path: Path, server: ModelServer) -> RagSettings:
    """Ingested, by words only and with the server's embeddings."""
    folder = tmp_path / "knowledge"
    folder.mkdir()
    for name, text in DOCUMENTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    endpoint = EmbeddingSettings(provider="openai", base_url=server.base_url, model="bge-test")
    made = rag_settings(
        tmp_path, embedding=endpoint if request.param == "vectors" else None, llm=model_settings(server.base_url)
    )
    ingest(made)
    server.requests.clear()
    return made


async def asked(settings: RagSettings, text: str = QUESTION) -> tuple[list[AnswerEvent], Finished]:
    library = await KnowledgeBase.open(settings)
    await library.warm_up()
    assert library.status().embedding.ok
    async with contextlib.aclosing(library.answer(Question(text, EVERYTHING))) as events:
        seen = [event async for event in events]
    await library.aclose()
    assert isinstance(seen[0], Retrieved) and isinstance(seen[-1], Finished)
    return seen, seen[-1]


async def test_the_model_is_asked_and_its_answer_comes(server: ModelServer, settings: RagSettings) -> None:
    answer = "返回后 15 个工作日内提交报销单 [1]。"

    def told(body: dict[str, object]) -> Reply:
        return Reply(answer if RULE in str(body) else MARK)

    server.script(answer=told)
    seen, end = await asked(settings)
    assert len(server.chats()) == 1
    prompt = server.chats()[0].prompt
    assert RULE in prompt and QUESTION in prompt
    number = 1 + next(at for at, each in enumerate(seen[0].passages) if RULE in each.chunk.text)  # type: ignore[union-attr]
    assert number == 1
    assert (end.outcome, end.text, end.citations, end.model) == ("answered", answer, (1,), "test-model")
    assert "".join(event.text for event in seen if isinstance(event, Delta)) == answer


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_a_models_no_is_no_evidence_however_it_is_put(
    server: ModelServer, settings: RagSettings, refusal: str
) -> None:
    server.script(Reply(refusal))
    seen, end = await asked(settings)
    assert len(server.chats()) == 1
    assert (end.outcome, end.citations, end.answered) == ("no_evidence", (), False)
    [nearest] = [event.nearest for event in seen if isinstance(event, NoEvidence)]
    assert any(RULE in passage.chunk.text for passage in nearest)
    assert MARK not in end.text and not any(MARK in event.text for event in seen if isinstance(event, Delta))
    assert end.text.strip()


async def test_a_model_that_cites_nothing_is_hedged(server: ModelServer, settings: RagSettings) -> None:
    server.script(Reply("一般在 15 个工作日内。"))
    _, end = await asked(settings)
    assert (end.outcome, end.citations) == ("hedged", ())


async def test_below_the_floor_no_model_is_asked(server: ModelServer, settings: RagSettings) -> None:
    server.script(Reply("不该问我 [1]。"))
    floor = settings.retrieval.model_copy(update={"floor_standing": 99.0})
    _, end = await asked(settings.model_copy(update={"retrieval": floor}), "恐龙灭绝")
    assert server.chats() == []
    assert (end.outcome, end.text) == ("no_evidence", NO_EVIDENCE_TEXT)
