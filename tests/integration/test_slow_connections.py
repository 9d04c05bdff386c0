"""Clients that send half a request, read nothing, or come in hundreds: the doors answer everybody else."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Sequence

import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.connections import Connections, Limits, Reason
from bot.server import MAX_HEAD_BYTES, Door
from tests.integration.conftest import Stage
from tests.integration.test_doors import encrypted, message, signed
from tests.support.bot_process import BotProcess
from tests.support.caller import caller

DEADLINE_S = 60.0
HALF_HEAD = b"POST /feishu/webhook HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A"
HALF_BODY = b"POST /feishu/webhook HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5000\r\n\r\n{"
GET = b"GET /%s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
PIECE = b"x" * 200_000


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """`/large` is more than any buffer holds; everything else answers once the body is there."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(100 if scope["path"] == "/large" else 0):
        await send({"type": "http.response.body", "body": PIECE, "more_body": True})
    await send({"type": "http.response.body", "body": b"whole"})


class Reasons(list[str]):
    """Why connections were closed; `first` is set with the first reason."""

    def __init__(self) -> None:
        super().__init__()
        self.first = asyncio.Event()

    def hear(self, _door: str, reason: Reason | None, _open: int) -> None:
        if reason:
            self.append(reason)
            self.first.set()


class Swept(Connections):
    """`often` is set once it has been looked through for long past every limit."""

    def __init__(self, limits: Limits, reasons: Reasons) -> None:
        super().__init__("web", limits, observe=reasons.hear)
        self.times = 0
        self.often = asyncio.Event()

    def sweep(self, now: float) -> None:
        super().sweep(now)
        self.times += len(self) > 0
        if self.times >= 40:
            self.often.set()


@contextlib.asynccontextmanager
async def open_door(
    limits: Limits, serve: ASGIApp = app, connections: Connections | None = None
) -> AsyncIterator[tuple[str, int, Reasons]]:
    """A door, its address, and the reasons for which it closes connections."""
    reasons = Reasons()
    watched = connections if connections is not None else Connections("web", limits, observe=reasons.hear)
    door = Door(serve, "127.0.0.1", 0, setting="", connections=watched)
    serving = asyncio.create_task(door.serve())
    host, port = door.socket.getsockname()
    try:
        yield host, port, reasons
    finally:
        door.close()
        await serving


async def answer_to(host: str, port: int, said: bytes) -> bytes:
    """All that comes back until the door closes the connection."""
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(said)
    try:
        async with asyncio.timeout(DEADLINE_S):
            return await reader.read()
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("said", "answered", "reason"),
    [
        (b"", b"HTTP/1.1 408 ", "head_late"),
        (HALF_HEAD, b"HTTP/1.1 408 ", "head_late"),
        (HALF_BODY, b"", "body_late"),
        (GET % b"" + HALF_HEAD, b"whole", ""),
        (GET % b"", b"whole", ""),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * MAX_HEAD_BYTES, b"HTTP/1.1 431 ", ""),
    ],
    ids=["nothing", "half a head", "half a body", "half a second request", "idle afterwards", "endless head"],
)
async def test_who_sends_half_a_request_is_closed(said: bytes, answered: bytes, reason: str) -> None:
    async with open_door(Limits(10, head_s=0.2, body_s=0.2, idle_s=0.2, reader_s=30)) as (host, port, reasons):
        answer = await answer_to(host, port, said)
    assert answered in answer and bool(answered) == bool(answer)
    assert reasons == ([reason] if reason else [])


async def test_who_reads_nothing_is_closed_and_who_reads_gets_everything() -> None:
    async with open_door(Limits(10, head_s=30, body_s=30, reader_s=0.3)) as (host, port, reasons):
        with socket.create_connection((host, port)) as deaf:
            deaf.sendall(GET % b"large")
            await asyncio.wait_for(reasons.first.wait(), DEADLINE_S)
        async with caller() as http:
            read = await http.get(f"http://{host}:{port}/large")
    assert read.content == PIECE * 100 + b"whole"
    assert reasons == ["reader_late"]


async def test_a_stream_goes_on_for_longer_than_every_limit() -> None:
    limits, reasons = Limits(10, head_s=0.05, body_s=0.05, reader_s=0.05), Reasons()
    swept = Swept(limits, reasons)

    async def streaming(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"data: first\n\n", "more_body": True})
        await swept.often.wait()
        await send({"type": "http.response.body", "body": b"data: last\n\n"})

    async with open_door(limits, streaming, swept) as (host, port, _), caller() as http:
        told = await http.get(f"http://{host}:{port}/")
    assert told.text == "data: first\n\ndata: last\n\n"
    assert reasons == []


async def besiege(address: str, count: int, said: bytes) -> list[asyncio.StreamWriter]:
    """Half-sent requests, all kept open."""
    url = httpx.URL(address)
    assert url.port is not None
    opened = []
    for _ in range(count):
        with contextlib.suppress(OSError):
            _, writer = await asyncio.wait_for(asyncio.open_connection(url.host, url.port), DEADLINE_S)
            writer.write(said)
            opened.append(writer)
    return opened


async def everybody_else_is_answered(bot: BotProcess, numbers: Sequence[int]) -> None:
    for number in numbers:
        event = message(number)
        event["header"]["event_type"] = "im.message.message_read_v1"  # accepted, and nothing to do
        body = encrypted(event)
        async with caller() as http:  # a connection of its own each time
            assert (await http.post(f"{bot.public}/feishu/webhook", content=body, headers=signed(body))).json() == {}
        async with caller() as http:
            assert (await http.get(f"{bot.public}/health")).status_code == 200
        async with caller() as http:
            assert (await http.get(f"{bot.web}/health")).status_code == 200


async def siege(stage: Stage, bot: BotProcess, size: int) -> None:
    await everybody_else_is_answered(bot, [1])
    besiegers: list[asyncio.StreamWriter] = []
    try:
        for door in (bot.public, bot.web):
            for said in (HALF_HEAD, HALF_BODY):
                besiegers += await besiege(door, size // 4, said)
                await everybody_else_is_answered(bot, range(len(besiegers), len(besiegers) + 3))
        told = await bot.logged("connections_closed", why="full")
        assert told["count"] >= 1 and told["most"] < size
        async with caller() as http:
            figures = (await http.get(f"{bot.web}/metrics")).text
        assert 'feishu_rag_connections_closed_total{door="public",reason="full"}' in figures
        answered = await stage.closed(await stage.ask("出差回来多久内要报销？"))
        assert answered, "the platform's calls, the store and the index have their descriptors"
    finally:
        for writer in besiegers:
            writer.close()


async def test_three_hundred_half_sent_requests_at_256_descriptors(stage: Stage) -> None:
    bot = await stage.bot(launcher=("prlimit", "--nofile=256:256"))
    await siege(stage, bot, 300)


@pytest.mark.long
async def test_eleven_hundred_half_sent_requests_at_1024_descriptors(stage: Stage) -> None:
    bot = await stage.bot(launcher=("prlimit", "--nofile=1024:1024"))
    for _ in range(5):
        await siege(stage, bot, 1_100)
    left = await besiege(bot.public, 50, HALF_HEAD)
    await bot.logged("connections_closed", why="head_late", door="public")
    for writer in left:
        writer.close()
