"""The real bot inside the test's own loop, behind a real HTTP server: for tests that need no process to kill."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import uvicorn
from pydantic import SecretStr
from starlette.types import ASGIApp

from bot.app import Bot
from bot.connections import Limits
from bot.public_app import public_app
from bot.settings import BotSettings, Settings
from feishu.clock import Clock
from feishu.settings import FeishuSettings
from rag.settings import EmbeddingSettings, LlmSettings, RagSettings, TimeoutSettings


def settings_of(
    platform_url: str,
    folder: Path,
    index: Path,
    model_url: str,
    *,
    feishu: dict[str, Any] | None = None,
    timeouts: dict[str, Any] | None = None,
    bot: dict[str, Any] | None = None,
) -> Settings:
    """Settings of a bot that serves the sandbox at `platform_url` and asks the model at `model_url`."""
    return Settings(
        feishu=FeishuSettings(
            app_id="cli_sandbox",
            app_secret=SecretStr("sandbox-secret"),
            encrypt_key=SecretStr("sandbox-encrypt-key"),
            verification_token=SecretStr("sandbox-verification-token"),
            base_url=platform_url,
            **(feishu or {}),
        ),
        rag=RagSettings(
            knowledge=[folder],
            index_dir=index,
            embedding=EmbeddingSettings(provider="none"),
            llm=LlmSettings(
                provider="openai",
                base_url=model_url,
                model="test-model",
                timeouts=TimeoutSettings(**(timeouts or {})),
            ),
        ),
        bot=BotSettings(**({"database_url": f"sqlite:///{folder / 'bot.db'}", "drain_s": 1.0} | (bot or {}))),
    )


@contextlib.asynccontextmanager
async def bot_inside(
    settings: Settings, *, clock: Clock | None = None, around: Callable[[ASGIApp], ASGIApp] = lambda app: app
) -> AsyncIterator[tuple[Bot, str]]:
    """The bot and the URL of its public server, whose application may be put `around`."""
    async with Bot.open(settings, clock=clock) as bot:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)  # from now on a push waits instead of being refused
        config = uvicorn.Config(
            around(public_app(bot)),
            log_config=None,
            access_log=False,
            lifespan="on",
            timeout_graceful_shutdown=2,
            timeout_keep_alive=int(Limits(1).idle_s),
        )
        server = uvicorn.Server(config)
        server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield bot, f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving
            listener.close()


async def idle(bot: Bot) -> None:
    """Returns when no job waits or runs. The store tells nobody about an end, so it is asked again and again."""
    while (await bot.jobs.count_by_state()).keys() & {"queued", "running"}:
        await asyncio.sleep(0.05)
