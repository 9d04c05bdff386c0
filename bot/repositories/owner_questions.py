"""What the documents did not know, whom it was asked of, and what they answered."""

from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Select, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.storage.database import Database
from bot.storage.tables import gaps
from feishu.clock import Clock, SystemClock
from feishu.events.types import MessageReceived

MAX_REPLY_CHARS = 20_000


@dataclass(frozen=True, slots=True)
class OwnerQuestion:
    """One question for a person. `id` is the turn's; where several owners were written to in private, with a number
    behind it for the further ones."""

    id: str
    app_id: str
    chat_id: str
    question: str
    asked_by: str
    owners: tuple[str, ...]
    message_id: str = ""
    thread_id: str = ""
    reply: str = ""
    replied_by: str = ""


class OwnerQuestions:
    """Knowledge gaps in the store."""

    def __init__(self, database: Database, *, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or SystemClock()
        self._insert = sqlite.insert if database.is_sqlite else postgresql.insert

    async def asked(self, gap: OwnerQuestion) -> None:
        """Somebody was asked; a second time changes the message that asks."""
        values: dict[str, Any] = {name: getattr(gap, name) for name in OwnerQuestion.__slots__}
        values |= {"owners": orjson.dumps(gap.owners).decode(), "created_at": self._clock.time()}
        statement = self._insert(gaps).values(**values)
        moved = {"message_id": gap.message_id, "thread_id": gap.thread_id}
        statement = statement.on_conflict_do_update(index_elements=["id"], set_=moved)
        await self._database.write(lambda connection: connection.execute(statement) and None)

    async def of_reply(self, message: MessageReceived) -> OwnerQuestion | None:
        """The gap that an owner's message speaks of: one that replies to the message that asked, or the next one in
        its topic, where each message names the topic's root as its parent."""
        wanted = [each for each in (message.parent_id, message.root_id) if each]
        if not wanted:
            return None
        columns = [gaps.c[name] for name in OwnerQuestion.__slots__]
        which: ColumnElement[bool] = gaps.c.message_id.in_(wanted)
        if message.thread_id:
            which |= (gaps.c.thread_id == message.thread_id) & (gaps.c.reply == "")
        owner = f'"{message.sender_open_id}"'
        mine = which & gaps.c.owners.contains(owner, autoescape=True)
        statement = select(*columns).where(gaps.c.app_id == message.app_id, mine).order_by(gaps.c.created_at).limit(1)
        return await self._one(statement)

    async def of(self, gap_id: str) -> OwnerQuestion | None:
        """One of them."""
        columns = [gaps.c[name] for name in OwnerQuestion.__slots__]
        return await self._one(select(*columns).where(gaps.c.id == gap_id))

    async def _one(self, statement: Select[Any]) -> OwnerQuestion | None:
        row = await self._database.read(lambda connection: connection.execute(statement).one_or_none())
        return OwnerQuestion(**{**row._mapping, "owners": tuple(orjson.loads(row.owners))}) if row else None

    async def replied(self, gap_id: str, by: str, text: str) -> None:
        """An owner's answer; further ones are added to it."""
        now = self._clock.time()
        together = gaps.c.reply + "\n" + text[:MAX_REPLY_CHARS]
        first = update(gaps).where(gaps.c.id == gap_id, gaps.c.reply == "").values(reply=text[:MAX_REPLY_CHARS])
        more = update(gaps).where(gaps.c.id == gap_id).values(reply=together)

        def work(connection: Any) -> None:
            if connection.execute(first).rowcount == 0:
                connection.execute(more)
            connection.execute(update(gaps).where(gaps.c.id == gap_id).values(replied_by=by, replied_at=now))

        await self._database.write(work)
