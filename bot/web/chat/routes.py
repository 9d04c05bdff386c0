"""The same answers over HTTP: `POST /chat` whole, `/chat/stream` as server-sent events, votes and new versions."""

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.security import HTTPBearer
from sse_starlette import EventSourceResponse
from starlette.responses import Response

from bot.access.rules import FILES, Access
from bot.handlers.http import json_response
from bot.jobs.card_extras import blanked
from bot.models import Answer, Turn
from bot.observability.metrics import Metrics
from bot.repositories.votes import Feedback
from bot.texts import language_of, texts
from bot.web.auth import LOCAL, Caller, caller_of
from bot.web.chat.admission import Gate, unless_hung_up
from bot.web.chat.events import EVENTS, STREAM, events_of
from bot.web.chat.schemas import (
    CONVERSATION_ID,
    ChatReply,
    ChatRequest,
    ConversationReply,
    FeedbackReply,
    FeedbackRequest,
    QuestionText,
    answer_body,
    new_conversation_id,
    stored_turn,
)
from bot.web.chat.sse import Stream
from bot.web.chat.turns import Run, WebTurns
from bot.web.errors import NOT_CUT, NOT_FOUND, RESPONSES, Refused
from rag.scope import Scope

BEARER = Depends(HTTPBearer(auto_error=False, description="One of the keys of bot.api_keys"))
AnswerId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


async def _no_chat(_person: str) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class ChatDoor:
    """What the routes need."""

    turns: WebTurns
    feedback: Feedback
    gate: Gate
    metrics: Metrics
    access: Access
    stall_s: float = 60.0
    gives_files: bool = True
    """Whether the files that sources are from are given out."""
    private_chat_of: Callable[[str], Awaitable[str]] = _no_chat
    """The private chat of a person, whose rule holds for their own key, too."""

    async def seen_by(self, caller: Caller) -> Scope:
        """What a caller may see; with a person's own key what they may see in private. Raises `FeishuError`,
        `StoreError`."""
        if not caller.person:
            return self.access.of_key(caller.collections, is_admin=caller.is_admin)
        chat_id = await self.private_chat_of(caller.person)
        scope = await self.access.scope(chat_id, "p2p", caller.person)
        return scope if caller.collections is None else scope.within(Scope(caller.collections))

    async def scope(self, caller: Caller, wanted: list[str] | None) -> Scope:
        """What may be searched: what is asked for, within what the key may see. Raises `Refused` (403, 422), and like
        `seen_by`."""
        seen = await self.seen_by(caller)
        if wanted is None:
            return seen
        allowed, asked = seen.names, frozenset(wanted)
        if allowed is not None and not asked <= allowed:
            message = f"This key may not search {', '.join(sorted(asked - allowed))}."
            raise Refused(403, "Forbidden", message, f"It may search {', '.join(sorted(allowed - {FILES})) or 'none'}.")
        known = frozenset(await self.turns.library.collections())
        if not asked <= known:
            details = [
                {"where": "body.collections", "message": f"{name} is not a collection"} for name in asked - known
            ]
            what_to_do = f"Collections are: {', '.join(sorted(known & (allowed or known)))}."
            raise Refused(422, "InvalidRequest", "There is no such collection.", what_to_do, details=details)
        return replace(seen, names=asked)

    async def collections(self, caller: Caller) -> list[str]:
        """The names of those that a caller may search. Raises `RagError`, and like `seen_by`."""
        scope = await self.seen_by(caller)
        return [name for name in await self.turns.library.collections() if scope.shows((name,))]

    def stream(self, run: Run, slot: Any) -> Stream:
        """The run as server-sent events."""
        headers = {"X-Answer-Id": run.answer.id, "X-Conversation-Id": run.turn.question_message_id}
        return Stream(
            events_of(run),
            slot=slot,
            metrics=self.metrics,
            stall_s=self.stall_s,
            closed=run.close,
            headers=headers,
        )


def chat_router(door: ChatDoor) -> APIRouter:
    """The routes of the chat API."""
    router = APIRouter(tags=["chat"], dependencies=[BEARER])
    _add_asking(router, door)
    _add_after(router, door)
    _add_past(router, door)
    return router


def _add_asking(router: APIRouter, door: ChatDoor) -> None:
    @router.post("/chat", response_model=ChatReply, responses=RESPONSES, summary="Ask, and get the whole answer")
    async def chat(request: Request, body: ChatRequest) -> Response:
        caller = asking(request, door.gate)
        slot = await door.gate.take()
        try:
            run = await _run(door, caller, body)
            return await whole(request, run, reply_body)
        finally:
            slot.release()

    @router.post(
        "/chat/stream",
        response_class=EventSourceResponse,
        responses={**RESPONSES, **STREAM},
        summary="Ask, and get the answer as it is written",
        description=EVENTS,
    )
    async def stream(request: Request, body: ChatRequest) -> Response:
        caller = asking(request, door.gate)
        slot = await door.gate.take()
        with _freed_on_failure(slot):
            return door.stream(await _run(door, caller, body), slot)

    @router.get(
        "/chat/stream",
        response_class=EventSourceResponse,
        responses={**RESPONSES, **STREAM},
        summary="The same for EventSource",
        description=EVENTS,
    )
    async def stream_for_event_source(
        request: Request,
        question: Annotated[QuestionText, Query()],
        conversation_id: Annotated[str | None, Query(pattern=CONVERSATION_ID)] = None,
    ) -> Response:
        return await stream(request, ChatRequest(question=question, conversation_id=conversation_id))


def _add_after(router: APIRouter, door: ChatDoor) -> None:
    @router.post(
        "/chat/{answer_id}/feedback",
        response_model=FeedbackReply,
        responses={**RESPONSES, **NOT_FOUND},
        summary="Vote on an answer",
    )
    async def feedback(request: Request, answer_id: AnswerId, body: FeedbackRequest) -> Response:
        caller = who(request)
        if body.vote == "up" and (body.reason or body.comment):
            details = [{"where": "body.reason", "message": "only a vote down has a reason"}]
            raise Refused(422, "InvalidRequest", "A vote up has no reason.", "Leave reason out.", details=details)
        await door.turns.look_up(caller, answer_id)
        await door.feedback.vote(answer_id, caller.name, body.vote)
        door.metrics.voted(body.vote)
        if body.reason or body.comment:
            comment = body.comment.replace("\x00", "")
            await door.feedback.give_reason(answer_id, caller.name, body.reason or "other", comment)
        totals = await door.feedback.totals(answer_id)
        return json_response({"answer_id": answer_id, "vote": body.vote, **totals})

    @router.post(
        "/chat/{answer_id}/regenerate",
        response_model=ChatReply,
        responses={**RESPONSES, **NOT_FOUND},
        summary="Answer the same question once more",
        description=f"A stream when the request accepts text/event-stream, else the whole answer. {EVENTS}",
    )
    async def regenerate(request: Request, answer_id: AnswerId) -> Response:
        return await _version(request, door, answer_id)

    @router.post(
        "/chat/{answer_id}/continue",
        response_model=ChatReply,
        responses={**RESPONSES, **NOT_FOUND, **NOT_CUT},
        summary="Go on with an answer that was cut off",
        description="The next version: the text so far (the first `token` of a stream) and what follows. Where the "
        "passages that it cites are not the same any more, the question is answered anew. "
        f"A stream when the request accepts text/event-stream, else the whole answer. {EVENTS}",
    )
    async def go_on(request: Request, answer_id: AnswerId) -> Response:
        return await _version(request, door, answer_id, goes_on=True)


def _add_past(router: APIRouter, door: ChatDoor) -> None:
    @router.get(
        "/chat/conversations/{conversation_id}",
        response_model=ConversationReply,
        responses=RESPONSES,
        summary="What was asked and answered in a conversation",
    )
    async def conversation(
        request: Request, conversation_id: Annotated[str, Path(pattern=CONVERSATION_ID)]
    ) -> Response:
        caller = who(request)
        told = await door.turns.store.conversation(caller.name, conversation_id)
        shows = partial(door.access.shows, await door.seen_by(caller))
        shown = [
            stored_turn(turn, [_seen(answer, turn, shows) for answer in versions], votes)
            for turn, versions, votes in told
        ]
        return json_response({"conversation_id": conversation_id, "turns": shown})


def _seen(answer: Answer, turn: Turn, shows: Callable[[frozenset[str]], bool]) -> Answer:
    """An answer as it may be seen now: the rules may have changed since it was given."""
    return answer if shows(answer.behind) else blanked(answer, texts(language_of(turn.question)))


def who(request: Request) -> Caller:
    """The caller; a door without a guard (tests) is this machine's."""
    return caller_of(request) or LOCAL


def asking(request: Request, gate: Gate, questions: int = 1) -> Caller:
    """The caller, with this many questions taken from its rate."""
    caller = who(request)
    gate.count(caller, questions)
    return caller


async def whole(request: Request, run: Run, body: Callable[[Run], dict[str, Any]]) -> Response:
    """The run's answer, as `body` tells it once it is stored; hanging up stops it. Raises what the run raises."""
    try:
        answer = await unless_hung_up(request, run.whole())
    finally:
        run.close()
    if answer is None:
        return Response(status_code=204)  # nobody is there to read it
    return json_response(body(run))


def reply_body(run: Run) -> dict[str, Any]:
    """A `ChatReply`."""
    return {**answer_body(run.turn, run.answer), "understood": run.turn.standalone or None}


async def _run(door: ChatDoor, caller: Caller, body: ChatRequest) -> Run:
    scope = await door.scope(caller, body.collections)
    conversation_id = body.conversation_id or new_conversation_id()
    history = None if body.conversation_id else ()  # a new conversation has none
    return await door.turns.ask(caller, body.question, conversation_id=conversation_id, scope=scope, history=history)


async def _version(request: Request, door: ChatDoor, answer_id: str, *, goes_on: bool = False) -> Response:
    """The next version of an answer, streamed or whole."""
    caller = asking(request, door.gate)
    slot = await door.gate.take()
    with _freed_on_failure(slot):
        run = await door.turns.again(caller, answer_id, scope=await door.seen_by(caller), goes_on=goes_on)
        if "text/event-stream" in request.headers.get("accept", ""):
            return door.stream(run, slot)
        answered = await whole(request, run, reply_body)
        slot.release()
        return answered


@contextlib.contextmanager
def _freed_on_failure(slot: Any) -> Any:
    try:
        yield
    except BaseException:
        slot.release()
        raise
