"""`/admin`: the documents themselves: their list, files that come and go, an ingest and how far it is, a search."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Annotated, Literal, Protocol

import structlog
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from bot.documents.catalogue import ReadingState, Sort, Wanted
from bot.inbox.admin import JobList, NotPossible
from bot.jobs.ingest import IngestHandler
from bot.web.admin.library_view import LibraryView
from bot.web.admin.routes import API, AdminDoor, Days, json_body
from bot.web.admin.search_view import search_body
from bot.web.chat.schemas import QuestionText
from bot.web.errors import Refused
from rag.errors import FileRefused, Refusal
from rag.generation.factory import uses_model
from rag.index.base.manifest import is_being_written
from rag.ingestion.folder_changes import FilePart
from rag.retrieval.retriever import SearchResult
from rag.scope import EVERYTHING, Scope

log = structlog.get_logger(__name__)

RUNS = 10
MOST_AGAIN = 200
STATUSES: dict[Refusal, int] = {"size": 413, "kind": 415, "name": 422, "empty": 422, "full": 507}
"""What is refused by a conflict with what is there is 409."""
Words = Annotated[str, Query(max_length=200)]
Name = Annotated[str, Query(min_length=1, max_length=100)]
SourceName = Annotated[str, Query(min_length=1, max_length=2_000)]
PageNumber = Annotated[int, Query(ge=1, le=100_000)]


class FindsPassages(Protocol):
    """What this needs of `rag.knowledge_base.KnowledgeBase`."""

    async def search(self, text: str, scope: Scope) -> SearchResult: ...


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class DocumentName(_Body):
    """One document."""

    collection: Annotated[str, Field(min_length=1, max_length=100)]
    source: Annotated[str, Field(min_length=1, max_length=2_000)]


class ReadingWanted(_Body):
    """What is to be read: `again` these documents, also where they did not change; else all that changed, with
    `rebuild` all there is."""

    again: Annotated[list[DocumentName], Field(max_length=MOST_AGAIN)] = []
    rebuild: bool = False


class SearchWanted(_Body):
    """A question, and the collections that are searched (none: all)."""

    question: QuestionText
    collections: Annotated[list[str], Field(max_length=200)] = []


@dataclass(frozen=True, slots=True)
class LibraryDoor:
    """What the routes need besides those of the rest of the page. `wake` is called after a job was accepted."""

    view: LibraryView
    ingests: IngestHandler
    jobs: JobList
    search: FindsPassages
    wake: Callable[[], None]


def library_router(door: AdminDoor, library: LibraryDoor) -> APIRouter:
    """`…/admin/api/library` and what is below it."""
    router = APIRouter(prefix=f"{API}/library", include_in_schema=False)
    _add_list(router, door, library.view)
    _add_files(router, door, library.view)
    _add_ingest(router, door, library)
    _add_search(router, door, library)
    return router


def _add_list(router: APIRouter, door: AdminDoor, view: LibraryView) -> None:
    @router.get("")
    async def documents(
        request: Request,
        words: Words = "",
        collection: Annotated[str, Query(max_length=100)] = "",
        state: ReadingState | Literal[""] = "",
        sort: Sort = "attention",
        page: PageNumber = 1,
        days: Days = 30,
    ) -> Response:
        await door.admin(request)
        return json_body(await view.page(Wanted(words, collection, state, sort, page), days))

    @router.get("/collections")
    async def collections(request: Request) -> Response:
        await door.admin(request)
        most_mb = view.settings.rag.reading.max_file_mb
        return json_body({"collections": await view.collections(), "max_file_mb": most_mb})

    @router.get("/passages")
    async def passages(request: Request, collection: Name, source: SourceName, page: PageNumber = 1) -> Response:
        await door.admin(request)
        return json_body(await view.passages(collection, source, page))


def _add_files(router: APIRouter, door: AdminDoor, view: LibraryView) -> None:
    @router.post("/upload")
    async def upload(
        request: Request,
        collection: Name,
        name: Annotated[str, Query(max_length=1_000)],
        token: Annotated[str, Query(max_length=64)],
        size: Annotated[int, Query(ge=0)],
        folder: Annotated[int, Query(ge=0, le=1_000)] = 0,
        offset: Annotated[int, Query(ge=0)] = 0,
        replace: bool = False,
    ) -> Response:
        admin = await door.admin(request, writes=True)
        part = FilePart(name, token, size, offset, await request.body(), replace)
        try:
            kept = await view.put(collection, folder, part)
        except FileRefused as refused:
            raise _refusal(refused) from refused
        if kept:
            log.info("document_uploaded", admin=admin.who, collection=collection, file=kept, size=size)
        return json_body({"name": kept, "received": offset + len(part.content)})

    @router.post("/remove")
    async def remove(request: Request, document: DocumentName) -> Response:
        admin = await door.admin(request, writes=True)
        try:
            await view.remove(document.collection, document.source)
        except FileRefused as refused:
            raise _refusal(refused) from refused
        log.info("document_removed", admin=admin.who, collection=document.collection, file=document.source)
        return json_body({"ok": True})


def _add_ingest(router: APIRouter, door: AdminDoor, library: LibraryDoor) -> None:
    ingests = library.ingests

    @router.get("/ingest")
    async def progress(request: Request) -> Response:
        await door.admin(request)
        runs = [asdict(run) for run in await ingests.runs.newest(RUNS)]
        is_ours = any(run["state"] == "running" for run in runs)
        other = not is_ours and is_being_written(ingests.ingesting.settings.rag.index_dir)
        is_asked_often = any(run["ended_at"] is None for run in runs)  # it would wait for the platform each time
        names = {} if is_asked_often else await door.named(run["started_by"] for run in runs)
        return json_body({"runs": runs, "other_writer": other, "names": names})

    @router.post("/ingest")
    async def start(request: Request, wanted: ReadingWanted) -> Response:
        admin = await door.admin(request, writes=True)
        again = [(each.collection, each.source) for each in wanted.again]
        accepted = await ingests.start(admin.who, again=again, rebuild=wanted.rebuild)
        library.wake()
        log.info("ingest_asked", admin=admin.who, again=len(again), rebuild=wanted.rebuild, accepted=accepted)
        return json_body({"accepted": accepted})

    @router.post("/ingest/{job_id}/stop")
    async def stop(request: Request, job_id: int) -> Response:
        admin = await door.admin(request, writes=True)
        open_ones = {run.job_id for run in await ingests.runs.newest(RUNS) if run.ended_at is None}
        try:
            if job_id not in open_ones:
                raise NotPossible(f"there is no ingest {job_id} that runs or waits")
            await library.jobs.cancel(job_id)
        except NotPossible as error:
            raise Refused(409, "Conflict", f"It cannot be stopped: {error}.", "Load the page again.") from error
        log.info("ingest_stop_asked", admin=admin.who, job_id=job_id)
        return json_body({"ok": True})


def _add_search(router: APIRouter, door: AdminDoor, library: LibraryDoor) -> None:
    rag = library.view.settings.rag

    @router.post("/search")
    async def search(request: Request, wanted: SearchWanted) -> Response:
        await door.admin(request, writes=True)
        scope = Scope.of(wanted.collections) if wanted.collections else EVERYTHING
        found = await library.search.search(wanted.question, scope)
        return json_body({**search_body(wanted.question, found, rag.retrieval), "has_model": uses_model(rag.llm)})


def _refusal(refused: FileRefused) -> Refused:
    """With a type that the page has words for."""
    status = STATUSES.get(refused.why, 409)
    kind = f"File{refused.why.title().replace('_', '')}"
    return Refused(status, kind, f"{refused}.", "Choose another file, or mend what the sentence names.")
