"""The WebSocket itself. The only door to `websockets`; its errors end here, and no address is in any of ours."""

import contextlib
import logging
from collections.abc import Mapping

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage, InvalidStatus, InvalidURI

from feishu.api.error_codes import api_error
from feishu.errors import BadReply, FeishuError, Timeout, Unreachable
from feishu.events.parsing import MAX_EVENT_BYTES
from feishu.long_connection.ticket import Ticket

NAME = "long_connection_handshake"
MAX_FRAME_BYTES = 4 * MAX_EVENT_BYTES
OPEN_S, CLOSE_S = 10.0, 2.0
KEEPALIVE_S, KEEPALIVE_TIMEOUT_S = 15.0, 10.0
"""Pings of the WebSocket protocol itself notice a peer that is gone within 25 s; the platform's own pings come only
every 120 s. The official SDK's library sends them, too, every 20 s."""
_KEEPALIVE_FAILED = 1011
_SILENT = logging.Logger("feishu.long_connection.silent")
_SILENT.disabled = True  # the library's debug log shows addresses


class Lost(Exception):
    """The connection has ended: by `reason` `closed` (by the platform), `silent` (no sign of life), `network`
    (it broke) or `protocol` (what came was no WebSocket frame). `detail` is for the log."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason} {detail}".strip())
        self.reason = reason
        self.detail = detail


class Socket:
    """An open WebSocket that carries binary messages."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def receive(self) -> bytes | None:
        """The next message; None for text, which the platform does not send. Raises `Lost`."""
        try:
            message = await self._connection.recv()
        except ConnectionClosed as error:
            raise _lost(error) from None
        return message if isinstance(message, bytes) else None

    async def send(self, message: bytes) -> None:
        """Raises `Lost`."""
        try:
            await self._connection.send(message)
        except ConnectionClosed as error:
            raise _lost(error) from None

    async def close(self) -> None:
        """Sends a close frame, and drops the connection where none comes back. Never raises."""
        with contextlib.suppress(Exception):
            await self._connection.close()


async def open_socket(ticket: Ticket) -> Socket:
    """Raises `FeishuError`: refusals of the handshake as the typed error of their code."""
    try:
        connection = await connect(
            ticket.url,
            logger=_SILENT,
            compression=None,
            max_size=MAX_FRAME_BYTES,
            open_timeout=OPEN_S,
            close_timeout=CLOSE_S,
            ping_interval=KEEPALIVE_S,
            ping_timeout=KEEPALIVE_TIMEOUT_S,
            proxy=None if ticket.is_local else True,
        )
    except TimeoutError:
        raise Timeout(f"not open within {OPEN_S:g} s", endpoint=NAME) from None
    except InvalidStatus as error:
        raise _refusal(error.response.status_code, error.response.headers) from None
    except InvalidMessage as error:
        what = "cut off" if isinstance(error.__cause__, EOFError) else "what answers speaks no HTTP"
        raise Unreachable(what, endpoint=NAME) from None
    except (InvalidHandshake, InvalidURI, ValueError) as error:
        raise BadReply(type(error).__name__, endpoint=NAME) from None
    except (OSError, ConnectionClosed) as error:
        raise Unreachable(type(error).__name__, endpoint=NAME) from None
    return Socket(connection)


def _refusal(status: int, headers: Mapping[str, str]) -> FeishuError:
    """What the headers of a refused handshake say: `handshake-status`, of an authentication that failed the finer
    `handshake-autherrcode`, and `handshake-msg`."""
    message, log_id = headers.get("handshake-msg", ""), headers.get("x-tt-logid", "")
    for name in ("handshake-autherrcode", "handshake-status"):
        code = headers.get(name, "")
        if code.isdecimal() and 0 < len(code) <= 10 and int(code):
            return api_error(
                int(code), message, endpoint=NAME, path="", http_status=status, log_id=log_id, headers=headers
            )
    return BadReply(f"HTTP {status} without the platform's headers", endpoint=NAME, log_id=log_id)


def _lost(error: ConnectionClosed) -> Lost:
    if error.rcvd is not None and (error.sent is None or error.rcvd_then_sent):
        return Lost("closed", f"code {error.rcvd.code}")
    if error.sent is None:
        return Lost("network")
    if error.sent.code == _KEEPALIVE_FAILED:
        return Lost("silent", "no answer to the keep-alive")
    return Lost("protocol", f"code {error.sent.code}")
