"""`/admin`: verified answers, listed, made of gaps and turns, changed, withdrawn; what speaks against one is shown."""

import contextlib
import math
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from bot.access.rules import FILES
from bot.models import Source
from bot.repositories.gap_report import Gap
from bot.repositories.verified_answers import Approved, Approver, VerifiedDraft, VerifiedVersion
from bot.verified.approval import NotApprovable, Review, Verifying
from bot.verified.passages import key_of, renumbered
from bot.web.admin.routes import API, AdminDoor, Days, json_body
from bot.web.admin.session import Admin
from bot.web.errors import Refused
from rag.documents import Chunk
from rag.errors import RagError
from rag.events import NO_EVIDENCE_TEXT

MOST_SHOWN = 200
PASSAGE_CHARS = 1_200
MOST_SOURCES = 20
ID = r"^[A-Za-z0-9_.-]{1,64}$"
Text = Annotated[str, Field(max_length=20_000)]
State = Annotated[str, Query(pattern=r"^(|active|asks_again|expired|withdrawn)$")]


class SourceGiven(BaseModel):
    """A passage that was chosen: its number in the text, and what names it."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    number: Annotated[int, Field(ge=1, le=999)]
    collection: Annotated[str, Field(max_length=200)]
    source: Annotated[str, Field(max_length=2_000)]
    key: Annotated[str, Field(max_length=64)]


class DraftGiven(BaseModel):
    """What an admin approves. `until`: epoch seconds; null for no end. `id`: of the answer that it changes. `by`: who
    stands for it, of an admin whom no login names."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    id: Annotated[str, Field(pattern=ID)] | None = None
    wording: Text
    variants: Annotated[list[Text], Field(max_length=100)] = []
    answer: Text
    collection: Annotated[str, Field(max_length=200)]
    sources: Annotated[list[SourceGiven], Field(max_length=MOST_SOURCES)] = []
    until: float | None = None
    origin: Annotated[str, Field(max_length=160)] = ""
    by: Annotated[str, Field(max_length=80)] = ""


class KeptGiven(BaseModel):
    """Until when an answer holds that is still right."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    until: float | None = None


@dataclass(frozen=True, slots=True)
class VerifiedDoor:
    """What the routes need besides those of the rest of the page."""

    verifying: Verifying


def verified_router(door: AdminDoor, verified: VerifiedDoor) -> APIRouter:
    """`/admin/api/verified`: every write names who did it, in the store and in the log."""
    router = APIRouter(prefix=f"{API}/verified", include_in_schema=False)
    _add_reading(router, door, verified.verifying)
    _add_writing(router, door, verified.verifying)
    return router


def _add_reading(router: APIRouter, door: AdminDoor, verifying: Verifying) -> None:
    @router.get("")
    async def listed(
        request: Request, words: Annotated[str, Query(max_length=200)] = "", state: State = ""
    ) -> Response:
        await door.admin(request)
        bodies = [await _listed(verifying, each) for each in await verifying.store.all()]
        wanted = [each for each in bodies if _is_wanted(each, words.lower(), state)]
        found = {"count": len(wanted), "all": len(bodies), "answers": wanted[:MOST_SHOWN]}
        return json_body({**found, "days": verifying.people.verified_days})

    @router.get("/draft")
    async def draft(
        request: Request,
        gap: Annotated[str, Query(max_length=64)] = "",
        turn: Annotated[str, Query(max_length=64)] = "",
        days: Days = 30,
    ) -> Response:
        await door.admin(request)
        async with _said():
            if gap:
                return json_body(await _of_gap(door, verifying, gap, days))
            return json_body(await _of_turn(door, verifying, turn) if turn else await _new(verifying, "", ""))

    @router.get("/passages")
    async def passages(request: Request, question: Annotated[str, Query(min_length=1, max_length=400)]) -> Response:
        await door.admin(request)
        async with _said():
            found = await verifying.passages.found_for(question)
        return json_body({"passages": _passages(found, chosen=())})

    @router.get("/{verified_id}")
    async def one(request: Request, verified_id: str) -> Response:
        await door.admin(request)
        approved = await _known(verifying, verified_id)
        async with _said():
            gone = {key_of(chunk) for chunk in await verifying.passages.outdated(approved.given)}
            chunks = [each.chunk for each in approved.draft.evidence]
            near = [each for each in await verifying.passages.found_for(approved.draft.wording) if each not in chunks]
            collections = await _collections(verifying)
        shown = _passages([*chunks, *near], chosen=[key_of(each) for each in chunks], gone=gone)
        versions = [_version(each) for each in await verifying.store.versions(verified_id)]
        body = await _listed(verifying, approved)
        return json_body({**body, "passages": shown, "versions": versions, "collections": collections})


def _add_writing(router: APIRouter, door: AdminDoor, verifying: Verifying) -> None:
    @router.post("/check")
    async def check(request: Request, given: DraftGiven) -> Response:
        await door.admin(request, writes=True)
        async with _said():
            draft = await _drafted(verifying, given, strictly=False)
            return json_body(_review(await verifying.review(draft, without=given.id or "")))

    @router.post("")
    async def save(request: Request, given: DraftGiven) -> Response:
        by = approver(await door.admin(request, writes=True), given.by)
        async with _said():
            draft = await _drafted(verifying, given)
            if given.id is None:
                return json_body(await _listed(verifying, await verifying.make(draft, by)))
            await _known(verifying, given.id)
            edited = await verifying.edit(given.id, draft, by)
        return json_body(await _listed(verifying, edited or await _known(verifying, given.id)))

    @router.post("/{verified_id}/keep")
    async def keep(request: Request, verified_id: str, given: KeptGiven) -> Response:
        by = approver(await door.admin(request, writes=True))
        approved = await _known(verifying, verified_id)
        async with _said():
            kept = await verifying.keep(approved, given.until, by)
        return json_body(await _listed(verifying, kept or approved))

    @router.post("/{verified_id}/withdraw")
    async def withdraw(request: Request, verified_id: str) -> Response:
        by = approver(await door.admin(request, writes=True))
        approved = await _known(verifying, verified_id)
        return json_body(await _listed(verifying, await verifying.withdraw(verified_id, by) or approved))


def approver(admin: Admin, named: str = "") -> Approver:
    """An admin as who stands for an answer; one with a key, whose name says little, is called as they wish."""
    called = " ".join(named.replace("\x00", "").split())
    return Approver(admin.open_id, admin.name if admin.open_id else called or admin.name)


@contextlib.asynccontextmanager
async def _said() -> AsyncIterator[None]:
    """What cannot be approved, and documents that cannot be looked at, are answers of their own. Raises `Refused`."""
    try:
        yield
    except NotApprovable as error:
        raise Refused(422, "InvalidRequest", _sentence(str(error)), "Change it and save again.") from error
    except RagError as error:
        raise Refused(409, "Conflict", _sentence(str(error)), "See feishu-rag doctor, or try again.") from error


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}".rstrip(".") + "."


async def _known(verifying: Verifying, verified_id: str) -> Approved:
    approved = await verifying.store.of(verified_id)
    if approved is None:
        raise Refused(404, "NotFound", "There is no such verified answer.", "Load the page again.")
    return approved


async def _drafted(verifying: Verifying, given: DraftGiven, *, strictly: bool = True) -> VerifiedDraft:
    """What was given with its passages as the documents have them now. Raises `NotApprovable` for one that they do not
    have any more; where it is not meant `strictly` that one is left out."""
    chunks: dict[int, Chunk] = {}
    for each in given.sources:
        chunk = (
            None if each.collection == FILES else await verifying.passages.named(each.collection, each.source, each.key)
        )
        if chunk is not None:
            chunks[each.number] = chunk
        elif strictly:
            raise NotApprovable(f"source [{each.number}] is not in its document any more; choose it anew")
    if strictly and given.collection not in await _collections(verifying):
        raise NotApprovable("choose a collection: it says who may see the answer")
    if given.until is not None and not math.isfinite(given.until):
        raise NotApprovable("the date until which it holds is none")
    return VerifiedDraft(
        given.wording,
        tuple(given.variants),
        renumbered(given.answer, list(chunks)),
        given.collection,
        await verifying.passages.evidence(chunks.values()),
        given.until,
        given.origin,
    )


async def _of_gap(door: AdminDoor, verifying: Verifying, gap_id: str, days: int) -> dict[str, Any]:
    """The question of a gap, the ways in which people ask it, and what owners replied."""
    gap = next((each for each in await door.figures.gaps(days) if each.id == gap_id), None)
    if gap is None:
        raise Refused(404, "NotFound", "There is no such gap.", "Somebody has settled it; load the page again.")
    answer = "\n\n".join(dict.fromkeys(reply.text for reply in gap.replies()))
    body = await _new(verifying, gap.question, answer)
    return {**body, "variants": _variants(gap), "origin": f"gap:{gap.members[-1].turn_id}"}


def _variants(gap: Gap) -> list[str]:
    asked = dict.fromkeys(" ".join(member.question.split()) for member in gap.members)
    return [each for each in asked if each != " ".join(gap.question.split())][:20]


async def _of_turn(door: AdminDoor, verifying: Verifying, turn_id: str) -> dict[str, Any]:
    """A question and its answer of now, with the passages that it cites chosen."""
    turn = await door.figures.turn(turn_id)
    versions = [each for each in (turn or {}).get("answers", ()) if each["outcome"] != "open"]
    if turn is None or not versions:
        raise Refused(404, "NotFound", "There is no such turn.", "It may have been deleted.")
    last = versions[-1]
    sources = [Source(**each) for each in last["sources"]]
    text = "" if last["outcome"] == "no_evidence" else last["text"].replace(NO_EVIDENCE_TEXT, "")
    cited = [each for each in sources if each.cited and each.collection != FILES]
    chunks: list[Chunk] = []
    numbers: list[int] = []
    for source in cited:
        for chunk in await verifying.passages.of_sources([source]):
            chunks.append(chunk)
            numbers.append(source.number)
    others = await verifying.passages.of_sources(each for each in sources if each not in cited)
    body = await _new(verifying, turn["standalone"] or turn["question"], renumbered(text, numbers), [*chunks, *others])
    chosen = {key_of(each) for each in chunks}
    for each in body["passages"]:
        each["chosen"] = each["key"] in chosen
    collection = chunks[0].collection if chunks else body["collection"]
    behind = sorted({each.collection for each in cited or sources})
    is_private = any(each.collection == FILES for each in sources)
    return {
        **body,
        "origin": f"turn:{turn_id}",
        "collection": collection,
        "came_from": [each for each in behind if each != FILES],
        "is_private": is_private,
    }


async def _new(verifying: Verifying, question: str, answer: str, known: Sequence[Chunk] = ()) -> dict[str, Any]:
    """A draft to fill in, with passages to choose from."""
    found = await verifying.passages.found_for(question) if question else []
    keys = {key_of(each) for each in known}
    chunks = [*known, *(each for each in found if key_of(each) not in keys)]
    collections = await _collections(verifying)
    nearest = next((each.collection for each in chunks), collections[0] if len(collections) == 1 else "")
    return {
        "id": None,
        "wording": " ".join(question.split()),
        "variants": [],
        "answer": answer,
        "collection": nearest,
        "collections": collections,
        "until": verifying.until(verifying.people.verified_days),
        "passages": _passages(chunks, chosen=()),
        "origin": "",
    }


async def _collections(verifying: Verifying) -> list[str]:
    return list(await verifying.passages.collections())


def _passages(
    chunks: Sequence[Chunk], *, chosen: Sequence[str], gone: Sequence[str] | set[str] = ()
) -> list[dict[str, Any]]:
    """Passages to choose from, numbered as the text cites them; `gone` are those that changed since."""
    return [
        {
            "number": number,
            "key": key_of(chunk),
            "collection": chunk.collection,
            "source": chunk.source,
            "title": chunk.title,
            "heading_path": chunk.heading_path,
            "text": chunk.text[:PASSAGE_CHARS],
            "link": chunk.link_at_place,
            "chosen": key_of(chunk) in chosen,
            "gone": key_of(chunk) in gone,
        }
        for number, chunk in enumerate(chunks, start=1)
    ]


async def _listed(verifying: Verifying, approved: Approved) -> dict[str, Any]:
    """One of them as the page shows it."""
    draft = approved.draft
    return {
        "id": approved.id,
        "wording": draft.wording,
        "variants": draft.variants,
        "answer": draft.answer,
        "collection": draft.collection,
        "documents": sorted({each.chunk.title for each in draft.evidence}),
        "by": approved.by.name,
        "at": approved.at,
        "until": draft.until,
        "state": _state(approved, verifying.clock.time()),
        "asked_about": sorted(approved.asked_about),
        "version": approved.version,
        "origin": draft.origin,
    }


def _state(approved: Approved, now: float) -> str:
    if approved.is_withdrawn:
        return "withdrawn"
    if not approved.given.is_valid(now):
        return "expired"
    return "asks_again" if approved.asked_about or not approved.by.name else "active"


def _is_wanted(body: dict[str, Any], words: str, state: str) -> bool:
    texts = (body["wording"], *body["variants"], body["answer"], body["by"], *body["documents"])
    return (not state or body["state"] == state) and any(words in text.lower() for text in texts)


def _version(version: VerifiedVersion) -> dict[str, Any]:
    return {"version": version.version, "what": version.what, "by": version.name, "at": version.at, **version.body}


def _review(review: Review) -> dict[str, Any]:
    """What speaks against a draft."""
    return {
        "leans": review.leans,
        "alike": [
            {
                "how": each.how,
                "id": each.other.id,
                "wording": each.other.draft.wording,
                "answer": each.other.draft.answer,
                "by": each.other.by.name,
            }
            for each in review.alike
        ],
        "figures": [
            {"own": each.own, "theirs": each.theirs, "title": each.title, "sentence": each.sentence}
            for each in review.figures
        ],
    }
