"""The document behind a source: all of its text, scrolled to the passage, and the file that it was read from."""

from collections.abc import Sequence
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from bot.cards.progress import snippet_of
from bot.handlers.http import json_response
from bot.web.chat.routes import BEARER, AnswerId, ChatDoor
from bot.web.chat.sources import Opened, SourceNumber, open_source
from bot.web.errors import NOT_FOUND, RESPONSES, Refused
from rag.documents import Chunk
from rag.errors import RagError, Unreadable

MOST_TEXT_CHARS = 200_000
"""Of a document, around the passage: what a page can draw at once."""
PDF = b"%PDF-"
_GONE = "Look for it where it came from, or ask the question again."
_LOCKED_DOWN = "default-src 'none'; sandbox; frame-ancestors 'none'"
"""A file that a browser should show all the same, against its disposition, may run and load nothing."""


FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The bytes of the file",
        "content": {
            kind: {"schema": {"type": "string", "format": "binary"}}
            for kind in ("application/pdf", "application/octet-stream")
        },
    }
}


class TextPart(BaseModel):
    """A stretch of a document under one heading."""

    headings: list[str] = Field(description="The headings above it, the outermost first")
    text: str = Field(description="Markdown")
    is_passage: bool = Field(description="Whether it is (part of) the passage that the answer leans on")


class DocumentTextReply(BaseModel):
    """The text of a document as it is in the index now."""

    title: str
    parts: list[TextPart]
    has_passage: bool = Field(description="false where the document has changed since, and the passage is gone from it")
    is_cut: bool = Field(description="Whether only what is around the passage is here, because the document is long")


def source_documents_router(door: ChatDoor) -> APIRouter:
    """`GET /chat/{answer_id}/sources/{number}/text` and `…/file`."""
    router = APIRouter(tags=["chat"], dependencies=[BEARER])

    @router.get(
        "/chat/{answer_id}/sources/{number}/text",
        response_model=DocumentTextReply,
        responses={**RESPONSES, **NOT_FOUND},
        summary="Read the document behind a source",
    )
    async def text(request: Request, answer_id: AnswerId, number: SourceNumber) -> Response:
        opened = await open_source(door, request, answer_id, number)
        source = opened.source
        chunks = await door.turns.library.chunks_of(source.collection, source.source)
        if not chunks:
            raise Refused(404, "NotFound", "The document is not in the index any more.", _GONE)
        return json_response(_text_body(chunks, opened))

    @router.get(
        "/chat/{answer_id}/sources/{number}/file",
        response_class=Response,
        responses={**RESPONSES, **NOT_FOUND, **FILE},
        summary="Get the file behind a source",
        description="A PDF is shown by the browser (`#page=3` opens it there); everything else is a download.",
    )
    async def file(request: Request, answer_id: AnswerId, number: SourceNumber) -> Response:
        if not door.gives_files:
            raise Refused(403, "Forbidden", "This door gives no files.", "Set bot.web_files to true to allow it.")
        opened = await open_source(door, request, answer_id, number)
        return _file_response(opened.source.source, await _content(door, opened))

    return router


def _text_body(chunks: Sequence[Chunk], opened: Opened) -> dict[str, Any]:
    marked = [_is_in(chunk, opened) for chunk in chunks]
    first = marked.index(True) if True in marked else 0
    start, stop = _around(chunks, first)
    parts: list[dict[str, Any]] = []
    end = -1
    for chunk, is_passage in zip(chunks[start:stop], marked[start:stop], strict=True):
        text = (
            chunk.text[max(0, end - chunk.start) :] if chunk.start < end else chunk.text
        )  # chunks reach back a little
        end = max(end, chunk.end)
        if text.strip():
            parts.append({"headings": list(chunk.headings), "text": text, "is_passage": is_passage})
    is_cut = (start, stop) != (0, len(chunks))
    return {"title": opened.source.title, "parts": parts, "has_passage": any(marked), "is_cut": is_cut}


def _is_in(chunk: Chunk, opened: Opened) -> bool:
    """Whether a chunk is one of those that make up the passage; once the trace is forgotten, whether it begins so."""
    passage = opened.passage
    if not passage:
        return snippet_of(chunk.text) == opened.source.snippet
    return chunk.heading_path == passage.get("heading_path") and chunk.text in str(passage.get("text"))


def _around(chunks: Sequence[Chunk], at: int) -> tuple[int, int]:
    """The range of chunks that are given: as many as fit, half of them before the passage."""
    start, stop, room = at, at + 1, MOST_TEXT_CHARS - len(chunks[at].text)
    while (start > 0 or stop < len(chunks)) and room > 0:
        goes_back = start > 0 and (stop == len(chunks) or at - start < stop - at)
        start, stop = (start - 1, stop) if goes_back else (start, stop + 1)
        room -= len(chunks[start if goes_back else stop - 1].text)
    return start, stop


async def _content(door: ChatDoor, opened: Opened) -> bytes:
    """The file's bytes. Raises `Refused` (404)."""
    try:
        content = await door.turns.library.original(opened.source.collection, opened.source.source)
    except Unreadable as error:
        raise Refused(404, "NotFound", f"The file {error.reason}.", _GONE) from error
    except RagError:
        content = None
    if content is None:
        raise Refused(404, "NotFound", "The file is not there any more.", _GONE)
    return content


def _file_response(source: str, content: bytes) -> Response:
    """A PDF inline; anything else, also what only calls itself a PDF, as a download that no browser runs."""
    path = PurePath(source)
    is_pdf = path.suffix.lower() == ".pdf" and PDF in content[:1024]
    name = quote(path.name, safe="", errors="replace")
    headers = {
        "Content-Disposition": f"{'inline' if is_pdf else 'attachment'}; filename*=UTF-8''{name}",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    if not is_pdf:
        headers["Content-Security-Policy"] = _LOCKED_DOWN
    return Response(content, media_type="application/pdf" if is_pdf else "application/octet-stream", headers=headers)
