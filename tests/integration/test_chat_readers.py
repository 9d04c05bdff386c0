"""Many readers at once, some of whom take nothing: the others get everything, and memory stays flat."""

import asyncio
import contextlib
import json
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.support.bot_process import REPOSITORY
from tests.support.slow_reader_server import TOKENS

DEADLINE_S = 240.0
MOST_GROWTH_MB = 48


@dataclass
class Server:
    """The server process, as its readers see it."""

    host: str
    port: int
    process: asyncio.subprocess.Process

    @property
    def memory_mb(self) -> float:
        return float(psutil.Process(self.process.pid).memory_info().rss) / 1e6

    def request(self, question: str, conversation_id: str) -> bytes:
        body = json.dumps({"question": question, "conversation_id": conversation_id}).encode()
        head = f"POST /chat/stream HTTP/1.1\r\nHost: {self.host}\r\nContent-Length: {len(body)}\r\n"
        return head.encode() + b"Content-Type: application/json\r\nConnection: close\r\n\r\n" + body

    async def read(self, number: int) -> bytes:
        """One well-behaved reader: everything that the server sends."""
        reader, writer = await asyncio.open_connection(self.host, self.port)
        writer.write(self.request("普通问题", f"r{number}"))
        told = await reader.read(-1)
        writer.close()
        return told

    def stall(self, number: int) -> socket.socket:
        """A reader who asks and never reads."""
        sleeper = socket.socket()
        sleeper.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sleeper.connect((self.host, self.port))
        sleeper.sendall(self.request("长", f"s{number}"))
        return sleeper


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.slow_reader_server",
        str(tmp_path),
        cwd=REPOSITORY,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        host, _, port = (await process.stdout.readline()).decode().strip().removeprefix("http://").partition(":")
        yield Server(host, int(port), process)
    finally:
        process.stdin.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), 30)
        if process.returncode is None:
            process.kill()


async def check(server: Server, *, readers: int, stalled: int) -> None:
    async with asyncio.timeout(DEADLINE_S):
        await asyncio.gather(*(server.read(-number - 1) for number in range(readers)))  # warm, as large as it gets
        before = server.memory_mb
        sleepers = [server.stall(number) for number in range(stalled)]
        try:
            for round_ in range(2):
                numbers = range(round_ * readers, (round_ + 1) * readers)
                told = await asyncio.gather(*(server.read(number) for number in numbers))
                for stream in told:
                    assert stream.count(b"event: token") == TOKENS
                    assert b"event: done" in stream
            assert server.memory_mb - before < MOST_GROWTH_MB
        finally:
            for sleeper in sleepers:
                sleeper.close()
        assert b"event: done" in await server.read(10_000)


async def test_stalled_readers_cost_the_others_nothing(server: Server) -> None:
    await check(server, readers=25, stalled=5)


@pytest.mark.long
async def test_two_hundred_readers_of_whom_twenty_take_nothing(server: Server) -> None:
    await check(server, readers=180, stalled=20)
