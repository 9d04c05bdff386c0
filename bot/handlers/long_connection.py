"""The long connection's side of the bot: events go the same way as those of the webhook; what happens to the connection
is logged and counted."""

from typing import Any

import structlog

from bot.errors import StoreError
from bot.handlers.acknowledgement import Ack
from bot.handlers.router import EventRouter
from bot.observability.clock_offset import ClockOffset
from bot.observability.metrics import Metrics
from feishu.errors import CredentialsRejected, FeishuError, Forbidden, Stale, TooManyConnections, WebhookError
from feishu.events.types import Event
from feishu.long_connection.connection import ConnectionState
from feishu.long_connection.pace import ClientConfig, needs_admin
from feishu.long_connection.socket import Lost

log = structlog.get_logger(__name__)

RECONNECTING_S = 60.0
"""So long a connection that was up may be down before the bot says that it is not ready: it is opened again within the
platform's own waits, and what is asked meanwhile is delivered 15 s later."""


class ConnectionHandler:
    """Takes what a `feishu.long_connection.connection.LongConnection` brings, and hears what becomes of it."""

    def __init__(self, app_id: str, handlers: EventRouter, clock_offset: ClockOffset, metrics: Metrics) -> None:
        self._app_id = app_id
        self._handlers = handlers
        self._clock_offset = clock_offset
        self._metrics = metrics
        self._was_up = False
        self._is_counted = False

    async def take(self, event: Event) -> Ack:
        """Stores it. Raises `StoreError`: the platform then delivers it again."""
        self._clock_offset.compare(event.created_at)
        return await self._handlers.admit(event)

    def part(self, state: ConnectionState) -> dict[str, Any]:
        """For `/ready` and `/health`: up or not, since when, and why not."""
        down_s = self._clock_offset.now() - state.since
        is_ok = state.is_up or (self._was_up and down_s < RECONNECTING_S)
        return {"ok": is_ok, "up": state.is_up, "since": int(state.since), "detail": state.why or "open"}

    def opened(self, connection_id: str, config: ClientConfig) -> None:
        self._was_up = True
        self._count(is_up=True)
        log.info("long_connection_open", connection=connection_id, ping_every_s=config.ping_interval_s)

    def lost(self, lost: Lost, lasted_s: float, wait_s: float) -> None:
        self._count(is_up=False)
        self._metrics.connection_lost(lost.reason)
        log.warning(
            "long_connection_lost",
            reason=lost.reason,
            detail=lost.detail,
            lasted_s=round(lasted_s, 1),
            again_in_s=round(wait_s, 1),
        )

    def closed(self) -> None:
        """By us, at the end."""
        self._count(is_up=False)
        self._metrics.connection_lost("stopped")
        log.info("long_connection_closed")

    def _count(self, *, is_up: bool) -> None:
        self._is_counted = True
        self._metrics.connection_up(self._app_id, is_up, self._clock_offset.now())

    def refused(self, error: Exception, wait_s: float) -> None:
        self._metrics.connection_refused(type(error).__name__)
        if not self._is_counted:  # it has never been open
            self._count(is_up=False)
        told = {"reason": str(error), "again_in_s": round(wait_s, 1)}
        if not isinstance(error, FeishuError):
            log.exception("long_connection_failed", **told, exc_info=error)
        elif needs_admin(error):
            self._was_up = False
            log.error("long_connection_refused", **told, what_to_do=fix_of(error))
        else:
            log.warning("long_connection_refused", **told)

    def acknowledged(self, seconds: float, code: int) -> None:
        self._metrics.frame_acknowledged(seconds, code)

    def event_refused(self, error: WebhookError) -> None:
        if isinstance(error, Stale):
            self._clock_offset.show("event", -error.age_s)
        log.warning("event_refused", reason=str(error))

    def event_failed(self, error: Exception) -> None:
        if isinstance(error, StoreError):
            log.error("accept_failed", reason=str(error))
        else:
            log.exception("event_failed", exc_info=error)

    def frames_dropped(self, reason: str, count: int) -> None:
        self._metrics.frames_dropped(reason, count)
        log.warning("frames_dropped", reason=reason, count=count)


def fix_of(error: FeishuError) -> str:
    """What an admin does about a refusal that no waiting ends; "" for others."""
    if isinstance(error, TooManyConnections):
        return "the app has 50 long connections already: stop other replicas, and copies of the bot on other machines"
    if isinstance(error, CredentialsRejected):
        return (
            "compare FEISHU__APP_ID and FEISHU__APP_SECRET with Credentials & Basic Info, and feishu.base_url with the "
            "console's host; see in the admin console that the app is enabled"
        )
    if isinstance(error, Forbidden):
        return "only custom (self-built) apps may use the long connection; see that the app's version is published"
    return ""
