"""`/admin`: who may see which document and why, a question asked as somebody, and which document was shown to whom."""

import contextlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from bot.answering import Answers, Recorder
from bot.models import Answer
from bot.repositories.shown_documents import ADMIN, ShownDocument, ShownTo
from bot.web.admin.asking import answered_once
from bot.web.admin.rights_view import RightsView, Unanswerable
from bot.web.admin.routes import API, AdminDoor, Days, download, iso, json_body
from bot.web.chat.schemas import QuestionText, verified_body
from bot.web.csv_export import csv_text
from bot.web.errors import Refused
from rag.events import Question

log = structlog.get_logger(__name__)
COLUMNS = ("at", "title", "source", "collection", "cited", "asker", "asked_as", "chat_type", "chat_id", "answer_id")
MOST_ROWS = 200
Filter = Annotated[str, Query(max_length=200)]
OPEN_ID = r"^ou_[A-Za-z0-9_-]{1,128}$"
Person = Annotated[str, Query(pattern=OPEN_ID)]


class AskedAs(BaseModel):
    """A question, and whose rights are used."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    person: Annotated[str, Field(pattern=OPEN_ID)]
    question: QuestionText


@dataclass(frozen=True, slots=True)
class AccessDoor:
    """What the routes need besides those of the rest of the page."""

    view: RightsView
    library: Answers
    recorder: Recorder


def access_router(door: AdminDoor, access: AccessDoor) -> APIRouter:
    """`GET /admin/api/access`, `…/access/verdict`, `POST …/access/ask`."""
    router = APIRouter(prefix=f"{API}/access", include_in_schema=False)

    @router.get("")
    async def overview(request: Request, words: Annotated[str, Query(max_length=500)] = "") -> Response:
        await door.admin(request)
        return json_body(await access.view.overview(words))

    @router.get("/verdict")
    async def verdict(
        request: Request, person: Person, document: Annotated[str, Query(min_length=1, max_length=2_000)]
    ) -> Response:
        await door.admin(request)
        with _said():
            return json_body(await access.view.verdict(person, document.strip()))

    @router.post("/ask")
    async def ask(request: Request, asked: AskedAs) -> Response:
        admin = await door.admin(request, writes=True)
        with _said():
            answer = await _answered(access, asked)
        await door.shown.add(answer.id, answer.sources, ShownTo("", ADMIN, admin.who, asked.person))
        log.info("asked_as_somebody", admin=admin.who, person=asked.person, answer_id=answer.id)
        return json_body(_body(answer))

    return router


@contextlib.contextmanager
def _said() -> Iterator[None]:
    """What cannot be told is an answer of its own. Raises `Refused`."""
    try:
        yield
    except Unanswerable as error:
        raise Refused(409, "Conflict", str(error), "See feishu-rag doctor, or try again.") from error


async def _answered(access: AccessDoor, asked: AskedAs) -> Answer:
    """The answer as that person would get it in private; stored nowhere. Raises `Unanswerable`."""
    view = access.view
    chat_id = await view.ledger.private_chat_of(view.settings.feishu.app_id, asked.person)
    question = Question(asked.question, await view.scope(asked.person, chat_id))
    return await answered_once(access.recorder, access.library, question, view.settings.bot.language)


def _body(answer: Answer) -> dict[str, Any]:
    sources = [
        {"number": each.number, "title": each.title, "source": each.source, "link": each.link, "cited": each.cited}
        for each in answer.sources
    ]
    told = {"outcome": answer.outcome, "text": answer.text, "notice": answer.notice, "sources": sources}
    return {**told, "verified": verified_body(answer.verified)}


def shown_router(door: AdminDoor) -> APIRouter:
    """`GET /admin/api/shown` and `shown.csv`; `person` is a whole id, `document` a part of a title or source."""
    router = APIRouter(prefix=API, include_in_schema=False)

    @router.get("/shown")
    async def shown(request: Request, days: Days = 30, document: Filter = "", person: Filter = "") -> Response:
        await door.admin(request)
        count, found = await door.shown.find(days, document=document, person=person, limit=MOST_ROWS)
        names = await door.named(each for row in found for each in (row.asker, row.asked_as))
        return json_body({"count": count, "shown": [_row(each) for each in found], "names": names})

    @router.get("/shown.csv")
    async def as_csv(request: Request, days: Days = 30, document: Filter = "", person: Filter = "") -> Response:
        await door.admin(request)
        _, found = await door.shown.find(days, document=document, person=person)
        rows = ([row[name] for name in COLUMNS] for row in map(_row, found))
        return download(csv_text(COLUMNS, rows).encode("utf-8-sig"), "text/csv; charset=utf-8", "feishu-rag-shown.csv")

    return router


def _row(shown: ShownDocument) -> dict[str, Any]:
    return {**asdict(shown), "at": iso(shown.at)}
