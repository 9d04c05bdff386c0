"""The mirrored rights of documents on Feishu: who may read each, as it was last read from the platform."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from bot.models import ON_FEISHU
from bot.storage.database import Database
from bot.storage.tables import document_rights
from feishu.clock import Clock
from feishu.documents.listing import Page
from feishu.documents.rights import Grant, Rights
from rag.access_lists import UNCONTROLLED, AccessLists

HOUR_S = 3600.0
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class StoredRights:
    """The rights of one document, and when they were read (epoch seconds)."""

    source: str
    title: str
    link: str
    rights: Rights
    checked_at: float


class DocumentRights:
    """Keeps rights, and gives the newest snapshot of them to whoever searches. `max_age_s`: older ones open nothing."""

    def __init__(self, database: Database, *, clock: Clock, is_on: bool, max_age_s: float) -> None:
        self._database = database
        self._clock = clock
        self._is_on = is_on
        self._max_age_s = max_age_s
        self._insert = sqlite.insert if database.is_sqlite else postgresql.insert
        self._lists: AccessLists | None = None if is_on else UNCONTROLLED
        self._seen: tuple[Any, ...] = ()
        self._oldest = 0.0

    def lists(self) -> AccessLists:
        """The newest snapshot; where rights are not mirrored, one that controls nothing. Raises `RuntimeError` before
        `refresh`, and once what it was made of is too old."""
        if self._lists is None:
            raise RuntimeError("the rights of documents were not read yet")
        return self._lists

    async def refresh(self) -> None:
        """Takes up what any process stored since. Raises `StoreError`."""
        if not self._is_on:
            return
        newest = select(func.count(), func.max(document_rights.c.checked_at), func.min(document_rights.c.checked_at))
        seen = tuple(await self._database.read(lambda connection: connection.execute(newest).one()))
        has_aged = self._clock.time() - self._oldest > self._max_age_s
        if self._lists is not None and seen == self._seen and not has_aged:
            return
        stored = await self.all()
        since = self._clock.time() - self._max_age_s
        young = [each for each in stored if each.checked_at >= since]
        readers = {each.source: each.rights.readers for each in young if each.rights.readers}
        self._oldest = min((each.checked_at for each in young), default=self._clock.time())
        self._seen = seen
        if self._lists is None or readers != self._lists.readers:
            self._lists = AccessLists(readers, controlled=ON_FEISHU, version=f"{len(readers)}@{seen[1] or 0:.3f}")

    async def keep(self, found: Mapping[str, tuple[Page, Rights]]) -> None:
        """Stores the rights of pages, by source, and takes them up. Raises `StoreError`."""
        now = self._clock.time()
        rows = [
            {
                "source": source,
                "title": page.title,
                "link": page.link,
                "page": orjson.dumps([page.token, page.kind, page.owner, page.node, page.folders]).decode(),
                "grants": orjson.dumps([[each.principal, each.rule, each.where] for each in rights.grants]).decode(),
                "closed": rights.closed,
                "lets_out": rights.lets_out,
                "incomplete": orjson.dumps(rights.incomplete).decode(),
                "missing_scope": rights.missing_scope,
                "checked_at": now,
            }
            for source, (page, rights) in found.items()
        ]

        def work(connection: Connection) -> None:
            for at in range(0, len(rows), AT_ONCE):
                statement = self._insert(document_rights).values(rows[at : at + AT_ONCE])
                changed = {name: statement.excluded[name] for name in rows[0] if name != "source"}
                connection.execute(statement.on_conflict_do_update(index_elements=["source"], set_=changed))

        if rows:
            await self._database.write(work)
        await self.refresh()

    async def forget(self, sources: Iterable[str]) -> None:
        """Documents that are not there any more. Raises `StoreError`."""
        gone = list(sources)

        def work(connection: Connection) -> None:
            for at in range(0, len(gone), AT_ONCE):
                connection.execute(delete(document_rights).where(document_rights.c.source.in_(gone[at : at + AT_ONCE])))

        if gone:
            await self._database.write(work)
            await self.refresh()

    async def all(self) -> list[StoredRights]:
        """Everything that is kept, by source. Raises `StoreError`."""
        statement = select(document_rights).order_by(document_rights.c.source)
        rows = await self._database.read(lambda connection: connection.execute(statement).all())
        return [_stored(row) for row in rows]

    async def of(self, source: str) -> StoredRights | None:
        """What is kept of one document. Raises `StoreError`."""
        row = await self._row(source)
        return _stored(row) if row else None

    async def places(self) -> dict[str, tuple[str, str]]:
        """Title and link of each document by its tokens, also by that of its page in a wiki. Raises `StoreError`."""
        columns = select(document_rights.c.page, document_rights.c.title, document_rights.c.link)
        rows = await self._database.read(lambda connection: connection.execute(columns).all())
        tokens = ((orjson.loads(row.page), row) for row in rows)
        return {token: (row.title, row.link) for (own, _, _, node, _), row in tokens for token in (own, node) if token}

    async def page(self, source: str) -> Page | None:
        """A document as its rights are read again; None for an unknown one. Raises `StoreError`."""
        row = await self._row(source)
        if row is None:
            return None
        token, kind, owner, node, folders = orjson.loads(row.page)
        return Page(token, row.title, row.link, "", kind, owner=owner, node=node, folders=tuple(folders))

    async def _row(self, source: str) -> Any:
        statement = select(document_rights).where(document_rights.c.source == source)
        return await self._database.read(lambda connection: connection.execute(statement).one_or_none())


def _stored(row: Any) -> StoredRights:
    rights = Rights(
        tuple(Grant(*each) for each in orjson.loads(row.grants)),
        row.closed,
        row.lets_out,
        tuple(orjson.loads(row.incomplete)),
        row.missing_scope,
    )
    return StoredRights(row.source, row.title, row.link, rights, row.checked_at)
