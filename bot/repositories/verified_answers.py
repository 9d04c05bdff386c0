"""Questions that somebody has answered for good: as they are given now, and every earlier version of them."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import orjson
from sqlalchemy import Connection, func, insert, select, update

from bot.models import behind
from bot.storage.database import Database
from bot.storage.tables import verified_answers, verified_versions
from feishu.clock import Clock
from rag.documents import Chunk, Place
from rag.verified.answers import NOTHING_VERIFIED, Evidence, VerifiedAnswer, VerifiedAnswers

What = Literal["made", "edited", "kept", "withdrawn"]
MOST_WORDING_CHARS = 400
MOST_ANSWER_CHARS = 10_000
MOST_VARIANTS = 30


@dataclass(frozen=True, slots=True)
class Approver:
    """Who stands for an answer: their open id ("" for a key of the web door), and what they are called."""

    open_id: str
    name: str


@dataclass(frozen=True, slots=True)
class VerifiedDraft:
    """What somebody approves. `origin` says what it was made of, like `gap:<id>` or `turn:<id>`."""

    wording: str
    variants: tuple[str, ...]
    answer: str
    collection: str
    evidence: tuple[Evidence, ...] = ()
    until: float | None = None
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Approved:
    """A verified answer as it is stored. Times are seconds since the epoch. `asked_about` are the reasons for which its
    owner was asked whether it still holds, since somebody last said so."""

    id: str
    draft: VerifiedDraft
    by: Approver
    at: float
    is_withdrawn: bool
    asked_about: frozenset[str]
    version: int

    @property
    def behind(self) -> frozenset[str]:
        """What somebody has to be allowed to see to get it (`bot.models.behind`)."""
        of_evidence = (
            name for each in self.draft.evidence for name in behind(each.chunk.collection, each.chunk.source)
        )
        return frozenset((self.draft.collection, *of_evidence))

    @property
    def given(self) -> VerifiedAnswer:
        """As the library gives it."""
        draft = self.draft
        wordings = (draft.wording, *draft.variants)
        return VerifiedAnswer(
            self.id, wordings, draft.answer, draft.collection, draft.evidence, self.by.name, self.at, draft.until
        )


@dataclass(frozen=True, slots=True)
class VerifiedVersion:
    """What was done to one, by whom; `body` holds its words after it."""

    version: int
    what: What
    body: dict[str, Any]
    by: str
    name: str
    at: float


class VerifiedStore:
    """Verified answers in the store. Everything raises `StoreError`."""

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._seen: tuple[Any, ...] | None = None
        self._snapshot = NOTHING_VERIFIED

    async def snapshot(self) -> VerifiedAnswers:
        """What is given to people, as any process stored it last; the same object while nothing changes."""
        table = verified_answers.c
        newest = select(func.count(), func.max(table.changed_at), func.sum(table.version))
        seen = tuple(await self._database.read(lambda connection: connection.execute(newest).one()))
        if seen != self._seen:
            vouched = [each.given for each in await self.all() if not each.is_withdrawn and each.by.name]
            self._snapshot, self._seen = VerifiedAnswers(vouched) if vouched else NOTHING_VERIFIED, seen
        return self._snapshot

    async def all(self) -> list[Approved]:
        """All of them, those changed last first."""
        statement = select(verified_answers).order_by(verified_answers.c.changed_at.desc(), verified_answers.c.id)
        return [_approved(row) for row in await self._database.read(lambda c: c.execute(statement).all())]

    async def is_empty(self) -> bool:
        """Whether there is none that is not withdrawn."""
        some = select(verified_answers.c.id).where(verified_answers.c.state != "withdrawn").limit(1)
        return await self._database.read(lambda connection: connection.scalar(some)) is None

    async def of(self, verified_id: str) -> Approved | None:
        """One of them."""
        return await self._database.read(lambda connection: _of(connection, verified_id))

    async def of_origin(self, origin: str) -> Approved | None:
        """The one that was made of this, and is not withdrawn."""
        return await self._database.read(lambda connection: _of_origin(connection, origin))

    async def versions(self, verified_id: str) -> list[VerifiedVersion]:
        """What was done to it, newest first."""
        mine = verified_versions.c.verified_id == verified_id
        statement = select(verified_versions).where(mine).order_by(verified_versions.c.version.desc())
        rows = await self._database.read(lambda connection: connection.execute(statement).all())
        return [
            VerifiedVersion(row.version, row.what, orjson.loads(row.body), row.by, row.name, row.at) for row in rows
        ]

    async def make(self, draft: VerifiedDraft, by: Approver, *, once: bool = False) -> Approved:
        """A new one; with `once` the one that was made of the same before, if there is one."""
        now = self._clock.time()
        made = Approved("v" + secrets.token_hex(12), draft, by, now, False, frozenset(), 1)

        def work(connection: Connection) -> Approved:
            if once and (before := _of_origin(connection, draft.origin)):
                return before
            connection.execute(insert(verified_answers).values(id=made.id, **_values(made, now)))
            _note(connection, made, "made", by, now)
            return made

        return await self._database.write(work)

    async def edit(
        self, verified_id: str, draft: VerifiedDraft, by: Approver, *, version: int | None = None
    ) -> Approved | None:
        """Other words, approved anew; None for an unknown one, and where `version` is given and is not the stored one.
        Where it came from stays."""

        def edited(stored: Approved) -> Approved:
            return replace(stored, draft=replace(draft, origin=stored.draft.origin), is_withdrawn=False)

        return await self._changed(verified_id, "edited", by, edited, version)

    async def keep(
        self,
        verified_id: str,
        until: float | None,
        evidence: Sequence[Evidence],
        by: Approver,
        *,
        version: int | None = None,
    ) -> Approved | None:
        """It still holds, until then, and by this evidence; None for an unknown one, and where `version` is given and
        is not the stored one."""

        def kept(stored: Approved) -> Approved:
            return replace(stored, draft=replace(stored.draft, until=until, evidence=tuple(evidence)))

        return await self._changed(verified_id, "kept", by, kept, version)

    async def withdraw(self, verified_id: str, by: Approver) -> Approved | None:
        """It is given to nobody any more; None for an unknown one."""
        return await self._changed(verified_id, "withdrawn", by, lambda stored: replace(stored, is_withdrawn=True))

    async def asked(self, verified_id: str, reason: str) -> None:
        """Its owner was asked whether it still holds, for this reason."""

        def work(connection: Connection) -> None:
            stored = _of(connection, verified_id)
            if stored is None:
                return
            reasons = " ".join(sorted({*stored.asked_about, reason}))
            this = verified_answers.c.id == verified_id
            connection.execute(update(verified_answers).where(this).values(asked_about=reasons))

        await self._database.write(work)

    async def _changed(
        self,
        verified_id: str,
        what: What,
        by: Approver,
        change: Callable[[Approved], Approved],
        version: int | None = None,
    ) -> Approved | None:
        """One more version. Whoever withdraws it stands for nothing: the approver stays."""
        now = self._clock.time()

        def work(connection: Connection) -> Approved | None:
            stored = _of(connection, verified_id)
            if stored is None or version not in (None, stored.version):
                return None
            changed = replace(change(stored), version=stored.version + 1, asked_about=frozenset())
            if what != "withdrawn":
                changed = replace(changed, by=by, at=now)
            this = verified_answers.c.id == verified_id
            connection.execute(update(verified_answers).where(this).values(**_values(changed, now)))
            _note(connection, changed, what, by, now)
            return changed

        return await self._database.write(work)


def _values(approved: Approved, now: float) -> dict[str, Any]:
    draft = approved.draft
    return {
        "wording": draft.wording,
        "variants": orjson.dumps(draft.variants).decode(),
        "answer": draft.answer,
        "collection": draft.collection,
        "evidence": orjson.dumps([asdict(each) for each in draft.evidence]).decode(),
        "approved_by": approved.by.open_id,
        "approved_name": approved.by.name,
        "approved_at": approved.at,
        "until": draft.until,
        "state": "withdrawn" if approved.is_withdrawn else "active",
        "origin": draft.origin,
        "asked_about": " ".join(sorted(approved.asked_about)),
        "version": approved.version,
        "changed_at": now,
    }


def _note(connection: Connection, approved: Approved, what: What, by: Approver, now: float) -> None:
    draft = approved.draft
    body: dict[str, Any] = {"wording": draft.wording, "variants": draft.variants, "answer": draft.answer}
    body |= {"collection": draft.collection, "until": draft.until}
    row = {"verified_id": approved.id, "version": approved.version, "what": what, "body": orjson.dumps(body).decode()}
    connection.execute(insert(verified_versions).values(**row, by=by.open_id, name=by.name, at=now))


def _of(connection: Connection, verified_id: str) -> Approved | None:
    row = connection.execute(select(verified_answers).where(verified_answers.c.id == verified_id)).one_or_none()
    return _approved(row) if row else None


def _of_origin(connection: Connection, origin: str) -> Approved | None:
    made_of = (verified_answers.c.origin == origin) & (verified_answers.c.state != "withdrawn")
    statement = select(verified_answers).where(made_of).order_by(verified_answers.c.changed_at.desc()).limit(1)
    row = connection.execute(statement).one_or_none()
    return _approved(row) if row else None


def _approved(row: Any) -> Approved:
    evidence = tuple(Evidence(_chunk(each["chunk"]), each["fingerprint"]) for each in orjson.loads(row.evidence))
    variants = tuple(orjson.loads(row.variants))
    draft = VerifiedDraft(row.wording, variants, row.answer, row.collection, evidence, row.until, row.origin)
    by = Approver(row.approved_by, row.approved_name)
    is_withdrawn, asked = row.state == "withdrawn", frozenset(row.asked_about.split())
    return Approved(row.id, draft, by, row.approved_at, is_withdrawn, asked, row.version)


def _chunk(stored: dict[str, Any]) -> Chunk:
    place = stored["place"]
    return Chunk(
        **{
            **stored,
            "headings": tuple(stored["headings"]),
            "place": Place(**place) if place else None,
            "places": tuple((at, Place(**each)) for at, each in stored["places"]),
        }
    )
