"""The same answers over HTTP: `POST /chat` whole, `POST /chat/stream` as server-sent events."""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import asdict
from typing import Any, assert_never

import orjson
import structlog
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import Response

from bot.outcomes import Failed, words
from bot.progress import Progress, fold
from bot.routes import json_response
from bot.texts import language_of, texts
from bot.turn import MAX_QUESTION_CHARS, Answers, sources_of
from rag.errors import GenerationFailed, IndexUnusable, ModelTimeout, RagError
from rag.events import AnswerEvent, Delta, Finished, NoEvidence, Question, Reasoning, Retrieved

log = structlog.get_logger(__name__)

HEARTBEAT_S = 15


class ChatRequest(BaseModel):
    """A question."""

    model_config = ConfigDict(extra="forbid")

    question: str = Field(min_length=1, max_length=MAX_QUESTION_CHARS, examples=["出差回来多久内要报销？"])


class ChatSource(BaseModel):
    """A passage that the answer may use; `cited` tells whether it does."""

    number: int
    title: str
    heading_path: str
    snippet: str
    source: str
    link: str | None
    cited: bool


class ChatReply(BaseModel):
    """A whole answer. `answered` is false when the documents do not know."""

    answer: str
    answered: bool
    sources: list[ChatSource]
    model: str | None
    usage: dict[str, int] | None
    seconds: float


class ChatError(BaseModel):
    """What went wrong, for programs (`type`) and for people (`message`)."""

    type: str
    message: str


def chat_router(library: Callable[[], Answers]) -> APIRouter:
    """The routes; `library` gives the answerer in use."""
    router = APIRouter(tags=["chat"])
    failures: dict[int | str, dict[str, Any]] = {503: {"model": ChatError}, 504: {"model": ChatError}}

    @router.post("/chat", response_model=ChatReply, responses=failures)
    async def chat(request: ChatRequest) -> Response:
        progress = Progress()
        try:
            async with contextlib.aclosing(_answer(library(), request)) as events:
                async for event in events:
                    progress = fold(progress, event)
        except RagError as error:
            return json_response(_error(error, request.question), _status(error))
        finished = progress.finished
        assert finished is not None, "an answer stream ends with Finished"  # noqa: S101
        return json_response(
            {
                "answer": progress.text,
                "answered": progress.answered,
                "sources": _sources(progress),
                "model": finished.model,
                "usage": asdict(finished.usage) if finished.usage else None,
                "seconds": round(finished.seconds, 3),
            }
        )

    @router.post("/chat/stream", response_class=EventSourceResponse)
    async def stream(request: ChatRequest) -> EventSourceResponse:
        return EventSourceResponse(_sse(library(), request), ping=HEARTBEAT_S)

    return router


def _answer(library: Answers, request: ChatRequest) -> AsyncGenerator[AnswerEvent, None]:
    return library.answer(Question(request.question.strip()))


async def _sse(library: Answers, request: ChatRequest) -> AsyncIterator[ServerSentEvent]:
    """stage, reasoning, token, sources, then done or error. Hanging up closes the generator, and so the model call."""
    progress, writing = Progress(), False
    yield _event("stage", {"stage": "retrieving"})
    try:
        async with contextlib.aclosing(_answer(library, request)) as events:
            async for event in events:
                progress = fold(progress, event)
                match event:
                    case Retrieved(passages=passages):
                        yield _event("stage", {"stage": "retrieved", "found": len(passages)})
                    case Reasoning(text=text):
                        yield _event("reasoning", {"text": text})
                    case Delta(text=text):
                        if not writing:
                            writing = True
                            yield _event("stage", {"stage": "generating"})
                        yield _event("token", {"text": text})
                    case NoEvidence():
                        pass
                    case Finished():
                        if not writing:
                            yield _event("token", {"text": event.text})
                        yield _event("sources", {"sources": _sources(progress)})
                        yield _event("done", _done(progress, event))
                    case _:
                        assert_never(event)
    except RagError as error:
        log.warning("chat_failed", kind=type(error).__name__, reason=str(error))
        yield _event("error", _error(error, request.question))


def _done(progress: Progress, finished: Finished) -> dict[str, Any]:
    return {
        "answered": progress.answered,
        "answer": finished.text,
        "model": finished.model,
        "usage": asdict(finished.usage) if finished.usage else None,
        "seconds": round(finished.seconds, 3),
    }


def _sources(progress: Progress) -> list[dict[str, Any]]:
    return [asdict(source) for source in sources_of(progress)]


def _event(name: str, body: dict[str, Any]) -> ServerSentEvent:
    return ServerSentEvent(orjson.dumps(body).decode(), event=name)


def _error(error: RagError, question: str) -> dict[str, str]:
    sentence = words(Failed(error), texts(language_of(question)), has_text=False)
    return {"type": type(error).__name__, "message": sentence}


def _status(error: RagError) -> int:
    if isinstance(error, ModelTimeout):
        return 504
    return 503 if isinstance(error, GenerationFailed | IndexUnusable) else 500
