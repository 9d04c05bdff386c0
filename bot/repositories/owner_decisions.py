"""The weekly cards to owners of documents, and what they decided on them. Words of questions are not kept here: they
are read from their turns, and go with these."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import orjson
from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.models import behind
from bot.repositories.verified_answers import Approver
from bot.storage.database import Database
from bot.storage.tables import owner_cards, owner_decisions, turns
from feishu.clock import Clock

ItemKind = Literal["gap", "disliked", "stale", "pair"]
"""A question without an answer, one whose answer is disliked, a document that was not edited for long, a sentence that
two documents say with different figures."""
Decided = Literal["write", "right", "obsolete", "not_mine"]
MOST_LISTED = 500
FORGOTTEN = "…"
"""Who took a decision back, once they are forgotten."""


def item_key(*parts: str) -> str:
    """What names an item, whichever week and whoever is asked."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class OwnedDocument:
    """A document that an item is about; `is_own` holds for those that its card's owner looks after."""

    collection: str
    source: str
    title: str
    is_own: bool = True

    @property
    def key(self) -> tuple[str, str]:
        """Collection and source."""
        return self.collection, self.source


@dataclass(frozen=True, slots=True)
class OwnerItem:
    """One thing that an owner is asked. `count`: people who asked it, votes against it, answers that cite it; `at`:
    when the document was edited (epoch seconds); `sentences`: of a pair, in the order of its documents; `leaned_on`:
    what else is behind the question."""

    kind: ItemKind
    key: str
    documents: tuple[OwnedDocument, ...] = ()
    turn_id: str = ""
    count: int = 0
    at: float = 0.0
    sentences: tuple[str, ...] = ()
    leaned_on: tuple[str, ...] = ()

    @property
    def behind(self) -> frozenset[str]:
        """What somebody has to be allowed to see to be shown it (`bot.models.behind`)."""
        own = (name for each in self.documents for name in behind(each.collection, each.source))
        return frozenset((*self.leaned_on, *own))


@dataclass(frozen=True, slots=True)
class OwnerCard:
    """A weekly card as it was sent: `more` counts, for each kind, what found no room on it."""

    id: str
    owner: str
    items: tuple[OwnerItem, ...]
    more: dict[str, int]
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class OwnerDecision:
    """What an owner decided about an item, and of which document, if it is about one. `undone_by` names the admin who
    took it back (`FORGOTTEN` once that person is): it counts no more."""

    id: str
    kind: ItemKind
    item: str
    what: Decided
    turn_id: str
    collection: str
    source: str
    title: str
    by: Approver
    at: float
    undone_by: str = ""

    @property
    def document(self) -> tuple[str, str]:
        """Collection and source."""
        return self.collection, self.source


class OwnerDecisions:
    """Cards and decisions in the store. Everything raises `StoreError`."""

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._insert = sqlite.insert if database.is_sqlite else postgresql.insert

    async def keep(self, card: OwnerCard) -> OwnerCard:
        """Stores a card; one that is stored already stays as it was sent, and is given."""
        body = orjson.dumps({"items": [asdict(item) for item in card.items], "more": card.more}).decode()
        row = {"id": card.id, "owner": card.owner, "body": body, "at": self._clock.time()}

        def work(connection: Connection) -> OwnerCard:
            connection.execute(self._insert(owner_cards).values(**row).on_conflict_do_nothing())
            return _card(connection, card.id) or card

        return await self._database.write(work)

    async def card(self, card_id: str) -> OwnerCard | None:
        """A card as it was sent."""
        return await self._database.read(lambda connection: _card(connection, card_id))

    async def questions(self, turn_ids: Iterable[str]) -> dict[str, str]:
        """The words of these questions, by turn; none of what was taken back."""
        wanted = turns.c.id.in_(list(turn_ids))
        statement = select(turns.c.id, turns.c.question).where(wanted, ~turns.c.recalled)
        return await self._database.read(lambda connection: dict(connection.execute(statement).all()))

    async def decide(
        self, item: OwnerItem, what: Decided, by: Approver, document: OwnedDocument | None = None
    ) -> OwnerDecision:
        """Somebody decides; deciding the same again is the same decision, of now."""
        collection, source = document.key if document else ("", "")
        title = document.title if document else ""
        decision_id = item_key(item.key, collection, source, what, by.open_id)
        now = self._clock.time()
        decision = OwnerDecision(
            decision_id, item.kind, item.key, what, item.turn_id, collection, source, title, by, now
        )
        values = {
            **{name: getattr(decision, name) for name in ("kind", "item", "what", "turn_id", "title", "at")},
            "collection": collection,
            "source": source,
            "by": by.open_id,
            "name": by.name,
            "undone_by": "",
            "undone_at": None,
        }
        statement = self._insert(owner_decisions).values(id=decision_id, **values)
        statement = statement.on_conflict_do_update(index_elements=["id"], set_=values)
        await self._database.write(lambda connection: connection.execute(statement) and None)
        return decision

    async def undo(self, decision_id: str, by: str) -> bool:
        """It counts no more; False for an unknown one, or one that was undone before."""
        this = (owner_decisions.c.id == decision_id) & (owner_decisions.c.undone_at.is_(None))
        statement = update(owner_decisions).where(this).values(undone_by=by, undone_at=self._clock.time())
        return await self._database.write(lambda connection: connection.execute(statement).rowcount > 0)

    async def of(self, decision_id: str) -> OwnerDecision | None:
        """One of them, undone or not."""
        found = await self._read(owner_decisions.c.id == decision_id)
        return found[0] if found else None

    async def in_force(self) -> list[OwnerDecision]:
        """Those that count, newest first."""
        return await self._read(owner_decisions.c.undone_at.is_(None))

    async def newest(self) -> list[OwnerDecision]:
        """The last ones, undone or not, newest first."""
        return (await self._read(owner_decisions.c.id != ""))[:MOST_LISTED]

    async def obsolete(self) -> dict[tuple[str, str], OwnerDecision]:
        """The documents that an owner calls obsolete, by collection and source."""
        return {each.document: each for each in reversed(await self.in_force()) if each.what == "obsolete"}

    async def _read(self, which: Any) -> list[OwnerDecision]:
        statement = select(owner_decisions).where(which).order_by(owner_decisions.c.at.desc(), owner_decisions.c.id)
        rows: Sequence[Any] = await self._database.read(lambda connection: connection.execute(statement).all())
        return [_decision(row) for row in rows]


def _decision(row: Any) -> OwnerDecision:
    about = (row.turn_id, row.collection, row.source, row.title)
    by = Approver(row.by, row.name)
    undone_by = row.undone_by or (FORGOTTEN if row.undone_at is not None else "")
    return OwnerDecision(row.id, row.kind, row.item, row.what, *about, by, row.at, undone_by)


def _card(connection: Connection, card_id: str) -> OwnerCard | None:
    row = connection.execute(select(owner_cards).where(owner_cards.c.id == card_id)).one_or_none()
    if row is None:
        return None
    body = orjson.loads(row.body)
    items = tuple(_item(each) for each in body["items"])
    return OwnerCard(row.id, row.owner, items, body["more"], row.at)


def _item(stored: dict[str, Any]) -> OwnerItem:
    documents = tuple(OwnedDocument(**each) for each in stored["documents"])
    lists = {name: tuple(stored[name]) for name in ("sentences", "leaned_on")}
    return OwnerItem(**{**stored, **lists, "documents": documents})
