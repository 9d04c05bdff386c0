"""A source in full: the passage as the model saw it, for who reads an answer and wants to see where it is from."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from bot.handlers.http import json_response
from bot.models import Answer, Source
from bot.web.chat.routes import BEARER, AnswerId, ChatDoor, who
from bot.web.chat.support import supporting
from bot.web.errors import NOT_FOUND, RESPONSES, Refused
from rag.documents import PlaceKind


class PlaceBody(BaseModel):
    """Where in a document."""

    kind: PlaceKind
    name: str = Field(examples=["3"])


class SourceReply(BaseModel):
    """One source of an answer, opened."""

    id: str = Field(description="`{answer_id}.{number}`", examples=["a1f….1"])
    number: int = Field(description="The answer cites it as [number]")
    title: str
    heading_path: str = Field(examples=["三、时限"])
    place: PlaceBody | None = Field(description="Where in the document, where it has such places")
    text: str = Field(description="The passage as the model saw it, in Markdown")
    is_whole: bool = Field(description="false when only the first 200 characters are kept: passages are for 30 days")
    highlights: list[str] = Field(description="Parts of `text` that are nearest to what the answer says with [number]")
    source: str = Field(description="File or address", examples=["finance/travel.md"])
    collection: str
    link: str | None
    read: str = Field(description="What of the document is in the index", examples=["12 pages, 3 tables"])
    left_out: list[str] = Field(
        description="What of the document is not, and why", examples=[["2 pages are pictures; install the extra ocr"]]
    )


def sources_router(door: ChatDoor) -> APIRouter:
    """`GET /chat/{answer_id}/sources/{number}`."""
    router = APIRouter(tags=["chat"], dependencies=[BEARER])

    @router.get(
        "/chat/{answer_id}/sources/{number}",
        response_model=SourceReply,
        responses={**RESPONSES, **NOT_FOUND},
        summary="Open a source of an answer",
    )
    async def source(request: Request, answer_id: AnswerId, number: Annotated[int, Path(ge=1, le=999)]) -> Response:
        caller = who(request)
        turn, answer = await door.turns.look_up(caller, answer_id)
        if not door.seen_by(caller).shows(answer.collections):  # the rules may have changed since it was given
            raise Refused(403, "Forbidden", "This key may not see this answer's sources.", "Ask the question again.")
        found = _source(answer, number)
        passage = await _passage(door, answer_id, found)
        text = str(passage.get("text") or found.snippet)
        document = await door.turns.document(found)
        body = {
            "id": f"{answer_id}.{number}",
            "number": number,
            "title": found.title,
            "heading_path": found.heading_path,
            "place": passage.get("place"),
            "text": text,
            "is_whole": bool(passage),
            "highlights": supporting(text, answer.text, number, turn.standalone or turn.question),
            "source": found.source,
            "collection": found.collection,
            "link": found.link,
            "read": document.content if document else "",
            "left_out": list(document.notes) if document else [],
        }
        return json_response(body)

    return router


def _source(answer: Answer, number: int) -> Source:
    for source in answer.sources:
        if source.number == number:
            return source
    raise Refused(404, "NotFound", "The answer has no such source.", "Use a `metadata.number` of its `sources`.")


async def _passage(door: ChatDoor, answer_id: str, source: Source) -> dict[str, Any]:
    """The passage of the answer's trace; empty once the trace is forgotten."""
    trace = await door.turns.trace_of(answer_id) or {}
    for passage in trace.get("passages", ()):
        if passage["number"] == source.number and passage["source"] == source.source:
            return dict(passage)
    return {}
