"""An inbox with two replicas, on either store, and a clock moved by hand."""

from bot.inbox.queue import Jobs
from bot.job import Job, NewJob
from bot.storage.database import Database
from tests.support.clock import HandClock

LEASE_S = 8.0


def new(number: int, *, chat: str = "", app: str = "cli_a", message: str = "", turn: str = "") -> NewJob:
    """A question; each in its own chat unless told otherwise."""
    keys = (f"event:{number}", f"message:{message or number}")
    return NewJob(app, "answer", chat or f"oc_{number}", {"number": number}, keys, turn, asker="ou_a")


class Inbox:
    """Two replicas on one store, and a clock moved by hand."""

    def __init__(self, url: str) -> None:
        self.clock = HandClock()
        self.databases = [Database(url), Database(url)]
        self.databases[0].migrate()
        self.a, self.b = (Jobs(database, lease_s=LEASE_S, clock=self.clock) for database in self.databases)

    async def take(self, jobs: Jobs | None = None) -> Job:
        """Claims what must be there."""
        job = await (jobs or self.a).claim()
        assert job is not None
        return job

    def close(self) -> None:
        for database in self.databases:
            database.close()


def number(job: Job | None) -> int | None:
    return job.payload["number"] if job else None
