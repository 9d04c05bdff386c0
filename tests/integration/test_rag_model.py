"""The answerer against a real model's server: streams, failures in each phase, hanging up."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx
from langsmith.utils import get_env_var, tracing_is_enabled

from rag.clock import SystemClock
from rag.errors import (
    ContentRefused,
    ContextTooLong,
    GenerationFailed,
    ModelOverloaded,
    ModelRejected,
    ModelTimeout,
    ModelUnavailable,
    NoCredit,
    NoSuchModel,
    NotAModel,
)
from rag.events import (
    NO_EVIDENCE_TEXT,
    AnswerEvent,
    Delta,
    Exchange,
    Finished,
    ModelCall,
    Prompt,
    Question,
    Reasoning,
    Retrieved,
    Usage,
)
from rag.generation.llm_generator import LLMGenerator
from rag.generation.prompts import messages
from rag.ingestion.pipeline import ingest
from rag.knowledge_base import KnowledgeBase
from rag.scope import EVERYTHING
from rag.settings import LlmSettings, PromptSettings
from tests.support.clock import HandClock
from tests.support.library_parts import model_settings, rag_settings, write_knowledge
from tests.support.model_server import ModelServer, Reply, refused_address, running

QUESTION = "出差回来多久内要报销？"
LATE_S = 60.0
CASES = Path(__file__).parents[1] / "vectors" / "answers"
RULE = "差旅费用须在返回后 15 个工作日内提交报销单[1]。超过五千元的报销单需部门总监审批[1]。"


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with running() as server:
        yield server


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rag")
    write_knowledge(folder / "knowledge")
    ingest(rag_settings(folder))
    return folder


@contextlib.asynccontextmanager
async def library_with(folder: Path, llm: LlmSettings) -> AsyncIterator[KnowledgeBase]:
    library = await KnowledgeBase.open(rag_settings(folder, llm=llm))
    try:
        yield library
    finally:
        await library.aclose()


@pytest.fixture
async def library(folder: Path, server: ModelServer) -> AsyncIterator[KnowledgeBase]:
    server.requests.clear()
    async with library_with(folder, model_settings(server.base_url)) as library:
        yield library


async def ask(
    library: KnowledgeBase, question: Question | None = None
) -> tuple[list[AnswerEvent], GenerationFailed | None]:
    seen: list[AnswerEvent] = []
    async with contextlib.aclosing(library.answer(question or Question(QUESTION, EVERYTHING))) as events:
        try:
            async for event in events:
                seen.append(event)
        except GenerationFailed as error:
            return seen, error
    return seen, None


async def test_every_whole_call_is_told_with_its_purpose_and_cost(library: KnowledgeBase) -> None:
    told: list[ModelCall] = []
    library.on_model_call = told.append
    await ask(library)
    earlier = (Exchange(QUESTION, "15 个工作日内。"),)
    await library.condense(Question("那超过五千元呢？", EVERYTHING, earlier), budget_s=LATE_S)
    async with contextlib.aclosing(library.generate(Prompt("你好"))) as events:
        async for _ in events:
            pass
    await library.propose(Question(QUESTION, EVERYTHING), (), budget_s=LATE_S)
    assert [call.purpose for call in told] == ["answer", "rewrite", "generate", "suggest"]
    assert {(call.model, call.usage) for call in told} == {(told[0].model, Usage(100, 20))} and told[0].model


def text_of(events: list[AnswerEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, Delta))


def reasoning_of(events: list[AnswerEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, Reasoning))


def wanted_calls(server: ModelServer, kind: type[GenerationFailed], *, heals: bool) -> int:
    """What may heal is tried once more (here); what is too long with fewer passages, down to one."""
    if kind is not ContextTooLong:
        return 2 if heals else 1
    given = [request.prompt.count("<passage number=") for request in server.chats()]
    assert given == sorted(set(given), reverse=True) and given[-1] == 1
    return len(given)


def finished(events: list[AnswerEvent]) -> Finished:
    last = events[-1]
    assert isinstance(last, Finished)
    return last


async def test_a_stream_is_an_answer_with_its_citations_and_usage(server: ModelServer, library: KnowledgeBase) -> None:
    server.script(Reply("出差结束后 15 个工作日内提交 [1][9]。", usage=(321, 12)))
    events, error = await ask(library)
    assert error is None
    assert text_of(events) == "出差结束后 15 个工作日内提交 [1]。"
    assert events[-1] == Finished(
        text_of(events),
        "answered",
        (1,),
        "test-model",
        Usage(321, 12),
        events[-1].seconds,  # type: ignore[union-attr]
        events[-1].confidence,  # type: ignore[union-attr]
        events[-1].level,  # type: ignore[union-attr]
    )
    assert 0.5 <= (events[-1].confidence or 0) <= 1  # type: ignore[union-attr]
    assert library.status().model.ok


async def test_no_question_is_exported_whatever_the_environment_says(
    server: ModelServer, library: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[dict[str, Any]] = []
    monkeypatch.setattr("langchain_core.tracers.langchain.LangChainTracer", lambda **how: made.append(how))
    monkeypatch.setenv("LANGSMITH_TRACING", "true")
    get_env_var.cache_clear()
    try:
        assert tracing_is_enabled()
        server.script(Reply(RULE))
        events, error = await ask(library)
    finally:
        get_env_var.cache_clear()
    assert (text_of(events), error, made) == (RULE, None, [])


async def test_the_request_holds_passages_history_and_settings(server: ModelServer, library: KnowledgeBase) -> None:
    server.script(Reply("好。"))
    history = (Exchange("你好", "你好，请问。"),)
    await ask(library, Question(QUESTION, EVERYTHING, history=history))
    body = server.chats()[0].body
    assert [message["role"] for message in body["messages"]] == ["system", "user", "assistant", "user"]
    assert '<passage number="1" title="报销制度 › 差旅报销">' in body["messages"][-1]["content"]
    assert body["messages"][-1]["content"].endswith(QUESTION)
    assert (body["model"], body["max_tokens"], body["stream_options"]) == ("test-model", 2048, {"include_usage": True})


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
async def test_reasoning_is_told_from_the_answer(server: ModelServer, library: KnowledgeBase, field: str) -> None:
    server.script(
        Reply("<think>再想想[1]</think>\n\n十五天 [1]。", reasoning="先想想", reasoning_field=field, piece_chars=3)
    )
    events, _ = await ask(library)
    assert "".join(event.text for event in events if isinstance(event, Reasoning)) == "先想想再想想[1]"
    assert text_of(events) == "十五天 [1]。"


async def test_no_evidence_never_reaches_the_model(server: ModelServer, library: KnowledgeBase) -> None:
    events, _ = await ask(library, Question("who won the world cup", EVERYTHING))
    assert isinstance(events[-1], Finished) and events[-1].model is None
    assert server.requests == []


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (Reply(status=401), ModelRejected, "RAG__LLM__API_KEY"),
        (Reply(status=403), ModelRejected, "RAG__LLM__API_KEY"),
        (Reply(status=404), ModelRejected, "RAG__LLM__MODEL"),
        (Reply(status=400), ModelRejected, "RAG__LLM__MODEL"),
        (Reply(status=400, error={"message": "maximum context length is 4096"}), ContextTooLong, "context"),
        (Reply(status=400, error={"message": "x", "code": "content_filter"}), ContentRefused, "refused"),
    ],
)
async def test_a_refusal_is_not_repeated_and_names_the_fix(
    server: ModelServer, library: KnowledgeBase, reply: Reply, kind: type[GenerationFailed], words: str
) -> None:
    server.script(reply)
    _, error = await ask(library)
    assert type(error) is kind and words in str(error) and not error.partial
    assert error.__cause__ is not None
    assert len(server.chats()) == wanted_calls(server, kind, heals=False)
    assert not library.status().model.ok


@pytest.mark.parametrize("failure", [Reply(status=500), Reply(status=429), Reply(end="disconnect")])
async def test_a_failure_before_the_first_token_is_tried_again(
    server: ModelServer, library: KnowledgeBase, failure: Reply
) -> None:
    server.script(failure, Reply("好 [1]。"))
    events, error = await ask(library)
    assert error is None and text_of(events) == "好 [1]。"
    assert len(server.chats()) == 2


@pytest.mark.parametrize(
    ("end", "ending"),
    [
        ("stop", ""),
        ("none", ""),
        ("STOP", ""),
        ("end_turn", ""),
        ("length", "length"),
        ("max_tokens", "length"),
        ("eof", "broken"),
        ("disconnect", "broken"),
        ("error", "broken"),
        ("network_error", "broken"),
        ("content_filter", "filtered"),
        ("sensitive", "filtered"),
        ("insufficient_system_resource", "overloaded"),
    ],
)
async def test_what_was_written_stays_whatever_ended_it(
    server: ModelServer, library: KnowledgeBase, end: str, ending: str
) -> None:
    server.script(Reply("出差结束 [1]", end=end))
    events, error = await ask(library)
    last = finished(events)
    assert error is None and (last.text, last.ending, last.outcome) == ("出差结束 [1]", ending, "answered")
    assert text_of(events) == last.text
    assert len(server.chats()) == 1
    assert library.status().model.ok == (end not in ("disconnect", "error"))


IN_THE_STREAM: list[tuple[dict[str, Any], type[GenerationFailed], str, bool]] = [
    ({"message": "x", "code": "insufficient_quota"}, NoCredit, "broken", False),
    ({"message": "The model `m` does not exist"}, NoSuchModel, "broken", False),
    ({"message": "maximum context length is 4096"}, ContextTooLong, "broken", False),
    ({"message": "x", "code": "data_inspection_failed"}, ContentRefused, "filtered", False),
    ({"message": "x", "code": "invalid_api_key"}, ModelRejected, "broken", False),
    ({"message": "The engine is currently overloaded"}, ModelOverloaded, "overloaded", True),
    ({"message": "x", "type": "server_error"}, ModelUnavailable, "broken", True),
]


@pytest.mark.parametrize(("said", "kind", "ending", "heals"), IN_THE_STREAM)
async def test_an_error_in_the_stream_keeps_its_cause(
    server: ModelServer,
    library: KnowledgeBase,
    monkeypatch: pytest.MonkeyPatch,
    said: dict[str, Any],
    kind: type[GenerationFailed],
    ending: str,
    heals: bool,
) -> None:
    monkeypatch.setattr("rag.generation.llm_generator.BACKOFFS_S", (0.0,))
    server.script(Reply(end="error", error=said))
    _, error = await ask(library)
    assert type(error) is kind and not error.partial
    assert len(server.chats()) == wanted_calls(server, kind, heals=heals)
    server.requests.clear()
    server.script(Reply("出差结束", end="error", error=said))
    events, error = await ask(library)
    assert error is None and finished(events).ending == ending and finished(events).text == "出差结束"
    assert len(server.chats()) == 1


@pytest.mark.parametrize("content_type", ["application/json", "text/plain"])
@pytest.mark.parametrize(("said", "kind", "ending", "heals"), IN_THE_STREAM)
async def test_an_error_instead_of_a_stream_keeps_its_cause(
    server: ModelServer,
    library: KnowledgeBase,
    monkeypatch: pytest.MonkeyPatch,
    said: dict[str, Any],
    kind: type[GenerationFailed],
    ending: str,
    heals: bool,
    content_type: str,
) -> None:
    monkeypatch.setattr("rag.generation.llm_generator.BACKOFFS_S", (0.0,))
    server.script(Reply(raw=json.dumps({"error": said}).encode(), content_type=content_type))
    _, error = await ask(library)
    assert type(error) is kind and len(server.chats()) == wanted_calls(server, kind, heals=heals)


@pytest.mark.parametrize(
    "body", [b"<!doctype html><title>Welcome</title>", b'{"object": "list", "data": []}', b"hello"]
)
async def test_what_is_no_model_is_asked_once(server: ModelServer, library: KnowledgeBase, body: bytes) -> None:
    server.script(Reply(raw=body, content_type="text/html"))
    _, error = await ask(library)
    assert type(error) is NotAModel and "RAG__LLM__BASE_URL" in str(error)
    assert len(server.chats()) == 1


@pytest.mark.parametrize("end", ["eof", "insufficient_system_resource", "error"])
async def test_a_stream_that_breaks_before_its_first_word_is_tried_again(
    server: ModelServer, library: KnowledgeBase, end: str
) -> None:
    server.script(Reply(end=end), Reply("好 [1]。"))
    events, error = await ask(library)
    assert error is None and text_of(events) == "好 [1]。"
    assert len(server.chats()) == 2


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "text/event-stream"])
@pytest.mark.parametrize(
    "content", ["十五天 [1]。", [{"type": "text", "text": "十五天"}, {"type": "text", "text": " [1]。"}]]
)
async def test_a_whole_answer_instead_of_a_stream_is_taken(
    server: ModelServer, library: KnowledgeBase, content: Any, content_type: str
) -> None:
    message = {"role": "assistant", "content": content, "reasoning_content": "想"}
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    whole = {"object": "chat.completion", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    server.script(Reply(raw=json.dumps({**whole, "usage": usage}).encode(), content_type=content_type))
    events, error = await ask(library)
    last = finished(events)
    assert error is None and (last.text, last.ending, last.usage) == ("十五天 [1]。", "", Usage(3, 2))
    assert reasoning_of(events) == "想" and len(server.chats()) == 1


@pytest.mark.parametrize("pieces", [1, 3, 1000])
async def test_thinking_that_only_closes_is_not_the_answer(server: ModelServer, folder: Path, pieces: int) -> None:
    """The first time its text is taken back at the end; from then on the model is known to think so."""
    server.script(Reply("我先看资料。\n</think>\n\n十五天 [1]。", piece_chars=pieces))
    async with library_with(folder, model_settings(server.base_url)) as library:
        for asked in range(2):
            events, _ = await ask(library)
            assert finished(events).text == "十五天 [1]。"
            assert reasoning_of(events) == "我先看资料。\n"
            if asked or pieces == 1000:
                assert text_of(events) == "十五天 [1]。"
        server.script(Reply("没想就说 [1]。", piece_chars=pieces))
        events, _ = await ask(library)
        assert finished(events).text == text_of(events) == "没想就说 [1]。"


async def test_usage_may_come_with_the_last_words(server: ModelServer, library: KnowledgeBase) -> None:
    last = {"choices": [{"delta": {"content": "好 [1]。"}, "finish_reason": "stop"}]}
    body = json.dumps({**last, "usage": {"prompt_tokens": 7, "completion_tokens": 1}})
    server.script(Reply(raw=f"data: {body}\n\n".encode()))
    events, _ = await ask(library)
    assert finished(events).usage == Usage(7, 1) and finished(events).ending == ""


@pytest.mark.parametrize(
    ("case", "text", "ending", "reasoning"),
    [
        ("30-finish-length.sse", "差旅费用须在返回后 15 个工作日内提交报销单[1]。超过五", "length", ""),
        ("33-only-closing-think.sse", RULE, "", "用户问的是差旅报销，我需要先看第一段资料。\n"),
        ("37-whole-answer-as-json.json", RULE, "", ""),
    ],
)
async def test_what_was_seen_elsewhere_is_read_right(
    server: ModelServer, library: KnowledgeBase, case: str, text: str, ending: str, reasoning: str
) -> None:
    kind = "application/json" if case.endswith("json") else "text/event-stream"
    server.script(Reply(raw=(CASES / case).read_bytes(), content_type=kind))
    events, error = await ask(library)
    last = finished(events)
    assert error is None and (last.text, last.ending) == (text, ending)
    assert text_of(events) == text and reasoning_of(events) == reasoning
    assert len(server.chats()) == 1


@pytest.mark.parametrize(
    "said",
    [
        "[[NO_ANSWER]]",
        "**[[NO_ANSWER]]**。",
        "根据现有资料，无法回答此问题。",
        "根據現有資料無法回答該問題",
        "抱歉，提供的文档中未包含相关信息。建议咨询人事部门。",
        "I'm sorry, but the provided passages do not contain that information.",
        "The documents don't mention it.",
    ],
)
async def test_a_model_that_refuses_gives_no_evidence(server: ModelServer, library: KnowledgeBase, said: str) -> None:
    server.script(Reply(said, reasoning="想", piece_chars=1, usage=(9, 3)))
    events, _ = await ask(library)
    kinds = [type(event).__name__ for event in events if not isinstance(event, Reasoning)]
    assert kinds == ["Retrieved", "NoEvidence", "Finished"]
    retrieved, nearest, last = (event for event in events if not isinstance(event, Reasoning))
    assert nearest.nearest == retrieved.passages  # type: ignore[union-attr]
    assert isinstance(last, Finished)
    assert (last.text, last.outcome, last.citations) == (NO_EVIDENCE_TEXT, "no_evidence", ())
    assert (last.model, last.usage, last.ending) == ("test-model", Usage(9, 3), "")


async def test_an_answer_goes_on_where_it_was_cut_off(server: ModelServer, library: KnowledgeBase) -> None:
    so_far = "须在 15 个工作日内提交报销单 [1]，逾期需部"
    server.script(Reply("继续：逾期需部门负责人特批 [1]。", piece_chars=1))
    events, _ = await ask(library, Question(QUESTION, EVERYTHING, so_far=so_far))
    last = finished(events)
    assert last.text == text_of(events) == "须在 15 个工作日内提交报销单 [1]，逾期需部门负责人特批 [1]。"
    assert (last.outcome, last.citations, last.ending) == ("answered", (1,), "")
    assert next(event for event in events if isinstance(event, Delta)) == Delta(so_far)
    asked = server.chats()[0].body["messages"]
    assert [message["role"] for message in asked] == ["system", "user", "assistant", "user"]
    assert asked[2]["content"] == so_far


async def test_a_teams_own_prompts_are_followed_by_the_contract(server: ModelServer, folder: Path) -> None:
    server.requests.clear()
    server.script(Reply("好 [1]。"))
    prompts = PromptSettings(system="Be brief. {{json}}", answer="{passages}\n\n问：{question}")
    settings = rag_settings(folder, llm=model_settings(server.base_url)).model_copy(update={"prompts": prompts})
    question = Question(QUESTION, EVERYTHING, history=(Exchange("你好", "你好。"),))
    library = await KnowledgeBase.open(settings)
    events, _ = await ask(library, question)
    await library.aclose()
    asked = server.chats()[0].body["messages"]
    assert asked[0]["content"].startswith("Be brief. {json}\n\n")
    for text in (asked[0]["content"], asked[-1]["content"]):
        assert "[[NO_ANSWER]]" in text and "[1]" in text and "never instructions" in text
    retrieved = next(event for event in events if isinstance(event, Retrieved))
    assert messages(prompts, question, retrieved.passages) == asked


THREE = {
    "travel.md": "# 差旅报销\n\n差旅费用须在返回后 15 个工作日内提交报销单。超过五千元的报销单需部门总监审批。\n",
    "leave.md": "# 年休假\n\n年休假每年五天，可以留到次年三月底。\n",
    "wifi.md": "# 无线网络\n\n访客网络的名称是 Guest，密码每周一更换。\n",
}


async def test_the_model_answers_what_three_documents_hold(server: ModelServer, tmp_path: Path) -> None:
    """The question shares few words with the passage that answers it. The writer is asked with what the search gives,
    past the judgement on it, so that this says nothing of retrieval."""
    for name, text in THREE.items():
        (tmp_path / "knowledge").mkdir(exist_ok=True)
        (tmp_path / "knowledge" / name).write_text(text, encoding="utf-8")
    settings = rag_settings(tmp_path, llm=model_settings(server.base_url))
    ingest(settings)
    server.requests.clear()
    server.script(Reply("返回后 15 个工作日内 [1]。"))
    question = Question(QUESTION, EVERYTHING)
    library = await KnowledgeBase.open(settings)
    passages = (await library.search(QUESTION, EVERYTHING)).passages
    writer = LLMGenerator(settings.llm, settings.prompts, clock=SystemClock())
    events = [event async for event in writer.write(question, passages)]
    await writer.aclose()
    await library.aclose()
    assert finished(events).text == "返回后 15 个工作日内 [1]。" and finished(events).outcome == "answered"
    assert "15 个工作日内提交报销单" in server.chats()[0].prompt


async def test_an_empty_answer_is_a_failure(server: ModelServer, library: KnowledgeBase) -> None:
    server.script(Reply(reasoning="只想不说"))
    _, error = await ask(library)
    assert type(error) is ModelUnavailable and "without an answer" in str(error) and not error.partial


async def test_a_server_that_is_not_there_is_unavailable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.generation.llm_generator.BACKOFFS_S", (0.0,))
    with refused_address() as address:
        async with library_with(folder, model_settings(address)) as library:
            _, error = await ask(library)
    assert type(error) is ModelUnavailable and "RAG__LLM__BASE_URL" in str(error)


@pytest.mark.parametrize(
    ("reply", "timeouts", "text"),
    [
        (Reply("好", first_delay_s=LATE_S), {"first_token_s": 0.2}, ""),
        (Reply("好", end="stall"), {"stall_s": 0.2}, "好"),
    ],
)
async def test_a_slow_model_is_given_up_and_hung_up_on(
    server: ModelServer, folder: Path, reply: Reply, timeouts: dict[str, float], text: str
) -> None:
    server.requests.clear()
    server.script(reply)
    async with library_with(folder, model_settings(server.base_url, **timeouts)) as library:
        events, error = await ask(library)
        if text:
            assert error is None and (finished(events).text, finished(events).ending) == (text, "broken")
            assert "next token" in library.status().model.detail
        else:
            assert type(error) is ModelTimeout and "first token" in str(error) and not error.partial
        assert len(server.chats()) == (1 if text else 2), "a stall before the first token is tried again once"
        assert await asyncio.to_thread(server.chats()[0].hung_up.wait, 30)


async def test_an_answer_that_takes_too_long_as_a_whole_is_given_up_and_hung_up_on(
    server: ModelServer, folder: Path
) -> None:
    """Its time is over, by a clock moved by hand, once the first words are there; the model goes on writing."""
    server.requests.clear()
    server.script(Reply("字" * 5000, piece_chars=1, delay_s=0.01))
    clock, total_s = HandClock(), 100.0
    library = await KnowledgeBase.open(
        rag_settings(folder, llm=model_settings(server.base_url, total_s=total_s)), clock=clock
    )
    seen = []
    async with contextlib.aclosing(library.answer(Question(QUESTION, EVERYTHING))) as events:
        async for event in events:
            seen.append(event)
            if isinstance(event, Delta):
                await clock.advance(total_s)
    assert finished(seen).ending == "broken" and finished(seen).text == text_of(seen)
    assert "whole answer" in library.status().model.detail
    assert await asyncio.to_thread(server.chats()[0].hung_up.wait, 30)
    await library.aclose()


async def test_closing_the_answer_hangs_up_on_the_model(server: ModelServer, library: KnowledgeBase) -> None:
    server.script(Reply("字" * 5000, piece_chars=1, delay_s=0.01))
    events = library.answer(Question(QUESTION, EVERYTHING))
    async for event in events:
        if isinstance(event, Delta):
            break
    await events.aclose()
    request = server.chats()[0]
    assert await asyncio.to_thread(request.hung_up.wait, 30)
    assert request.sent < 5000


async def test_cancelling_the_asker_hangs_up_on_the_model(server: ModelServer, library: KnowledgeBase) -> None:
    server.script(Reply("字" * 5000, piece_chars=1, delay_s=0.01))
    first = asyncio.Event()

    async def asker() -> None:
        async with contextlib.aclosing(library.answer(Question(QUESTION, EVERYTHING))) as events:
            async for event in events:
                if isinstance(event, Delta):
                    first.set()

    task = asyncio.create_task(asker())
    await first.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(server.chats()[0].hung_up.wait, 30)


async def test_many_answers_at_once(server: ModelServer, library: KnowledgeBase) -> None:
    server.script(Reply("好 [1]。", delay_s=0.005))
    answers = await asyncio.gather(*(ask(library) for _ in range(20)))
    assert all(error is None and text_of(events) == "好 [1]。" for events, error in answers)


async def test_the_clients_own_transport_can_be_mocked_and_the_key_is_sent_but_never_shown(folder: Path) -> None:
    llm = LlmSettings(base_url="http://models.example.com/v1", model="m", api_key="sk-test-secret")
    with respx.mock(assert_all_called=True) as router:
        route = router.post("http://models.example.com/v1/chat/completions").mock(
            httpx.Response(401, json={"error": {"message": "Incorrect API key provided: sk-test-secret"}})
        )
        async with library_with(folder, llm) as library:
            _, error = await ask(library)
    assert route.calls[0].request.headers["authorization"] == "Bearer sk-test-secret"
    assert "sk-test" not in str(error) + repr(error) + str(library.status())


async def test_a_window_that_is_too_small_gets_fewer_passages_from_then_on(folder: Path, server: ModelServer) -> None:
    def answer(body: dict[str, Any]) -> Reply:
        if str(body["messages"][-1]["content"]).count("<passage number=") > 1:
            error = {"message": "This model's maximum context length is 2048 tokens", "code": "context_length_exceeded"}
            return Reply(status=400, error=error)
        return Reply("15 个工作日 [1]，另见 [2]。")

    server.script(answer=answer)
    server.requests.clear()
    async with library_with(folder, model_settings(server.base_url)) as library:
        events, error = await ask(library)
        assert error is None and finished(events).text == "15 个工作日 [1]，另见。"
        assert library.status().model.ok
        tried = len(server.chats())
        assert tried > 1
        await ask(library)
    assert len(server.chats()) == tried + 1
