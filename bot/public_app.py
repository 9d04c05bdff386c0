"""The public door's application: the platform's webhook, unless events come over the long connection, and two health
pages."""

import contextlib
from collections.abc import AsyncIterator

from fastapi import FastAPI

from bot.app import Bot
from bot.handlers.http import EventTaker, add_closed_routes, add_health_routes, add_platform_routes
from bot.observability.clock_offset import ClockOffset
from bot.settings import Settings
from feishu.clock import Clock, SystemClock
from feishu.events.webhook import Webhook
from feishu.settings import FeishuSettings


def public_app(bot: Bot) -> FastAPI:
    """The public door: `/feishu/*`, `/health`, `/ready`, nothing else. Its lifespan starts and stops the work."""

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await bot.start()
        try:
            yield
        finally:
            await bot.stop()

    app = FastAPI(title="feishu-rag", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    if bot.settings.feishu.transport == "webhook":
        add_platform_routes(app, _webhook(bot.settings.feishu, bot.clock), bot.handlers, bot.clock_offset)
    else:
        add_closed_routes(app)
    add_health_routes(app, bot.health, bot.ready, with_details=False)
    return app


def listening_app(settings: Settings, taker: EventTaker) -> FastAPI:
    """`/feishu/*` alone: what is proven to be the platform's goes to `taker`. For whoever only wants to hear it."""
    app = FastAPI(title="feishu-rag", docs_url=None, redoc_url=None, openapi_url=None)
    clock = SystemClock()
    add_platform_routes(app, _webhook(settings.feishu, clock), taker, ClockOffset(clock))
    return app


def _webhook(feishu: FeishuSettings, clock: Clock) -> Webhook:
    return Webhook(
        encrypt_key=feishu.encrypt_key.get_secret_value(),
        verification_token=feishu.verification_token.get_secret_value(),
        app_id=feishu.app_id,
        legacy_card_callback=feishu.legacy_card_callback,
        clock=clock,
    )
