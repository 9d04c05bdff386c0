"""The bot as a value: opens what it needs, in order, starts, stops, and closes everything in reverse."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import structlog

from bot.composition import Parts, document_rights
from bot.errors import StoreError
from bot.inbox.notify import Listener
from bot.observability.otel import span_exporter
from bot.repositories.document_rights import DocumentRights
from bot.repositories.verified_answers import VerifiedStore
from bot.settings import Settings
from bot.storage.database import Database, serving_lock
from bot.storage.presence import write_down
from feishu.clock import Clock, SystemClock
from rag.knowledge_base import KnowledgeBase
from rag.private_files import close_tree

log = structlog.get_logger(__name__)

STARTING_PROBE_S = 30.0
"""A disk that is busy while everything starts is no reason not to."""
FORGET_EVERY_S = 3_600.0


class Bot(Parts):
    """Everything that runs, as one value. Use `async with Bot.open(settings) as bot`."""

    def __init__(
        self,
        settings: Settings,
        library: KnowledgeBase,
        database: Database,
        *,
        clock: Clock,
        rights: DocumentRights | None = None,
        verified: VerifiedStore | None = None,
    ) -> None:
        super().__init__(settings, library, database, clock=clock, rights=rights, verified=verified)
        self._tasks: list[asyncio.Task[None]] = []
        self._listener: Listener | None = None
        self._stopped = False

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, settings: Settings, *, clock: Clock | None = None) -> AsyncIterator["Bot"]:
        """Opens the store and the library, yields the bot, closes in reverse. Raises `StoreError`, `RagError`."""
        clock = clock or SystemClock()
        with contextlib.ExitStack() as stack:
            database = Database(settings.bot.database_url)
            stack.callback(database.close)
            if database.is_sqlite:
                stack.enter_context(serving_lock(str(database.url.database)))
            await asyncio.to_thread(database.migrate)
            if database.is_sqlite:
                write_down(str(database.url.database))
            await database.probe(budget_s=STARTING_PROBE_S)
            await asyncio.to_thread(close_tree, settings.rag.index_dir)
            rights = document_rights(settings, database, clock)
            await rights.refresh()
            verified = VerifiedStore(database, clock=clock)
            library = await KnowledgeBase.open(
                settings.rag, clock=clock, access_lists=rights.lists, verified=verified.snapshot
            )
            bot = cls(settings, library, database, clock=clock, rights=rights, verified=verified)
            await bot.live_prompts.take_up()
            if settings.bot.otel_endpoint:
                bot.tracing.export, flush = span_exporter(settings.bot.otel_endpoint)
                stack.callback(flush)
            try:
                yield bot
            finally:
                await bot.arrivals.settle()
                await bot.web_turns.settle()
                await bot.tracing.settle()
                with contextlib.suppress(StoreError):
                    await bot.usage.flush()
                await bot.attachments.aclose()
                await bot.client.aclose()
                await library.aclose()

    async def start(self) -> None:
        """Starts working: frees what a dead process of this machine held, claims, learns who we are, warms up."""
        if self.database.is_sqlite:
            resumed = await self.jobs.reclaim_own_machine()
            if resumed:
                log.info("jobs_resumed", count=resumed)
        if self.replicas:
            await self.replicas.start()
        self.worker.start()
        self._listener = Listener(self.database, self._hear(asyncio.get_running_loop()))
        self._listener.start()
        if self.long_connection:
            self.long_connection.start()
        self._tasks = [
            asyncio.create_task(self.identity.learn(), name="identity"),
            asyncio.create_task(self.library.warm_up(), name="warm-up"),
            asyncio.create_task(self._forget_forever(), name="forget-people"),
            asyncio.create_task(self.digest.propose_forever(), name="digest"),
            asyncio.create_task(self.owner_week.propose_forever(), name="owner-digest"),
            asyncio.create_task(self.live_prompts.take_up_forever(), name="prompts"),
            asyncio.create_task(self.budget.keep_forever(), name="token-usage"),
            asyncio.create_task(self.refresh.propose_forever(), name="refresh"),
            asyncio.create_task(self.rights_look.propose_forever(), name="rights"),
            asyncio.create_task(self.verified_look.propose_forever(), name="verified"),
            asyncio.create_task(
                self.web_turns.recover_forever(
                    is_alone=self.database.is_sqlite,
                    longest_s=self.settings.rag.llm.timeouts.total_s + self.settings.bot.web_stall_s,
                ),
                name="web-recovery",
            ),
        ]

    async def stop(self) -> None:
        """Lets running answers end within `bot.drain_s`; accepting goes on until the doors close. May be repeated."""
        if self._stopped:
            return
        self._stopped = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        try:
            await self.worker.drain(self.settings.bot.drain_s)
        finally:  # also at a second signal, which cuts the draining short: what runs is given back, not left
            await self._let_go()

    async def _let_go(self) -> None:
        await self.worker.drain(0)
        if self.long_connection:
            await self.long_connection.aclose()
        await self.proposing.aclose()
        if self.replicas:
            await self.replicas.stop()
        if self._listener:
            await asyncio.to_thread(self._listener.close)

    def _hear(self, loop: asyncio.AbstractEventLoop) -> Callable[[str, str], None]:
        """Notices come on a thread; the worker lives on the loop."""

        def hear(kind: str, rest: str) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(self.worker.hear, kind, rest)

        return hear

    async def _forget_forever(self) -> None:
        """Deletes what is older than `bot.retention_days`, and files that are used no more, every hour."""
        while True:
            try:
                if files := await self.attachments.forget_unused():
                    log.info("files_forgotten", files=files)
                if count := await self.forgetting.older_than(self.settings.bot.retention_days):
                    log.info("forgotten", questions=count)
            except StoreError as error:
                log.error("forgetting_failed", reason=str(error))
            await self.clock.sleep(FORGET_EVERY_S)

    def health(self) -> tuple[bool, dict[str, Any]]:
        """Alive, and what is loaded."""
        return True, {"status": "ok", **self._parts()}

    async def ready(self) -> tuple[bool, dict[str, Any]]:
        """Whether questions can be accepted and answered."""
        try:
            await self.database.probe()
            store = {"ok": True, "detail": "reachable"}
        except StoreError as error:
            store = {"ok": False, "detail": str(error)}
        parts = self._parts()
        is_ready = store["ok"] and all(part["ok"] for part in parts.values())
        told = {"status": "ready" if is_ready else "not ready", "store": store, **parts}
        return bool(is_ready), {**told, "clock": self.clock_offset.part()}

    def _parts(self) -> dict[str, Any]:
        status = self.library.status()
        known = self.identity.known
        platform = {"ok": known is not None, "detail": known.app_name if known else "the platform has not answered yet"}
        parts: dict[str, Any] = {"platform": platform}
        if self.long_connection:
            parts["long_connection"] = self.connection_handler.part(self.long_connection.state)
        for name in ("index", "embedding", "model"):
            part = getattr(status, name)
            parts[name] = {"ok": part.ok, "name": part.name, "detail": part.detail}
        return parts
