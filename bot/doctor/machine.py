"""A store that can be written, and a reading process that can reach little."""

import asyncio
import contextlib

from bot.doctor.findings import Finding
from bot.errors import BotError
from bot.settings import Settings


async def check_store(settings: Settings) -> list[Finding]:
    """Opens the store as `serve` does: makes or updates its tables, then reads; also what it knows of events and
    fallbacks."""
    from bot.doctor.fallbacks import fallback_findings
    from bot.doctor.rights import stored_findings
    from bot.doctor.webhook import arrival_findings
    from bot.inbox.queue import Jobs
    from bot.storage.database import Database

    if lost := _lost(settings.bot.database_url):
        return [lost]  # opening it would make a new file
    try:
        database = Database(settings.bot.database_url)
    except Exception as error:  # a URL or driver that SQLAlchemy refuses, a folder that cannot be made
        return [Finding("store", "fail", f"cannot be opened: {_first_line(error)}", "correct BOT__DATABASE_URL")]
    try:
        await asyncio.to_thread(database.migrate)
        await database.probe()
        counts = await Jobs(database, lease_s=settings.bot.lease_s).count_by_state()
        arrivals = await arrival_findings(database, settings)
        fallbacks = await fallback_findings(database)
        rights = await stored_findings(database, settings)
    except BotError as error:
        blind = Finding("events", "unknown", "not looked at: what came is noted in the store", "see store above")
        return [Finding("store", "fail", *_split(str(error))), blind]
    finally:
        await asyncio.to_thread(database.close)
    waiting = counts.get("queued", 0) + counts.get("running", 0)
    kind = "SQLite" if database.is_sqlite else "PostgreSQL"
    return [
        Finding("store", "ok", f"{kind}, can be written; {waiting} questions waiting"),
        *arrivals,
        *fallbacks,
        *rights,
    ]


def _lost(url: str) -> Finding | None:
    """A running bot whose SQLite file was deleted or replaced."""
    from bot.storage.database import is_served, sqlite_file
    from bot.storage.presence import FIX, lost_by_a_running_bot

    file = sqlite_file(url)
    if not file or not is_served(file):
        return None
    said = lost_by_a_running_bot(file)
    return Finding("store", "fail", said, FIX) if said else None


def _split(sentence: str) -> tuple[str, str]:
    """What is wrong, and what to do, where a sentence of the store says both."""
    for mark in ("; ", ": "):
        what, found, fix = sentence.rpartition(mark)
        if found and "BOT__DATABASE_URL" in fix:
            return what, fix
    return sentence, "let the bot write there, or correct BOT__DATABASE_URL"


KEPT_FROM = {
    "network": "the network",
    "environment": "the bot's environment",
    "files": "the bot's files",
    "programs": "other programs",
}


async def check_reading(settings: Settings) -> list[Finding]:
    """What the process that parses foreign files is kept from on this machine, as it finds by trying."""
    from rag.errors import RagError
    from rag.ingestion.readers import Readers

    def tried() -> dict[str, bool]:
        with contextlib.closing(Readers(settings.rag.reading)) as readers:
            return readers.isolation()

    try:
        held = await asyncio.to_thread(tried)
    except RagError as error:
        return [Finding("reading", "fail", str(error), "no file can be read until this is put right")]
    kept, open_to = ([words for name, words in KEPT_FROM.items() if held[name] is each] for each in (True, False))
    user = "has a user of its own" if held["user"] else "runs as the bot's user"
    said = f"what parses files {user}; it is kept from {', '.join(kept) or 'nothing'}"
    if not open_to:
        return [Finding("reading", "ok", said)]
    fix = "set rag.reading.isolate: true" if not settings.rag.reading.isolate else _NOT_ISOLATED
    return [Finding("reading", "warn", f"{said}; not from {', '.join(open_to)}", fix)]


_NOT_ISOLATED = (
    "on Linux from 5.13 on let the container use Landlock and seccomp, or user namespaces; elsewhere ingest only files "
    "of people you trust"
)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
