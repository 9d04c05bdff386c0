"""The two doors' ports: free, or held by the bot."""

import asyncio

from bot.doctor.findings import Finding
from bot.errors import BotError
from bot.settings import Settings

HEALTH_S = 1.0
MOST_ANSWER_BYTES = 65_536


async def check_ports(settings: Settings) -> list[Finding]:
    """Whether both doors could open now, or the bot stands in them already."""
    bot = settings.bot
    return [
        await _port("public port", bot.host, bot.port, "BOT__PORT"),
        await _port("web port", bot.web_host, bot.web_port, "BOT__WEB_PORT"),
    ]


async def _port(name: str, host: str, port: int, setting: str) -> Finding:
    from bot.server import bind

    try:
        bind(host, port, setting=setting).close()
    except BotError as error:
        if await _is_bot(host, port):
            return Finding(name, "ok", f"{host}:{port}: the bot runs there")
        return Finding(name, "fail", *str(error).split("; ", 1))
    except OSError as error:
        return Finding(name, "fail", f"{host}: {error.strerror or error}", "correct the address")
    return Finding(name, "ok", f"{host}:{port} is free")


def is_taken(host: str, port: int) -> bool:
    """Whether somebody listens on the port: the bot, if all is well."""
    from bot.server import bind

    try:
        bind(host, port, setting="").close()
    except (BotError, OSError):
        return True
    return False


async def _is_bot(host: str, port: int) -> bool:
    """Whether `/health` answers there as the bot's does."""
    near = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104
    try:
        async with asyncio.timeout(HEALTH_S):
            reader, writer = await asyncio.open_connection(near, port)
            try:
                writer.write(b"GET /health HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
                answer = await reader.read(MOST_ANSWER_BYTES)
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
    head, _, body = answer.partition(b"\r\n\r\n")
    return b" 200 " in head.split(b"\r\n")[0] and b'"status"' in body
