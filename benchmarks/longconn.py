"""The client of the long connection beside the official SDK's: what a start costs, how fast events are acknowledged,
and what becomes of the connection in faults.

Each client is a process of its own with an app of its own on one local platform, which measures from its side:

- start: from the start of the process to the open connection; memory (RSS) once it is open;
- burst: 500 messages at once, from sending each to its acknowledgement. `ours` and `sdk` store nothing; `ours, stored`
  writes each event and its job durably into SQLite first, as the bot does;
- faults: seconds until the client asks for a new connection, and until it has one. The platform's terms are a tenth of
  the real ones: ping every 12 s, up to 3 s before a new attempt, 12 s between attempts.

    python benchmarks/longconn.py [--rounds 3] [--json FILE] [--no-faults]
"""

import argparse
import asyncio
import contextlib
import json
import os
import platform
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

REPOSITORY = Path(__file__).parent.parent
EVENTS = 500
PATIENCE_S = 100.0
STARTING_S = 240.0
SDK = "tests.support.sdk_long_connection"
Figures = dict[str, float | None]


async def client(url: str, app_id: str, secret: str, folder: str) -> None:
    """Ours, as little around it as there can be; with a folder, events are stored there."""
    from pydantic import SecretStr

    from feishu.api.client import FeishuClient
    from feishu.long_connection.connection import LongConnection
    from feishu.settings import FeishuSettings
    from tests.support.long_connection import Listener, Said

    listener = Listener()
    if folder:
        from bot.inbox.queue import Jobs
        from bot.job import NewJob
        from bot.storage.database import Database

        database = Database(f"sqlite:///{folder}/bot.db")
        database.migrate()
        jobs = Jobs(database, lease_s=8.0)

        async def store(event: Any) -> Said:
            keys = (f"event:{event.event_id}", f"message:{event.message_id}")
            await jobs.accept(NewJob(app_id, "answer", event.chat_id, {"message": event.content}, keys))
            return Said()

        listener.take = store  # type: ignore[method-assign]
    settings = FeishuSettings(app_id=app_id, app_secret=SecretStr(secret), base_url=url, transport="websocket")
    connection = LongConnection(FeishuClient(settings), settings, listener.take, listener)
    connection.start()
    await asyncio.Event().wait()


@dataclass
class Client:
    """A client under measurement, and the platform's view of it."""

    name: str
    sandbox: Any
    app: Any
    process: asyncio.subprocess.Process
    started_in_s: float
    rss_mb: float

    @property
    def connections(self) -> list[Any]:
        return list(self.sandbox.gateway.connections_of(self.app))

    def asked(self) -> int:
        """How often it has asked for a connection."""
        calls = self.sandbox.calls("ws.endpoint")
        return sum(entry.detail["request"].get("AppID") == self.app.app_id for entry in calls)


@contextlib.asynccontextmanager
async def running_client(name: str, sandbox: Any, url: str, folder: str = "") -> AsyncIterator[Client]:
    """Started, connected, and killed at the end."""
    app = sandbox.world.apps[f"cli_{name}"]
    script = ["-m", SDK, url] if name == "sdk" else [__file__, "--client", folder, url]
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *script, app.app_id, "secret"),
        cwd=REPOSITORY,
        env={**os.environ, "NO_PROXY": "127.0.0.1"},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await sandbox.wait_for(lambda: sandbox.gateway.connections_of(app), STARTING_S)
        took_s = time.perf_counter() - began
        yield Client(name, sandbox, app, process, took_s, rss_mb(process.pid))
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def rss_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(each.split()[1]) for each in lines if each.startswith("VmRSS")) / 1024


def message(app_id: str, number: int) -> dict[str, Any]:
    """A question as the platform sends it."""
    key = secrets.token_hex(12)
    inner = {"message_id": f"om_{key}", "chat_id": f"oc_{number % 200}", "chat_type": "p2p", "message_type": "text"}
    inner["content"] = json.dumps({"text": "出差回来多久内要报销？需要哪些票据？"})
    header = {"event_id": key, "token": "", "event_type": "im.message.receive_v1", "app_id": app_id}
    header |= {"tenant_key": "t", "create_time": str(int(time.time() * 1000))}
    sender = {"sender_id": {"open_id": f"ou_{number}"}, "sender_type": "user"}
    return {"schema": "2.0", "header": header, "event": {"sender": sender, "message": inner}}


async def burst(client: Client) -> Figures:
    """Acknowledgements of `EVENTS` messages at once, in milliseconds."""

    async def one(number: int) -> float:
        began = time.perf_counter()
        answer = await client.sandbox.gateway.deliver(client.app, message(client.app.app_id, number))
        assert answer["code"] == 200, answer
        return (time.perf_counter() - began) * 1000

    await asyncio.gather(*(one(number) for number in range(20)))  # warm
    took = sorted(await asyncio.gather(*(one(number) for number in range(EVENTS))))
    p50, p95, p99 = (took[int(len(took) * share)] for share in (0.5, 0.95, 0.99))
    return {"ack p50 ms": p50, "ack p95 ms": p95, "ack p99 ms": p99}


async def after(client: Client, fault: Callable[[], Awaitable[object]]) -> tuple[float | None, float | None]:
    """(seconds until it asked for a new connection, seconds until it had one); None: not within `PATIENCE_S`."""
    old, asked = {each.device_id for each in client.connections}, client.asked()
    began = time.perf_counter()
    await fault()

    async def until(seen: Callable[[], Any]) -> float | None:
        left_s = PATIENCE_S - (time.perf_counter() - began)
        with contextlib.suppress(TimeoutError):
            await client.sandbox.wait_for(seen, max(left_s, 0.01))
            return time.perf_counter() - began
        return None

    noticed = await until(lambda: client.asked() > asked)
    back = await until(lambda: {each.device_id for each in client.connections} - old)
    return noticed, back


async def faults_of(client: Client) -> Figures:
    """One after the other, each on a connection that is well."""
    gateway, found = client.sandbox.gateway, {}

    def refuse(**how: Any) -> None:
        client.sandbox.faults.plan("ws.endpoint", match=f'"{client.app.app_id}"', **how)

    async def broken(how: Any) -> None:
        await gateway.break_connections(how, app=client.app)

    async def refused(times: int, code: int) -> None:
        refuse(code=code, status=200, times=times)
        await broken("close")

    rows: dict[str, Callable[[], Awaitable[object]]] = {
        "close frame": lambda: broken("close"),
        "connection cut": lambda: broken("abort"),
        "endpoint busy five times": lambda: refused(5, 1),
        "no pong any more": lambda: broken("silent"),
        "dead peer": lambda: broken("dead"),
        "secret refused twice": lambda: refused(2, 514),
    }
    for name, fault in rows.items():
        noticed, back = await after(client, fault)
        found[f"{name}: asks again after s"], found[f"{name}: connected again after s"] = noticed, back
        if back is None and name in ("no pong any more", "dead peer"):
            await gateway.break_connections("abort", app=client.app)  # help it on, for the next row
            await client.sandbox.wait_for(lambda: any(not each.fault for each in client.connections), PATIENCE_S)
    return found


async def measure(names: list[str], *, with_faults: bool) -> dict[str, Figures]:
    """One round. Starts and bursts one after the other, faults of the clients at the same time."""
    from feishu.sandbox import AppSettings, ConnectionSettings, Sandbox, SandboxSettings, running

    terms = ConnectionSettings(ping_interval_s=12, reconnect_interval_s=12, reconnect_nonce_s=3)
    apps = tuple(AppSettings(f"cli_{name}", "secret", "k", "t", transport="websocket") for name in names)
    settings = SandboxSettings(more_apps=apps, long_connection=terms, push_timeout_s=60)
    sandbox, figures = Sandbox(settings), {}
    async with running(sandbox) as url, contextlib.AsyncExitStack() as stack:
        clients = []
        for name in names:
            folder = stack.enter_context(tempfile.TemporaryDirectory()) if name == "stored" else ""
            found = await stack.enter_async_context(running_client(name, sandbox, url, folder))
            measured = await burst(found)
            figures[name] = {"start s": found.started_in_s, "memory MB": found.rss_mb, **measured}
            clients.append(found)
        if with_faults:
            tested = [each for each in clients if each.name != "stored"]
            for each, found_faults in zip(tested, await asyncio.gather(*map(faults_of, tested)), strict=True):
                figures[each.name] |= found_faults
    return figures


def told(values: list[float | None]) -> str:
    """The median, and each round; a dash stands for "not within `PATIENCE_S`"."""
    middle = statistics.median(float("inf") if value is None else value for value in values)
    shown = ", ".join("–" if value is None else f"{value:.4g}" for value in values)
    return f"{'–' if middle == float('inf') else f'{middle:.4g}'} ({shown})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--client", nargs=4, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-faults", action="store_true", help="start, memory and burst only: a minute")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    if arguments.client:
        folder, url, app_id, secret = arguments.client
        asyncio.run(client(url, app_id, secret, folder))
        return
    names = ["ours", "stored"]
    try:
        import lark_oapi.core.const  # noqa: F401
    except ImportError:
        print("lark-oapi is not installed (extra dev): measured without it")
    else:
        names.append("sdk")
    rounds = [asyncio.run(measure(names, with_faults=not arguments.no_faults)) for _ in range(arguments.rounds)]
    load = os.getloadavg()[0]
    print(f"CPython {platform.python_version()}, medians of {len(rounds)} rounds (each), load average {load:.1f}")
    for row in rounds[0]["ours"]:
        cells = [told([each[name].get(row) for each in rounds]) if row in rounds[0][name] else "" for name in names]
        print(f"{row:48}" + "".join(f"{cell:34}" for cell in cells))
    if arguments.json:
        arguments.json.write_text(json.dumps({"rounds": rounds, "load": load}, indent=2) + "\n")


if __name__ == "__main__":
    main()
