"""Which logins to /admin are open, as hashes: a signed cookie alone could not be revoked. Nothing personal is kept."""

import hashlib

from sqlalchemy import Connection, delete, select

from bot.storage.database import Database
from bot.storage.tables import admin_sessions
from feishu.clock import Clock, SystemClock


class AdminSessions:
    """Statements over the store, so that a logout counts on every replica. Raises `StoreError`."""

    def __init__(self, database: Database, *, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or SystemClock()

    async def open(self, session_id: str, until: float) -> None:
        """`until` is in seconds since the epoch. Those that have run out go."""
        over = delete(admin_sessions).where(admin_sessions.c.until <= self._clock.time())
        new = admin_sessions.insert().values(id=_hashed(session_id), until=until)

        def work(connection: Connection) -> None:
            connection.execute(over)
            connection.execute(new)

        await self._database.write(work)

    async def is_open(self, session_id: str) -> bool:
        mine = (admin_sessions.c.id == _hashed(session_id)) & (admin_sessions.c.until > self._clock.time())
        statement = select(admin_sessions.c.id).where(mine)
        return await self._database.read(lambda connection: connection.scalar(statement)) is not None

    async def close(self, session_id: str) -> None:
        """Its cookie opens nothing any more, whoever has a copy."""
        mine = delete(admin_sessions).where(admin_sessions.c.id == _hashed(session_id))
        await self._database.write(lambda connection: connection.execute(mine) and None)


def _hashed(session_id: str) -> str:
    return hashlib.sha256(session_id.encode("utf-8", "surrogatepass")).hexdigest()
