"""Everything a questioner needs behind one object: the index, the embedding model, and whoever writes the answers."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

from rag.access_lists import UNCONTROLLED, AccessListsSource, NewestLists
from rag.clock import Clock, SystemClock
from rag.documents import Chunk, Passage
from rag.errors import GenerationFailed, IndexMissing, IndexUnusable, ModelUnavailable, RagError
from rag.events import AnswerEvent, Finished, ModelCall, Prompt, Proposed, Purpose, Question
from rag.generation.answerer import Answerer
from rag.generation.context_window import conversation_tokens, retrieval_within
from rag.generation.factory import Generators, ServerLoad
from rag.generation.follow_ups import is_fragment, leans, standing_alone
from rag.generation.prompts import check_prompts, history_text, prompt_text, question_text, summary_text
from rag.generation.suggestions import excerpts, questions_in
from rag.health import LibraryStatus, Part
from rag.index.base.types import Key
from rag.index.index import Index, current_stamp, open_index
from rag.index.outline import DocumentState, Title, state_of, states_of, titles_of
from rag.index.rights import VisibleDocuments
from rag.ingestion.selection import read_original
from rag.relay import Relay
from rag.reranking.reranker import RerankerHandle
from rag.retrieval.query_embedder import QueryEmbedder
from rag.retrieval.retriever import Retriever, SearchResult
from rag.scope import Scope
from rag.settings import PromptSettings, RagSettings
from rag.tables.answering import TableAnswers
from rag.tables.whole import WholeTables
from rag.verified.answers import VerifiedAnswer, VerifiedSource, nothing_verified
from rag.verified.finding import VerifiedFinder, outdated

SEARCH_THREADS = 4
MOST_CHUNKS = 100_000
LOOK_TOKENS = 1_000
PROPOSE_TOKENS = 200
T = TypeVar("T")
logger = logging.getLogger(__name__)


class KnowledgeBase:
    """Answers questions from the current index version, and takes up a newer one when there is one.

    Made by `open`; close it with `aclose`. Safe for any number of questions at once on one event loop.
    """

    def __init__(
        self,
        settings: RagSettings,
        *,
        clock: Clock,
        threads: int = SEARCH_THREADS,
        access_lists: AccessListsSource = lambda: UNCONTROLLED,
        verified: VerifiedSource = nothing_verified,
    ) -> None:
        self.on_model_call: Callable[[ModelCall], None] = lambda _call: None
        """Gets every whole call of the language model; must not block."""
        self._settings = settings
        self._prompts = settings.prompts
        self._lists = NewestLists(access_lists)
        self._retrieval = retrieval_within(settings)
        self._clock = clock
        self._verified = VerifiedFinder(verified, clock, pause_s=settings.llm.typing_pause_s)
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="rag")
        self._legs = ThreadPoolExecutor(threads, thread_name_prefix="rag-dense")
        self._rerank = RerankerHandle(settings.retrieval, clock)
        self._writers = Generators(settings, clock)
        self._dense = QueryEmbedder(settings.embedding, clock)
        self._pressure = ServerLoad(clock)
        self._index: Index | None = None
        self._index_error: IndexUnusable | None = None
        self._tables: tuple[Index, WholeTables] | None = None
        self._rights: tuple[Index, VisibleDocuments] | None = None
        self._stamp: tuple[int, ...] | None = None
        self._opening = asyncio.Lock()

    @classmethod
    async def open(
        cls,
        settings: RagSettings,
        *,
        clock: Clock | None = None,
        threads: int = SEARCH_THREADS,
        access_lists: AccessListsSource = lambda: UNCONTROLLED,
        verified: VerifiedSource = nothing_verified,
    ) -> "KnowledgeBase":
        """Open the index; no weights are loaded and no model is called yet. `threads` search at once. `access_lists`
        tells who may read which document; without it none has rights of its own. `verified` gives what people have
        answered for good.

        An unusable index does not raise: `status` says so, `answer` raises IndexUnusable, a later ingest is taken up.
        Raises SettingsMismatch when a setting cannot work.
        """
        clock = clock or SystemClock()
        library = cls(settings, clock=clock, threads=threads, access_lists=access_lists, verified=verified)
        with contextlib.suppress(IndexUnusable):
            await library._current_index()
        return library

    async def answer(self, question: Question) -> AsyncGenerator[AnswerEvent]:
        """The events of one answer (`rag.events`); use with `contextlib.aclosing`. Raises RagError. What somebody has
        answered for good goes before the documents, and costs no call of a model."""
        started_at, index = self._clock.monotonic(), await self._current_index()
        if verified := await self._verified.find(question, index, self._lists()):
            async with contextlib.aclosing(self._verified.told(verified, started_at)) as told:
                async for event in told:
                    yield event
            return
        async with contextlib.aclosing(self._from_documents(question, index)) as written:
            async for event in written:
                yield event

    async def _from_documents(self, question: Question, index: Index) -> AsyncGenerator[AnswerEvent]:
        question = question if question.prompts else replace(question, prompts=self._prompts)
        retriever = await self._retriever(index)
        writer_for, tables = self._writers.for_question(retriever), TableAnswers(self._tables_of(index))
        answerer = Answerer(retriever, writer_for, tables=tables, clock=self._clock)
        with self._pressure.answering():
            async with contextlib.aclosing(Relay(answerer.answer(question))) as events:
                try:
                    async for event in events:
                        self._count("answer", event)
                        yield event
                except GenerationFailed:
                    self._pressure.failed()
                    raise

    @property
    def prompts(self) -> PromptSettings:
        """The texts in use."""
        return self._prompts

    @prompts.setter
    def prompts(self, prompts: PromptSettings) -> None:
        """Other texts from the next question on. Raises SettingsMismatch for one that lacks a variable."""
        check_prompts(prompts)
        self._prompts = prompts

    async def generate(self, prompt: Prompt) -> AsyncGenerator[AnswerEvent]:
        """What the model alone gives to a prompt: Reasoning and Delta, then Finished. Raises GenerationFailed."""
        async with contextlib.aclosing(self._generate(prompt, "generate")) as events:
            async for event in events:
                yield event

    async def condense(self, question: Question, *, budget_s: float, is_reply: bool = False) -> str:
        """A follow-up as a question that stands alone; the question itself where it leans on nothing (no model is
        asked then), and without history, model, time or luck. In a reply a mere fragment leans, too."""
        leaning = leans(question.text) or (is_reply and is_fragment(question.text))
        if not (leaning and question.history and self._writers.has_model):
            return question.text
        history = history_text(question.history)
        text = prompt_text(self._prompts, "condense").format(history=history, question=question.text)
        try:
            async with asyncio.timeout(budget_s):
                condensed = (await _end_of(self._generate(Prompt(text, 200, 0.0, 1.0), "rewrite"))).text
        except (RagError, TimeoutError) as error:
            logger.info("The follow-up stays as it is: %s", str(error) or "no time left")
            return question.text
        return standing_alone(condensed, question.text) or question.text

    @property
    def has_model(self) -> bool:
        """Whether a language model writes here."""
        return self._writers.has_model

    @property
    def conversation_tokens(self) -> int:
        """How many tokens of a conversation `summarise` should be given at most."""
        return conversation_tokens(self._settings)

    async def summarise(self, said: str, asked: str = "") -> AsyncGenerator[AnswerEvent]:
        """What the model answers to what is `asked` about a conversation, "" for a summary: Reasoning and Delta, then
        Finished. `said` is quoted material. Raises GenerationFailed, ContextTooLong where it is too long."""
        llm = self._settings.llm
        prompt = Prompt(summary_text(self._prompts, said, asked), llm.max_tokens, llm.temperature, 1.0)
        async with contextlib.aclosing(self._generate(prompt, "summary")) as events:
            async for event in events:
                if isinstance(event, Finished) and not event.text.strip():
                    raise ModelUnavailable("The model ended without a word")
                yield event

    @property
    def can_look(self) -> bool:
        """Whether pictures can be shown to the model."""
        return self._settings.llm.vision and self._writers.has_model

    async def look(self, pictures: Sequence[str]) -> str:
        """What the model reads in pictures (`data:` URLs); "" for nothing. Raises GenerationFailed."""
        text = prompt_text(self._prompts, "picture")
        prompt = Prompt(text, LOOK_TOKENS, 0.0, 1.0, tuple(pictures))
        return (await _end_of(self._generate(prompt, "picture"))).text.strip()

    async def propose(self, question: Question, passages: Sequence[Passage], *, budget_s: float) -> Proposed:
        """What a reader may ask next, by the model; nothing without a model, time or luck, nor while its server has
        answers to write (`rag.generation.factory`)."""
        if not self._writers.has_model or self._pressure.is_high:
            return Proposed()
        seen = self.seen(question.scope, (each.chunk.source for each in passages))
        shown = [each for each in passages if each.chunk.source in seen]
        if passages and not shown:
            return Proposed()
        prompt = prompt_text(self._prompts, "suggest")
        text = prompt.format(question=question_text(question), passages=excerpts(shown))
        try:
            async with self._pressure.spare_time(budget_s):
                written = await _end_of(self._complete(Prompt(text, PROPOSE_TOKENS, 0.3, 1.0), "suggest"))
        except TimeoutError:
            logger.info("The model proposes no questions: there was no time left")
            return Proposed()
        except RagError as error:
            self._pressure.failed()
            logger.info("The model proposes no questions: %s", error)
            return Proposed()
        return Proposed(questions_in(written.text, asked=question.text), written.usage)

    async def _generate(self, prompt: Prompt, purpose: Purpose) -> AsyncGenerator[AnswerEvent]:
        with self._pressure.answering():
            async with contextlib.aclosing(self._complete(prompt, purpose)) as events:
                async for event in events:
                    yield event

    async def _complete(self, prompt: Prompt, purpose: Purpose) -> AsyncGenerator[AnswerEvent]:
        async with contextlib.aclosing(Relay(self._writers.complete(prompt))) as events:
            async for event in events:
                self._count(purpose, event)
                yield event

    def _count(self, purpose: Purpose, event: AnswerEvent) -> None:
        if isinstance(event, Finished) and event.model and event.usage:
            self.on_model_call(ModelCall(purpose, event.model, event.usage))

    def seen(self, scope: Scope, sources: Iterable[str]) -> frozenset[str]:
        """Which of these documents (`Document.source`) all of a scope's audience may read by the newest snapshot: for
        whatever was stored and is shown again. Of collections it says nothing, which `Scope.shows` does."""
        lists = self._lists()
        return frozenset(source for source in sources if lists.shows(scope.audience, source))

    async def verified(self, question: Question) -> VerifiedAnswer | None:
        """What somebody has answered for good and all who read the answer may see; None for none. Raises
        IndexUnusable."""
        return await self._verified.find(question, await self._current_index(), self._lists())

    async def outdated(self, answer: VerifiedAnswer) -> tuple[Chunk, ...]:
        """The evidence of a verified answer that its documents do not hold any more. Raises IndexUnusable."""
        index = await self._current_index()
        return await self._in_thread(lambda: outdated(answer, index))

    async def fingerprint(self, collection: str, source: str) -> str:
        """What tells a document's content from another's; "" for an unknown one. Raises IndexUnusable."""
        index = await self._current_index()
        known = await self._in_thread(lambda: index.chunks.document((collection, source)))
        return known.fingerprint if known is not None else ""

    async def titles(self, scope: Scope, limit: int = 200) -> tuple[Title, ...]:
        """The documents that may be seen, with their headings, by title. Raises IndexUnusable."""
        index = await self._current_index()
        rights = self._rights_of(index)
        return await self._in_thread(lambda: tuple(titles_of(index.chunks.all(rights.within(scope)))[:limit]))

    async def documents(self, scope: Scope) -> tuple[DocumentState, ...]:
        """What ingest knows of each document that may be seen. Raises IndexUnusable."""
        index = await self._current_index()
        return await self._in_thread(lambda: tuple(states_of(index.chunks.documents(), scope, self._lists())))

    async def passage_counts(self) -> dict[Key, int]:
        """How many passages the index has of each document, by collection and source. Raises IndexUnusable."""
        index = await self._current_index()
        return await self._in_thread(lambda: index.chunks.table().counts())

    async def document(self, collection: str, source: str) -> DocumentState | None:
        """What ingest knows of one document; None for an unknown one. Raises IndexUnusable."""
        index = await self._current_index()
        key = (collection, source)
        known = await self._in_thread(lambda: index.chunks.document(key))
        return None if known is None else state_of(key, known)

    async def chunks_of(self, collection: str, source: str) -> tuple[Chunk, ...]:
        """All of one document that is in the index, in its order; none for an unknown one. Raises IndexUnusable."""
        index = await self._current_index()
        key = (collection, source)
        chunks = await self._in_thread(lambda: index.chunks.of_document(key, MOST_CHUNKS))
        return tuple(sorted(chunks, key=lambda chunk: chunk.start))

    async def original(self, collection: str, source: str) -> bytes | None:
        """The file that a document was read from, as it is now; None where there is none. Raises Unreadable."""
        return await asyncio.to_thread(read_original, self._settings, collection, source)

    async def collections(self) -> tuple[str, ...]:
        """The names of the collections in the index, sorted. Raises IndexUnusable."""
        index = await self._current_index()
        return await self._in_thread(index.chunks.collections)

    async def search(self, text: str, scope: Scope) -> SearchResult:
        """The passages for a question and the confidence in them, without an answer. Raises RagError."""
        retriever = await self._retriever(await self._current_index())
        return await retriever.search(text, scope)

    async def warm_up(self) -> None:
        """Load the embedding model and import the language model's client, in threads. Never raises; `status` says."""
        with contextlib.suppress(IndexUnusable):
            index = await self._current_index()
            await self._in_thread(lambda: self._dense.embedder_for(index))
        await self._in_thread(self._rerank.reranker)
        await self._writers.warm_up()

    def status(self) -> LibraryStatus:
        """What is loaded, now."""
        parts = self._index_part(), self._dense.part(self._index), self._writers.part()
        return LibraryStatus(*parts, self._rerank.part())

    async def aclose(self) -> None:
        """Close the model's connections and the search threads."""
        await self._writers.aclose()
        await asyncio.to_thread(self._executor.shutdown)
        await asyncio.to_thread(self._legs.shutdown)
        self._dense.close()
        self._rerank.close()
        self._index = self._tables = self._rights = None

    async def _retriever(self, index: Index) -> Retriever:
        def prepare() -> Retriever:
            return Retriever(
                self._retrieval,
                index,
                embedder=self._dense.embedder_for(index),
                executor=self._executor,
                legs=self._legs,
                reranker=self._rerank.reranker(),
                calibration=index.calibration,
                on_embedding_failure=self._dense.failed,
                rights=lambda: self._rights_of(index),
            )

        return await self._in_thread(prepare)

    def _tables_of(self, index: Index) -> WholeTables:
        """The tables of an index, kept as long as it is the one in use."""
        if self._tables is None or self._tables[0] is not index:
            self._tables = index, WholeTables(index.chunks)
        return self._tables[1]

    def _rights_of(self, index: Index) -> VisibleDocuments:
        """Those of the newest snapshot, kept as long as it and the index are the same. In any thread."""
        lists, kept = self._lists(), self._rights
        if kept is None or kept[0] is not index or kept[1].lists is not lists:
            kept = self._rights = index, VisibleDocuments(index.chunks, lists)
        return kept[1]

    async def _current_index(self) -> Index:
        """The index that CURRENT names, opened when it changed. Raises IndexUnusable."""
        async with self._opening:
            stamp = current_stamp(self._settings)
            if stamp is None or stamp != self._stamp:
                await self._open_index(stamp)
        if self._index is None:
            error = self._index_error or IndexMissing("There is no index yet; build it: feishu-rag ingest")
            raise type(error)(str(error))
        return self._index

    async def _open_index(self, stamp: tuple[int, ...] | None) -> None:
        """Open the version that is current. When that fails, one that was open before serves on."""
        self._stamp = stamp
        try:
            index = await self._in_thread(lambda: open_index(self._settings, self._index))
            self._dense.check(index)
        except IndexUnusable as error:
            if self._index_error is None or str(error) != str(self._index_error):
                logger.warning("The index cannot be used: %s", error)
            self._index_error = error
            return
        self._index, self._index_error = index, None

    def _index_part(self) -> Part:
        name = str(self._settings.index_dir)
        if self._index_error is not None:
            served = "" if self._index is None else " (an older version serves until then)"
            return Part(False, name, f"{self._index_error}{served}.")
        if self._index is None:
            return Part(False, name, "The index is not open yet.")
        manifest = self._index.manifest
        return Part(True, name, f"{manifest.chunks} chunks of {manifest.documents} documents.")

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)


async def _end_of(written: AsyncGenerator[AnswerEvent]) -> Finished:
    async with contextlib.aclosing(written) as events:
        async for event in events:
            if isinstance(event, Finished):
                return event
    return Finished("", "no_evidence")
