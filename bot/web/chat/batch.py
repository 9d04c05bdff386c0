"""Many questions in one request: a bounded number at a time, one line of JSON for each as it is answered."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Any

import orjson
import structlog
from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import Response, StreamingResponse

from bot.web.auth import Caller
from bot.web.chat.routes import BEARER, ChatDoor, asking
from bot.web.chat.schemas import MOST_CONCURRENT, BatchRequest, ChatRequest, answer_body, new_conversation_id
from bot.web.chat.sse import Stream
from bot.web.errors import RESPONSES, Refused, refusal_of
from rag.scope import Scope

log = structlog.get_logger(__name__)

NDJSON = "application/x-ndjson"
LINES = """One line of JSON for each question as it is answered: `{"index", "question", "answer", "sources",
"outcome", …}`, or `{"index", "question", "error": {"type", "message", "what_to_do"}}`; `index` counts from 0.
Hanging up stops those that are not answered yet."""


def batch_router(door: ChatDoor) -> APIRouter:
    """`POST /chat/batch`."""
    router = APIRouter(tags=["chat"], dependencies=[BEARER])
    lines = {"content": {NDJSON: {"schema": {"type": "string"}}}, "description": LINES}
    description: dict[int | str, dict[str, Any]] = {200: lines}

    @router.post(
        "/chat/batch",
        response_class=StreamingResponse,
        responses={**RESPONSES, **description},
        summary="Ask many questions",
        description=LINES,
    )
    async def batch(request: Request, body: BatchRequest) -> Response:
        caller = asking(request, door.gate, len(body.questions))
        scope = await door.scope(caller, body.collections)
        lines = _lines(door, caller, body, scope)
        return Stream(lines, slot=None, metrics=door.metrics, stall_s=door.stall_s, label="batch", media_type=NDJSON)

    return router


async def _lines(door: ChatDoor, caller: Caller, body: BatchRequest, scope: Scope) -> AsyncGenerator[bytes]:
    """Answers wait in a queue no longer than the number of workers, so a slow reader slows the work."""
    workers = min(body.max_concurrency, MOST_CONCURRENT, len(body.questions))
    waiting = iter(enumerate(body.questions))
    done: asyncio.Queue[bytes] = asyncio.Queue(workers)

    async def work() -> None:
        for index, question in waiting:
            line = await _line(door, caller, question, scope)
            await done.put(orjson.dumps({"index": index, "question": question, **line}) + b"\n")

    tasks = [asyncio.create_task(work()) for _ in range(workers)]
    try:
        for _ in body.questions:
            yield await _next_line(done, tasks)
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task


async def _next_line(done: "asyncio.Queue[bytes]", tasks: "list[asyncio.Task[None]]") -> bytes:
    getting = asyncio.ensure_future(done.get())
    try:
        while not getting.done():
            running = [task for task in tasks if not task.done()]
            await asyncio.wait({getting, *running}, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done():
                    task.result()
            if not running and done.empty() and not getting.done():
                raise RuntimeError("a batch ended before all its questions were answered")
        return getting.result()
    finally:
        getting.cancel()


async def _line(door: ChatDoor, caller: Caller, question: str, scope: Scope) -> dict[str, Any]:
    """An answer, or why there is none; never raises what an answer may raise."""
    try:
        asked = ChatRequest(question=question)
    except ValidationError as error:
        found = error.errors()[0]["msg"]
        details = [{"where": "question", "message": str(found)}]
        what_to_do = "Correct this question and send it again."
        return Refused(422, "InvalidRequest", "This question cannot be asked.", what_to_do, details=details).body()
    try:
        slot = await door.gate.take()
        try:
            run = await door.turns.ask(
                caller, asked.question, conversation_id=new_conversation_id(), scope=scope, history=()
            )
            try:
                answer = await run.whole()
            finally:
                run.close()
        finally:
            slot.release()
    except Exception as error:
        log.warning("batch_question_failed", kind=type(error).__name__, reason=str(error))
        return refusal_of(error).body()
    return answer_body(run.turn, answer)
