"""OpenAI's chat protocol over the knowledge base, so that existing clients can ask it: `/v1/chat/completions`.

The last user message is the question and what came before is its history; system messages are the bot's own business.
The sources follow the answer as text, because such clients have no other place for them, and as `sources` beside it.
"""

import contextlib
import time
from collections.abc import AsyncGenerator
from typing import Any

import structlog
from fastapi import APIRouter, Request
from starlette.responses import Response

from bot.cards.verified import verified_line
from bot.handlers.http import json_response
from bot.intake.intake import MAX_QUESTION_CHARS
from bot.intake.smalltalk import is_pleasantry
from bot.models import Answer
from bot.texts import language_of, texts
from bot.web.chat.routes import BEARER, ChatDoor, asking, who, whole
from bot.web.chat.schemas import answer_body, new_conversation_id
from bot.web.chat.sse import Stream, sse_data
from bot.web.chat.turns import Run
from bot.web.errors import RESPONSES, Refused, refusal_of
from bot.web.openai.schemas import CHUNKS, COMPLETION, MODEL, CompletionRequest, Message, ModelList
from rag.errors import RagError
from rag.events import Delta, Exchange, Finished, Reasoning

log = structlog.get_logger(__name__)

FINISH_REASONS = {
    "": "stop",
    "length": "length",
    "broken": "length",
    "overloaded": "length",
    "filtered": "content_filter",
}
"""By ending. The protocol has no word for a broken connection; "length" tells clients that the text is not whole."""
GROUNDS = ("outcome", "confidence", "confidence_level", "calibrated", "ending", "verified")


def completions_router(door: ChatDoor) -> APIRouter:
    """`/v1/chat/completions` and `/v1/models`."""
    router = APIRouter(prefix="/v1", tags=["OpenAI-compatible"], dependencies=[BEARER])

    @router.get("/models", response_model=ModelList, responses=RESPONSES, summary="Names that `model` may have")
    async def models(request: Request) -> Response:
        names = [MODEL, *(f"{MODEL}:{name}" for name in await door.collections(who(request)))]
        entries = [{"id": name, "object": "model", "created": 0, "owned_by": MODEL} for name in names]
        return json_response({"object": "list", "data": entries})

    @router.post(
        "/chat/completions",
        responses={**RESPONSES, **COMPLETION},
        summary="Ask with an OpenAI client",
        description=CHUNKS,
    )
    async def complete(request: Request, body: CompletionRequest) -> Response:
        caller = asking(request, door.gate)
        question, history = question_of(body.messages)
        wanted = [body.model.removeprefix(f"{MODEL}:")] if body.model.startswith(f"{MODEL}:") else None
        scope = await door.scope(caller, wanted)
        slot = await door.gate.take()
        try:
            conversation_id = new_conversation_id()
            run = await door.turns.ask(caller, question, conversation_id=conversation_id, scope=scope, history=history)
            if body.stream:
                content = _chunks(run, bool(body.stream_options and body.stream_options.include_usage))
                return Stream(
                    content,
                    slot=slot,
                    metrics=door.metrics,
                    stall_s=door.stall_s,
                    closed=run.close,
                    label="completions",
                )
            reply = await whole(request, run, _completion)
        except BaseException:
            slot.release()
            raise
        slot.release()
        return reply

    return router


def question_of(messages: list[Message]) -> tuple[str, tuple[Exchange, ...]]:
    """The last user message, and the pairs before it. Raises `Refused` (422) where nothing is asked."""
    last = next((at for at in range(len(messages) - 1, -1, -1) if messages[at].role == "user"), -1)
    question = messages[last].text.replace("\x00", "").strip() if last >= 0 else ""
    if not question or len(question) > MAX_QUESTION_CHARS:
        wrong = f"a question of at most {MAX_QUESTION_CHARS} characters is wanted" if question else "nothing is asked"
        details = [{"where": "body.messages", "message": wrong}]
        what_to_do = "End with a user message that holds the question as text."
        raise Refused(422, "InvalidRequest", "The messages hold no question.", what_to_do, details=details)
    exchanges, asked = [], ""
    for message in messages[:last]:
        if message.role == "user":
            asked = message.text
        elif message.role == "assistant" and asked:
            if not is_pleasantry(asked):
                exchanges.append(Exchange(asked, message.text))
            asked = ""
    return question, tuple(exchanges)


def _completion(run: Run) -> dict[str, Any]:
    answer = run.answer
    message = {"role": "assistant", "content": answer.text + lines_below(answer)}
    choice = {"index": 0, "message": message, "finish_reason": FINISH_REASONS[answer.ending], "logprobs": None}
    envelope = _envelope(run, "chat.completion")
    return {**envelope, "choices": [choice], "usage": _usage(answer), **_extension(run)}


async def _chunks(run: Run, include_usage: bool) -> AsyncGenerator[bytes]:
    """The stream of OpenAI's protocol: chunks, then `[DONE]`. Closing it hangs up on the model."""
    envelope = _envelope(run, "chat.completion.chunk")

    def chunk(delta: dict[str, Any], finish_reason: str | None = None, **more: Any) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}
        return sse_data({**envelope, "choices": [choice], **more})

    yield chunk({"role": "assistant", "content": ""})
    is_written = False
    try:
        async with contextlib.aclosing(run.events()) as events:
            async for event in events:
                match event:
                    case Delta(text=text):
                        is_written = True
                        yield chunk({"content": text})
                    case Reasoning(text=text):
                        yield chunk({"reasoning_content": text})
                    case Finished(text=text) if not is_written:
                        yield chunk({"content": text})
                    case Finished(text=text) if not text.startswith(run.streamed):
                        yield chunk({"content": f"\n\n{text}"})  # what was sent cannot be taken back
                    case Finished(text=text) if text != run.streamed:
                        yield chunk({"content": text.removeprefix(run.streamed)})
    except Exception as error:
        if isinstance(error, RagError):
            log.warning("completion_failed", kind=type(error).__name__, reason=str(error))
        yield sse_data(refusal_of(error).body())
        return
    if lines := lines_below(run.answer):
        yield chunk({"content": lines})
    yield chunk({}, FINISH_REASONS[run.answer.ending], **_extension(run))
    if include_usage:
        yield sse_data({**envelope, "choices": [], "usage": _usage(run.answer)})
    yield b"data: [DONE]\n\n"


def lines_below(answer: Answer) -> str:
    """What clients without a place of their own for it read below the answer, as Markdown: who stands for it; that no
    source stands behind it; the cited sources."""
    wording = texts(language_of(answer.text))
    hedged = (wording.hedged_model if answer.model else wording.hedged_quotes) if answer.outcome == "hedged" else ""
    parts = [verified_line(answer.verified, wording), hedged]
    cited = [source for source in answer.sources if source.cited]
    if cited:
        title = wording.sources.format(count=len(cited))
        lines = [f"[{source.number}] {source.title}{_place(source.heading_path, source.best_link)}" for source in cited]
        parts.append("\n".join([title, *lines]))
    return "".join(f"\n\n{part}" for part in parts if part)


def _place(heading_path: str, link: str | None) -> str:
    heading = f" › {heading_path}" if heading_path else ""
    return f"{heading} {link}" if link else heading


def _extension(run: Run) -> dict[str, Any]:
    """What is ours in a completion: the sources, and what stands behind the answer."""
    body = answer_body(run.turn, run.answer)
    return {name: body[name] for name in ("sources", *GROUNDS)}


def _envelope(run: Run, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{run.answer.id}", "object": kind, "created": int(time.time()), "model": MODEL}


def _usage(answer: Answer) -> dict[str, int]:
    usage = answer.usage or {}
    prompt, completion = usage.get("prompt", 0), usage.get("completion", 0)
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
