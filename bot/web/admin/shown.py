"""`/admin`: which document was shown to whom, filtered by document and person, also as CSV."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from bot.repositories.shown_documents import ShownDocument
from bot.web.admin.routes import API, AdminDoor, Days, download, iso, json_body
from bot.web.csv_export import csv_text

COLUMNS = ("at", "title", "source", "collection", "cited", "asker", "asked_as", "chat_type", "chat_id", "answer_id")
MOST_ROWS = 200
Filter = Annotated[str, Query(max_length=200)]


def shown_router(door: AdminDoor) -> APIRouter:
    """`GET /admin/api/shown` and `shown.csv`; `person` is a whole id, `document` a part of a title or source."""
    router = APIRouter(prefix=API, include_in_schema=False)

    @router.get("/shown")
    async def shown(request: Request, days: Days = 30, document: Filter = "", person: Filter = "") -> Response:
        await door.admin(request)
        count, found = await door.shown.find(days, document=document, person=person, limit=MOST_ROWS)
        return json_body({"count": count, "shown": [_row(each) for each in found]})

    @router.get("/shown.csv")
    async def as_csv(request: Request, days: Days = 30, document: Filter = "", person: Filter = "") -> Response:
        await door.admin(request)
        _, found = await door.shown.find(days, document=document, person=person)
        rows = ([row[name] for name in COLUMNS] for row in map(_row, found))
        return download(csv_text(COLUMNS, rows).encode("utf-8-sig"), "text/csv; charset=utf-8", "feishu-rag-shown.csv")

    return router


def _row(shown: ShownDocument) -> dict[str, Any]:
    return {**asdict(shown), "at": iso(shown.at)}
