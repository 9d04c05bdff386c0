"""`/admin`: what is asked, liked and missing, for those who look after the bot and for the owners of the documents."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from bot.handlers.http import json_response
from bot.intake.principal_names import PrincipalNames
from bot.observability.tracing import TraceStore
from bot.repositories.analytics import Analytics
from bot.repositories.figures import AskedQuestion, GivenAnswer
from bot.repositories.gap_report import Gap, Reply, draft
from bot.repositories.shown_documents import ShownDocuments
from bot.repositories.token_usage import TokenUsage
from bot.settings import BotSettings
from bot.web.admin.session import Admin, Sessions
from bot.web.csv_export import csv_text
from bot.web.errors import Refused

API = "/admin/api"
GROUNDS = ("outcome", "confidence", "level", "ending")
VERIFIED = ("verified_by", "verified_until")
PERSONS = ("asker", "chat_type", "first_token_s", "seconds", "model", "up", "down")
COLUMNS = ("at", "question", *GROUNDS, *PERSONS, *VERIFIED)
REPLIES = "replies"
MOST_TURNS = 500
MOST_GAPS = 100
NAMES_WITHIN_S = 1.0
Days = Annotated[int, Query(ge=1, le=366)]


@dataclass(frozen=True, slots=True)
class AdminDoor:
    """What the routes need."""

    figures: Analytics
    traces: TraceStore
    sessions: Sessions
    settings: BotSettings
    shown: ShownDocuments
    usage: TokenUsage
    names: PrincipalNames

    async def named(self, ids: Iterable[str]) -> dict[str, str]:
        """What people are called, by open id; nobody whom the platform does not name soon."""
        people = {f"user:{each}" for each in ids if each.startswith("ou_")}
        found = await self.names.of_all(people, within_s=NAMES_WITHIN_S)
        return {principal.removeprefix("user:"): name for principal, name in found.items()}

    async def admin(self, request: Request, *, writes: bool = False) -> Admin:
        """Who asks. Raises `Refused` (401, 403)."""
        return await self.sessions.admin(request, self.settings, writes=writes)


def admin_router(door: AdminDoor) -> APIRouter:
    """The data behind the page; not part of the public schema."""
    router = APIRouter(prefix=API, include_in_schema=False)

    @router.get("/me")
    async def me(request: Request) -> Response:
        try:
            admin = await door.admin(request)
        except Refused as refused:
            body = {**refused.body(), "login": door.settings.has_login, "keys": bool(door.settings.api_keys)}
            response = refused.response()
            return json_response(body, response.status_code)
        return json_body({"name": admin.name, "how": admin.how, "csrf": admin.csrf})

    @router.get("/overview")
    async def overview(request: Request, days: Days = 30) -> Response:
        await door.admin(request)
        return json_body({**await door.figures.overview(days), "tokens": await _tokens(door, days)})

    _add_turns(router, door)
    _add_gaps(router, door)
    return router


def _add_turns(router: APIRouter, door: AdminDoor) -> None:
    @router.get("/turns")
    async def turns(
        request: Request,
        days: Days = 30,
        outcome: str = "",
        vote: str = "",
        words: Annotated[str, Query(max_length=200)] = "",
    ) -> Response:
        await door.admin(request)
        told = [one for one in await door.figures.questions(days) if _wanted(one, outcome, vote, words)]
        shown = told[::-1][:MOST_TURNS]
        names = await door.named(one.asker for one in shown)
        return json_body({"count": len(told), "turns": [_newest(one) for one in shown], "names": names})

    @router.get("/turns/{turn_id}")
    async def turn(request: Request, turn_id: str) -> Response:
        await door.admin(request)
        found = await door.figures.turn(turn_id)
        if found is None:
            raise Refused(404, "NotFound", "There is no such turn.", "It may have been deleted.")
        for version in found["answers"]:
            version["trace"] = await door.traces.get(version.pop("job_id"))
        voters = (vote["voter"] for version in found["answers"] for vote in version["votes"])
        return json_body({**found, "names": await door.named([found["asker"], *voters])})

    @router.get("/export.csv")
    async def as_csv(request: Request, days: Days = 30) -> Response:
        await door.admin(request)
        text = csv_of(await _exported(door.figures, days))
        return download(text.encode("utf-8-sig"), "text/csv; charset=utf-8", "feishu-rag.csv")

    @router.get("/export.json")
    async def as_json(request: Request, days: Days = 30) -> Response:
        await door.admin(request)
        return download(orjson.dumps(await _exported(door.figures, days)), "application/json", "feishu-rag.json")


def _add_gaps(router: APIRouter, door: AdminDoor) -> None:
    async def find(gap_id: str, days: int) -> Gap:
        for gap in await door.figures.gaps(days):
            if gap.id == gap_id:
                return gap
        raise Refused(404, "NotFound", "There is no such gap.", "Somebody has settled it; load the page again.")

    @router.get("/gaps")
    async def gaps(request: Request, days: Days = 30) -> Response:
        await door.admin(request)
        found = [gap_body(gap) for gap in (await door.figures.gaps(days))[:MOST_GAPS]]
        names = await door.named(reply["by"] for gap in found for reply in gap[REPLIES])
        return json_body({"gaps": found, "names": names})

    @router.get("/gaps/{gap_id}/draft.md")
    async def gap_draft(request: Request, gap_id: str, days: Days = 30) -> Response:
        await door.admin(request)
        text = draft(await find(gap_id, days))
        return download(text.encode(), "text/markdown; charset=utf-8", f"gap-{gap_id}.md")

    @router.post("/gaps/{gap_id}/settle")
    async def settle(request: Request, gap_id: str, days: Days = 30) -> Response:
        admin = await door.admin(request, writes=True)
        await door.figures.settle(await find(gap_id, days), admin.who)
        return json_body({"ok": True})


async def _tokens(door: AdminDoor, days: int) -> dict[str, Any]:
    """What the model cost by day, model and purpose, and this month beside its budget (0: none)."""
    month, spent = await door.usage.of_month()
    rows = [asdict(each) for each in await door.usage.of_days(days)]
    return {"by_day": rows, "month": month, "spent": spent, "budget": door.settings.monthly_tokens}


def gap_body(gap: Gap) -> dict[str, Any]:
    """A gap as the page and the reports show it."""
    return {
        "id": gap.id,
        "question": gap.question,
        "count": len(gap.members),
        "people": len({member.asker for member in gap.members}),
        "last_at": gap.last_at,
        "questions": list(dict.fromkeys(member.question for member in gap.members))[:10],
        "turns": [member.turn_id for member in gap.members][-10:],
        "nearest": [{"title": title, "source": source} for title, source in gap.nearest()],
        REPLIES: [_reply(reply) for reply in gap.replies()],
    }


def csv_of(rows: list[dict[str, Any]]) -> str:
    """Rows as CSV, with what owners replied in the last column."""
    told = ("\n".join(f"{each['text']} ({each['by']}, {each['at']})" for each in row[REPLIES]) for row in rows)
    cells = ([*(row[name] for name in COLUMNS), replies] for row, replies in zip(rows, told, strict=True))
    return csv_text((*COLUMNS, REPLIES), cells)


async def _exported(figures: Analytics, days: int) -> list[dict[str, Any]]:
    """Every version of every answer, with its sources and with what owners replied to its question."""
    told, said = await figures.questions(days), await figures.replies(days)
    return [
        _row(one, given)
        | {
            "sources": given.read_sources,
            REPLIES: [_reply(reply) | {"at": iso(reply.at)} for reply in said.get(one.turn_id, ())],
        }
        for one in told
        for given in one.answers
    ]


def _reply(reply: Reply) -> dict[str, Any]:
    return {"text": reply.text, "by": reply.by, "at": reply.at}


def iso(at: float) -> str:
    """A time as the exports have it."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def _newest(one: AskedQuestion) -> dict[str, Any]:
    """A question with its newest version, and the votes on all of them."""
    return _row(one, one.newest) | {"at": iso(one.at), "up": one.up, "down": one.down}


def _row(one: AskedQuestion, given: GivenAnswer) -> dict[str, Any]:
    return {
        "turn_id": one.turn_id,
        "answer_id": given.answer_id,
        "version": given.version,
        "at": iso(given.at),
        "question": one.question,
        "asker": one.asker,
        "chat_type": one.chat_type,
        **{name: getattr(given, name) for name in GROUNDS},
        **_verified(given),
        "first_token_s": given.first_token_s,
        "seconds": given.seconds,
        "model": given.model,
        "up": given.up,
        "down": given.down,
    }


def _verified(given: GivenAnswer) -> dict[str, str]:
    """Who stands for an answer, and until when; "" for nobody, and for no end."""
    verified = orjson.loads(given.verified) if given.verified else {}
    until = verified.get("until")
    return dict(zip(VERIFIED, (verified.get("by", ""), iso(until) if until is not None else ""), strict=True))


def _wanted(one: AskedQuestion, outcome: str, vote: str, words: str) -> bool:
    by_vote = not vote or (one.up > 0 if vote == "up" else one.down > 0)
    return by_vote and (not outcome or one.outcome == outcome) and words.lower() in one.question.lower()


def json_body(body: Any) -> Response:
    """An answer that no cache keeps."""
    response = json_response(body)
    response.headers["Cache-Control"] = "no-store"
    return response


def download(content: bytes, media_type: str, name: str) -> Response:
    """A file that no cache keeps."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, media_type=media_type, headers=headers)
