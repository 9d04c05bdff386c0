"""Notices between replicas over PostgreSQL's LISTEN/NOTIFY: work is waiting, a job is to stop.

A notice only saves time: whoever misses one finds the same in the store at the next poll or heartbeat. With SQLite
there is one process and nobody to tell.
"""

import threading
from collections.abc import Callable
from typing import Any

import structlog
from sqlalchemy import Connection, text

from bot.storage.database import Database

log = structlog.get_logger(__name__)

CHANNEL = "feishu_rag"
JOBS, STOP = "jobs", "stop"
LISTEN_S = 1.0
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 10.0


def notify(connection: Connection, kind: str, rest: str = "") -> None:
    """Tells the replicas when (and only if) the transaction commits. Equal notices of one transaction become one."""
    if connection.dialect.name == "postgresql":
        notice = text("SELECT pg_notify(:channel, :notice)")
        connection.execute(notice, {"channel": CHANNEL, "notice": f"{kind} {rest}"[:7_000]})


class Listener:
    """A thread that hears notices. `hear(kind, rest)` is called from it; also, as `(JOBS, "")`, after each connection,
    since something may have been missed. Does nothing with SQLite."""

    def __init__(self, database: Database, hear: Callable[[str, str], None]) -> None:
        self._database = database
        self._hear = hear
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="store-listen", daemon=True)

    def start(self) -> None:
        if not self._database.is_sqlite:
            self._thread.start()

    def close(self) -> None:
        """Blocking, for about a second."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        wait_s = FIRST_WAIT_S
        while not self._ending.is_set():
            try:
                self._database.listen(CHANNEL, self._take)
            except Exception as error:
                log.warning("notices_interrupted", reason=type(error).__name__, retry_in_s=wait_s)
                self._ending.wait(wait_s)
                wait_s = min(wait_s * 2, LONGEST_WAIT_S)
            else:
                wait_s = FIRST_WAIT_S

    def _take(self, driver: Any) -> None:
        self._hear(JOBS, "")
        while not self._ending.is_set():
            for notice in driver.notifies(timeout=LISTEN_S, stop_after=1):
                kind, _, rest = notice.payload.partition(" ")
                self._hear(kind, rest)
