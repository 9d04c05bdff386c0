"""One door to the store: SQLite in WAL by default, PostgreSQL by URL.

Writes go through one thread that commits together whatever has arrived meanwhile (group commit), so that a durable
accept costs a share of one `fsync` and not a whole one. Reads run beside it.
"""

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, make_url, select, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from bot.errors import StoreError
from bot.tables import metadata, schema_migrations

T = TypeVar("T")

MAX_GROUP = 256
BUSY_TIMEOUT_MS = 5_000

# Numbered steps after the tables of step 1; each runs once, in its own transaction. Never edit a published one.
MIGRATIONS: dict[int, Callable[[Connection], None]] = {1: metadata.create_all}


class _Write:
    """A function waiting for the writer thread, and the future that its caller awaits."""

    __slots__ = ("future", "loop", "work")

    def __init__(self, work: Callable[[Connection], Any], loop: asyncio.AbstractEventLoop) -> None:
        self.work = work
        self.loop = loop
        self.future: asyncio.Future[Any] = loop.create_future()

    def resolve(self, result: Any, error: BaseException | None) -> None:
        def settle() -> None:
            if self.future.done():
                return
            if error is None:
                self.future.set_result(result)
            else:
                self.future.set_exception(error)

        try:
            self.loop.call_soon_threadsafe(settle)
        except RuntimeError:  # the loop is closed: nobody waits any more
            return


class Database:
    """Open with `Database(url)`, then `migrate()`; `write` and `read` take a function of a SQLAlchemy connection."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._engine = self._create_engine()
        self._write_engine = self._engine.execution_options(immediate=True)
        self._queue: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._readers = ThreadPoolExecutor(4, thread_name_prefix="store-read")
        self._writer = threading.Thread(target=self._run_writer, name="store-write", daemon=True)
        self._closed = False
        self._writer.start()

    def _create_engine(self) -> Engine:
        if not self.is_sqlite:
            url = self.url.set(drivername="postgresql+psycopg") if self.url.drivername == "postgresql" else self.url
            return create_engine(url, pool_size=6, max_overflow=2, pool_pre_ping=True, pool_recycle=1800)
        if self.url.database and self.url.database != ":memory:":
            Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(self.url, pool_size=6, connect_args={"check_same_thread": False})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_immediate)
        return engine

    def migrate(self) -> None:
        """Brings the schema up to date; blocking. Raises `StoreError`."""
        try:
            with self._write_engine.begin() as connection:
                if not self.is_sqlite:  # two replicas that start together take turns
                    connection.execute(text("SELECT pg_advisory_xact_lock(7215361)"))
                schema_migrations.create(connection, checkfirst=True)
                done = set(connection.scalars(select(schema_migrations.c.number)))
                for number, step in sorted(MIGRATIONS.items()):
                    if number not in done:
                        step(connection)
                        connection.execute(
                            schema_migrations.insert().values(number=number, at=time.time(), complete=True)
                        )
        except SQLAlchemyError as error:
            raise _store_error(self.url.get_backend_name(), error) from error

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Runs `work` in a durable transaction of its own outcome; raises what it raises, or `StoreError`."""
        if self._closed:
            raise StoreError("the store is closed")
        entry = _Write(work, asyncio.get_running_loop())
        self._queue.put(entry)
        result: T = await entry.future
        return result

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Runs `work` on a connection that sees what was committed. Raises `StoreError`."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    def _read(self, work: Callable[[Connection], T]) -> T:
        try:
            with self._engine.connect() as connection:
                return work(connection)
        except SQLAlchemyError as error:
            raise _store_error(self.url.get_backend_name(), error) from error

    def close(self) -> None:
        """Commits what is waiting, then lets go of all connections; blocking."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            self._writer.join()
            self._readers.shutdown()
            self._engine.dispose()

    def _run_writer(self) -> None:
        while True:
            first = self._queue.get()
            if first is None:
                return
            group, last = [first], False
            while len(group) < MAX_GROUP and not last:
                try:
                    entry = self._queue.get_nowait()
                except queue.Empty:
                    break
                if entry is None:
                    last = True
                else:
                    group.append(entry)
            self._commit_group(group)
            if last:
                return

    def _commit_group(self, group: list[_Write]) -> None:
        outcomes: list[tuple[Any, BaseException | None]] = []
        try:
            with self._write_engine.begin() as connection:
                for entry in group:
                    outcomes.append(_run_in_savepoint(connection, entry.work))
        except SQLAlchemyError as error:  # the transaction as a whole: nothing of the group is stored
            failure = _store_error(self.url.get_backend_name(), error)
            failure.__cause__ = error
            outcomes = [(None, failure)] * len(group)
        for entry, (result, failed) in zip(group, outcomes, strict=True):
            entry.resolve(result, failed)


def _run_in_savepoint(connection: Connection, work: Callable[[Connection], Any]) -> tuple[Any, BaseException | None]:
    """One writer's failure undoes only its own rows; a lost connection fails the group."""
    savepoint = connection.begin_nested()
    try:
        result = work(connection)
        savepoint.commit()
    except DBAPIError as error:
        if error.connection_invalidated or not connection.in_transaction():
            raise
        savepoint.rollback()
        return None, _store_error(connection.engine.name, error)
    except Exception as error:
        savepoint.rollback()
        return None, error
    return result, None


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """WAL lets readers run beside the writer; FULL keeps an acknowledged accept through a power cut."""
    connection.isolation_level = None  # SQLAlchemy's `begin` event below opens transactions, not the driver
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_TIMEOUT_MS}"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: Connection) -> None:
    """The writer takes its lock at once, so that it never fails half-way through; readers take none."""
    immediate = connection.get_execution_options().get("immediate", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _store_error(backend: str, error: SQLAlchemyError) -> StoreError:
    """One sentence without the statement's parameters, which hold people's words."""
    cause = getattr(error, "orig", None) or error
    first_line = (str(cause).splitlines() or [""])[0]
    return StoreError(f"the {backend} store refused: {type(cause).__name__}: {first_line}")
