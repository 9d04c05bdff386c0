"""Composes the bot: opens what it needs, in order, and closes everything in reverse."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import structlog

from bot.colleague import Colleague
from bot.delivery.outbox import Outbox
from bot.errors import StoreError
from bot.handlers.messages import Handlers
from bot.inbox.claim import Shares
from bot.inbox.notify import Listener
from bot.inbox.queue import Jobs
from bot.inbox.replicas import Replicas
from bot.inbox.worker import Worker
from bot.intake.bot_identity import Identity
from bot.intake.policy import Policy
from bot.jobs.answer import Turns
from bot.jobs.digest import Digest, WithDigest
from bot.jobs.queue_position import WaitingRoom
from bot.jobs.suggested_questions import Proposing
from bot.observability.clock_offset import ClockOffset
from bot.observability.metrics import Metrics
from bot.observability.otel import span_exporter
from bot.observability.trace_store import TraceStore
from bot.observability.tracing import TracedLibrary, Tracing
from bot.repositories.analytics import Figures
from bot.repositories.fallbacks import Fallbacks
from bot.repositories.turns import Conversations
from bot.repositories.votes import Feedback
from bot.repositories.web_turns import WebStore
from bot.settings import Settings
from bot.storage.database import Database
from bot.storage.engines import serving_lock
from bot.storage.presence import write_down
from bot.web.chat.turns import WebTurns
from feishu.api.cardkit import CardKit
from feishu.api.client import CallRecord, FeishuClient
from feishu.api.messages import Messages
from feishu.clock import Clock, SystemClock
from rag.knowledge_base import KnowledgeBase
from rag.private_files import close_tree

log = structlog.get_logger(__name__)

STARTING_PROBE_S = 30.0
"""A disk that is busy while everything starts is no reason not to."""


class Bot:
    """Everything that runs, as one value. Use `async with Bot.open(settings) as bot`."""

    def __init__(self, settings: Settings, library: KnowledgeBase, database: Database, *, clock: Clock) -> None:
        self.settings = settings
        self.library = library
        self.database = database
        self.clock = clock
        self.metrics = Metrics()
        self.clock_offset = ClockOffset(clock)
        bot, feishu = settings.bot, settings.feishu
        self.tracing = Tracing(TraceStore(database, clock=clock), settings.rag.prompts, clock=clock)
        self.client = FeishuClient(feishu, clock=clock, observe=self._platform_called)
        jobs_clock = clock if database.is_sqlite else None
        self.jobs = Jobs(database, lease_s=bot.lease_s, clock=jobs_clock, shares=Shares.of(bot.workers))
        self.conversations = Conversations(database, clock=clock)
        self.feedback = Feedback(database, clock=clock)
        self.identity = Identity(self.client.bot_identity, ask_scopes=self.client.granted_scopes, clock=clock)
        self.colleague = self._build_colleague()
        outbox = self._build_outbox()
        self.proposing = self._build_proposing(library)
        turns = self._build_turns(outbox)
        self.digest = self._build_digest()
        self.worker = self._build_worker(turns, outbox)
        self.client.availability.on_recovery = self.worker.outages.recovered
        self.handlers = Handlers(
            self.jobs,
            self.conversations,
            self.feedback,
            self.identity,
            self.worker,
            self.metrics,
            self.colleague.ledger,
            self.colleague.gaps,
            self.colleague.people,
            self.colleague.access,
            clock=clock,
        )
        store = WebStore(database, clock=clock)
        condense_s = bot.people.condense_s
        self.web_turns = WebTurns(library, store, self.metrics, clock, self.tracing, bot.language, condense_s)
        self._tasks: list[asyncio.Task[None]] = []
        self._listener: Listener | None = None
        self._replicas = self._build_replicas()
        self._stopped = False

    def _build_colleague(self) -> Colleague:
        bot, rag = self.settings.bot, self.settings.rag
        shared = (self.database, self.client, self.library, self.jobs, self.conversations, self.identity, self.metrics)
        return Colleague(bot, rag, *shared, clock=self.clock)

    def _build_turns(self, outbox: Outbox) -> Turns:
        bot, colleague = self.settings.bot, self.colleague
        return Turns(
            TracedLibrary(self.library, self.tracing),
            outbox,
            self.conversations,
            colleague.reading,
            colleague.understanding,
            colleague.errands,
            colleague.dressing,
            self.metrics,
            Policy(bot.people),
            clock=self.clock,
            language=bot.language,
            debt_s=self.settings.feishu.debt_s,
            attachments=colleague.attachments,
            proposing=self.proposing,
        )

    def _build_proposing(self, library: KnowledgeBase) -> Proposing:
        budget_s, dressing = self.settings.bot.people.propose_s, self.colleague.dressing

        def wake() -> None:
            self.worker.wake()

        return Proposing(library, dressing, self.jobs, budget_s=budget_s, wake=wake)

    def _build_outbox(self) -> Outbox:
        return Outbox(
            Messages(self.client),
            CardKit(self.client),
            self.conversations,
            frame_interval_s=self.settings.feishu.frame_interval_s,
            clock=self.clock,
            on_frame=self.metrics.card_frame,
            fallbacks=Fallbacks(self.metrics, self.database, clock=self.clock),
            close_by_put=self.settings.feishu.close_by_put,
        )

    def _build_digest(self) -> Digest:
        bot, figures = self.settings.bot, Figures(self.database, clock=self.clock)
        scope = self.colleague.access.in_chat(bot.digest_chat, "group", "")
        messages, app_id = Messages(self.client), self.settings.feishu.app_id
        return Digest(figures, self.jobs, messages, bot, scope, app_id, self.clock)

    def _build_worker(self, turns: Turns, outbox: Outbox) -> Worker:
        bot = self.settings.bot
        return Worker(
            self.jobs,
            WithDigest(turns, self.digest),
            self.metrics,
            clock=self.clock,
            slots=bot.workers,
            lease_s=bot.lease_s,
            max_attempts=bot.max_attempts,
            retention_s=bot.retention_h * 3600,
            waiting=self._build_waiting(turns, outbox),
        )

    def _build_waiting(self, turns: Turns, outbox: Outbox) -> WaitingRoom:
        bot, reading = self.settings.bot, self.colleague.reading
        return WaitingRoom(
            self.jobs,
            reading,
            self.conversations,
            outbox,
            turns,
            clock=self.clock,
            lease_s=bot.lease_s,
            language=bot.language,
        )

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
            library = await KnowledgeBase.open(settings.rag, clock=clock)
            bot = cls(settings, library, database, clock=clock)
            if settings.bot.otel_endpoint:
                bot.tracing.export, flush = span_exporter(settings.bot.otel_endpoint)
                stack.callback(flush)
            try:
                yield bot
            finally:
                await bot.web_turns.settle()
                await bot.tracing.settle()
                await bot.colleague.attachments.aclose()
                await bot.client.aclose()
                await library.aclose()

    def _platform_called(self, call: CallRecord) -> None:
        self.metrics.platform_called(call)
        self.tracing.platform_called(call)
        if self.client.ahead_s is not None:
            self.clock_offset.show("answer", self.client.ahead_s)

    def _build_replicas(self) -> Replicas | None:
        """Whom the app's call budget is shared with: nobody where one SQLite file allows one process."""
        fixed = self.settings.feishu.budget_share or None
        self.metrics.budget_shared(fixed or 1.0, 1)
        if self.database.is_sqlite:
            return None

        def apply(share: float, replicas: int, rested: bool) -> None:
            self.client.set_budget_share(share, rested=rested)
            self.metrics.budget_shared(share, replicas)

        return Replicas(self.database, self.settings.feishu.app_id, self.jobs.owner, apply, fixed=fixed)

    async def start(self) -> None:
        """Starts working: frees what a dead process of this machine held, claims, learns who we are, warms up."""
        if self.database.is_sqlite:
            resumed = await self.jobs.reclaim_own_machine()
            if resumed:
                log.info("jobs_resumed", count=resumed)
        if self._replicas:
            await self._replicas.start()
        self.worker.start()
        self._listener = Listener(self.database, self._hear(asyncio.get_running_loop()))
        self._listener.start()
        self._tasks = [
            asyncio.create_task(self.identity.learn(), name="identity"),
            asyncio.create_task(self.library.warm_up(), name="warm-up"),
            asyncio.create_task(self.colleague.forget_forever(), name="forget-people"),
            asyncio.create_task(self.digest.propose_forever(), name="digest"),
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
        await self.proposing.aclose()
        if self._replicas:
            await self._replicas.stop()
        if self._listener:
            await asyncio.to_thread(self._listener.close)

    def _hear(self, loop: asyncio.AbstractEventLoop) -> Callable[[str, str], None]:
        """Notices come on a thread; the worker lives on the loop."""

        def hear(kind: str, rest: str) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(self.worker.hear, kind, rest)

        return hear

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
        for name in ("index", "embedding", "model"):
            part = getattr(status, name)
            parts[name] = {"ok": part.ok, "name": part.name, "detail": part.detail}
        return parts
