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

from bot.errors import BotError

log = structlog.get_logger(__name__)

GRACE_S = 5


class PortTaken(BotError):
    """A door cannot open on its port."""


class _Server(uvicorn.Server):
    """Signals are handled once for all doors, not by each server."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Door:
    """An app on a bound socket. Binding happens at once, so that a taken port is told before anything starts."""

    def __init__(self, app: ASGIApp, host: str, port: int, *, setting: str, lifespan: bool = False) -> None:
        self.socket = bind(host, port, setting=setting)
        config = uvicorn.Config(
            app,
            log_config=None,
            log_level="warning",  # "Started server process" twice tells nobody anything
            access_log=False,
            lifespan="on" if lifespan else "off",
            timeout_graceful_shutdown=GRACE_S,
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
        await self.server.serve(sockets=[self.socket])

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
