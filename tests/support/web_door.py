"""The web door on a loopback port before any library: its pages, its API, its locks, and a store of its own."""

import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from bot.access.audience import Audiences
from bot.access.rules import Access
from bot.answering import Recorder
from bot.composition import document_rights
from bot.documents.ingesting import Ingesting
from bot.inbox.admin import JobList
from bot.inbox.queue import Jobs
from bot.intake.principal_names import PrincipalNames
from bot.intake.user_names import UserNames
from bot.jobs.ingest import IngestHandler
from bot.live_prompts import LivePrompts
from bot.observability.metrics import Metrics
from bot.observability.tracing import TraceStore, Tracing
from bot.repositories.chat_facts import ChatFacts
from bot.repositories.citations import Citations
from bot.repositories.document_rights import DocumentRights
from bot.repositories.ingest_runs import IngestRuns
from bot.repositories.owner_decisions import OwnerDecisions
from bot.repositories.prompt_versions import PromptVersions
from bot.repositories.turns import Conversations
from bot.repositories.verified_answers import VerifiedStore
from bot.repositories.votes import Feedback
from bot.repositories.web_turns import WebStore
from bot.settings import BotSettings, Settings
from bot.storage.database import Database
from bot.verified.approval import Verifying
from bot.verified.passages import Passages
from bot.web.admin.access import AccessDoor, access_router
from bot.web.admin.configuration import ConfigurationDoor, configuration_router
from bot.web.admin.decisions import DecisionsDoor, decisions_router
from bot.web.admin.library import LibraryDoor, library_router
from bot.web.admin.library_view import LibraryView
from bot.web.admin.rights_view import RightsView
from bot.web.admin.verified import VerifiedDoor, verified_router
from bot.web.chat.admission import Gate
from bot.web.chat.routes import ChatDoor
from bot.web.chat.turns import WebLibrary, WebTurns
from bot.web.mcp.endpoint import add_mcp
from bot.web.mcp.tools import KnowledgeTools
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
    rights: DocumentRights
    verifying: Verifying


@dataclass
class HoldsPrompts:
    """What of a library keeps the prompts in use."""

    prompts: PromptSettings = field(default_factory=PromptSettings)


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
        whole = Settings(
            feishu=FeishuSettings(app_id="cli_sandbox", app_secret="s", **(feishu or {})),
            rag=rag or RagSettings(),
            bot=settings,
        )
        client = FeishuClient(whole.feishu)
        rights = document_rights(whole, database, clock)
        await rights.refresh()
        audiences = Audiences(client, settings.access, rights.lists, clock)
        access = Access(settings.access, whole.rag, lists=rights.lists, audiences=audiences)
        traces = TraceStore(database, clock=clock)
        tracing = Tracing(traces, PromptSettings, clock=clock)
        recorder = Recorder(tracing, metrics, clock)
        turns = WebTurns(library, WebStore(database, access, clock=clock), recorder)
        ledger = ChatFacts(database, clock=clock)
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
            partial(ledger.private_chat_of, whole.feishu.app_id),
        )
        app = chat_app(door, settings)
        names = PrincipalNames(client, UserNames(client), clock=clock)
        admin = add_admin(app, database, client, whole, names=names, clock=clock)
        view = RightsView(whole, rights, access, audiences, names, ledger, library, clock)
        app.include_router(access_router(admin, AccessDoor(view, library, recorder)))
        live = LivePrompts(HoldsPrompts(), whole.rag.prompts, PromptVersions(database, clock=clock), clock=clock)
        app.include_router(configuration_router(admin, ConfigurationDoor(whole, live, library, recorder, gate)))
        add_mcp(app, KnowledgeTools(door, admin.shown))
        jobs = Jobs(database, lease_s=settings.lease_s)
        ingesting = Ingesting(whole, client, None, rights.keep)
        ingests = IngestHandler(ingesting, library, IngestRuns(database, clock=clock), jobs, clock)
        decisions = OwnerDecisions(database, clock=clock)
        documents = LibraryView(whole, library, Citations(database, clock=clock), clock, decisions)
        app.include_router(decisions_router(admin, DecisionsDoor(decisions)))
        shelf = LibraryDoor(documents, ingests, JobList(database), library, lambda: None)
        app.include_router(library_router(admin, shelf))
        store, people = VerifiedStore(database, clock=clock), settings.people
        verifying = Verifying(
            store,
            Passages(library),
            people,
            UserNames(client),
            Conversations(database, clock=clock),
            access,
            clock=clock,
        )
        app.include_router(verified_router(admin, VerifiedDoor(verifying)))
        async with served(app, listener) as url:
            yield WebDoor(url, turns, database, metrics, feedback, tracing, rights, verifying)
        await turns.settle()
        await tracing.settle()
        await client.aclose()
    finally:
        database.close()
