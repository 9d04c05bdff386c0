"""One open connection, from its first frame to its end: pings, fragments, events, acknowledgements."""

import asyncio
import base64
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any, Protocol

import orjson

from feishu.clock import Clock
from feishu.encoding import to_bytes
from feishu.errors import WebhookError
from feishu.events.parsing import json_object, own_event, without_lone_surrogates
from feishu.events.types import CardAction, Event
from feishu.long_connection.fragments import BadFragment, Fragments
from feishu.long_connection.frames import CONTROL, DATA, BadFrame, Frame, decode, encode
from feishu.long_connection.pace import ClientConfig
from feishu.long_connection.socket import Lost, Socket
from feishu.long_connection.ticket import Ticket

PONG_S = 10.0
"""A platform that sends nothing for so long after a ping is taken for dead, however alive its TCP connection is."""
MOST_AT_ONCE = 1000
"""Events being stored at the same time. The next one is refused, and the platform delivers it again."""
DRAIN_S = 3.0
EVENT_TYPES = ("event", "card")
"""The type of the frame, not of the event: `card.action.trigger` comes as `event`, by some reports as `card`."""
OK, FAILED = 200, 500


class EventReply(Protocol):
    """What a handler says: the answer's JSON for whoever clicked, and what to do once it has been sent."""

    @property
    def body(self) -> dict[str, Any]: ...

    @property
    def afterwards(self) -> Callable[[], None] | None: ...


Handle = Callable[[Event], Awaitable[EventReply]]
"""Returns once the event is stored; whatever it raises has the platform deliver the event again."""


class FrameObserver(Protocol):
    """Hears what happens on an open connection. Never raises, never waits."""

    def acknowledged(self, seconds: float, code: int) -> None:
        """An event was answered with `code`, so long after its last frame had come."""

    def event_refused(self, error: WebhookError) -> None:
        """An event that cannot be read, is another app's or too old."""

    def event_failed(self, error: Exception) -> None:
        """The handler could not take an event; it will come again."""

    def frames_dropped(self, reason: str, count: int) -> None:
        """`reason`: `unreadable`, `fragment`, `incomplete`, `type`, `busy` or `unsent` (an answer)."""


class Session:
    """Runs until the connection is lost, or `run` is cancelled; then it is to be closed."""

    def __init__(
        self, socket: Socket, ticket: Ticket, app_id: str, handle: Handle, observer: FrameObserver, *, clock: Clock
    ) -> None:
        self.config: ClientConfig = ticket.config
        self._socket = socket
        self._service_id = ticket.service_id
        self._app_id = app_id
        self._handle = handle
        self._observer = observer
        self._clock = clock
        self._fragments = Fragments(clock)
        self._at_work: set[asyncio.Task[None]] = set()
        self._has_heard = True
        self.has_answered = asyncio.Event()
        """Set by the platform's first pong."""

    async def run(self) -> Lost:
        """How the connection ended. What was being stored then goes on until `aclose`."""
        ends = [asyncio.create_task(self._read_forever()), asyncio.create_task(self._ping_forever())]
        try:
            done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            return _loss(done.pop())
        finally:
            for task in ends:
                task.cancel()
            await asyncio.gather(*ends, return_exceptions=True)

    async def aclose(self) -> None:
        """Waits for what is being stored and answered, for at most `DRAIN_S`, and closes."""
        if self._at_work:
            await asyncio.wait(self._at_work, timeout=DRAIN_S)
        await self._socket.close()

    async def _read_forever(self) -> None:
        while True:
            raw = await self._socket.receive()
            self._has_heard = True
            if raw is None:
                self._observer.frames_dropped("type", 1)
                continue
            try:
                frame = decode(raw)
            except BadFrame:
                self._observer.frames_dropped("unreadable", 1)
                continue
            if frame.method == CONTROL:
                self._control(frame)
            elif frame.method == DATA and frame.header("type") in EVENT_TYPES:
                self._data(frame)
            else:
                self._observer.frames_dropped("type", 1)

    def _control(self, frame: Frame) -> None:
        if frame.header("type") != "pong":
            return
        self.has_answered.set()
        if frame.payload:
            try:
                self.config = self.config.updated(orjson.loads(frame.payload))
            except ValueError:
                self._observer.frames_dropped("unreadable", 1)

    def _data(self, frame: Frame) -> None:
        try:
            whole = self._fragments.add(
                frame.header("message_id"), frame.header("sum"), frame.header("seq"), frame.payload or b""
            )
        except BadFragment:
            self._observer.frames_dropped("fragment", 1)
            return
        if lost := self._fragments.expired():
            self._observer.frames_dropped("incomplete", lost)
        if whole is None:
            return
        came_at = self._clock.monotonic()
        if len(self._at_work) >= MOST_AT_ONCE:
            self._observer.frames_dropped("busy", 1)
            self._spawn(self._answer(frame, FAILED, None, came_at))
        else:
            self._spawn(self._take(frame, whole, came_at))

    async def _take(self, frame: Frame, whole: bytes, came_at: float) -> None:
        code, said, afterwards = OK, None, None
        try:
            payload = json_object(without_lone_surrogates(whole), "the event")
            event = own_event(payload, app_id=self._app_id, now=self._clock.time())
            reply = await self._handle(event)
            said = reply.body if isinstance(event, CardAction) else None
            afterwards = reply.afterwards
        except WebhookError as error:
            code = FAILED
            self._observer.event_refused(error)
        except Exception as error:
            code = FAILED
            self._observer.event_failed(error)
        await self._answer(frame, code, said, came_at)
        if afterwards:
            afterwards()

    async def _answer(self, frame: Frame, code: int, said: dict[str, Any] | None, came_at: float) -> None:
        """The frame goes back as it came, with the answer in it. A callback's response stands in `data`, as base64."""
        took_s = self._clock.monotonic() - came_at
        answer: dict[str, Any] = {"code": code}
        if said is not None:
            answer["data"] = base64.b64encode(to_bytes(said)).decode()
        headers = (*frame.headers, ("biz_rt", str(int(took_s * 1000))))
        try:
            await self._socket.send(encode(replace(frame, headers=headers, payload=to_bytes(answer))))
        except Lost:  # it comes again, and is known by then
            self._observer.frames_dropped("unsent", 1)
        else:
            self._observer.acknowledged(self._clock.monotonic() - came_at, code)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._at_work.add(task)
        task.add_done_callback(self._at_work.discard)

    async def _ping_forever(self) -> None:
        """The first ping at once, then by the platform's interval, as the official SDK does it."""
        ping = encode(Frame(self._service_id, CONTROL, (("type", "ping"),)))
        while True:
            self._has_heard = False
            await self._socket.send(ping)
            patience_s = min(PONG_S, self.config.ping_interval_s)
            await self._clock.sleep(patience_s)
            if not self._has_heard:
                raise Lost("silent", f"nothing within {patience_s:g} s after a ping")
            if lost := self._fragments.expired():
                self._observer.frames_dropped("incomplete", lost)
            await self._clock.sleep(self.config.ping_interval_s - patience_s)


def _loss(ended: asyncio.Task[None]) -> Lost:
    error = ended.exception()
    if isinstance(error, Lost):
        return error
    raise error or RuntimeError("neither reading nor pinging ends by itself")
