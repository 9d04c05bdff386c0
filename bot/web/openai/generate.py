"""The model alone over HTTP, without retrieval: `POST /generate` and `POST /generate/stream`."""

import contextlib
from collections.abc import AsyncGenerator
from dataclasses import asdict
from typing import Any

import structlog
from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from sse_starlette import EventSourceResponse
from starlette.responses import Response

from bot.handlers.http import json_response
from bot.web.chat.admission import unless_hung_up
from bot.web.chat.routes import BEARER, ChatDoor, asking
from bot.web.chat.sse import Stream, sse
from bot.web.chat.turns import WebLibrary
from bot.web.errors import RESPONSES, refusal_of
from rag.errors import RagError
from rag.events import Delta, Ending, Finished, Prompt, Reasoning

log = structlog.get_logger(__name__)

MOST_CHARS = 2_048
EVENTS = (
    'Events: `reasoning` and `token` (`{"text"}`), then `done` (`{"usage", "latency", "model", "ending"}`) or `error`.'
)


class GenerateRequest(BaseModel):
    """A prompt for the model."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)

    prompt: str = Field(min_length=1, max_length=MOST_CHARS, examples=["用一句话介绍飞书。"])
    max_tokens: int = Field(512, ge=1, le=2_048)
    temperature: float = Field(0.7, ge=0, le=2)
    top_p: float = Field(0.9, ge=0, le=1)


class GenerateReply(BaseModel):
    """What the model wrote. `latency` in seconds."""

    text: str
    usage: dict[str, int] | None
    latency: float
    model: str | None
    ending: Ending = Field(description='"" for a whole text; else how it was cut, as in `POST /chat`')


def generate_router(door: ChatDoor) -> APIRouter:
    """The two routes."""
    router = APIRouter(tags=["model"], dependencies=[BEARER])

    @router.post("/generate", response_model=GenerateReply, responses=RESPONSES, summary="Ask the model, nothing else")
    async def generate(request: Request, body: GenerateRequest) -> Response:
        asking(request, door.gate)
        slot = await door.gate.take()
        try:
            finished = await unless_hung_up(request, _whole(door.turns.library, body))
        finally:
            slot.release()
        if finished is None:
            return Response(status_code=204)  # nobody is there to read it
        return json_response({"text": finished.text, **_facts(finished)})

    @router.post(
        "/generate/stream",
        response_class=EventSourceResponse,
        responses={
            **RESPONSES,
            200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}, "description": EVENTS},
        },
        summary="The same as it is written",
        description=EVENTS,
    )
    async def stream(request: Request, body: GenerateRequest) -> Response:
        asking(request, door.gate)
        slot = await door.gate.take()
        content = _events(door.turns.library, body)
        return Stream(content, slot=slot, metrics=door.metrics, stall_s=door.stall_s, label="generate")

    return router


def _prompt(body: GenerateRequest) -> Prompt:
    return Prompt(body.prompt, max_tokens=body.max_tokens, temperature=body.temperature, top_p=body.top_p)


async def _whole(library: WebLibrary, body: GenerateRequest) -> Finished:
    last: Finished | None = None
    async with contextlib.aclosing(library.generate(_prompt(body))) as events:
        async for event in events:
            last = event if isinstance(event, Finished) else last
    if last is None:
        raise RuntimeError("the model's events ended without Finished")
    return last


async def _events(library: WebLibrary, body: GenerateRequest) -> AsyncGenerator[bytes]:
    try:
        async with contextlib.aclosing(library.generate(_prompt(body))) as events:
            async for event in events:
                match event:
                    case Delta(text=text):
                        yield sse("token", {"text": text})
                    case Reasoning(text=text):
                        yield sse("reasoning", {"text": text})
                    case Finished():
                        yield sse("done", _facts(event))
    except RagError as error:
        log.warning("generate_failed", kind=type(error).__name__, reason=str(error))
        refused = refusal_of(error)
        yield sse("error", {"type": refused.type, "message": str(error), "status": refused.status})


def _facts(finished: Finished) -> dict[str, Any]:
    usage = asdict(finished.usage) if finished.usage else None
    renamed = {name.removesuffix("_tokens"): count for name, count in usage.items()} if usage else None
    return {
        "usage": renamed,
        "latency": round(finished.seconds, 3),
        "model": finished.model,
        "ending": finished.ending,
    }
