"""The web door on a loopback port before any library: its pages, its API, its locks, and a store of its own."""

import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from bot.chat import ChatDoor
from bot.chat_gate import Gate
from bot.chat_store import WebStore
from bot.chat_turns import WebLibrary, WebTurns
from bot.database import Database
from bot.feedback import Feedback
from bot.metrics import Metrics
from bot.settings import BotSettings
from bot.web import chat_app
from feishu.clock import SystemClock
from tests.support.serving import served


@dataclass
class WebDoor:
    """A served web door and what stands behind it."""

    url: str
    turns: WebTurns
    database: Database
    metrics: Metrics
    feedback: Feedback


@contextlib.asynccontextmanager
async def web_door(
    library: WebLibrary, folder: Path, settings: BotSettings | None = None, *, listener: socket.socket | None = None
) -> AsyncIterator[WebDoor]:
    """Opens the door; the store lies in `folder`."""
    settings = settings or BotSettings()
    clock, metrics = SystemClock(), Metrics()
    database = Database(f"sqlite:///{folder / 'web.db'}")
    try:
        database.migrate()
        turns = WebTurns(library, WebStore(database, clock=clock), metrics, clock)
        gate = Gate(slots=settings.web_answers, wait_s=settings.web_wait_s, clock=clock)
        feedback = Feedback(database, clock=clock)
        door = ChatDoor(turns, feedback, gate, metrics, settings.web_stall_s)
        async with served(chat_app(door, settings), listener) as url:
            yield WebDoor(url, turns, database, metrics, feedback)
        await turns.settle()
    finally:
        database.close()
