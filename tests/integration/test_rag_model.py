"""The answerer against a real model's server: streams, failures in each phase, hanging up."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
import respx

from rag.errors import (
    ContentRefused,
    ContextTooLong,
    GenerationFailed,
    ModelRejected,
    ModelTimeout,
    ModelUnavailable,
)
from rag.events import NO_EVIDENCE_TEXT, AnswerEvent, Delta, Exchange, Finished, Question, Reasoning, Usage
from rag.ingest import ingest
from rag.library import Library
from rag.scope import EVERYTHING
from rag.settings import LlmSettings
from tests.support.clock import HandClock
from tests.support.library_parts import model_settings, rag_settings, write_knowledge
from tests.support.model_server import ModelServer, Reply, refused_address, running

QUESTION = "出差回来多久内要报销？"
LATE_S = 60.0


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
async def library_with(folder: Path, llm: LlmSettings) -> AsyncIterator[Library]:
    library = await Library.open(rag_settings(folder, llm=llm))
    try:
        yield library
    finally:
        await library.aclose()


@pytest.fixture
async def library(folder: Path, server: ModelServer) -> AsyncIterator[Library]:
    server.requests.clear()
    async with library_with(folder, model_settings(server.base_url)) as library:
        yield library


async def ask(library: Library, question: Question | None = None) -> tuple[list[AnswerEvent], GenerationFailed | None]:
    seen: list[AnswerEvent] = []
    async with contextlib.aclosing(library.answer(question or Question(QUESTION, EVERYTHING))) as events:
        try:
            async for event in events:
                seen.append(event)
        except GenerationFailed as error:
            return seen, error
    return seen, None


def text_of(events: list[AnswerEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, Delta))


async def test_a_stream_is_an_answer_with_its_citations_and_usage(server: ModelServer, library: Library) -> None:
    server.script(Reply("出差结束后 15 个工作日内提交 [1][9]。", usage=(321, 12)))
    events, error = await ask(library)
    assert error is None
    assert text_of(events) == "出差结束后 15 个工作日内提交 [1]。"
    assert events[-1] == Finished(
        text_of(events),
        True,
        (1,),
        "test-model",
        Usage(321, 12),
        events[-1].seconds,  # type: ignore[union-attr]
        events[-1].confidence,  # type: ignore[union-attr]
    )
    assert 0.5 <= (events[-1].confidence or 0) <= 1  # type: ignore[union-attr]
    assert library.status().model.ok


async def test_the_request_holds_passages_history_and_settings(server: ModelServer, library: Library) -> None:
    server.script(Reply("好。"))
    history = (Exchange("你好", "你好，请问。"),)
    await ask(library, Question(QUESTION, EVERYTHING, history=history))
    body = server.chats()[0].body
    assert [message["role"] for message in body["messages"]] == ["system", "user", "assistant", "user"]
    assert '<passage number="1" title="报销制度 › 差旅报销">' in body["messages"][-1]["content"]
    assert body["messages"][-1]["content"].endswith(QUESTION)
    assert (body["model"], body["max_tokens"], body["stream_options"]) == ("test-model", 2048, {"include_usage": True})


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
async def test_reasoning_is_told_from_the_answer(server: ModelServer, library: Library, field: str) -> None:
    server.script(
        Reply("<think>再想想[1]</think>\n\n十五天 [1]。", reasoning="先想想", reasoning_field=field, piece_chars=3)
    )
    events, _ = await ask(library)
    assert "".join(event.text for event in events if isinstance(event, Reasoning)) == "先想想再想想[1]"
    assert text_of(events) == "十五天 [1]。"


async def test_the_model_that_does_not_know_has_not_answered(server: ModelServer, library: Library) -> None:
    server.script(Reply(f"{NO_EVIDENCE_TEXT}。"))
    events, _ = await ask(library)
    last = events[-1]
    assert isinstance(last, Finished) and not last.answered and last.citations == ()


async def test_no_evidence_never_reaches_the_model(server: ModelServer, library: Library) -> None:
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
    server: ModelServer, library: Library, reply: Reply, kind: type[GenerationFailed], words: str
) -> None:
    server.script(reply)
    _, error = await ask(library)
    assert type(error) is kind and words in str(error) and not error.partial
    assert error.__cause__ is not None
    assert len(server.chats()) == 1
    assert not library.status().model.ok


@pytest.mark.parametrize("failure", [Reply(status=500), Reply(status=429), Reply(end="disconnect")])
async def test_a_failure_before_the_first_token_is_tried_again(
    server: ModelServer, library: Library, failure: Reply
) -> None:
    server.script(failure, Reply("好 [1]。"))
    events, error = await ask(library)
    assert error is None and text_of(events) == "好 [1]。"
    assert len(server.chats()) == 2


@pytest.mark.parametrize(
    ("end", "kind"),
    [("disconnect", ModelUnavailable), ("error", ModelUnavailable), ("content_filter", ContentRefused)],
)
async def test_a_failure_after_the_first_token_is_partial_and_never_repeated(
    server: ModelServer, library: Library, end: str, kind: type[GenerationFailed]
) -> None:
    server.script(Reply("出差结束", end=end))  # type: ignore[arg-type]
    events, error = await ask(library)
    assert type(error) is kind and error.partial
    assert text_of(events) == "出差结束"
    assert len(server.chats()) == 1


async def test_an_empty_answer_is_a_failure(server: ModelServer, library: Library) -> None:
    server.script(Reply(reasoning="只想不说"))
    _, error = await ask(library)
    assert type(error) is ModelUnavailable and "without an answer" in str(error) and not error.partial


async def test_a_server_that_is_not_there_is_unavailable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.generation.BACKOFFS_S", (0.0,))
    with refused_address() as address:
        async with library_with(folder, model_settings(address)) as library:
            _, error = await ask(library)
    assert type(error) is ModelUnavailable and "RAG__LLM__BASE_URL" in str(error)


@pytest.mark.parametrize(
    ("reply", "timeouts", "words", "partial"),
    [
        (Reply("好", first_delay_s=LATE_S), {"first_token_s": 0.2}, "first token", False),
        (Reply("好", end="stall"), {"stall_s": 0.2}, "next token", True),
    ],
)
async def test_a_slow_model_is_given_up_and_hung_up_on(
    server: ModelServer, folder: Path, reply: Reply, timeouts: dict[str, float], words: str, partial: bool
) -> None:
    server.requests.clear()
    server.script(reply)
    async with library_with(folder, model_settings(server.base_url, **timeouts)) as library:
        _, error = await ask(library)
        assert type(error) is ModelTimeout and words in str(error)
        assert error.partial is partial
        assert len(server.chats()) == (1 if partial else 2), "a stall before the first token is tried again once"
        assert await asyncio.to_thread(server.chats()[0].hung_up.wait, 30)


async def test_an_answer_that_takes_too_long_as_a_whole_is_given_up_and_hung_up_on(
    server: ModelServer, folder: Path
) -> None:
    """Its time is over, by a clock moved by hand, once the first words are there; the model goes on writing."""
    server.requests.clear()
    server.script(Reply("字" * 5000, piece_chars=1, delay_s=0.01))
    clock, total_s = HandClock(), 100.0
    library = await Library.open(
        rag_settings(folder, llm=model_settings(server.base_url, total_s=total_s)), clock=clock
    )
    async with contextlib.aclosing(library.answer(Question(QUESTION, EVERYTHING))) as events:
        with pytest.raises(ModelTimeout, match="whole answer") as caught:
            async for event in events:
                if isinstance(event, Delta):
                    await clock.advance(total_s)
    assert caught.value.partial
    assert await asyncio.to_thread(server.chats()[0].hung_up.wait, 30)
    await library.aclose()


async def test_closing_the_answer_hangs_up_on_the_model(server: ModelServer, library: Library) -> None:
    server.script(Reply("字" * 5000, piece_chars=1, delay_s=0.01))
    events = library.answer(Question(QUESTION, EVERYTHING))
    async for event in events:
        if isinstance(event, Delta):
            break
    await events.aclose()
    request = server.chats()[0]
    assert await asyncio.to_thread(request.hung_up.wait, 30)
    assert request.sent < 5000


async def test_cancelling_the_asker_hangs_up_on_the_model(server: ModelServer, library: Library) -> None:
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


async def test_many_answers_at_once(server: ModelServer, library: Library) -> None:
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
