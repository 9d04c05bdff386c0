"""`/admin`: what owners decided about their documents on the weekly cards; each can be undone."""

from dataclasses import dataclass
from typing import Any

import structlog
from fastapi import APIRouter, Request
from starlette.responses import Response

from bot.repositories.owner_decisions import OwnerDecision, OwnerDecisions
from bot.web.admin.routes import API, AdminDoor, json_body
from bot.web.errors import Refused

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class DecisionsDoor:
    """What the routes need besides those of the rest of the page."""

    decisions: OwnerDecisions


def decisions_router(door: AdminDoor, owners: DecisionsDoor) -> APIRouter:
    """`/admin/api/decisions`: a decision that is undone stays in the list, with who undid it."""
    router = APIRouter(prefix=f"{API}/decisions", include_in_schema=False)
    decisions = owners.decisions

    @router.get("")
    async def listed(request: Request) -> Response:
        await door.admin(request)
        newest = await decisions.newest()
        questions = await decisions.questions({each.turn_id for each in newest if each.turn_id})
        names = await door.named(each.undone_by for each in newest)
        return json_body({"decisions": [_body(each, questions) for each in newest], "names": names})

    @router.post("/{decision_id}/undo")
    async def undo(request: Request, decision_id: str) -> Response:
        admin = await door.admin(request, writes=True)
        if not await decisions.undo(decision_id, admin.who):
            raise Refused(404, "NotFound", "There is no such decision that counts.", "Load the page again.")
        log.info("owner_decision_undone", decision_id=decision_id, by=admin.who)
        return json_body({"ok": True})

    return router


def _body(each: OwnerDecision, questions: dict[str, str]) -> dict[str, Any]:
    names = ("id", "kind", "what", "collection", "source", "title", "at", "undone_by")
    told = {name: getattr(each, name) for name in names}
    return {**told, "by": each.by.name, "question": questions.get(each.turn_id, "")}
