"""How fast `POST /feishu/webhook` acknowledges, with the question stored durably first.

Three servers, one process each, the same uvicorn settings, the same client and the same run:

- ours: the public door with encryption, signature, token and a committed job (SQLite in WAL, synchronous=FULL);
- bare: a FastAPI route that reads the body and answers `{}`, the ceiling for anything on this stack;
- sdk: the official SDK's event dispatcher (lark-oapi) on a FastAPI route, which verifies and stores nothing.

Throughput: 50 keep-alive connections as fast as they can. Latency: an open loop at 200 requests a second, each measured
from the moment it was due. Every request is a new event with a new message.

    python benchmarks/ack.py [--json FILE]
"""

import argparse
import asyncio
import json
import multiprocessing
import platform
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvloop

ENCRYPT_KEY, TOKEN, APP_ID = "benchmark-encrypt-key", "benchmark-token", "cli_benchmark"
CONNECTIONS, RATE, LATENCY_S, THROUGHPUT_S, ROUNDS = 50, 200, 10.0, 5.0, 3


def serve_ours(listener: socket.socket, folder: str) -> None:
    """The real public door; no worker claims, so that only accepting is measured."""
    from pydantic import SecretStr

    from bot.app import Bot
    from bot.public_app import public_app
    from bot.settings import BotSettings, Settings
    from feishu.settings import FeishuSettings
    from rag.settings import RagSettings

    settings = Settings(
        feishu=FeishuSettings(
            app_id=APP_ID,
            app_secret=SecretStr("unused"),
            encrypt_key=SecretStr(ENCRYPT_KEY),
            verification_token=SecretStr(TOKEN),
            base_url="http://127.0.0.1:9",
        ),
        rag=RagSettings(knowledge=[Path(folder)], index_dir=Path(folder) / "index"),
        bot=BotSettings(database_url=f"sqlite:///{folder}/bot.db"),
    )

    async def main() -> None:
        async with Bot.open(settings) as bot:
            await run(public_app(bot), listener)

    uvloop.run(main())


def serve_bare(listener: socket.socket, _folder: str) -> None:
    """The ceiling: a FastAPI route that reads the body."""
    from fastapi import FastAPI, Request

    app = FastAPI()

    @app.post("/feishu/webhook")
    async def webhook(request: Request) -> dict[str, Any]:
        await request.body()
        return {}

    uvloop.run(run(app, listener))


def serve_sdk(listener: socket.socket, _folder: str) -> None:
    """The official SDK's dispatcher behind the same framework."""
    import lark_oapi as lark
    from fastapi import FastAPI, Request, Response
    from lark_oapi.core.model import RawRequest

    handler = (
        lark.EventDispatcherHandler.builder(ENCRYPT_KEY, TOKEN, lark.LogLevel.ERROR)
        .register_p2_im_message_receive_v1(lambda _event: None)
        .build()
    )
    app = FastAPI()
    names = ("X-Lark-Request-Timestamp", "X-Lark-Request-Nonce", "X-Lark-Signature")

    @app.post("/feishu/webhook")
    async def webhook(request: Request) -> Response:
        raw = RawRequest()
        raw.uri, raw.body = request.url.path, await request.body()
        raw.headers = {name: request.headers.get(name, "") for name in names}
        answer = handler.do(raw)
        return Response(answer.content, answer.status_code)

    uvloop.run(run(app, listener))


async def run(app: Any, listener: socket.socket) -> None:
    import uvicorn

    config = uvicorn.Config(app, log_level="error", access_log=False, lifespan="off", timeout_keep_alive=75)
    await uvicorn.Server(config).serve(sockets=[listener])


def requests(count: int, run_name: str) -> list[bytes]:
    """Whole HTTP requests, encrypted and signed, each a new message in one of 400 private chats."""
    from feishu.events import crypto

    made = []
    now = str(int(time.time()))
    for number in range(count):
        name = f"{run_name}_{number}"
        body = json.dumps({"encrypt": crypto.encrypt(ENCRYPT_KEY, event(name, number))}).encode()
        signature = crypto.sign(now, name, ENCRYPT_KEY, body)
        head = (
            "POST /feishu/webhook HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"X-Lark-Request-Timestamp: {now}\r\nX-Lark-Request-Nonce: {name}\r\nX-Lark-Signature: {signature}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        made.append(head.encode() + body)
    return made


def event(name: str, number: int) -> bytes:
    """An `im.message.receive_v1` of the size that real ones have."""
    content = json.dumps({"text": "出差回来多久内要报销？需要哪些票据？"}, ensure_ascii=False)
    person = {"union_id": f"on_{name}", "user_id": "", "open_id": f"ou_{number % 400:032d}"}
    message = {
        "message_id": f"om_{name}",
        "create_time": "1700000000000",
        "chat_id": f"oc_{number % 400:032d}",
        "chat_type": "p2p",
        "message_type": "text",
        "content": content,
    }
    header = {
        "event_id": f"ev_{name}",
        "event_type": "im.message.receive_v1",
        "create_time": "1700000000000",
        "token": TOKEN,
        "app_id": APP_ID,
        "tenant_key": "tk_benchmark",
    }
    sender = {"sender_id": person, "sender_type": "user", "tenant_key": "tk_benchmark"}
    return json.dumps({"schema": "2.0", "header": header, "event": {"sender": sender, "message": message}}).encode()


class Connection:
    """A keep-alive HTTP/1.1 connection that is as cheap as possible, so that the server is what is measured."""

    async def open(self, port: int) -> "Connection":
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port)
        return self

    async def send(self, request: bytes) -> None:
        self.writer.write(request)
        head = await self.reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"refused: {head[:200]!r}")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await self.reader.readexactly(length)


async def throughput(port: int, pool: list[bytes]) -> float:
    """Acknowledgements per second over all connections."""
    connections = [await Connection().open(port) for _ in range(CONNECTIONS)]
    until, done = time.perf_counter() + THROUGHPUT_S, 0

    async def caller(connection: Connection) -> None:
        nonlocal done
        while time.perf_counter() < until and pool:
            await connection.send(pool.pop())
            done += 1

    began = time.perf_counter()
    await asyncio.gather(*map(caller, connections))
    rate = done / (time.perf_counter() - began)
    for connection in connections:
        connection.writer.close()
    return rate


async def latency(port: int, pool: list[bytes]) -> list[float]:
    """Milliseconds from the moment each request was due (open loop, RATE a second)."""
    idle = [await Connection().open(port) for _ in range(CONNECTIONS)]
    took: list[float] = []
    began = time.perf_counter() + 0.1

    async def one(due: float) -> None:
        connection = idle.pop() if idle else await Connection().open(port)
        await connection.send(pool.pop())
        took.append((time.perf_counter() - due) * 1000)
        idle.append(connection)

    async with asyncio.TaskGroup() as group:
        for number in range(int(RATE * LATENCY_S)):
            due = began + number / RATE
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(one(due))
    return took


def measure(name: str, target: Callable[[socket.socket, str], None], round_number: int) -> dict[str, float]:
    """One server in its own process: throughput, then latency."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # TCP named: no Nagle delay
    listener.bind(("127.0.0.1", 0))
    listener.listen(1024)
    port = listener.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        process = multiprocessing.get_context("fork").Process(target=target, args=(listener, folder), daemon=True)
        process.start()
        listener.close()
        try:
            return asyncio.run(_measure(port, f"{name}{round_number}"))
        finally:
            process.kill()
            process.join()


async def _measure(port: int, run_name: str) -> dict[str, float]:
    warm = await Connection().open(port)
    for request in requests(50, f"{run_name}w"):
        await warm.send(request)
    rate = await throughput(port, requests(40_000, f"{run_name}t"))
    took = sorted(await latency(port, requests(int(RATE * LATENCY_S), f"{run_name}l")))
    return {"acks_per_s": rate, "p50_ms": took[len(took) // 2], "p99_ms": took[int(len(took) * 0.99)]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    servers: dict[str, Callable[[socket.socket, str], None]] = {"ours": serve_ours, "bare": serve_bare}
    try:
        import lark_oapi  # noqa: F401
    except ImportError:
        print("lark-oapi is not installed (extra dev): measured without it")
    else:
        servers["sdk"] = serve_sdk
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in servers}
    for number in range(ROUNDS):  # interleaved, so that a noisy minute hits all of them
        for name, target in servers.items():
            rounds[name].append(measure(name, target, number))
    figures = {
        name: {key: statistics.median(each[key] for each in measured) for key in measured[0]}
        for name, measured in rounds.items()
    }
    print(f"{platform.python_implementation()} {platform.python_version()}, median of {ROUNDS} rounds")
    print(f"{'':6}{'acks/s':>10}{'of bare':>10}{'p50 ms at 200/s':>18}{'p99 ms at 200/s':>18}")
    for name, figure in figures.items():
        share = figure["acks_per_s"] / figures["bare"]["acks_per_s"]
        print(f"{name:6}{figure['acks_per_s']:10.0f}{share:10.2f}{figure['p50_ms']:18.2f}{figure['p99_ms']:18.2f}")
    if arguments.json:
        arguments.json.write_text(json.dumps({"rounds": rounds, "median": figures}, indent=2) + "\n")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))
    main()
