"""The web door: chat page, chat API, metrics, API documents. Guarded by `bot.web.auth`."""

from functools import partial

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response

from bot.app import Bot
from bot.handlers.http import add_health_routes
from bot.inbox.admin import JobList
from bot.intake.principal_names import PrincipalNames
from bot.observability.metrics import CONTENT_TYPE, Metrics
from bot.observability.tracing import TraceStore
from bot.repositories.admin_sessions import AdminSessions
from bot.repositories.analytics import Analytics
from bot.repositories.citations import Citations
from bot.repositories.shown_documents import ShownDocuments
from bot.repositories.token_usage import TokenUsage
from bot.settings import BotSettings, Settings
from bot.storage.database import Database
from bot.web.admin.access import AccessDoor, access_router, shown_router
from bot.web.admin.configuration import ConfigurationDoor, configuration_router
from bot.web.admin.decisions import DecisionsDoor, decisions_router
from bot.web.admin.library import LibraryDoor, library_router
from bot.web.admin.library_view import LibraryView
from bot.web.admin.login import add_login
from bot.web.admin.rights_view import RightsView
from bot.web.admin.routes import AdminDoor, admin_router
from bot.web.admin.session import Sessions
from bot.web.admin.verified import VerifiedDoor, verified_router
from bot.web.auth import WebGuard
from bot.web.chat.admission import Gate
from bot.web.chat.batch import batch_router
from bot.web.chat.routes import ChatDoor, chat_router
from bot.web.chat.source_documents import source_documents_router
from bot.web.chat.sources import sources_router
from bot.web.errors import add_error_handlers
from bot.web.mcp.endpoint import add_mcp
from bot.web.mcp.tools import KnowledgeTools
from bot.web.middleware import BodyLimit, PlainGZip, RequestLog
from bot.web.openai.generate import generate_router
from bot.web.openai.routes import completions_router
from bot.web.pages import add_pages
from feishu.api.client import FeishuClient
from feishu.api.oauth import Login
from feishu.clock import Clock

DESCRIPTION = """Ask the team's documents: whole answers, streams, batches, votes, and OpenAI's protocol.

Errors are `{"error": {"type", "message", "what_to_do"}}` whatever the address. With API keys configured, send
`Authorization: Bearer KEY`."""
EXPOSED = ["X-Answer-Id", "X-Conversation-Id", "X-Request-Id", "Retry-After"]


def web_app(bot: Bot) -> FastAPI:
    """Everything that is not the public door."""
    settings = bot.settings.bot
    gate = Gate(slots=settings.web_answers, wait_s=settings.web_wait_s, clock=bot.clock)
    door = ChatDoor(
        bot.web_turns,
        bot.feedback,
        gate,
        bot.metrics,
        bot.access,
        settings.web_stall_s,
        settings.web_files,
        partial(bot.ledger.private_chat_of, bot.settings.feishu.app_id),
    )
    app = chat_app(door, settings, bot.clock)

    async def metrics(_request: Request) -> Response:
        bot.metrics.inbox(await bot.jobs.survey())
        bot.metrics.waiting(await bot.jobs.waits(), bot.client.availability.down())
        return Response(bot.metrics.render(), media_type=CONTENT_TYPE)

    admin = add_admin(app, bot.database, bot.client, bot.settings, names=bot.names, clock=bot.clock)
    view = RightsView(
        bot.settings, bot.rights, bot.access, bot.audiences, bot.names, bot.ledger, bot.library, bot.clock
    )
    app.include_router(access_router(admin, AccessDoor(view, bot.library, bot.recorder)))
    configuration = ConfigurationDoor(bot.settings, bot.live_prompts, bot.library, bot.recorder, gate)
    app.include_router(configuration_router(admin, configuration))
    add_mcp(app, KnowledgeTools(door, admin.shown))
    app.include_router(library_router(admin, _library_door(bot)))
    app.include_router(verified_router(admin, VerifiedDoor(bot.verifying)))
    app.include_router(decisions_router(admin, DecisionsDoor(bot.decisions)))
    app.add_route("/metrics", metrics, methods=["GET"])
    add_health_routes(app, bot.health, bot.ready, with_details=True)
    return app


def _library_door(bot: Bot) -> LibraryDoor:
    citations = Citations(bot.database, clock=bot.clock)
    view = LibraryView(bot.settings, bot.library, citations, bot.clock, bot.decisions)
    return LibraryDoor(view, bot.ingests, JobList(bot.database), bot.library, bot.worker.wake)


def add_admin(
    app: FastAPI,
    database: Database,
    client: FeishuClient,
    settings: Settings,
    *,
    names: PrincipalNames,
    clock: Clock,
) -> AdminDoor:
    """The data behind /admin, and the login; without what needs a whole bot."""
    secret = settings.feishu.app_secret.get_secret_value()
    kept, secure = AdminSessions(database, clock=clock), settings.bot.web_url.startswith("https://")
    sessions = Sessions(secret, kept, keys=settings.bot.keys(), secure=secure, clock=clock)
    figures, traces = Analytics(database, clock=clock), TraceStore(database, clock=clock)
    shown, usage = ShownDocuments(database, clock=clock), TokenUsage(database, clock=clock)
    door = AdminDoor(figures, traces, sessions, settings.bot, shown, usage, names)
    app.include_router(admin_router(door))
    app.include_router(shown_router(door))
    add_login(app, Login(client, settings.feishu), sessions, settings.bot, clock=clock)
    return door


def chat_app(door: ChatDoor, settings: BotSettings, clock: Clock | None = None) -> FastAPI:
    """The pages and the API, locked; without what only a whole bot has."""
    app = FastAPI(
        title="feishu-rag", description=DESCRIPTION, version="1", docs_url=None, redoc_url=None, redirect_slashes=False
    )
    for make in (
        chat_router,
        sources_router,
        source_documents_router,
        batch_router,
        generate_router,
        completions_router,
    ):
        app.include_router(make(door))
    add_pages(app)
    add_error_handlers(app)
    add_layers(app, settings, door.metrics, clock)
    return app


def add_layers(app: FastAPI, settings: BotSettings, metrics: Metrics, clock: Clock | None = None) -> None:
    """From the inside out: the last added meets a request first."""
    app.add_middleware(PlainGZip)
    app.add_middleware(BodyLimit)
    app.add_middleware(
        WebGuard, keys=settings.keys(), origins=settings.cors_origins, proxies=settings.proxies, clock=clock
    )
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.cors_origins,
        allow_methods=["GET", "POST"],
        allow_headers=["Authorization", "Content-Type"],
        expose_headers=EXPOSED,
    )
    app.add_middleware(RequestLog, metrics=metrics)
