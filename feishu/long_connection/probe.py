"""Whether a long connection can be had now: opened, pinged, closed. For the doctor."""

import asyncio

from feishu.api.client import FeishuClient
from feishu.clock import SystemClock
from feishu.errors import Timeout, Unreachable, WebhookError
from feishu.events.types import Event
from feishu.long_connection.pace import ClientConfig
from feishu.long_connection.session import EventReply, Session
from feishu.long_connection.socket import NAME, open_socket
from feishu.long_connection.ticket import ask_for_ticket
from feishu.settings import FeishuSettings


class _TakesNothing:
    """An event that happens to come here is refused, and the platform delivers it again 15 s later."""

    async def handle(self, event: Event) -> EventReply:
        raise NotImplementedError

    def acknowledged(self, seconds: float, code: int) -> None:
        pass

    def event_refused(self, error: WebhookError) -> None:
        pass

    def event_failed(self, error: Exception) -> None:
        pass

    def frames_dropped(self, reason: str, count: int) -> None:
        pass


async def try_connection(client: FeishuClient, settings: FeishuSettings, *, within_s: float) -> ClientConfig:
    """The platform's terms, once it has answered a ping. Raises `FeishuError`."""
    ticket = await ask_for_ticket(client, settings, ClientConfig())
    nobody = _TakesNothing()
    session = Session(await open_socket(ticket), ticket, settings.app_id, nobody.handle, nobody, clock=SystemClock())
    running = asyncio.create_task(session.run())
    answered = asyncio.create_task(session.has_answered.wait())
    try:
        done, _ = await asyncio.wait({running, answered}, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        if not done:
            raise Timeout(f"connected, but no answer to a ping within {within_s:g} s", endpoint=NAME)
        if answered not in done:
            raise Unreachable(f"connected, and lost at once: {running.result()}", endpoint=NAME)
        return session.config
    finally:
        for task in (running, answered):
            task.cancel()
        await asyncio.gather(running, answered, return_exceptions=True)
        await session.aclose()
