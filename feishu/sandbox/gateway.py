"""The platform's end of long connections: a WebSocket server, tickets, one connection an event, and its misfortunes.

Rules: lark-oapi 1.7.5 `ws/client.py`, and open.feishu.cn/document event-subscription-guide: the endpoint gives an
address; the handshake says in headers why it refuses; an event goes to one connection of the app at random and has to
be answered within 3 s; nothing is encrypted or signed, and `header.token` is empty. Not documented, so readings of
ours: how long a ticket is good for, that it is good for one connection, from what size on events come in parts.
"""

import asyncio
import base64
import contextlib
import logging
import random
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qs, urlencode, urlsplit

import orjson
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from feishu.sandbox.faults import Faults
from feishu.sandbox.refusal import Refused
from feishu.sandbox.rules.platform import Platform
from feishu.sandbox.wire import CONTROL, DATA, WireFrame
from feishu.sandbox.world import App

HANDSHAKE = "ws.handshake"
TICKET_S = 60.0
FORBIDDEN, AUTH_FAILED, TOO_MANY = 403, 514, 1000040350
ConnectionFault = Literal["silent", "dead", "close", "abort", "garbage"]
_SILENT = logging.Logger("feishu.sandbox.gateway.silent")
_SILENT.disabled = True


class NotConnected(Exception):
    """No connection of the app is open."""


@dataclass(slots=True)
class Connection:
    """One open connection."""

    socket: ServerConnection
    app: App
    device_id: str
    service_id: int
    fault: Literal["", "silent", "dead"] = ""
    pings: int = 0
    waiting: dict[str, tuple[list[WireFrame], asyncio.Future[dict[str, Any]]]] = field(default_factory=dict)


class Gateway:
    """Serves `ws://…/ws/v2`. One for all apps."""

    def __init__(self, platform: Platform, faults: Faults) -> None:
        self._platform = platform
        self._faults = faults
        self._server: Server | None = None
        self._tickets: dict[str, tuple[str, float]] = {}
        self.connections: list[Connection] = []
        self.fragments_to_lose = 0
        self.choose: Callable[[Sequence[Connection]], Connection] = random.choice
        """Which of an app's connections an event goes to. The platform takes one at random."""

    async def start(self) -> None:
        """Takes a free port."""
        self._server = await serve(
            self._serve,
            "127.0.0.1",
            0,
            process_request=self._admit,
            ping_interval=None,
            compression=None,
            max_size=None,
            logger=_SILENT,
        )

    async def stop(self) -> None:
        """Hangs up on everybody."""
        if self._server is None:
            return
        for connection in self.connections:
            if connection.fault == "dead":
                connection.socket.transport.abort()
        self._server.close()
        await self._server.wait_closed()

    def ticket(self, body: dict[str, Any]) -> dict[str, Any]:
        """POST /callback/ws/endpoint {"AppID", "AppSecret"}."""
        app = self._platform.world.apps.get(str(body.get("AppID")))
        if not body.get("AppID") or not body.get("AppSecret"):
            raise Refused(1000040344, "app id or secret is empty", "credentials", 200)
        if app is None or body["AppSecret"] != app.settings.app_secret:
            raise Refused(AUTH_FAILED, "app id or secret is invalid", "credentials", 200)
        if self._server is None:
            raise RuntimeError("the sandbox is not started")
        ticket = secrets.token_urlsafe(24)
        self._tickets[ticket] = (app.app_id, self._platform.now() + TICKET_S)
        told = {"device_id": str(secrets.randbelow(1 << 62)), "service_id": "33554678", "ticket": ticket}
        port = next(iter(self._server.sockets)).getsockname()[1]
        url = f"ws://127.0.0.1:{port}/ws/v2?{urlencode(told)}"
        return {"data": {"URL": url, "ClientConfig": self._config()}}

    def connections_of(self, app: App) -> list[Connection]:
        """The app's connections."""
        return [connection for connection in self.connections if connection.app is app]

    async def deliver(self, app: App, envelope: dict[str, Any]) -> dict[str, Any]:
        """Sends an event to one connection; gives the answer's JSON, `data` decoded. Raises `NotConnected`,
        TimeoutError after the platform's 3 s, ValueError for an answer that cannot be read."""
        connections = self.connections_of(app)
        if not connections:
            raise NotConnected("no long connection is open")
        connection = self.choose(connections)
        header = {**envelope["header"], "token": ""}
        payload = orjson.dumps({**envelope, "header": header})
        message_id = secrets.token_hex(16)
        frames = self._frames(connection, message_id, payload)
        answered: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        connection.waiting[message_id] = (frames, answered)
        try:
            async with asyncio.timeout(self._platform.settings.push_timeout_s):
                for frame in self._survivors(frames):
                    await self._send(connection, frame)
                return await answered
        except ConnectionClosed:
            raise NotConnected("the connection was lost") from None
        finally:
            connection.waiting.pop(message_id, None)

    async def break_connections(self, how: ConnectionFault, *, app: App) -> int:
        """Does something to each of the app's connections; gives how many they were.

        `silent`: no pong and no event any more, however alive the socket is. `dead`: nothing is read or sent any more,
        as behind a cable that was cut. `close`: with a close frame. `abort`: without one. `garbage`: bytes that are no
        frame.
        """
        connections = self.connections_of(app)
        for connection in connections:
            if how == "close":
                await connection.socket.close(1001)
            elif how == "abort":
                connection.socket.transport.abort()
            elif how == "garbage":
                await connection.socket.send(b"\xff\x00garbage")
                await connection.socket.send("text")
            else:
                connection.fault = how
                if how == "dead":
                    connection.socket.transport.pause_reading()
        self._platform.journal.add("fault", "connection", f"{how}: {len(connections)} connections", app_id=app.app_id)
        return len(connections)

    async def _admit(self, socket: ServerConnection, request: Request) -> Response | None:
        query = parse_qs(urlsplit(request.path).query)
        if fault := self._faults.meet(HANDSHAKE, ""):
            if fault.drop:
                socket.transport.abort()
            return _refusal(socket, fault.status or 400, fault.code or FORBIDDEN, fault.msg)
        app_id, until = self._tickets.pop(query.get("ticket", [""])[0], ("", 0.0))
        if self._platform.now() > until:
            return _refusal(socket, 403, FORBIDDEN, "invalid ticket")
        app = self._platform.world.apps[app_id]
        if len(self.connections_of(app)) >= self._platform.settings.long_connection.most:
            return _refusal(socket, 403, AUTH_FAILED, "the number of connections exceeded the limit", TOO_MANY)
        connection = Connection(socket, app, query["device_id"][0], int(query["service_id"][0]))
        socket.served = connection  # type: ignore[attr-defined]
        return None

    async def _serve(self, socket: ServerConnection) -> None:
        connection: Connection = socket.served  # type: ignore[attr-defined]
        self.connections.append(connection)
        journal = self._platform.journal
        journal.add("note", "connection", f"open: {connection.device_id}", app_id=connection.app.app_id)
        try:
            with contextlib.suppress(ConnectionClosed):
                async for message in socket:
                    await self._hear(connection, message)
        finally:
            self.connections.remove(connection)
            for _, answered in connection.waiting.values():
                if not answered.done():
                    answered.set_exception(NotConnected("the connection was lost"))
            journal.add("note", "connection", f"closed: {connection.device_id}", app_id=connection.app.app_id)

    async def _hear(self, connection: Connection, message: str | bytes) -> None:
        try:
            frame = WireFrame.load(message if isinstance(message, bytes) else b"")
        except ValueError as error:
            self._broken(connection, "frame", f"a frame that cannot be read: {error}")
            return
        if frame.service != connection.service_id:
            self._broken(connection, "frame_service", f"service {frame.service} instead of {connection.service_id}")
        elif frame.method == CONTROL and frame.headers.get("type") == "ping":
            connection.pings += 1
            if not connection.fault:
                pong = WireFrame(CONTROL, connection.service_id, {"type": "pong"}, orjson.dumps(self._config()))
                await connection.socket.send(pong.dump())
        elif frame.method == DATA:
            self._answered(connection, frame)

    def _answered(self, connection: Connection, frame: WireFrame) -> None:
        sent, answered = connection.waiting.get(frame.headers.get("message_id", ""), ([], None))
        if answered is None or answered.done():
            return  # too late: the platform has given up on it
        if not any(_is_answer_to(frame, each) for each in sent):
            self._broken(connection, "ack_frame", "an acknowledgement is a frame of the event with another payload")
        try:
            answered.set_result(_read_answer(frame.payload))
        except ValueError as error:
            answered.set_exception(error)

    def _frames(self, connection: Connection, message_id: str, payload: bytes) -> list[WireFrame]:
        size = self._platform.settings.long_connection.fragment_bytes
        pieces = [payload[at : at + size] for at in range(0, len(payload), size)]
        ids = {"message_id": message_id, "trace_id": secrets.token_hex(8)}
        return [
            WireFrame(
                DATA,
                connection.service_id,
                {"type": "event", **ids, "sum": str(len(pieces)), "seq": str(at)},
                piece,
                seq_id=secrets.randbelow(1 << 63),
                log_id=1,
                log_id_new=ids["trace_id"],
            )
            for at, piece in enumerate(pieces)
        ]

    def _survivors(self, frames: list[WireFrame]) -> list[WireFrame]:
        if len(frames) == 1 or not self.fragments_to_lose:
            return frames
        self.fragments_to_lose -= 1
        return frames[:-2] + frames[-1:]

    async def _send(self, connection: Connection, frame: WireFrame) -> None:
        if not connection.fault:
            await connection.socket.send(frame.dump())

    def _config(self) -> dict[str, int]:
        terms = self._platform.settings.long_connection
        return {
            "ReconnectCount": terms.reconnect_count,
            "ReconnectInterval": terms.reconnect_interval_s,
            "ReconnectNonce": terms.reconnect_nonce_s,
            "PingInterval": terms.ping_interval_s,
        }

    def _broken(self, connection: Connection, rule: str, what: str) -> None:
        self._platform.broken(rule, what, app_id=connection.app.app_id)


def _refusal(socket: ServerConnection, status: int, code: int, message: str, auth_code: int = 0) -> Response:
    response = socket.respond(status, f"{message}\n")
    response.headers["Handshake-Status"] = str(code)
    response.headers["Handshake-Msg"] = message
    if auth_code or code == AUTH_FAILED:
        response.headers["Handshake-Autherrcode"] = str(auth_code)
    return response


def _is_answer_to(frame: WireFrame, sent: WireFrame) -> bool:
    headers = {key: value for key, value in frame.headers.items() if key != "biz_rt"}
    same = (frame.seq_id, frame.log_id, frame.log_id_new) == (sent.seq_id, sent.log_id, sent.log_id_new)
    return same and headers == sent.headers and "biz_rt" in frame.headers


def _read_answer(payload: bytes) -> dict[str, Any]:
    answer = orjson.loads(payload)
    if not isinstance(answer, dict) or not isinstance(answer.get("code"), int):
        raise ValueError("the answer is not {code, data}")
    if data := answer.get("data"):
        answer["data"] = orjson.loads(base64.b64decode(data, validate=True))
    return answer
