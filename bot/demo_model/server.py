"""The scripted model's door: `POST /v1/chat/completions`, whole or streamed at a reading pace, and `GET /v1/models`."""

import asyncio
import re
import time
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from bot.demo_model.asked import Answering, Chatting, Summarising, content_of, read_messages
from bot.demo_model.writing import written

MOST_BYTES = 4_000_000
TOKEN = re.compile(r"\s*(?:\[\d+\]|[A-Za-z0-9]{1,6}|.)|\s+", re.DOTALL)
"""About what real tokenizers make of a text: a Chinese character, a short word, a citation."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast answers are typed: seconds until the first token, then tokens a second (0: all at once)."""

    first_s: float = 0.4
    tokens_per_s: float = 45.0


@dataclass(frozen=True, slots=True)
class _Reply:
    """What is sent: tokens within the limit, why they end, and what was counted."""

    model: str
    tokens: tuple[str, ...]
    finish_reason: str
    prompt_tokens: int
    pace: Pace

    @property
    def usage(self) -> dict[str, int]:
        prompt, completion = self.prompt_tokens, len(self.tokens)
        return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


class _Unreadable(ValueError):
    """A request that is no chat request; its words may be told."""


def scripted_model(name: str, pace: Pace) -> Starlette:
    """The application; it calls itself `name`, whatever model is asked for."""

    async def chat(request: Request) -> Response:
        try:
            content = _body(await request.body())
            messages = _messages(content)
            limit = _limit(content)
        except _Unreadable as error:
            return JSONResponse({"error": {"message": str(error), "type": "invalid_request_error"}}, status_code=400)
        reply = await asyncio.to_thread(_reply, name, messages, limit, pace)
        if not content.get("stream"):
            return JSONResponse(_whole(reply))
        options = content.get("stream_options")
        has_usage = isinstance(options, dict) and bool(options.get("include_usage"))
        return StreamingResponse(_events(reply, has_usage=has_usage), media_type="text/event-stream")

    async def models(_: Request) -> Response:
        return JSONResponse({"object": "list", "data": [{"id": name, "object": "model", "owned_by": "demo"}]})

    return Starlette(
        routes=[
            Route("/v1/chat/completions", chat, methods=["POST"]),
            Route("/v1/models", models, methods=["GET"]),
        ]
    )


def _reply(name: str, messages: Sequence[Mapping[str, Any]], limit: int | None, pace: Pace) -> _Reply:
    asked = read_messages(messages)
    tokens = TOKEN.findall(written(asked))
    kept = tokens if limit is None else tokens[:limit]
    counted = sum(len(TOKEN.findall(content_of(message))) for message in messages)
    # Rewrites and suggestions are for the bot, which waits for them whole: nobody reads them as they are typed.
    is_read = isinstance(asked, Answering | Chatting | Summarising)
    return _Reply(
        name, tuple(kept), "stop" if len(kept) == len(tokens) else "length", counted, pace if is_read else Pace(0, 0)
    )


async def _events(reply: _Reply, *, has_usage: bool) -> AsyncIterator[bytes]:
    envelope = _envelope("chat.completion.chunk", reply)
    yield _event({**envelope, "choices": [_choice({"role": "assistant", "content": ""})]})
    await asyncio.sleep(reply.pace.first_s)
    pause_s = 1 / reply.pace.tokens_per_s if reply.pace.tokens_per_s else 0.0
    for token in reply.tokens:
        yield _event({**envelope, "choices": [_choice({"content": token})]})
        if pause_s:
            await asyncio.sleep(pause_s)
    yield _event({**envelope, "choices": [{**_choice({}), "finish_reason": reply.finish_reason}]})
    if has_usage:
        yield _event({**envelope, "choices": [], "usage": reply.usage})
    yield b"data: [DONE]\n\n"


def _whole(reply: _Reply) -> dict[str, Any]:
    message = {"role": "assistant", "content": "".join(reply.tokens)}
    choice = {"index": 0, "message": message, "finish_reason": reply.finish_reason}
    return {**_envelope("chat.completion", reply), "choices": [choice], "usage": reply.usage}


def _envelope(kind: str, reply: _Reply) -> dict[str, Any]:
    return {"id": f"chatcmpl-{uuid.uuid4().hex}", "object": kind, "created": int(time.time()), "model": reply.model}


def _choice(delta: dict[str, str]) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "finish_reason": None}


def _event(content: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(content) + b"\n\n"


def _body(raw: bytes) -> dict[str, Any]:
    try:
        content = orjson.loads(raw) if len(raw) <= MOST_BYTES else None
    except orjson.JSONDecodeError:
        content = None
    if not isinstance(content, dict):
        raise _Unreadable(f"the body must be a JSON object of at most {MOST_BYTES} bytes")
    return content


def _messages(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    messages = content.get("messages")
    if not isinstance(messages, list) or not messages or not all(isinstance(each, dict) for each in messages):
        raise _Unreadable("messages must be a list of at least one object")
    return messages


def _limit(content: Mapping[str, Any]) -> int | None:
    limit = content.get("max_completion_tokens") or content.get("max_tokens")
    if limit is None:
        return None
    if not isinstance(limit, int) or limit < 1:
        raise _Unreadable("max_tokens must be a positive integer")
    return limit
