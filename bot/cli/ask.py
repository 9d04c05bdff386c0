"""The commands that talk to a terminal: ask, doctor, feedback export."""

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from rich.console import Console
from rich.live import Live
from rich.markdown import Markdown
from rich.table import Table
from rich.text import Text

from bot.cards.progress import Failed, Progress, fold, sources_of, words
from bot.cards.verified import verified_line
from bot.cli.rendering import rendered
from bot.cli.terminal import open_console, show
from bot.errors import BotError, SettingsError, StoreError
from bot.observability.logs import configure_logs
from bot.observability.tracing import Trace
from bot.repositories.verified_answers import VerifiedStore
from bot.repositories.votes import Feedback
from bot.settings import Settings, secret_values
from bot.storage.database import Database
from bot.texts import Texts, language_of, texts
from feishu.clock import SystemClock
from rag.access_lists import UNCONTROLLED, AccessListsSource
from rag.errors import RagError
from rag.events import Ending, Finished, Question
from rag.scope import EVERYTHING
from rag.verified.answers import VerifiedSource, nothing_verified

if TYPE_CHECKING:
    from rag.knowledge_base import KnowledgeBase


async def run_ask(
    settings: Settings, question: str, *, events: bool = False, as_chat: str = "", as_person: str = ""
) -> bool:
    """Streams an answer with its stages and sources; False when it failed (said in words).

    `as_chat` and `as_person` ask with the eyes of a group, or of a person in private; both: in that private chat. With
    mirrored rights the platform is asked who reads there.
    """
    configure_logs("ERROR", secrets=secret_values(settings))
    errors = open_console(to_stderr=True)
    if not as_chat and not as_person:
        if settings.rag.collections or settings.bot.access.rights == "mirror":
            errors.print(Text(_EVERYTHING, style="dim"))
        return await _answered(settings, Question(question, EVERYTHING), lambda: UNCONTROLLED, events=events)
    from bot.cli.eyes import seen_as

    try:
        async with seen_as(settings, as_chat, as_person) as seen:
            for line in seen.told:
                errors.print(Text(line, style="dim"))
            return await _answered(settings, Question(question, seen.scope), seen.lists, events=events)
    except BotError as error:
        errors.print(Text(str(error), style="red"))
        return False


_EVERYTHING = (
    "Every collection is searched, whoever may open its documents; --as-chat and --as-person show what a chat or a "
    "person would see."
)


async def _answered(settings: Settings, asked: Question, lists: AccessListsSource, *, events: bool) -> bool:
    """Streams the answer; False when it failed."""
    from rag.knowledge_base import KnowledgeBase

    async with _verified(settings) as verified:
        library = await KnowledgeBase.open(settings.rag, access_lists=lists, verified=verified)
        return await _streamed(settings, asked, library, events=events)


@contextlib.asynccontextmanager
async def _verified(settings: Settings) -> AsyncIterator[VerifiedSource]:
    """What people have answered for good, where there is a store."""
    database = Database(settings.bot.database_url)
    source = nothing_verified
    try:
        if await asyncio.to_thread(_is_there, database):
            await asyncio.to_thread(database.migrate)
            source = VerifiedStore(database, clock=SystemClock()).snapshot
    except StoreError as error:
        open_console(to_stderr=True).print(Text(f"Verified answers are left out: {error}", style="dim"))
    try:
        yield source
    finally:
        await asyncio.to_thread(database.close)


def _is_there(database: Database) -> bool:
    """Whether there is a store: asking in a terminal makes none."""
    return not database.is_sqlite or Path(str(database.url.database)).exists()


async def _streamed(settings: Settings, asked: Question, library: "KnowledgeBase", *, events: bool) -> bool:
    """Streams the answer, then closes the library; False when it failed."""
    out, errors = open_console(), open_console(to_stderr=True)
    wording = texts(language_of(asked.text, preferred=settings.bot.language))
    progress = Progress()
    try:
        await library.warm_up()
        with _live(progress, wording, out) as live:
            trace = Trace(asked, settings.rag.prompts, time.monotonic)
            if events:
                out.print(*map(_told, trace.events), sep="\n")
            async with contextlib.aclosing(library.answer(asked)) as told:
                async for event in told:
                    progress = fold(progress, event)
                    for happened in trace.note(event) if events else ():
                        out.print(_told(happened))
                    if live is not None:
                        live.update(_shown(progress, wording))
    except RagError as error:
        sentence = words(Failed(error), wording, has_text=bool(progress.text))
        errors.print(Text(f"{sentence}\n{error}", style="red"))
        return False
    finally:
        await library.aclose()
    if not out.is_terminal:
        out.print(progress.text, markup=False, highlight=False, emoji=False)
    out.print()
    out.print(_standing(progress, wording))
    show(_sources(progress, wording), out)
    return True


def _live(progress: Progress, wording: Texts, out: Console) -> contextlib.AbstractContextManager[Live | None]:
    """The answer while it grows; nothing where the output is a pipe or a file, which gets the whole text once."""
    if not out.is_terminal:
        return contextlib.nullcontext()
    return Live(_shown(progress, wording), console=out, refresh_per_second=12)


def _told(event: dict[str, Any]) -> Text:
    """An event of the trace as a line."""
    facts = {name: value for name, value in event.items() if name not in ("at_s", "kind") and value is not None}
    line = Text(f"{event['at_s']:8.3f} s  ", style="dim")
    line.append(f"{event['kind']:<22}", style="cyan")
    return line.append("  ".join(f"{name}={value}" for name, value in facts.items()), style="default")


def _shown(progress: Progress, wording: Texts) -> Markdown | Text:
    if progress.text:
        return rendered(progress.text)
    if progress.passages is None:
        return Text(wording.retrieving)
    found = wording.found.format(count=len(progress.passages)) if progress.passages else wording.found_none
    return Text(f"{found}\n{wording.generating}")


COLOURS = {"answered": "green", "hedged": "yellow", "no_evidence": "red"}


def _standing(progress: Progress, wording: Texts) -> Text:
    """What stands behind the answer, how sure the search is, and how the text ended: a line for each that is known."""
    outcome, finished = progress.grounding, progress.finished
    lines = Text(outcome, style=f"bold {COLOURS[outcome]}")
    if finished and finished.verified:
        lines.append(f" · {verified_line(finished.verified, wording)}", style="not bold green")
    elif finished and outcome == "answered":
        lines.append(_sureness(finished, wording), style="not bold dim")
    if outcome == "no_evidence":
        lines.append(f"\n{wording.no_evidence_advice}", style="not bold default")
    if outcome == "hedged":
        is_written = finished is not None and finished.model is not None
        lines.append(f"\n{wording.hedged_model if is_written else wording.hedged_quotes}", style="not bold default")
    if finished and finished.ending:
        lines.append(f"\n{_cut(finished.ending, wording)}", style="not bold default")
    return lines


def _cut(ending: Ending, wording: Texts) -> str:
    """How a text was cut off."""
    said: dict[Ending, str] = {
        "length": wording.cut_length,
        "broken": wording.cut_broken,
        "overloaded": wording.cut_overloaded,
        "filtered": wording.cut_filtered,
    }
    return said.get(ending, "")


def _sureness(finished: Finished, wording: Texts) -> str:
    """In words; as a percentage where a calibration gave it a meaning."""
    if finished.level is None or finished.confidence is None:
        return ""
    if finished.is_calibrated:
        return " · " + wording.footer_confidence.format(percent=round(100 * finished.confidence))
    levels = {"high": wording.confidence_high, "medium": wording.confidence_medium, "low": wording.confidence_low}
    return f" · {levels[finished.level]}"


def _sources(progress: Progress, wording: Texts) -> Table:
    """The cited passages; the nearest ones where none stands behind the answer."""
    is_answered = progress.grounding == "answered"
    title = wording.sources if is_answered else wording.nearest
    found = sources_of(progress) if progress.passages else ()
    sources = [source for source in found if source.cited or not is_answered]
    table = Table("#", "", "", title=title.format(count=len(sources)), show_header=False, title_justify="left")
    for source in sources:
        table.add_row(str(source.number), f"{source.title}  {source.heading_path}", source.best_link or source.source)
    return table


async def run_feedback_export(settings: Settings, output: Path | None) -> None:
    """Writes JSON lines. Raises `StoreError`."""
    database = Database(settings.bot.database_url)
    try:
        await asyncio.to_thread(database.migrate)
        rows = await Feedback(database).export()
    finally:
        database.close()
    lines = b"".join(orjson.dumps(row) + b"\n" for row in rows)
    await asyncio.to_thread(_write_out, lines, output)


def _write_out(lines: bytes, output: Path | None) -> None:
    if output is None:
        sys.stdout.buffer.write(lines)
        return
    try:
        output.write_bytes(lines)
    except OSError as error:
        reason = error.strerror or "cannot be written"
        raise SettingsError("--output", str(output), "choose a file that can be written", what=reason) from None
