"""Server-sent events: how a stream begins, beats, ends, and what happens when its reader leaves or falls asleep."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from typing import Any

import orjson
import structlog
from sse_starlette import EventSourceResponse
from starlette.types import Message, Receive, Scope, Send

from bot.observability.metrics import Metrics
from bot.web.chat.admission import Slot
from bot.web.chat.coalescing import Gathering

log = structlog.get_logger(__name__)

HEARTBEAT_S = 15


def sse(name: str, body: dict[str, Any]) -> bytes:
    """One event, ready to send: made here because a token is small and there are many of them."""
    return b"event: %b\r\ndata: %b\r\n\r\n" % (name.encode(), orjson.dumps(body))


def sse_text(name: bytes, text: str) -> bytes:
    """An event of nothing but text."""
    return b'event: %b\r\ndata: {"text":%b}\r\n\r\n' % (name, orjson.dumps(text))


def sse_data(body: Any) -> bytes:
    """An event without a name, as OpenAI's protocol has it."""
    return b"data: %b\n\n" % orjson.dumps(body)


class Stream(EventSourceResponse):
    """A counted stream that holds a slot. However it ends, the content is closed, then `closed` called, once.

    The content is read only as fast as the reader takes it, so a slow one costs no memory; one that takes nothing for
    `stall_s` is left.
    """

    def __init__(
        self,
        content: AsyncGenerator[bytes],
        *,
        slot: Slot | None,
        metrics: Metrics,
        stall_s: float,
        closed: Callable[[], None] = lambda: None,
        headers: dict[str, str] | None = None,
        label: str = "chat",
        media_type: str = "text/event-stream",
    ) -> None:
        beats = HEARTBEAT_S if media_type == "text/event-stream" else 0
        super().__init__(content, ping=beats, headers=headers, media_type=media_type)
        self._stall_s = stall_s
        self._content = content
        self._slot = slot
        self._metrics = metrics
        self._closed = closed
        self._label = label

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started_at, how, gathering = time.monotonic(), "cut", Gathering(send)
        open_now = self._metrics.stream_opened()
        log.info("stream_opened", stream=self._label, open_streams=open_now)
        try:
            async with asyncio.timeout(None) as limit:
                watch = asyncio.create_task(self._watch(gathering, limit))
                try:
                    await super().__call__(scope, receive, gathering)
                finally:
                    watch.cancel()
                    gathering.close()
            how = "closed"
        except TimeoutError:
            how = "stalled"
            log.warning("stream_reader_stalled", stream=self._label)
        finally:
            if self._slot is not None:
                self._slot.release()
            self._closed()
            left = self._metrics.stream_closed()
            seconds = round(time.monotonic() - started_at, 3)
            log.info("stream_closed", stream=self._label, how=how, seconds=seconds, open_streams=left)
            await self._content.aclose()

    async def _send_with_timeout(self, send: Send, message: Message) -> None:
        """Replaces the library's, which sets up a time-out for each event; one watcher for all is much cheaper."""
        await send(message)

    async def _watch(self, gathering: Gathering, limit: asyncio.Timeout) -> None:
        """Ends the stream once its reader has taken nothing for `stall_s`."""
        while True:
            await asyncio.sleep(self._stall_s / 4)
            since = gathering.sending_since
            if since and time.monotonic() - since >= self._stall_s:
                limit.reschedule(asyncio.get_running_loop().time())
                return
