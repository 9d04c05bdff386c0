"""The web door on a loopback port before any library: its pages, its API, its locks, and a store of its own."""

import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.access.rules import Access
from bot.answering import Recorder
from bot.observability.metrics import Metrics
from bot.observability.tracing import TraceStore, Tracing
from bot.repositories.votes import Feedback
from bot.repositories.web_turns import WebStore
from bot.settings import BotSettings, Settings
from bot.storage.database import Database
from bot.web.chat.admission import Gate
from bot.web.chat.routes import ChatDoor
from bot.web.chat.turns import WebLibrary, WebTurns
from bot.web_app import add_admin, chat_app
from feishu.api.client import FeishuClient
from feishu.clock import SystemClock
from feishu.settings import FeishuSettings
from rag.settings import PromptSettings, RagSettings
from tests.support.serving import served


@dataclass
class WebDoor:
    """A served web door and what stands behind it."""

    url: str
    turns: WebTurns
    database: Database
    metrics: Metrics
    feedback: Feedback
    tracing: Tracing


@contextlib.asynccontextmanager
async def web_door(
    library: WebLibrary,
    folder: Path,
    settings: BotSettings | None = None,
    *,
    listener: socket.socket | None = None,
    feishu: dict[str, Any] | None = None,
    before: Callable[[Database], object] | None = None,
    rag: RagSettings | None = None,
) -> AsyncIterator[WebDoor]:
    """Opens the door; the store lies in `folder`."""
    settings = settings or BotSettings()
    clock, metrics = SystemClock(), Metrics()
    database = Database(f"sqlite:///{folder / 'web.db'}")
    try:
        database.migrate()
        if before:
            before(database)
        traces = TraceStore(database, clock=clock)
        tracing = Tracing(traces, PromptSettings(), clock=clock)
        access = Access(settings.access, rag or RagSettings())
        turns = WebTurns(library, WebStore(database, access, clock=clock), Recorder(tracing, metrics, clock))
        gate = Gate(slots=settings.web_answers, wait_s=settings.web_wait_s, clock=clock)
        feedback = Feedback(database, clock=clock)
        door = ChatDoor(
            turns,
            feedback,
            gate,
            metrics,
            access,
            settings.web_stall_s,
            settings.web_files,
        )
        app = chat_app(door, settings)
        whole = Settings(feishu=FeishuSettings(app_id="cli_sandbox", app_secret="s", **(feishu or {})), bot=settings)
        client = FeishuClient(whole.feishu)
        add_admin(app, database, client, whole, library, clock=clock)
        async with served(app, listener) as url:
            yield WebDoor(url, turns, database, metrics, feedback, tracing)
        await turns.settle()
        await tracing.settle()
        await client.aclose()
    finally:
        database.close()
