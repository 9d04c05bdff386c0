"""The public door: only what the platform and a load balancer need. The one place where errors become HTTP statuses."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import orjson
import structlog
from fastapi import FastAPI
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from bot.errors import StoreError
from bot.handlers.acknowledgement import Ack
from bot.observability.clock_offset import ClockOffset
from feishu.errors import Stale, TooLarge, WebhookError
from feishu.events.types import Event
from feishu.events.webhook import MAX_BODY_BYTES, Challenge, Webhook

log = structlog.get_logger(__name__)

EVENTS, CARD_CALLBACKS = "/feishu/webhook", "/feishu/card_callback"
RETRY_AFTER_S = 15
BODY_S = 30.0
"""The platform itself gives up after three seconds."""
Health = Callable[[], tuple[bool, dict[str, Any]]]


class EventTaker(Protocol):
    """Whoever gets what arrives: `bot.handlers.router.EventRouter`."""

    async def admit(self, event: Event) -> Ack:
        """A proven event. Raises `StoreError`: the platform is then told to deliver again."""

    def refused(self, reason: str) -> None:
        """A request that is not proven; the reason is a key of `feishu.events.webhook.HINTS`, or ""."""


def json_response(body: Any, status: int = 200, afterwards: Callable[[], None] | None = None) -> Response:
    """JSON, and optionally something to do once it has been sent."""

    async def on_the_loop() -> None:  # a plain function would be sent to a thread
        if afterwards:
            afterwards()

    background = BackgroundTask(on_the_loop) if afterwards else None
    return Response(orjson.dumps(body), status, media_type="application/json", background=background)


def add_platform_routes(app: FastAPI, webhook: Webhook, handlers: EventTaker, clock_offset: ClockOffset) -> None:
    """`POST /feishu/webhook` (events and card callbacks) and `POST /feishu/card_callback`."""

    async def receive(request: Request) -> Response:
        return await answer(request, webhook.receive)

    async def receive_card(request: Request) -> Response:
        return await answer(request, webhook.receive_card)

    async def answer(request: Request, read: Callable[..., Any]) -> Response:
        try:
            async with asyncio.timeout(BODY_S):
                body = await read_body(request)
            event = read(request.headers, body)
            if isinstance(event, Challenge):
                return json_response({"challenge": event.challenge})
            clock_offset.compare(event.created_at)
            ack = await handlers.admit(event)
        except WebhookError as error:
            if isinstance(error, Stale):
                clock_offset.show("event", -error.age_s)
            hint = getattr(error, "hint", "")
            handlers.refused(getattr(error, "why", ""))
            log.warning("webhook_refused", status=error.status, reason=str(error), **({"hint": hint} if hint else {}))
            return json_response({"error": str(error)}, error.status)
        except StoreError as error:
            log.error("accept_failed", reason=str(error))
            response = json_response({"error": "the store is not available, deliver again"}, 503)
            response.headers["Retry-After"] = str(RETRY_AFTER_S)
            return response
        except TimeoutError:
            response = json_response({"error": "the body did not arrive in time"}, 408)
            response.headers["Connection"] = "close"
            return response
        except ClientDisconnect:
            return json_response({"error": "the body did not arrive"}, 400)
        return json_response(ack.body, afterwards=ack.afterwards)

    app.add_route(EVENTS, receive, methods=["POST"])
    app.add_route(CARD_CALLBACKS, receive_card, methods=["POST"])


def add_closed_routes(app: FastAPI) -> None:
    """What the webhook's addresses say while events come over the long connection."""

    async def explain(_request: Request) -> Response:
        why = "feishu.transport is websocket: events and callbacks come over the long connection, not to this address"
        return json_response({"error": why}, 409)

    for path in (EVENTS, CARD_CALLBACKS):
        app.add_route(path, explain, methods=["POST"])


def add_health_routes(
    app: FastAPI,
    health: Health,
    ready: Callable[[], Awaitable[tuple[bool, dict[str, Any]]]],
    *,
    with_details: bool,
) -> None:
    """`GET /health`: alive. `GET /ready`: 200 when questions can be accepted and answered.

    Details name paths, hosts and settings, and are not for a door that everybody reaches.
    """

    async def show_health(_request: Request) -> Response:
        alive, body = health()
        return json_response(body if with_details else {"status": body["status"]}, 200 if alive else 503)

    async def show_ready(_request: Request) -> Response:
        is_ready, body = await ready()
        shown = body if with_details else {"status": "ok" if is_ready else "not ready"}
        return json_response(shown, 200 if is_ready else 503)

    app.add_route("/health", show_health, methods=["GET"])
    app.add_route("/ready", show_ready, methods=["GET"])


async def read_body(request: Request) -> bytes:
    """The raw body, never more than the limit in memory. Raises `TooLarge`."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and len(declared) < 20 and int(declared) > MAX_BODY_BYTES:
        raise TooLarge(f"the body exceeds {MAX_BODY_BYTES} bytes")
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BODY_BYTES:
            raise TooLarge(f"the body exceeds {MAX_BODY_BYTES} bytes")
    return bytes(body)
