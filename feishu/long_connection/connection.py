"""A long connection that stays: opened, watched over, opened again, closed in order."""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Protocol

from feishu.api.client import FeishuClient
from feishu.clock import Clock, SystemClock
from feishu.errors import FeishuError
from feishu.long_connection.pace import ClientConfig, Pace
from feishu.long_connection.session import FrameObserver, Handle, Session
from feishu.long_connection.socket import Lost, open_socket
from feishu.long_connection.ticket import ask_for_ticket
from feishu.settings import FeishuSettings


@dataclass(frozen=True, slots=True)
class ConnectionState:
    """Whether events can arrive. `since` is in epoch seconds; `why` says why not, and is "" while it is up."""

    is_up: bool
    since: float
    why: str = ""
    connection_id: str = ""


class ConnectionObserver(FrameObserver, Protocol):
    """Hears of the connection's ups and downs, too."""

    def opened(self, connection_id: str, config: ClientConfig) -> None:
        """Events can arrive."""

    def lost(self, lost: Lost, lasted_s: float, wait_s: float) -> None:
        """It has ended; the next attempt is made in `wait_s`."""

    def closed(self) -> None:
        """`aclose` has closed an open connection."""

    def refused(self, error: Exception, wait_s: float) -> None:
        """It could not be opened; the next attempt is made in `wait_s`. Which refusals only an admin can end:
        `feishu.long_connection.pace.needs_admin`. What is no `FeishuError` is a fault of ours."""


class LongConnection:
    """One connection of the app. The platform gives each event to one of the app's connections, at random: all that are
    open must have the same handlers and the same memory."""

    def __init__(
        self,
        client: FeishuClient,
        settings: FeishuSettings,
        handle: Handle,
        observer: ConnectionObserver,
        *,
        clock: Clock | None = None,
    ) -> None:
        self._client = client
        self._settings = settings
        self._handle = handle
        self._observer = observer
        self._clock = clock or SystemClock()
        self._pace = Pace()
        self._config = ClientConfig()
        self._session: Session | None = None
        self._task: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self.state = ConnectionState(False, self._clock.time(), "not opened yet")

    def start(self) -> None:
        """Opens it, and keeps it open from then on."""
        self._task = asyncio.create_task(self._run(), name="long-connection")

    async def aclose(self) -> None:
        """Answers what has come, then closes. May be repeated."""
        if self._task is None:
            return
        task, self._task = self._task, None
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        was_up = self.state.is_up
        self._close()
        await asyncio.gather(*self._closing)
        self._down("closed by us")
        if was_up:
            self._observer.closed()

    async def _run(self) -> None:
        while True:
            try:
                await self._clock.sleep(await self._open_once())
            except FeishuError as error:
                await self._clock.sleep(self._refused(error, error))
            except Exception as error:  # whatever it was, a bot that hears nothing any more would be worse
                await self._clock.sleep(self._refused(error, FeishuError()))

    def _refused(self, error: Exception, kind: FeishuError) -> float:
        wait_s = self._pace.after_refusal(kind, self._config)
        self._down(str(error) or type(error).__name__)
        self._observer.refused(error, wait_s)
        return wait_s

    async def _open_once(self) -> float:
        """From the ticket to the end of the connection; gives the seconds to wait. Raises what kept it from opening."""
        ticket = await ask_for_ticket(self._client, self._settings, self._config)
        self._config = ticket.config
        socket = await open_socket(ticket)
        app_id = self._settings.app_id
        session = self._session = Session(socket, ticket, app_id, self._handle, self._observer, clock=self._clock)
        opened_at = self._clock.monotonic()
        self.state = ConnectionState(True, self._clock.time(), connection_id=ticket.connection_id)
        self._observer.opened(ticket.connection_id, ticket.config)
        try:
            lost = await session.run()
        except Exception:
            self._close()
            raise
        self._close()
        self._config = session.config
        self._down(str(lost))
        lasted_s = self._clock.monotonic() - opened_at
        wait_s = self._pace.after_loss(lasted_s, self._config, noticed_by_us=lost.reason == "silent")
        self._observer.lost(lost, lasted_s, wait_s)
        return wait_s

    def _close(self) -> None:
        """Closes the session beside whatever comes next: a slow store keeps no new connection waiting."""
        if self._session is not None:
            closing = asyncio.create_task(self._session.aclose(), name="close-long-connection")
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
            self._session = None

    def _down(self, why: str) -> None:
        since = self._clock.time() if self.state.is_up else self.state.since
        self.state = ConnectionState(False, since, why)
