"""Which document was shown to whom: recorded with each answer where rights are mirrored, for an admin to look up.

It tells what the bot showed, not what was read: one row for each document that stands on an answer.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, insert, select

from bot.models import Source
from bot.storage.database import Database
from bot.storage.tables import shown_documents
from feishu.clock import Clock

DAY_S = 86_400.0
ADMIN = "admin"
"""The chat type of what an admin asked on /admin with somebody's rights."""
MOST_EXPORTED = 100_000


@dataclass(frozen=True, slots=True)
class ShownTo:
    """Where an answer was shown, and who asked; `asked_as` is the person whose rights an admin used."""

    chat_id: str
    chat_type: str
    asker: str
    asked_as: str = ""


@dataclass(frozen=True, slots=True)
class ShownDocument:
    """One document on one answer. `at`: epoch seconds. An admin who asked as somebody and was shown nothing is one row,
    too, without a `source`."""

    answer_id: str
    source: str
    collection: str
    title: str
    cited: bool
    chat_id: str
    chat_type: str
    asker: str
    asked_as: str
    at: float


class ShownDocuments:
    """Looks the record up, and adds what is no turn. Raises `StoreError`."""

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def add(self, answer_id: str, sources: Iterable[Source], to: ShownTo) -> None:
        """Records an answer that is stored nowhere else."""
        now = self._clock.time()
        await self._database.write(lambda connection: record_shown(connection, answer_id, sources, to, now))

    async def find(
        self, days: int, *, document: str = "", person: str = "", limit: int = MOST_EXPORTED
    ) -> tuple[int, list[ShownDocument]]:
        """How many rows there are of the last days, and the newest `limit` of them. `document` is a part of a title or
        a source, `person` the whole id of who asked, or with whose rights."""
        table = shown_documents.c
        which = table.at >= self._clock.time() - days * DAY_S
        if document:
            named = func.lower(table.title).contains(document.lower(), autoescape=True)
            which &= named | table.source.contains(document, autoescape=True)
        if person:
            which &= (table.asker == person) | (table.asked_as == person)
        columns = [table[name] for name in ShownDocument.__slots__]
        newest = select(*columns).where(which).order_by(table.at.desc(), table.id.desc()).limit(limit)

        def work(connection: Connection) -> tuple[int, list[ShownDocument]]:
            count = connection.scalar(select(func.count()).select_from(shown_documents).where(which)) or 0
            return count, [ShownDocument(*row) for row in connection.execute(newest)]

        return await self._database.read(work)


def record_shown(connection: Connection, answer_id: str, sources: Iterable[Source], to: ShownTo, at: float) -> None:
    """Each document once, in the transaction of whoever stores the answer; an answer that is stored again is recorded
    as it is then."""
    connection.execute(delete(shown_documents).where(shown_documents.c.answer_id == answer_id))
    found: dict[tuple[str, str], dict[str, object]] = {}
    for each in sources:
        row = found.setdefault((each.collection, each.source), {"title": each.title, "cited": False})
        row["cited"] = bool(row["cited"]) or each.cited
    if not found and to.asked_as:
        found["", ""] = {"title": "", "cited": False}
    rows = [
        {
            "answer_id": answer_id,
            "source": source,
            "collection": collection,
            "chat_id": to.chat_id,
            "chat_type": to.chat_type,
            "asker": to.asker,
            "asked_as": to.asked_as,
            "at": at,
            **row,
        }
        for (collection, source), row in found.items()
    ]
    if rows:
        connection.execute(insert(shown_documents), rows)
