"""Gathers what an owner is asked this week: out of the store, the index and the folders."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Protocol

import structlog

from bot.documents.catalogue import files_now
from bot.owners.choosing import Lately, disliked_items, gap_items, pair_items, stale_items
from bot.owners.duties import Duties, Key
from bot.repositories.analytics import Analytics
from bot.repositories.owner_decisions import OwnerDecisions, OwnerItem
from bot.settings import Settings
from bot.verified.approval import Verifying
from rag.documents import Chunk
from rag.index.outline import DocumentState
from rag.scope import EVERYTHING, Scope
from rag.text.disagreements import Disagreement, Disagreements

log = structlog.get_logger(__name__)

DAYS = 28
"""Of questions and votes that are looked at: what no card had room for comes on the next ones."""
SHOWN = 5
"""Items of a kind on a card."""
MOST_COMPARED = 5_000
"""Documents that are compared with each other."""
AT_ONCE = 50


class ComparedLibrary(Protocol):
    """What this needs of `rag.knowledge_base.KnowledgeBase`. Everything raises `RagError`."""

    async def documents(self, scope: Scope) -> tuple[DocumentState, ...]: ...

    async def chunks_of(self, collection: str, source: str) -> tuple[Chunk, ...]: ...


class Comparing:
    """Compares all documents once a week, for every owner. What somebody may not see is left out later."""

    def __init__(self, library: ComparedLibrary) -> None:
        self._library = library
        self._lock = asyncio.Lock()
        self._kept: tuple[str, list[Disagreement]] = ("", [])

    async def of(self, week: str) -> Sequence[Disagreement]:
        """What documents disagree about, as it is when it is first asked in a week. Raises `RagError`."""
        async with self._lock:
            if self._kept[0] != week:
                self._kept = week, await self._compared()
            return self._kept[1]

    async def _compared(self) -> list[Disagreement]:
        states = await self._library.documents(EVERYTHING)
        if len(states) > MOST_COMPARED:
            log.warning("documents_not_compared", count=len(states) - MOST_COMPARED)
        found = Disagreements()
        for at in range(0, min(len(states), MOST_COMPARED), AT_ONCE):
            some = states[at : min(at + AT_ONCE, MOST_COMPARED)]
            chunks = [await self._library.chunks_of(state.collection, state.source) for state in some]
            await asyncio.to_thread(_add, found, chunks)
        return await asyncio.to_thread(found.found)


class Asking:
    """Raises `StoreError`, `RagError`, `FeishuError`."""

    def __init__(
        self,
        figures: Analytics,
        decisions: OwnerDecisions,
        verifying: Verifying,
        library: ComparedLibrary,
        settings: Settings,
    ) -> None:
        self._figures = figures
        self._decisions = decisions
        self._verifying = verifying
        self._library = library
        self._settings = settings
        self._comparing = Comparing(library)

    async def items(self, person: str, week: str) -> tuple[tuple[OwnerItem, ...], dict[str, int]]:
        """What somebody is asked, the most important of each kind; and for each kind how many more there are."""
        people = self._settings.bot.people
        scope = await self._verifying.seen_by(person)
        shows = partial(self._verifying.shows, scope)
        told = [one for one in await self._figures.questions(DAYS) if shows(one.behind)]
        duties = Duties(people, await self._decisions.in_force())
        seen = Lately(person, told, shows, duties, self._verifying.clock.time())
        found = (
            gap_items(seen, await self._figures.gaps(DAYS, shows)),
            disliked_items(seen, await self._verifying.store.snapshot()),
            stale_items(seen, await self._edited(scope), people.stale_days),
            pair_items(seen, await self._comparing.of(week)),
        )
        more: dict[str, int] = {kind[0].kind: len(kind) - SHOWN for kind in found if len(kind) > SHOWN}
        return tuple(item for kind in found for item in kind[:SHOWN]), more

    async def _edited(self, scope: Scope) -> dict[Key, float]:
        """When each document of the index was edited, as /admin shows it: 0 where nobody knows."""
        now = await asyncio.to_thread(files_now, self._settings)
        changed = {key: fact.changed_at for key, fact in now.files.items()}
        states = await self._library.documents(scope)
        keys = [(state.collection, state.source) for state in states]
        return {key: state.edited_at or changed.get(key, 0.0) for key, state in zip(keys, states, strict=True)}


def _add(found: Disagreements, documents: Sequence[Sequence[Chunk]]) -> None:
    for chunks in documents:
        found.add(chunks)
