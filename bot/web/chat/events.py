"""One answer as server-sent events: stages, thoughts, text, sources, and how it ended."""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, assert_never

import structlog

from bot.cards.progress import Failed, words
from bot.errors import StoreError
from bot.texts import language_of, texts
from bot.web.chat.schemas import answer_body, sources_body
from bot.web.chat.sse import sse, sse_text
from bot.web.chat.turns import Run
from bot.web.errors import refusal_of
from rag.errors import RagError
from rag.events import AnswerEvent, Delta, Finished, NoEvidence, Reasoning, Retrieved

log = structlog.get_logger(__name__)

EVENTS = """Events: `stage` (`{"stage": "retrieving" | "retrieved" | "generating", "found": n}`; none for a greeting or
thanks), `reasoning` and `token` (`{"text": …}`), rarely `replace` (`{"text": …}`: the whole answer is this, and not the
tokens so far), `sources` (`{"sources": […]}`), then `done` (`{"answer_id", "outcome", "ending", …}`) or `error`
(`{"type", "message", "status"}`). Comments every 15 s keep the line open. Hanging up stops the answer."""

STREAM: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}, "description": EVENTS}
}
TOLD_BEFORE = ("answer", "sources")
"""What `done` leaves out of the answer's body: it was told by then."""


async def events_of(run: Run) -> AsyncGenerator[bytes]:
    """stage, reasoning, token, replace, sources, then done or error. Closing it hangs up on the model."""
    if run.is_sought:
        yield sse("stage", {"stage": "retrieving", "found": 0})
    try:
        async with contextlib.aclosing(run.events()) as events:
            async for piece in _told(events, run):
                yield piece
    except (RagError, StoreError) as error:
        log.warning("chat_failed", kind=type(error).__name__, reason=str(error))
        yield sse("error", _error(error, run.turn.question))
        return
    except Exception as error:
        yield sse("error", _error(error, run.turn.question))
        return
    yield sse("sources", {"sources": sources_body(run.answer.id, run.answer.sources)})
    body = {**answer_body(run.turn, run.answer), "understood": run.turn.standalone or None}
    yield sse("done", {name: value for name, value in body.items() if name not in TOLD_BEFORE})


async def _told(events: AsyncIterator[AnswerEvent], run: Run) -> AsyncGenerator[bytes]:
    found, is_writing = 0, False
    async for event in events:
        match event:
            case Delta(text=text):
                if is_writing:
                    yield sse_text(b"token", text)
                else:  # in one piece, so that the first token does not wait behind the stage
                    is_writing = True
                    yield sse("stage", {"stage": "generating", "found": found}) + sse_text(b"token", text)
            case Reasoning(text=text):
                yield sse_text(b"reasoning", text)
            case Retrieved(passages=passages):
                found = len(passages)
                yield sse("stage", {"stage": "retrieved", "found": found})
            case NoEvidence():
                pass
            case Finished(text=text):
                if not is_writing:
                    yield sse_text(b"token", text)
                elif text != run.streamed:
                    yield sse_text(b"replace", text)
            case _:
                assert_never(event)


def _error(error: Exception, question: str) -> dict[str, Any]:
    """Typed for programs, in words for people."""
    refused = refusal_of(error)
    sentence = words(Failed(error), texts(language_of(question)), has_text=False)
    return {"type": refused.type, "message": sentence, "status": refused.status}
