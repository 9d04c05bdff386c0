"""One door to the store: SQLite in WAL by default, PostgreSQL by URL.

Writes go through one thread that commits together whatever has arrived meanwhile (group commit), so that a durable
accept costs a share of one `fsync` and not a whole one. Reads run beside it. How each kind of store is opened, and how
its errors are told, stands here, too.
"""

import asyncio
import contextlib
import fcntl
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TextIO, TypeVar

import structlog
from sqlalchemy import (
    URL,
    ColumnElement,
    Connection,
    Double,
    Engine,
    cast,
    create_engine,
    event,
    literal,
    literal_column,
    make_url,
    text,
)
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from bot.errors import StoreError
from bot.storage.migrations import run_migrations
from bot.storage.presence import StoreFile
from feishu.clock import backoff_s
from rag.private_files import close, make_private_file, make_private_folder

BUSY_TIMEOUT_MS = 2_000
"""Below the platform's 3 s: a store that is locked for longer is answered with 503 and not with silence."""

# A replica that is stopped or cut off inside a transaction must not keep its row locks from the others: the server ends
# idle transactions and slow statements, and the kernel gives up on a peer that does not acknowledge.
_POSTGRES_OPTIONS = "-c idle_in_transaction_session_timeout=4000 -c statement_timeout=10000 -c lock_timeout=4000"
_POSTGRES_CONNECT = {
    "connect_timeout": 3,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 8_000,
    "application_name": "feishu-rag",
    "options": _POSTGRES_OPTIONS,
}
_AGAIN = {"40001", "40P01"}
"""SQLSTATEs of a transaction that lost a race and may simply be run again: serialization failure, deadlock."""
_LET_WRITE = (
    "let the user that runs the bot write the file of BOT__DATABASE_URL, those beside it (-wal, -shm, .lock) and their "
    "folder, or name another file"
)
_ROOM = "make room there; the bot goes on by itself"
_REMEDIES = {
    "SQLITE_CANTOPEN": _LET_WRITE,
    "SQLITE_READONLY": _LET_WRITE,
    "SQLITE_PERM": _LET_WRITE,
    "SQLITE_FULL": f"the disk of the SQLite file is full: {_ROOM}",
    "SQLITE_IOERR": f"the disk of the SQLite file may be full or broken: {_ROOM}",
    "SQLITE_CORRUPT": "restore a backup of the SQLite file, or name another file in BOT__DATABASE_URL",
    "SQLITE_NOTADB": "that file is something else: name another one in BOT__DATABASE_URL",
    "25006": "the bot has to write: name the primary in BOT__DATABASE_URL",
    "42501": "grant the user of BOT__DATABASE_URL its rights on the schema",
    "53100": f"the database's disk is full: {_ROOM}",
    "53300": "raise max_connections of PostgreSQL; a replica opens up to nine connections",
    "55P03": "another session holds a lock on the tables: see pg_stat_activity and pg_blocking_pids",
}
"""Begin of SQLite's error name or of the SQLSTATE → what to do."""
_UNREACHABLE = {
    "password authentication failed": "refuses user {user}: correct user and password in BOT__DATABASE_URL",
    "no password supplied": "wants a password for user {user}: put it into BOT__DATABASE_URL",
    "role": "has no user {user}: make it, or correct BOT__DATABASE_URL",
    "does not exist": "has no database {database}: make it (createdb {database}), or correct BOT__DATABASE_URL",
    "no pg_hba.conf entry": "does not let user {user} in from this machine: add a line to its pg_hba.conf",
    "too many clients": "takes no more connections: raise its max_connections; a replica opens up to nine",
    "the database system is": "is starting up or shutting down: wait, or look at its log",
    "failed to resolve": "is not known by that name: correct the host in BOT__DATABASE_URL, or name resolution",
    "could not translate": "is not known by that name: correct the host in BOT__DATABASE_URL, or name resolution",
    "refused": "does not take the connection: start it, or correct host and port in BOT__DATABASE_URL",
    "timeout": "does not answer: see that it runs and that a firewall lets this machine through",
    "No such file": "does not take the connection: start it, or correct BOT__DATABASE_URL",
    "closed the connection": "closed the connection: see its log",
}
"""What libpq says when there is no connection → the rest of a sentence; the first that fits."""
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


def open_engine(url: URL) -> Engine:
    """An engine for `url`; connects lazily. Raises `StoreError` when the driver or the folder is not there."""
    if url.get_backend_name() == "sqlite":
        return _open_sqlite(url)
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    try:
        engine = create_engine(
            url, pool_size=6, max_overflow=2, pool_pre_ping=True, pool_recycle=1800, connect_args=_POSTGRES_CONNECT
        )
    except ModuleNotFoundError:
        raise StoreError("the driver for PostgreSQL is not installed: pip install 'feishu-rag[postgres]'") from None
    event.listen(engine, "before_cursor_execute", _make_storable, retval=True)
    return engine


def _open_sqlite(url: URL) -> Engine:
    if url.database:
        try:
            make_private_folder(Path(url.database).parent)
        except OSError as error:
            raise StoreError(f"the folder of {url.database} cannot be made: {error.strerror}; {_LET_WRITE}") from None
        _close_files(Path(url.database))
    engine = create_engine(url, pool_size=6, connect_args={"check_same_thread": False})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin)
    event.listen(engine, "before_cursor_execute", _make_storable, retval=True)
    return engine


def _close_files(database: Path) -> None:
    """The store is for the bot's own user: a new file is made so before SQLite does it by the umask, which gives those
    beside it the same rights."""
    with contextlib.suppress(OSError):  # what cannot be written is told by the first use, with what to do
        make_private_file(database)
    for beside in ("-wal", "-shm", "-journal", ".lock"):
        close(database.with_name(database.name + beside))


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """WAL lets readers run beside the writer; FULL keeps an acknowledged accept through a power cut."""
    connection.isolation_level = None  # SQLAlchemy's `begin` event below opens transactions, not the driver
    for pragma in (f"busy_timeout={BUSY_TIMEOUT_MS}", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _make_storable(
    _connection: Connection, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool
) -> tuple[str, Any]:
    """The last line against text that no database takes, wherever it comes from: NUL goes, and lone surrogates are
    replaced, rather than that a statement fails. Ids are checked where they come in."""
    return statement, _storable(parameters)


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        if value.isascii():
            return value.replace("\0", "") if "\0" in value else value
        return value.replace("\0", "").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {name: _storable(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_storable(each) for each in value)
    return value


def _begin(connection: Connection) -> None:
    """The writer takes its lock at once, so that it never fails half-way through; readers take none."""
    immediate = connection.get_execution_options().get("immediate", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def may_run_again(error: BaseException) -> bool:
    """Whether a transaction that failed like this before its commit may be run once more, unchanged."""
    if not isinstance(error, DBAPIError):
        return False
    return error.connection_invalidated or getattr(error.orig, "sqlstate", None) in _AGAIN


def store_error(url: URL, error: BaseException) -> StoreError:
    """One sentence without the statement's parameters, which hold people's words; what to do about it where that is
    known."""
    cause = getattr(error, "orig", None) or error
    backend = url.get_backend_name()
    if not (isinstance(error, SQLAlchemyError) or isinstance(cause, OSError)):
        return StoreError(f"the {backend} store failed: {type(cause).__name__}")
    if backend == "postgresql" and (sentence := _unreachable(url, error, cause)):
        return StoreError(sentence)
    first_line, remedy = (str(cause).splitlines() or [""])[0], _remedy(cause)
    name = "" if remedy else f"{type(cause).__name__}: "
    return StoreError(f"the {backend} store refused: {name}{first_line}{remedy}")


def _unreachable(url: URL, error: BaseException, cause: BaseException) -> str:
    """A sentence where no connection to PostgreSQL could be made, or the one there was broke; "" otherwise.

    libpq gives such failures no SQLSTATE, only words (which hold host, user and database, never the password).
    """
    where, said = f"PostgreSQL at {url.host or 'this machine'}:{url.port or 5432}", str(cause)
    if type(cause).__name__ != "OperationalError" or getattr(cause, "sqlstate", None):
        return f"{where} ended the connection; see its log" if _is_broken(error) else ""
    fix = next((fix for words, fix in _UNREACHABLE.items() if words in said), "")
    fix = fix or f"cannot be reached ({(said.splitlines() or [''])[0]}): see that it runs, or correct BOT__DATABASE_URL"
    return f"{where} {fix.format(user=url.username or '', database=url.database or '')}"


def _is_broken(error: BaseException) -> bool:
    return isinstance(error, DBAPIError) and error.connection_invalidated


def unusable(path: str, error: OSError) -> StoreError:
    """A file or folder of a SQLite store that the operating system refuses."""
    return StoreError(f"{path} cannot be written: {error.strerror}; {_LET_WRITE}")


def _remedy(cause: BaseException) -> str:
    name = getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None) or ""
    return next((f"; {remedy}" for begin, remedy in _REMEDIES.items() if name.startswith(begin)), "")


@contextlib.contextmanager
def serving_lock(file: str) -> Iterator[None]:
    """Only one process may serve from a SQLite file: its leases are freed at start. Raises `StoreError`."""
    path = Path(f"{file}.lock")
    try:
        make_private_file(path)
        lock: TextIO = path.open("a")  # what another process has noted in it stays
    except OSError as error:
        raise unusable(str(path), error) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise StoreError(
            f"another feishu-rag serves from {file}; stop it, or set BOT__DATABASE_URL to another file"
        ) from None
    try:
        yield
    finally:
        lock.close()


def sqlite_file(url: str) -> str:
    """The path in the URL of a SQLite store; "" for another kind."""
    parsed = make_url(url)
    return parsed.database or "" if parsed.get_backend_name() == "sqlite" else ""


def is_served(file: str) -> bool:
    """Whether a process serves from a SQLite file."""
    try:
        with Path(f"{file}.lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


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
            time.sleep(backoff_s(attempt, first_s=AGAIN_AFTER_S, longest_s=1.0, jitter=0.8))  # the others go first
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
