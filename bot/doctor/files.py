"""The knowledge folders: there, holding something, readable file by file, and as the index knows them."""

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bot.doctor.findings import Finding
from bot.settings import Settings

if TYPE_CHECKING:
    from rag.ingestion.selection import Selection
    from rag.settings import RagSettings

MOST_OPENED = 20_000
_LET_READ = "let the user that runs the bot read it, or take it out of the folder"


async def check_knowledge(settings: Settings) -> list[Finding]:
    """Every folder is there and holds something; every file can be opened, and was read by the last ingest."""
    rag = settings.rag
    folders = [("rag.knowledge", folder) for folder in rag.knowledge]
    folders += [
        (f"rag.collections.{name}.folders", folder) for name, each in rag.collections.items() for folder in each.folders
    ]
    if not folders:
        if any(settings.links()):
            return [Finding("knowledge", "ok", "no folders; documents on Feishu only")]
        return [
            Finding("knowledge", "fail", "no folder is named", "set rag.knowledge to the folders with your documents")
        ]
    if lost := [found for each in folders if (found := _folder_finding(*each))]:
        return lost
    return [*await asyncio.to_thread(_files, rag), *await _as_indexed(rag)]


def _folder_finding(key: str, folder: Path) -> Finding | None:
    if folder.exists():
        return None
    return Finding("knowledge", "fail", f"{folder} is not there", f"create it, or correct {key}")


def _files(rag: "RagSettings") -> list[Finding]:
    """By the same list as ingest's. Blocking."""
    from rag.errors import IngestError, Unreadable
    from rag.ingestion.file_access import read_regular
    from rag.ingestion.selection import select

    try:
        selection = select(rag, None, prune=False)
    except IngestError as error:
        return [Finding("knowledge", "fail", str(error), "let the user that runs the bot read the folder")]
    closed = []
    for item in selection.items[:MOST_OPENED]:
        try:
            read_regular(item.file, item.source, item.most_bytes)
        except Unreadable as error:
            closed.append((error.source, error.reason))
    findings = [*_left_out(selection)]
    if closed:
        findings.append(Finding("knowledge", "fail", f"{_counted(closed)} cannot be read", _LET_READ))
    if not selection.items:
        fix = "put documents there, then run feishu-rag ingest"
        return [*findings, Finding("knowledge", "fail", "the folders hold no document", fix)]
    more = len(selection.items) - MOST_OPENED
    if more > 0:
        detail = f"not looked at: {more} further files after the first {MOST_OPENED}"
        findings.append(Finding("knowledge", "unknown", detail, "feishu-rag ingest names what it cannot read"))
    if not findings:
        findings.append(Finding("knowledge", "ok", f"{len(selection.items)} files, all of which can be opened"))
    return findings


def _left_out(selection: "Selection") -> Iterable[Finding]:
    """Folders that cannot be listed, and files that are passed over on purpose."""
    shut = [(place.prefix, place.reason) for place in selection.unlisted if place.keeps and place.reason]
    if shut:
        yield Finding("knowledge", "fail", f"{_counted(shut)} cannot be listed", _LET_READ)
    passed = [(place.prefix, place.reason) for place in selection.unlisted if not place.keeps and place.reason]
    if passed:
        yield Finding(
            "knowledge",
            "warn",
            f"{_counted(passed)} left out",
            "see whether that is meant; feishu-rag ingest names all",
        )


async def _as_indexed(rag: "RagSettings") -> list[Finding]:
    """What the last ingest could not read, and what it has not seen; nothing without an index."""
    from rag.errors import RagError
    from rag.knowledge_base import KnowledgeBase
    from rag.scope import EVERYTHING

    try:
        library = await KnowledgeBase.open(rag)
    except RagError:  # told by the check of the library
        return []
    try:
        states = await library.documents(EVERYTHING)
    except RagError:
        return []
    finally:
        await library.aclose()
    findings = []
    if failed := [(state.source, state.failure) for state in states if state.failure]:
        fix = "put a readable copy in its place, then feishu-rag ingest"
        findings.append(Finding("documents", "fail", f"{_counted(failed)} could not be read by the last ingest", fix))
    known = {(state.collection, state.source) for state in states}
    if new := await asyncio.to_thread(_unknown, rag, known):
        findings.append(Finding("documents", "warn", f"{_counted(new)} not in the index yet", "feishu-rag ingest"))
    return findings or [Finding("documents", "ok", f"{len(states)}, all of them read")]


def _unknown(rag: "RagSettings", known: set[tuple[str, str]]) -> list[tuple[str, str]]:
    from rag.errors import IngestError
    from rag.ingestion.selection import select

    try:
        items = select(rag, None, prune=False).items
    except IngestError:
        return []
    return [(item.source, "") for item in items if item.key not in known]


def _counted(named: Sequence[tuple[str, str]]) -> str:
    """`1 file (a.pdf: is encrypted)`; the first stands for many."""
    source, reason = named[0]
    example = f"{source or 'a folder'}: {reason}" if reason else source
    return f"1 file ({example})" if len(named) == 1 else f"{len(named)} files (like {example})"
