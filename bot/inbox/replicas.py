"""The app's call budget, divided among the replicas that are alive: with n of them each takes 1/n.

Each announces itself in the store once a second, together with the share that it uses. Who sees that its share is too
large takes less at once; who may have more takes it only out of what nobody else uses, and not before everybody who is
alive has had the time to say so. So the shares never add up to more than the whole, except for the small part that a
newcomer begins with. Without the store the last known share stays.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from sqlalchemy import ColumnElement, Connection, Double, delete, insert, literal, select, text, update

from bot.errors import StoreError
from bot.storage.database import Database
from bot.storage.tables import replicas
from feishu.clock import Clock

log = structlog.get_logger(__name__)

BEAT_S = 1.0
ALIVE_S = 5.0
"""Who has not been heard of for so long counts as gone."""
SETTLE_S = 2.5
"""Who has just come, or come back, asks for more only after so long."""
REST_S = 60.0
"""The platform's longest window: a share that nobody used for so long is rested."""
NEWCOMER, LEAST = 0.1, 0.01
"""The share to begin with (half a full one where that is less), and what is left where shares set by hand use all."""
ADVISORY_LOCK = 7_215_362
SAME = 1e-6


@dataclass(frozen=True, slots=True)
class Standing:
    """The share that this replica may use, with how many it shares; `is_rested` if nobody else used any lately."""

    share: float
    replicas: int
    is_rested: bool


class Replicas:
    """This process among its peers of one app. `apply` is called with every change: the share, the number of
    replicas, and whether the share is rested.

    A `fixed` share is announced, so that the others divide what is left, and never changed. A `clock` is for tests:
    else the store's time counts.
    """

    def __init__(
        self,
        database: Database,
        app_id: str,
        owner: str,
        apply: Callable[[float, int, bool], None],
        *,
        fixed: float | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._database = database
        self._app_id = app_id
        self._owner = owner
        self._apply = apply
        self._fixed = fixed
        self._clock = clock
        self._replicas = 0
        self._beating: asyncio.Task[None] | None = None
        self.share = fixed if fixed is not None else NEWCOMER

    async def start(self) -> None:
        """Announces this replica, and goes on with it until `stop`."""
        self._apply(self.share, 1, False)
        await self.beat()
        self._beating = asyncio.create_task(self._beat_forever(), name="replicas")

    async def stop(self) -> None:
        """Call it when nothing will call the platform any more."""
        if self._beating:
            self._beating.cancel()
            await asyncio.gather(self._beating, return_exceptions=True)
        await self.leave()

    async def _beat_forever(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            await self.beat()

    async def beat(self) -> None:
        """Announces this replica and takes its share; call it every `BEAT_S`. Never raises `StoreError`."""
        try:
            standing = await self._announce()
            if standing.share < self.share - SAME:  # first take less, then say so
                self._take(standing)
                standing = await self._announce()
            self._take(standing)
        except StoreError as error:
            log.warning("replicas_unknown", share=round(self.share, 3), reason=str(error))

    async def leave(self) -> None:
        """Leaves its share to the others at once."""
        gone = update(replicas).where(self._mine).values(share=0.0, alive_until=self._now())
        try:
            await self._database.write(lambda connection: connection.execute(gone).rowcount)
        except StoreError as error:
            log.info("replica_left_silently", reason=str(error))

    def _take(self, standing: Standing) -> None:
        if abs(standing.share - self.share) < SAME and standing.replicas == self._replicas:
            return
        self.share, self._replicas = standing.share, standing.replicas
        log.info("budget_shared", share=round(self.share, 3), replicas=self._replicas)
        self._apply(standing.share, standing.replicas, standing.is_rested)

    async def _announce(self) -> Standing:
        return await self._database.write(self._announce_in)

    def _announce_in(self, connection: Connection) -> Standing:
        now = float(connection.scalar(select(self._now())) or 0.0)
        settled = self._say(connection, now) <= now - SETTLE_S
        standing = self._standing(connection, now)
        if standing.share > self.share + SAME:
            if not (settled or standing.is_rested) or not _may_grow(connection):
                return Standing(self.share, standing.replicas, is_rested=False)
            standing = self._standing(connection, now)  # again: now nobody else can take the same
            share = max(standing.share, self.share)
            connection.execute(update(replicas).where(self._mine).values(share=share))
        return standing

    def _say(self, connection: Connection, now: float) -> float:
        """Renews our row; since when we have been heard of without a gap."""
        known = connection.execute(select(replicas).where(self._mine)).one_or_none()
        since: float = known.since if known is not None and known.alive_until > now else now
        values = {"share": self.share, "fixed": self._fixed is not None, "since": since, "alive_until": now + ALIVE_S}
        if known is None:
            connection.execute(delete(replicas).where(replicas.c.alive_until < now - 2 * REST_S))
            connection.execute(insert(replicas).values(app_id=self._app_id, id=self._owner, **values))
        else:
            connection.execute(update(replicas).where(self._mine).values(**values))
        return since

    def _standing(self, connection: Connection, now: float) -> Standing:
        others = (replicas.c.app_id == self._app_id) & (replicas.c.id != self._owner)
        heard = connection.execute(select(replicas).where(others, replicas.c.alive_until > now - REST_S)).all()
        alive = [row for row in heard if row.alive_until > now]
        count = len(alive) + 1
        if self._fixed is not None:
            return Standing(self._fixed, count, is_rested=not heard)
        spoken_for = sum(row.share for row in alive if row.fixed)
        equal = max(0.0, 1.0 - spoken_for) / (1 + sum(not row.fixed for row in alive))
        least = max(min(NEWCOMER, equal / 2), LEAST)
        free = 1.0 - sum(row.share for row in alive)
        return Standing(max(least, min(equal, free)), count, is_rested=not heard)

    @property
    def _mine(self) -> ColumnElement[bool]:
        return (replicas.c.app_id == self._app_id) & (replicas.c.id == self._owner)

    def _now(self) -> ColumnElement[float]:
        return literal(self._clock.time(), Double) if self._clock else self._database.now()


def _may_grow(connection: Connection) -> bool:
    """Only one replica at a time takes more; who finds another one at it tries again with its next beat."""
    if connection.dialect.name != "postgresql":
        return True
    return bool(connection.scalar(text(f"SELECT pg_try_advisory_xact_lock({ADVISORY_LOCK})")))
