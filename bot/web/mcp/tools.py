"""What programs may call at `/mcp`: `search`, `ask`, `read_source`, each within what the caller's key may see.

Knows nothing of the protocol: arguments are models, results are a text for the agent and the same as data.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from bot.cards.progress import source_of
from bot.models import behind
from bot.repositories.shown_documents import ShownDocuments, ShownTo
from bot.repositories.turns import new_turn_id
from bot.repositories.web_turns import WEB
from bot.web.auth import Caller
from bot.web.chat.routes import ChatDoor, reply_body
from bot.web.chat.schemas import CONVERSATION_ID, Collections, QuestionText, new_conversation_id
from bot.web.errors import Refused
from bot.web.openai.routes import lines_below
from rag.documents import Chunk, Passage, Place
from rag.events import Delta
from rag.retrieval.retriever import SearchResult
from rag.scope import DEFAULT_COLLECTION

MOST_PASSAGES = 20
PAGE_CHARS = 20_000
"""Of a document, in one reply."""
OnText = Callable[[str], Awaitable[None]]


class SearchArguments(BaseModel):
    """Finds passages without writing an answer."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    query: QuestionText = Field(description="A question or key words, in any language the documents are in")
    collections: Collections | None = Field(None, description="Search these collections only; all when absent")
    limit: int = Field(8, ge=1, le=MOST_PASSAGES, description="The most passages to return")


class AskArguments(BaseModel):
    """Answers a question from the documents, with citations."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    question: QuestionText = Field(description="The question, as a person would ask it")
    conversation_id: str | None = Field(
        None, pattern=CONVERSATION_ID, description="From an earlier reply, where the question leans on that"
    )
    collections: Collections | None = Field(None, description="Search these collections only; all when absent")


class ReadSourceArguments(BaseModel):
    """Reads a document, passage by passage."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    source: str = Field(min_length=1, max_length=2_000, description="`source` of a passage or of an answer's source")
    collection: str = Field(
        DEFAULT_COLLECTION, min_length=1, max_length=100, description="`collection` of the same passage"
    )
    start: int = Field(1, ge=1, le=1_000_000, description="The passage to begin at; `next` of the reply before")


@dataclass(frozen=True, slots=True)
class ToolReply:
    """A tool's result: for the agent to read, and as data."""

    text: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class KnowledgeTools:
    """The tools over the web door. Each raises `Refused`, `RagError`, `FeishuError`, `StoreError`."""

    door: ChatDoor
    shown: ShownDocuments

    async def search(self, caller: Caller, arguments: SearchArguments) -> ToolReply:
        """The best passages, and whether retrieval takes them for evidence at all."""
        async with self._admitted(caller):
            scope = await self.door.scope(caller, arguments.collections)
            found = await self.door.turns.library.search(arguments.query, scope)
        passages = found.passages[: arguments.limit]
        await self._record(caller, passages)
        return ToolReply(_passages_text(passages, found), _passages_data(passages, found))

    async def ask(self, caller: Caller, arguments: AskArguments, on_text: OnText) -> ToolReply:
        """A whole answer, stored like one of the web chat; `on_text` gets each piece as it is written."""
        async with self._admitted(caller):
            scope = await self.door.scope(caller, arguments.collections)
            run = await self.door.turns.ask(
                caller,
                arguments.question,
                conversation_id=arguments.conversation_id or new_conversation_id(),
                scope=scope,
                history=None if arguments.conversation_id else (),
            )
            try:
                async with aclosing(run.events()) as events:
                    async for event in events:
                        if isinstance(event, Delta):
                            await on_text(event.text)
            finally:
                run.close()
        return ToolReply(run.answer.text + lines_below(run.answer), reply_body(run))

    async def read_source(self, caller: Caller, arguments: ReadSourceArguments) -> ToolReply:
        """What the index holds of a document, a page at a time. One that the key may not see is unknown to it."""
        async with self._admitted(caller):
            chunks = await self._chunks(caller, arguments.collection, arguments.source)
        first = arguments.start - 1
        if first >= len(chunks):
            raise Refused(
                422, "InvalidRequest", f"The document has {len(chunks)} passages.", "Begin at one of them with `start`."
            )
        page = _page(chunks[first:])
        following = first + len(page) + 1
        data = {
            "source": arguments.source,
            "collection": arguments.collection,
            "title": chunks[0].title,
            "link": chunks[0].link,
            "edited_at": chunks[0].edited_at or None,
            "passages_in_all": len(chunks),
            "passages": [
                {"number": number, "heading_path": each.heading_path, "place": _place(each.place), "text": each.text}
                for number, each in enumerate(page, start=arguments.start)
            ],
            "next": following if following <= len(chunks) else None,
        }
        await self._record(caller, [Passage(chunks[0], 0.0)])
        return ToolReply(_document_text(data), data)

    async def _chunks(self, caller: Caller, collection: str, source: str) -> tuple[Chunk, ...]:
        scope = await self.door.seen_by(caller)
        if self.door.access.shows(scope, behind(collection, source)):
            chunks = await self.door.turns.library.chunks_of(collection, source)
            if chunks:
                return chunks
        what_to_do = "Use `source` and `collection` as `search` or `ask` gave them."
        raise Refused(404, "NotFound", "There is no such document for this key.", what_to_do)

    async def _record(self, caller: Caller, passages: Sequence[Passage]) -> None:
        """Where rights are mirrored an admin can see which document was shown to whom, here too."""
        if self.door.access.mirrors and passages:
            sources = [source_of(number, each) for number, each in enumerate(passages, start=1)]
            await self.shown.add(new_turn_id(), sources, ShownTo(WEB, WEB, caller.name))

    @asynccontextmanager
    async def _admitted(self, caller: Caller) -> AsyncIterator[None]:
        """Within the key's rate and the bound on simultaneous answers. Raises `Refused` (429)."""
        self.door.gate.count(caller)
        slot = await self.door.gate.take()
        try:
            yield
        finally:
            slot.release()


def _page(chunks: Sequence[Chunk]) -> list[Chunk]:
    """As many as fit into a reply, and at least one."""
    page, chars = [chunks[0]], len(chunks[0].text)
    for chunk in chunks[1:]:
        chars += len(chunk.text)
        if chars > PAGE_CHARS:
            break
        page.append(chunk)
    return page


def _passages_data(passages: Sequence[Passage], found: SearchResult) -> dict[str, Any]:
    return {
        "is_evidence": found.is_evidence,
        "confidence": round(found.confidence, 3),
        "confidence_level": found.level,
        "passages": [
            {
                "number": number,
                "title": each.chunk.title,
                "heading_path": each.chunk.heading_path,
                "text": each.chunk.text,
                "source": each.chunk.source,
                "collection": each.chunk.collection,
                "link": each.chunk.link_at_place,
                "place": _place(each.chunk.place),
                "edited_at": each.chunk.edited_at or None,
            }
            for number, each in enumerate(passages, start=1)
        ],
    }


def _passages_text(passages: Sequence[Passage], found: SearchResult) -> str:
    if not passages:
        return "No passage of the documents matches."
    weak = "" if found.is_evidence else "None of these passages is likely to answer it.\n\n"
    return weak + "\n\n".join(_passage_text(number, each.chunk) for number, each in enumerate(passages, start=1))


def _passage_text(number: int, chunk: Chunk) -> str:
    link = f" {chunk.link_at_place}" if chunk.link_at_place else ""
    return (
        f"[{number}] {chunk.heading_path}{link}\n(source: {chunk.source}, collection: {chunk.collection})\n{chunk.text}"
    )


def _document_text(data: dict[str, Any]) -> str:
    parts = [f"{each['heading_path']}\n{each['text']}" for each in data["passages"]]
    more = [f"(The document goes on: start = {data['next']}.)"] if data["next"] else []
    return "\n\n".join([*parts, *more])


def _place(place: Place | None) -> dict[str, str] | None:
    return {"kind": place.kind, "name": place.name} if place else None
