"""Runs ASGI apps on their ports until a signal asks to stop; every exit is orderly."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import structlog
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from bot.connections import Connections, Limits, Phase, Reason, room
from bot.errors import BotError

log = structlog.get_logger(__name__)

GRACE_S = 5
SWEEP_S = 1.0
MAX_HEAD_BYTES = 65_536
"""Request line and headers; what goes on beyond gets 431. The parser itself would take any number."""
_LATE = b"408 Request Timeout"
_TOO_LARGE = b"431 Request Header Fields Too Large"


class PortTaken(BotError):
    """A door cannot open on its port."""


class _Server(uvicorn.Server):
    """Signals are handled once for all doors, not by each server."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _guarded(connections: Connections) -> type[asyncio.Protocol]:
    """uvicorn's HTTP protocol, whose connections `connections` watches over."""

    class Guarded(HttpToolsProtocol):
        address = ""
        _head_bytes = 0
        _resumed = 0

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self.address = self.client[0] if self.client else ""
            if not connections.admit(self, self.loop.time()):
                transport.abort()

        def connection_lost(self, exc: Exception | None) -> None:
            connections.forget(self)
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            if self.transport.is_closing():
                return
            super().data_received(data)
            self._head_bytes = self._head_bytes + len(data) if self._waits_for_head() else 0
            if self._head_bytes > MAX_HEAD_BYTES:
                self._say(_TOO_LARGE)

        def resume_writing(self) -> None:
            self._resumed += 1
            super().resume_writing()

        def phase(self) -> tuple[Phase, object]:
            mark = (self.cycle, self._resumed)
            if self.transport.is_closing():
                return "closing", mark
            if self.flow.write_paused:
                return "reply", mark
            if self._waits_for_head():
                return ("idle" if self.cycle and not self._head_bytes else "head"), mark
            return ("body" if self.cycle.more_body and not self.pipeline else "work"), mark

        def end(self, reason: Reason | None) -> None:
            if self.transport.is_closing() or reason not in (None, "head_late"):
                self.transport.abort()
            elif reason == "head_late":
                self._say(_LATE)
            else:
                self.transport.close()

        def _waits_for_head(self) -> bool:
            return self.cycle is None or self.cycle.response_complete

        def _say(self, status: bytes) -> None:
            self.transport.write(b"HTTP/1.1 " + status + b"\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
            self.transport.close()

    return Guarded


class Door:
    """An app on a bound socket. Binding happens at once, so that a taken port is told before anything starts."""

    def __init__(
        self,
        app: ASGIApp,
        host: str,
        port: int,
        *,
        setting: str,
        lifespan: bool = False,
        connections: Connections | None = None,
    ) -> None:
        """`connections`: how many and how slow ones there may be; by default as many as the system's limits allow."""
        self.socket = bind(host, port, setting=setting)
        self._connections = Connections(setting, Limits(room())) if connections is None else connections
        config = uvicorn.Config(
            app,
            http=_guarded(self._connections),
            ws="none",
            log_config=None,
            log_level="warning",  # "Started server process" twice tells nobody anything
            access_log=False,
            lifespan="on" if lifespan else "off",
            timeout_graceful_shutdown=GRACE_S,
            timeout_keep_alive=int(self._connections.limits.idle_s),
            server_header=False,
            proxy_headers=False,
        )
        self.server = _Server(config)

    @property
    def url(self) -> str:
        """Where the door is; an address of all interfaces is shown as loopback."""
        host, port = self.socket.getsockname()[:2]
        shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
        return f"http://{shown}:{port}"

    async def serve(self) -> None:
        """Until `close`."""
        sweeping = asyncio.create_task(self._sweep_forever(), name="sweep-connections")
        try:
            await self.server.serve(sockets=[self.socket])
        finally:
            sweeping.cancel()

    async def _sweep_forever(self) -> None:
        loop, limits = asyncio.get_running_loop(), self._connections.limits
        every_s = min(SWEEP_S, limits.head_s / 4, limits.reader_s / 4)
        while True:
            await asyncio.sleep(every_s)
            self._connections.sweep(loop.time())

    def close(self) -> None:
        self.server.should_exit = True


def bind(host: str, port: int, *, setting: str) -> socket.socket:
    """A listening socket. Raises `PortTaken`, naming the setting to change."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio turns Nagle's delay off only for sockets that say TCP: 40 ms an answer.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        reason = error.strerror or str(error)
        raise PortTaken(f"cannot listen on {host}:{port} ({reason}); set {setting} to another port") from None
    listener.setblocking(False)
    return listener


async def serve_doors(doors: list[Door], *, drain: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Serves until SIGINT or SIGTERM (or until a door fails), then drains with the doors still open, then closes them.

    A second signal cuts the draining short.
    """
    asked = asyncio.Queue[int]()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked.put_nowait, number)
    serving = [asyncio.create_task(door.serve()) for door in doors]
    waits: list[asyncio.Task[Any]] = [asyncio.create_task(asked.get())]
    try:
        await asyncio.wait({*serving, *waits}, return_when=asyncio.FIRST_COMPLETED)
        log.info("draining")
        waits += [asyncio.create_task(drain()), asyncio.create_task(asked.get())]
        await asyncio.wait(waits[1:], return_when=asyncio.FIRST_COMPLETED)
    finally:
        log.info("stopping")
        for task in waits:
            task.cancel()
        for door in doors:
            door.close()
        await asyncio.gather(*serving, *waits, return_exceptions=True)
    for task in serving:
        task.result()
