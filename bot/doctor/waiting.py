"""`feishu-rag doctor --wait`: one real event of the platform, or why none comes.

Where a bot runs, its store tells what it has heard. Where none does, the doctor opens the public door, or the long
connection, itself and refuses every event, so that the platform delivers it again to the bot.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.doctor.findings import Finding
from bot.doctor.ports import is_taken
from bot.doctor.webhook import ANYBODY, PATH, refusal
from bot.errors import BotError, StoreError
from bot.handlers.acknowledgement import Ack
from bot.permissions import EVENTS
from bot.settings import Settings, require_platform
from bot.settings.console import NAMES, page
from feishu.errors import FeishuError, WebhookError
from feishu.events.types import Event, MessageReceived

if TYPE_CHECKING:
    from feishu.long_connection.pace import ClientConfig
    from feishu.long_connection.socket import Lost

LOOK_EVERY_S = 0.5


async def wait_for_event(settings: Settings, within_s: float) -> Finding:
    """A finding named `events`: what came first within so many seconds. Never raises."""
    began = time.time()
    heard = _Heard()
    try:
        require_platform(settings)
        async with asyncio.timeout(within_s):
            if is_taken(settings.bot.host, settings.bot.port):
                await _watch_store(settings, heard, began)
            elif settings.feishu.transport == "websocket":
                await _connect(settings, heard)
            else:
                await _listen(settings, heard)
    except TimeoutError:
        return heard.best() or _nothing(settings, within_s)
    except BotError as error:
        return Finding("events", "unknown", f"not waited for: {error}", "see above")
    return heard.best() or _nothing(settings, within_s)


class _Heard:
    """What has come so far: takes the place of the bot's handlers at the door and on the long connection."""

    def __init__(self) -> None:
        self.event = ""
        self.reasons: dict[str, None] = {}
        self.unconnected: Exception | None = None
        """Why the long connection could not be opened last."""
        self.enough = asyncio.Event()

    async def admit(self, event: Event) -> Ack:
        """Notes it and refuses it, so that it is delivered again. Raises `StoreError`."""
        self.came("im.message.receive_v1" if isinstance(event, MessageReceived) else type(event).__name__)
        raise StoreError("heard by feishu-rag doctor; deliver again")

    def came(self, kind: str) -> None:
        self.event = self.event or kind
        self.enough.set()

    def refused(self, reason: str) -> None:
        """What may come from anybody is not taken for the answer before the time is over."""
        self.reasons[reason] = None
        if reason not in ANYBODY:
            self.enough.set()

    def best(self) -> Finding | None:
        if self.event:
            return Finding("events", "ok", f"{self.event} came")
        if self.unconnected is not None:
            told = f"no event can come, the long connection is not open: {self.unconnected}"
            return Finding("events", "fail", told, "see long connection above")
        sure = [reason for reason in self.reasons if reason not in ANYBODY] or list(self.reasons)
        return refusal(sure[0], 0.0) if sure else None


@dataclass(slots=True)
class _Watched:
    """Hears what becomes of the long connection."""

    heard: _Heard

    def opened(self, connection_id: str, config: "ClientConfig") -> None:
        self.heard.unconnected = None

    def lost(self, lost: "Lost", lasted_s: float, wait_s: float) -> None:
        self.heard.unconnected = lost

    def closed(self) -> None:
        """By us, at the end."""

    def refused(self, error: Exception, wait_s: float) -> None:
        from feishu.long_connection.pace import needs_admin

        self.heard.unconnected = error
        if isinstance(error, FeishuError) and needs_admin(error):
            self.heard.enough.set()

    def acknowledged(self, seconds: float, code: int) -> None:
        """Nothing is: what comes is refused."""

    def event_refused(self, error: WebhookError) -> None:
        """Nothing that came from the console's settings: it cannot be read, or is another app's."""

    def event_failed(self, error: Exception) -> None:
        """Refused by us."""

    def frames_dropped(self, reason: str, count: int) -> None:
        """Told by nobody: it comes again."""


async def _listen(settings: Settings, heard: _Heard) -> None:
    """The public door, open until something came. Raises `BotError` where it cannot open."""
    from bot.public_app import listening_app
    from bot.server import Door

    door = Door(listening_app(settings, heard), settings.bot.host, settings.bot.port, setting="BOT__PORT")
    serving = asyncio.create_task(door.serve())
    try:
        await heard.enough.wait()
    finally:
        door.close()
        await asyncio.shield(serving)


async def _connect(settings: Settings, heard: _Heard) -> None:
    """The long connection, open until something came; or until it is known that it cannot be opened."""
    from feishu.api.client import FeishuClient
    from feishu.long_connection.connection import LongConnection

    client = FeishuClient(settings.feishu)
    connection = LongConnection(client, settings.feishu, heard.admit, _Watched(heard))
    try:
        connection.start()
        await heard.enough.wait()
    finally:
        await connection.aclose()
        await client.aclose()


async def _watch_store(settings: Settings, heard: _Heard, began: float) -> None:
    """What the running bot notes from now on. Raises `StoreError`."""
    from bot.repositories.chat_facts import ARRIVED, NOTE_EVERY_S, REFUSED, ChatFacts
    from bot.storage.database import Database

    database = Database(settings.bot.database_url)
    try:
        facts = ChatFacts(database)
        while not heard.enough.is_set():
            for key, at in (await facts.arrivals(settings.feishu.app_id)).items():
                if at < began - NOTE_EVERY_S:  # noted at most so often
                    continue
                if key.startswith(ARRIVED):
                    heard.came(key.removeprefix(ARRIVED))
                else:
                    heard.refused(key.removeprefix(REFUSED))
            await asyncio.sleep(LOOK_EVERY_S)
    finally:
        await asyncio.to_thread(database.close)


def _nothing(settings: Settings, within_s: float) -> Finding:
    feishu = settings.feishu
    where = (
        f" with the request URL {feishu.public_url or 'https://your-host'}{PATH}"
        if feishu.transport == "webhook"
        else ""
    )
    fix = (
        f"subscribe {EVENTS[0].name}{where} ({NAMES['event']}: {page(feishu, 'event')}), create a version and release "
        f"it ({page(feishu, 'version')}), and write to the bot while the doctor waits"
    )
    return Finding("events", "fail", f"no event came within {within_s:g} s", fix)
