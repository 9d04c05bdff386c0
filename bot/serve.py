"""Starting the bot, and serving both of its doors until a signal. The demo is in `bot.serve_demo`."""

from collections.abc import Callable
from dataclasses import replace

import structlog

from bot import crash_points
from bot.app import Bot
from bot.connections import Connections, Limits, room
from bot.observability.logs import configure_logs
from bot.public_app import public_app
from bot.server import Door, serve_doors
from bot.settings import Settings, secret_values
from bot.web_app import web_app

log = structlog.get_logger(__name__)


async def serve_bot(settings: Settings, *, announce: Callable[[Door, Door], None] | None = None) -> None:
    """Serves both doors until a signal. Raises what keeps the bot from starting."""
    configure_logs(settings.bot.log_level, settings.bot.log_format, secrets=secret_values(settings))
    crash_points.arm()
    async with Bot.open(settings) as bot:
        public, web = _doors(bot)
        log.info("serving", public=public.url, web=web.url)
        if announce:
            announce(public, web)
        await serve_doors([public, web], drain=bot.stop)


def _doors(bot: Bot) -> tuple[Door, Door]:
    """The public door and the web door, bound. Each has its own share of the connections, so that neither can take the
    other's."""
    settings = bot.settings.bot
    limits = Limits(room(doors=2))
    patient = replace(limits, reader_s=max(limits.reader_s, settings.web_stall_s))

    def connections(name: str, limits: Limits) -> Connections:
        return Connections(name, limits, trusted=settings.proxies, observe=bot.metrics.connections)

    public = Door(
        public_app(bot),
        settings.host,
        settings.port,
        setting="BOT__PORT",
        lifespan=True,
        connections=connections("public", limits),
    )
    web = Door(
        web_app(bot),
        settings.web_host,
        settings.web_port,
        setting="BOT__WEB_PORT",
        connections=connections("web", patient),
    )
    return public, web
