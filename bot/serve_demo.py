"""The demo: the sandbox platform, the scripted model and the bot between them, until a signal. Apart from `bot.serve`,
so that a bot for a real app starts without loading a platform."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import structlog
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel

from bot.demo import (
    EXAMPLES,
    LOOPBACK,
    SCRIPTED,
    wants_scripted_model,
    with_links,
    with_model,
    with_own_handbook,
    with_platform,
)
from bot.demo_model.server import Pace, scripted_model
from bot.ingestion import ingest_all
from bot.intake.bot_identity import GROUP_SCOPE
from bot.serve import serve_bot
from bot.server import Door, PortTaken, bind
from bot.settings import Settings
from feishu.sandbox import Sandbox, SandboxSettings, running
from feishu.sandbox.samples import put_samples, put_topic
from feishu.sandbox.samples.rights import put_rights
from feishu.sandbox.settings import DEFAULT_SCOPES
from feishu.sandbox.world import TENANT_KEY
from rag.generation.factory import uses_model

log = structlog.get_logger(__name__)

ADMIN = "ou_linxiaoman"
"""Of the sandbox's people, the one who may open the demo's /admin."""


async def serve_demo(settings: Settings, *, sandbox_port: int, tokens_per_s: float) -> None:
    """Starts the sandbox and, where no model is chosen, the scripted one; ingests the handbook and documents of
    the sandbox (or what the settings link to), starts the bot, tells where."""
    console = Console(stderr=True)
    settings = await asyncio.to_thread(with_own_handbook, _with_free_ports(settings))
    async with (
        _sandbox(settings, _free_or(sandbox_port)) as (sandbox, page),
        _model(settings, Pace(tokens_per_s=tokens_per_s)) as settings,
    ):
        settings = _with_login(with_platform(settings, page))
        if not settings.rag.links:
            links = [put_samples(sandbox.platform.documents)]
            if settings.bot.access.rights == "mirror":
                links.append(put_rights(sandbox))
            settings = with_links(settings, *links)
        put_topic(sandbox)
        await _ingest_handbook(settings, console)

        def announce(public: Door, web: Door) -> None:
            sandbox.set_webhook(f"{public.url}/feishu/webhook")
            console.print(_welcome(page, web.url, sandbox.world.people[ADMIN].name, _writes(settings)))
            log.info("demo_open", page=page, model=settings.rag.llm.model)

        await serve_bot(settings, announce=announce)


@contextlib.asynccontextmanager
async def _sandbox(settings: Settings, port: int) -> AsyncIterator[tuple[Sandbox, str]]:
    feishu = settings.feishu
    sandbox = Sandbox(
        SandboxSettings(
            app_id=feishu.app_id,
            app_secret=feishu.app_secret.get_secret_value(),
            encrypt_key=feishu.encrypt_key.get_secret_value(),
            verification_token=feishu.verification_token.get_secret_value(),
            scopes=(*DEFAULT_SCOPES, GROUP_SCOPE),
            examples=EXAMPLES,
        )
    )
    async with running(sandbox, LOOPBACK, port) as page:
        yield sandbox, page


@contextlib.asynccontextmanager
async def _model(settings: Settings, pace: Pace) -> AsyncIterator[Settings]:
    """The settings with the model that writes: the person's own, none where none is wanted, or the scripted one."""
    if not wants_scripted_model(settings):
        yield settings
        return
    door = Door(scripted_model(SCRIPTED, pace), LOOPBACK, 0, setting="")
    serving = asyncio.create_task(door.serve())
    try:
        yield with_model(settings, f"{door.url}/v1")
    finally:
        door.close()
        await serving


def _writes(settings: Settings) -> str:
    """Who writes the answers, in a line."""
    llm = settings.rag.llm
    if llm.model == SCRIPTED:
        return "A scripted model stands in for yours; set RAG__LLM__BASE_URL and RAG__LLM__MODEL to try a real one."
    return f"Answers by {llm.model}." if uses_model(llm) else "No model: the bot quotes the documents."


async def _ingest_handbook(settings: Settings, console: Console) -> None:
    """By the same way as `feishu-rag ingest`: what cannot be read is named."""
    with console.status("reading the handbook …"):
        report = await ingest_all(settings)
    console.print(f"handbook: {report.documents} documents, {report.chunks} passages. {report.embedding}", markup=False)
    for skipped in report.skipped:
        console.print(f"skipped {skipped.source}: {skipped.reason}", markup=False)


def _with_free_ports(settings: Settings) -> Settings:
    bot = settings.bot
    ports = {"port": _free_or(bot.port), "web_port": _free_or(bot.web_port)}
    return Settings(feishu=settings.feishu, rag=settings.rag, bot=bot.model_copy(update=ports))


def _with_login(settings: Settings) -> Settings:
    """/admin behind a login with the sandbox's accounts, as it is behind Feishu's; one of them is the admin."""
    bot = settings.bot
    login = {"web_url": f"http://{LOOPBACK}:{bot.web_port}", "admins": [ADMIN], "admin_tenant": TENANT_KEY}
    return Settings(feishu=settings.feishu, rag=settings.rag, bot=bot.model_copy(update=login))


def _free_or(port: int) -> int:
    """`port`, or any free one where it is taken: a demo should start beside whatever runs already."""
    try:
        taken = bind(LOOPBACK, port, setting="")
    except PortTaken:
        taken = bind(LOOPBACK, 0, setting="")
    with taken:
        return int(taken.getsockname()[1])


def _welcome(page: str, web: str, admin: str, writes: str) -> Panel:
    return Panel.fit(
        f"[bold]Open {page}[/bold] and ask in the group with @, for example:\n  {EXAMPLES[0]}\n"
        "In the topic group, reply in the topic with @ and /summary.\n\n"
        f"{escape(writes)}\n"
        f"web chat {web}/   metrics {web}/metrics   API {web}/docs\n"
        f"for the admin {web}/admin (log in as {admin}; anybody else is refused)\nCtrl-C stops.",
        title="feishu-rag demo",
    )
