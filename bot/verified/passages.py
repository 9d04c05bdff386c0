"""Passages that a verified answer can rest upon: those of a turn, and those that the documents have for a question."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import Protocol

from bot.access.rules import FILES
from bot.cards.progress import snippet_of
from bot.models import Source
from bot.repositories.gap_report import bigrams, likeness
from rag.documents import Chunk
from rag.retrieval.retriever import SearchResult
from rag.scope import EVERYTHING, Scope
from rag.verified.answers import Evidence, VerifiedAnswer

MOST_FOUND = 6
LIKE_BEFORE = 0.4
"""Of a passage and what stands in its place now, by their words."""
BEGINNING_CHARS = 80
_CITATION = re.compile(r"\s*\[(\d{1,3})\]")


class HasPassages(Protocol):
    """What this needs of `rag.knowledge_base.KnowledgeBase`. Everything raises `RagError`."""

    async def search(self, text: str, scope: Scope) -> SearchResult: ...

    async def chunks_of(self, collection: str, source: str) -> tuple[Chunk, ...]: ...

    async def fingerprint(self, collection: str, source: str) -> str: ...

    async def outdated(self, answer: VerifiedAnswer) -> tuple[Chunk, ...]: ...

    async def collections(self) -> tuple[str, ...]: ...


def key_of(chunk: Chunk) -> str:
    """What names a passage by its content: another text of the same document is another one."""
    named = "\0".join((chunk.collection, chunk.source, chunk.text))
    return hashlib.sha256(named.encode("utf-8", "surrogatepass")).hexdigest()[:24]


class Passages:
    """Reads them in the index of now, as whole chunks."""

    def __init__(self, library: HasPassages) -> None:
        self._library = library

    async def collections(self) -> tuple[str, ...]:
        """The names of all collections."""
        return await self._library.collections()

    async def of_sources(self, sources: Iterable[Source]) -> list[Chunk]:
        """Those that sources of an answer came from, as far as the documents hold them still; not of private files."""
        found = [await self._at(each.collection, each.source, each.snippet, each.quote) for each in sources]
        return list({key_of(chunk): chunk for chunk in found if chunk is not None}.values())

    async def found_for(self, question: str, scope: Scope = EVERYTHING) -> list[Chunk]:
        """What the documents have for a question, within a scope."""
        result = await self._library.search(question, scope)
        near = [each.chunk for each in result.passages[:MOST_FOUND]]
        found = [await self._at(each.collection, each.source, snippet_of(each.text), "") for each in near]
        return list({key_of(chunk): chunk for chunk in found if chunk is not None}.values())

    async def named(self, collection: str, source: str, key: str) -> Chunk | None:
        """The passage of this key; None where the document does not hold it any more."""
        chunks = await self._chunks(collection, source)
        return next((chunk for chunk in chunks if key_of(chunk) == key), None)

    async def evidence(self, chunks: Iterable[Chunk]) -> tuple[Evidence, ...]:
        """Passages with the fingerprints of their documents of now."""
        return tuple([Evidence(each, await self._library.fingerprint(each.collection, each.source)) for each in chunks])

    async def outdated(self, answer: VerifiedAnswer) -> tuple[Chunk, ...]:
        """The passages of an answer that its documents do not hold any more."""
        return await self._library.outdated(answer)

    async def renewed(self, answer: VerifiedAnswer) -> tuple[list[int], tuple[Evidence, ...]]:
        """The evidence of an answer that still holds, with the numbers that it had: what stands in the place of a
        passage that changed, none where nothing does."""
        gone = {key_of(chunk) for chunk in await self.outdated(answer)}
        kept: dict[int, Chunk] = {}
        for number, each in enumerate(answer.evidence, start=1):
            chunk = await self.instead_of(each.chunk) if key_of(each.chunk) in gone else each.chunk
            if chunk is not None:
                kept[number] = chunk
        return list(kept), await self.evidence(kept.values())

    async def instead_of(self, before: Chunk) -> Chunk | None:
        """What stands in the place of a passage in its document of now; None for nothing like it."""
        known = bigrams(before.text)
        scored = [
            (likeness(known, bigrams(chunk.text)), chunk)
            for chunk in await self._chunks(before.collection, before.source)
        ]
        score, nearest = max(scored, key=lambda each: each[0], default=(0.0, before))
        return nearest if score >= LIKE_BEFORE else None

    async def _at(self, collection: str, source: str, snippet: str, quote: str) -> Chunk | None:
        """The chunk that holds a quotation, or begins like a snippet."""
        chunks = await self._chunks(collection, source)
        wanted, beginning = "".join(quote.split()), snippet[:BEGINNING_CHARS]
        starting = [chunk for chunk in chunks if snippet_of(chunk.text).startswith(beginning)]
        holding = [chunk for chunk in chunks if wanted and wanted in "".join(chunk.text.split())]
        return next((chunk for chunk in (*holding, *starting)), None)

    async def _chunks(self, collection: str, source: str) -> Sequence[Chunk]:
        return () if collection == FILES else await self._library.chunks_of(collection, source)


def renumbered(text: str, numbers: Sequence[int]) -> str:
    """A text whose citations name the evidence that was chosen, which had these numbers; other citations go."""
    now = {number: at for at, number in enumerate(numbers, start=1)}
    return _CITATION.sub(lambda found: f" [{now[int(found[1])]}]" if int(found[1]) in now else "", text).strip()
