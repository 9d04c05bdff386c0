"""The last step before the socket: what is sent within a few milliseconds goes out in one write."""

import asyncio
import time
from collections.abc import Callable, MutableMapping
from typing import Any

from starlette.types import Send

GATHER_S = 0.005
"""A third of a screen's frame: nobody sees it, and it bounds a stream to 200 writes a second."""
AT_ONCE = 5
"""Writes that may come before their time, so that stages and first words wait for nothing."""
MOST_HELD = 16_384


class Gathering:
    """Wraps an ASGI `send`; bodies keep their order.

    A write to a socket costs more than all else that is done for a token. So there is one for each `GATHER_S` and no
    more; after a pause up to `AT_ONCE` are free. What comes when none is free goes out together with the next: a model
    that writes as fast as people read is not delayed at all. While the reader takes nothing, whoever sends waits, and
    no more is held than what came within one gathering time, or `MOST_HELD` bytes.
    """

    def __init__(self, send: Send, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.sending_since = 0.0
        """When the write began that the reader has not taken yet, on the clock of `monotonic`; 0 for none."""
        self._send = send
        self._monotonic = monotonic
        self._held = bytearray()
        self._used_until = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.Task[None] | None = None
        self._failure: BaseException | None = None

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        """An ASGI message. Raises what the wrapped `send` raised, at the latest with the message after."""
        while self._writing is not None:
            await asyncio.wait({self._writing})
        if self._failure is not None:
            raise self._failure
        if not message.get("more_body"):  # the start or the end: neither waits
            if self._held:
                await self._write(self._taken())
            await self._write(message)
            return
        waits_s = self._used_until - (AT_ONCE - 1) * GATHER_S - self._monotonic()
        if waits_s <= 0 and not self._held:
            await self._write(message)
            return
        self._held += message["body"]
        if len(self._held) >= MOST_HELD:
            await self._write(self._taken())
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(max(0.0, waits_s), self._write_held)

    def close(self) -> None:
        """Forgets what is held: the reader has left, or has got everything."""
        self._taken()
        if self._writing is not None:
            self._writing.cancel()

    def _write_held(self) -> None:
        self._timer = None
        self._writing = asyncio.create_task(self._write(self._taken()))
        self._writing.add_done_callback(self._written)

    def _written(self, task: "asyncio.Task[None]") -> None:
        self._writing = None
        if not task.cancelled():
            self._failure = task.exception()

    def _taken(self) -> MutableMapping[str, Any]:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        body = bytes(self._held)
        self._held.clear()
        return {"type": "http.response.body", "body": body, "more_body": True}

    async def _write(self, message: MutableMapping[str, Any]) -> None:
        self.sending_since = self._monotonic()
        self._used_until = max(self._used_until, self.sending_since) + GATHER_S
        await self._send(message)
        self.sending_since = 0.0
