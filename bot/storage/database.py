"""One door to the store: SQLite in WAL by default, PostgreSQL by URL.

Writes go through one thread that commits together whatever has arrived meanwhile (group commit), so that a durable
accept costs a share of one `fsync` and not a whole one. Reads run beside it.
"""

import asyncio
import queue
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import structlog
from sqlalchemy import ColumnElement, Connection, Double, cast, literal, literal_column, make_url, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from bot.errors import StoreError
from bot.storage.engines import may_run_again, open_engine, store_error
from bot.storage.migrations import run_migrations
from bot.storage.presence import StoreFile

log = structlog.get_logger(__name__)

T = TypeVar("T")
Outcome = tuple[Any, BaseException | None]

MAX_GROUP = 256
GROUP_ATTEMPTS = 3
AGAIN_AFTER_S = 0.05
PROBE_BUDGET_S = 2.5
_PROBE = text(
    "INSERT INTO schema_migrations (number, at, complete) VALUES (0, :at, true) "
    "ON CONFLICT (number) DO UPDATE SET at = excluded.at"
)
"""Row 0 is no migration but the last probe."""
POSTGRES_NOW = "extract(epoch FROM clock_timestamp())"


class _Write:
    """A function waiting for the writer thread, and the future that its caller awaits."""

    __slots__ = ("future", "loop", "work")

    def __init__(self, work: Callable[[Connection], Any], loop: asyncio.AbstractEventLoop) -> None:
        self.work = work
        self.loop = loop
        self.future: asyncio.Future[Any] = loop.create_future()

    def resolve(self, outcome: Outcome) -> None:
        """From the writer thread."""
        try:
            self.loop.call_soon_threadsafe(self._settle, *outcome)
        except RuntimeError:  # the loop is closed: nobody waits any more
            return

    def _settle(self, result: Any, error: BaseException | None) -> None:
        if self.future.done():
            return
        if error is None:
            self.future.set_result(result)
        else:
            self.future.set_exception(error)


class Database:
    """Open with `Database(url)`, then `migrate()`; `write` and `read` take a function of a SQLAlchemy connection.

    A function given to `write` may be run again when its transaction loses a race: it should change nothing but rows.
    """

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._engine = open_engine(self.url)
        self._file = StoreFile(self.url.database) if self.is_sqlite and self.url.database else None
        self._write_engine = self._engine.execution_options(immediate=True)
        self._queue: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._readers = ThreadPoolExecutor(4, thread_name_prefix="store-read")
        self._writer = threading.Thread(target=self._run_writer, name="store-write", daemon=True)
        self._closing = threading.Lock()  # nothing may be queued behind the end mark
        self._closed = False
        self._is_file_gone = False
        self._writer.start()

    def now(self) -> ColumnElement[float]:
        """The store's time in SQL: PostgreSQL's own clock, which all replicas share; this machine's with SQLite."""
        if self.is_sqlite:
            return literal(time.time(), Double)
        return cast(literal_column(POSTGRES_NOW), Double)

    def migrate(self) -> None:
        """Brings the schema up to date; blocking. Raises `StoreError`."""
        try:
            with self._write_engine.begin() as connection:
                run_migrations(connection)
        except SQLAlchemyError as error:
            raise store_error(self.url, error) from error
        if self._file:
            self._file.remember()

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Runs `work` in a durable transaction of its own outcome; raises what it raises, or `StoreError`."""
        entry = _Write(work, asyncio.get_running_loop())
        with self._closing:
            if self._closed:
                raise StoreError("the store is closed")
            self._queue.put(entry)
        result: T = await entry.future
        return result

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Runs `work` on a connection that sees what was committed. Raises `StoreError`."""
        if self._closed:
            raise StoreError("the store is closed")
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    def _read(self, work: Callable[[Connection], T]) -> T:
        try:
            with self._engine.connect() as connection:
                return work(connection)
        except SQLAlchemyError as error:
            raise store_error(self.url, error) from error

    async def probe(self, *, budget_s: float = PROBE_BUDGET_S) -> None:
        """Raises `StoreError` unless something can be written within `budget_s` (a store that can only be read accepts
        nothing)."""
        now = {"at": time.time()}  # something new each time: SQLite does not write what is there already
        try:
            async with asyncio.timeout(budget_s):
                await self.write(lambda connection: connection.execute(_PROBE, now).rowcount)
        except TimeoutError:
            raise StoreError(f"the {self.url.get_backend_name()} store does not answer") from None

    def listen(self, channel: str, take: Callable[[Any], T]) -> T:
        """Lends the driver's own connection, which hears `channel` (PostgreSQL), to `take`; blocking.

        The connection is closed afterwards.
        """
        connection = self._engine.raw_connection()
        driver: Any = connection.driver_connection
        connection.detach()
        try:
            driver.rollback()
            driver.autocommit = True
            driver.execute(f"LISTEN {channel}")
            return take(driver)
        finally:
            driver.close()

    def close(self) -> None:
        """Commits what is waiting, then lets go of all connections; blocking."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
            self._queue.put(None)
        self._writer.join()
        self._readers.shutdown()
        self._engine.dispose()

    def _run_writer(self) -> None:
        is_open = True
        while is_open:
            first = self._queue.get()
            if first is None:
                return
            group = [first]
            while len(group) < MAX_GROUP:
                try:
                    entry = self._queue.get_nowait()
                except queue.Empty:
                    break
                if entry is None:
                    is_open = False
                    break
                group.append(entry)
            self._commit_group([entry for entry in group if not entry.future.cancelled()])

    def _commit_group(self, group: list[_Write]) -> None:
        try:
            self._check_file()
            outcomes = self._try_group(group)
            self._check_file()  # what went into a file without a name is not stored
        except StoreError as error:
            outcomes = [(None, error)] * len(group)
        except Exception as error:  # whatever it is: nothing of the group is stored, and the thread lives on
            failure = store_error(self.url, error)
            failure.__cause__ = error
            outcomes = [(None, failure)] * len(group)
        for entry, outcome in zip(group, outcomes, strict=True):
            entry.resolve(outcome)

    def _check_file(self) -> None:
        """Raises `StoreError` where the store's file is gone; logged once for each time it goes."""
        if self._file is None:
            return
        try:
            self._file.check()
        except StoreError as error:
            if not self._is_file_gone:
                log.error("store_file_gone", reason=str(error))
            self._is_file_gone = True
            raise
        self._is_file_gone = False

    def _try_group(self, group: list[_Write]) -> list[Outcome]:
        """Runs and commits; again when it lost a race or its connection before the commit began.

        First without savepoints, which would cost more than most works; if one fails, again with one for each.
        """
        attempt, run = 1, _run_plainly
        while True:
            with self._write_engine.connect() as connection:
                transaction = connection.begin()  # a store that is locked has been waited for long enough
                try:
                    outcomes = run(connection, group)
                except Exception as error:
                    if run is _run_plainly and not may_run_again(error):
                        run = _run_apart
                        continue
                    if attempt == GROUP_ATTEMPTS or not may_run_again(error):
                        raise
                else:
                    if transaction.is_active:
                        transaction.commit()
                    return outcomes
            time.sleep(random.uniform(0.2, 1.0) * AGAIN_AFTER_S * attempt)  # noqa: S311  # the others go first
            attempt += 1


def _run_plainly(connection: Connection, group: list[_Write]) -> list[Outcome]:
    """The outcome of each; whatever one raises is raised."""
    return [(entry.work(connection), None) for entry in group]


def _run_apart(connection: Connection, group: list[_Write]) -> list[Outcome]:
    """The outcome of each; only what fails the transaction as a whole is raised."""
    if len(group) != 1:
        return [_run_in_savepoint(connection, entry.work) for entry in group]
    try:
        return [(group[0].work(connection), None)]
    except DBAPIError:
        raise
    except Exception as error:  # its own refusal, like a lost lease: nothing else is in this transaction
        connection.rollback()
        return [(None, error)]


def _run_in_savepoint(connection: Connection, work: Callable[[Connection], Any]) -> Outcome:
    """One writer's failure undoes only its own rows; a lost connection or race fails the group."""
    savepoint = connection.begin_nested()
    try:
        result = work(connection)
        savepoint.commit()
    except DBAPIError as error:
        if may_run_again(error) or not connection.in_transaction():
            raise
        savepoint.rollback()
        return None, store_error(connection.engine.url, error)
    except Exception as error:
        savepoint.rollback()
        return None, error
    return result, None
