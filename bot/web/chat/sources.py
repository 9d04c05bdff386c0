"""A source in full: the passage as the model saw it, for who reads an answer and wants to see where it is from."""

from dataclasses import dataclass
from pathlib import PurePath
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from bot.access.rules import FILES
from bot.documents.library_sources import PREFIX
from bot.handlers.http import json_response
from bot.models import Answer, Source, Turn
from bot.web.chat.routes import BEARER, AnswerId, ChatDoor, who
from bot.web.chat.schemas import PlaceBody, place_body
from bot.web.errors import NOT_FOUND, RESPONSES, Refused
from rag.ingestion.files import why_not_read
from rag.text.support import supporting

SourceNumber = Annotated[int, Path(ge=1, le=999)]


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
    link_at_place: str | None = Field(description="The link, opening at the place")
    original: str | None = Field(
        description="Address of the file at this door, with `#page=` for a PDF; null for what is no file here",
        examples=["/chat/a1f…/sources/1/file#page=3"],
    )
    read: str = Field(description="What of the document is in the index", examples=["12 pages, 3 tables"])
    left_out: list[str] = Field(
        description="What of the document is not, and why", examples=[["2 pages are pictures; install the extra ocr"]]
    )


@dataclass(frozen=True, slots=True)
class Opened:
    """A source that the caller may see, with the answer that it is of, and its passage out of the answer's trace: empty
    once that is forgotten."""

    turn: Turn
    answer: Answer
    source: Source
    passage: dict[str, Any]


def sources_router(door: ChatDoor) -> APIRouter:
    """`GET /chat/{answer_id}/sources/{number}`."""
    router = APIRouter(tags=["chat"], dependencies=[BEARER])

    @router.get(
        "/chat/{answer_id}/sources/{number}",
        response_model=SourceReply,
        responses={**RESPONSES, **NOT_FOUND},
        summary="Open a source of an answer",
    )
    async def source(request: Request, answer_id: AnswerId, number: SourceNumber) -> Response:
        opened = await open_source(door, request, answer_id, number)
        document = await door.turns.document(opened.source)
        read = (
            {"read": document.content, "left_out": list(document.notes)} if document else {"read": "", "left_out": []}
        )
        return json_response({**_body(door, opened), **read})

    return router


async def open_source(door: ChatDoor, request: Request, answer_id: str, number: int) -> Opened:
    """A source for whoever may see its answer. Raises `Refused` (403, 404)."""
    caller = who(request)
    turn, answer = await door.turns.look_up(caller, answer_id)
    seen = await door.seen_by(caller)
    if not door.access.shows(seen, answer.behind):  # the rules may have changed since it was given
        raise Refused(403, "Forbidden", "This key may not see this answer's sources.", "Ask the question again.")
    for source in answer.sources:
        if source.number == number:
            return Opened(turn, answer, source, await _passage(door, answer_id, source))
    raise Refused(404, "NotFound", "The answer has no such source.", "Use a `metadata.number` of its `sources`.")


async def _passage(door: ChatDoor, answer_id: str, source: Source) -> dict[str, Any]:
    trace = await door.turns.trace_of(answer_id) or {}
    for passage in trace.get("passages", ()):
        if passage["number"] == source.number and passage["source"] == source.source:
            return dict(passage)
    return {}


def _body(door: ChatDoor, opened: Opened) -> dict[str, Any]:
    source, turn = opened.source, opened.turn
    text = str(opened.passage.get("text") or source.snippet)
    return {
        "id": f"{opened.answer.id}.{source.number}",
        "number": source.number,
        "title": source.title,
        "heading_path": source.heading_path,
        "place": place_body(source) or opened.passage.get("place"),
        "text": text,
        "is_whole": bool(opened.passage),
        "highlights": supporting(text, opened.answer.text, source.number, turn.standalone or turn.question),
        "source": source.source,
        "collection": source.collection,
        "link": source.link,
        "link_at_place": source.best_link,
        "original": _original(opened) if door.gives_files else None,
    }


def _original(opened: Opened) -> str | None:
    """Where the door gives the file; whether it is still there is seen when it is asked for."""
    source = opened.source
    if source.source.startswith(PREFIX) or source.collection == FILES or why_not_read(source.source) != "":
        return None
    address = f"/chat/{opened.answer.id}/sources/{source.number}/file"
    is_pdf = PurePath(source.source).suffix.lower() == ".pdf" and source.place_kind == "page"
    return f"{address}#page={source.place_name}" if is_pdf and source.place_name.isdecimal() else address
