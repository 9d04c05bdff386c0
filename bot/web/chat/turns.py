"""One question on the web, from its turn in the store to its stored answer; whoever hangs up stops it."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Coroutine
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

import structlog

from bot.answering import AnswerRun, Answers, PassagesChanged, Recorder, anew
from bot.cards.progress import Completed, Failed, Outcome, Stopped
from bot.errors import StoreError
from bot.intake.query_rewriting import standing_alone
from bot.intake.smalltalk import Said, reply_to
from bot.models import Answer, Source, Turn
from bot.repositories.web_turns import WebStore
from bot.texts import Texts, language_of, texts
from bot.web.auth import Caller
from bot.web.errors import Refused
from rag.documents import Chunk
from rag.errors import RagError
from rag.events import AnswerEvent, Exchange, Finished, Prompt, Question
from rag.index.outline import DocumentState, Title
from rag.retrieval.retriever import SearchResult
from rag.scope import Scope

log = structlog.get_logger(__name__)

SPARE_S = 600.0
"""For what an answer waits for besides the model and its reader: search, embedding, reranking, the store."""
SWEEP_S = 300.0


class WebLibrary(Protocol):
    """What the web door needs of `rag.knowledge_base.KnowledgeBase`."""

    def answer(self, question: Question) -> AsyncGenerator[AnswerEvent, None]: ...

    def generate(self, prompt: Prompt) -> AsyncGenerator[AnswerEvent, None]: ...

    async def condense(self, question: Question, *, budget_s: float, is_reply: bool = False) -> str: ...

    async def collections(self) -> tuple[str, ...]: ...

    async def titles(self, scope: Scope, limit: int = 200) -> tuple[Title, ...]: ...

    async def document(self, collection: str, source: str) -> DocumentState | None: ...

    async def chunks_of(self, collection: str, source: str) -> tuple[Chunk, ...]: ...

    async def original(self, collection: str, source: str) -> bytes | None: ...

    async def search(self, text: str, scope: Scope) -> SearchResult: ...


class Run:
    """One answer being written. Read `events` to its end, then `answer` is the stored one; `close` whatever happens."""

    def __init__(
        self,
        turns: "WebTurns",
        turn: Turn,
        answer: Answer,
        question: Question,
        begun: "asyncio.Task[None] | None" = None,
        said: Said | None = None,
        cut: Answer | None = None,
    ) -> None:
        """`cut` is the answer to go on with."""
        self._turns = turns
        self.turn = turn
        self.answer = answer
        self._question = question
        self._said = said
        self._begun = begun
        self._run = AnswerRun(turns.recorder, answer, continued=cut, is_recorded=self.is_sought)
        self._concluded = False

    @property
    def is_sought(self) -> bool:
        """Whether the documents are searched; not for a greeting or thanks, which count as no question."""
        return self._said is None

    @property
    def streamed(self) -> str:
        """The text that the deltas gave so far."""
        return self._run.streamed

    async def events(self) -> AsyncGenerator[AnswerEvent]:
        """The answerer's events; the answer is stored before the end. Raises `RagError`, `StoreError`."""
        try:
            async with contextlib.aclosing(self._written()) as events:
                async for event in events:
                    yield event
        except Exception as error:
            if not isinstance(error, RagError):
                log.error("answering_failed", exc_info=error)
            await self._conclude(Failed(error))
            raise
        await self._conclude(Completed())

    async def _written(self) -> AsyncGenerator[AnswerEvent]:
        """The text so far and what follows it; a new answer where other passages stand behind its citations now."""
        with contextlib.suppress(PassagesChanged):
            async with contextlib.aclosing(self._run.events(self._understood)) as events:
                async for event in events:
                    yield event
            return
        self.answer = anew(self.answer, self._wording)
        self._run = AnswerRun(self._turns.recorder, self.answer, started_at=self._run.started_at)
        async with contextlib.aclosing(self._run.events(self._understood)) as events:
            async for event in events:
                yield event

    async def _understood(self) -> tuple[Question, Answers]:
        """A question that leans on the conversation is made to stand alone, as in the chats."""
        if self._said is not None:
            return self._question, _Saying(self._said.text)
        question, understood = await standing_alone(
            self._turns.library, self._question, budget_s=self._turns.condense_s
        )
        self.turn = replace(self.turn, standalone=understood)
        return question, self._turns.library

    async def whole(self) -> Answer:
        """Reads `events` to the end; gives the stored answer."""
        async with contextlib.aclosing(self.events()) as events:
            async for _ in events:
                pass
        return self.answer

    def close(self) -> None:
        """Where the end was not reached, somebody hung up: the answer is stored as stopped, without waiting for it."""
        if not self._concluded:
            self._turns.afterwards(self._conclude(Stopped(self.turn.asker)))

    @property
    def _wording(self) -> Texts:
        return texts(language_of(self.turn.question, preferred=self._turns.language))

    async def _conclude(self, outcome: Outcome) -> None:
        if self._concluded:
            return
        self._concluded = True
        headings = self._said.behind if self._said else ()
        self.answer = answer = self._run.conclude(outcome, self._wording, leaned_on=headings)
        recorder, seconds = self._turns.recorder, answer.seconds or 0.0
        if self.is_sought:
            recorder.metrics.turn_ended(answer.outcome, seconds, answer.ending)
        if self._begun is not None:
            await self._begun
        job_id = await self._turns.store.conclude(answer, standalone=self.turn.standalone)
        if self._run.trace:
            recorder.tracing.keep(job_id, self._run.trace)
        log.info("web_turn_ended", turn_id=self.turn.id, outcome=answer.outcome, seconds=round(seconds, 3))


@dataclass(frozen=True, slots=True)
class _Saying:
    """Answers with kind words whatever is asked."""

    words: str

    async def answer(self, _question: Question) -> AsyncGenerator[AnswerEvent, None]:
        yield Finished(self.words, "answered")


@dataclass(slots=True)
class WebTurns:
    """Begins answers for the web door. `settle` before the store closes."""

    library: WebLibrary
    store: WebStore
    recorder: Recorder
    language: Literal["auto", "zh", "en"] = "auto"
    condense_s: float = 6.0
    """For making a follow-up understandable by itself."""
    _owed: "set[asyncio.Task[None]]" = field(default_factory=set)
    _made_at: float = field(init=False)

    def __post_init__(self) -> None:
        self._made_at = self.recorder.clock.time()

    async def ask(
        self,
        caller: Caller,
        question: str,
        *,
        conversation_id: str,
        scope: Scope,
        history: tuple[Exchange, ...] | None = None,
    ) -> Run:
        """A new turn. `history` replaces that of the conversation. Raises `StoreError`.

        The turn is stored while its answer is sought, and certainly before the answer is.
        """
        turn, answer = self.store.new(caller.name, conversation_id, question)
        said = await self._pleasantry(question, scope)
        if said:
            history = ()
        elif history is None:
            history = await self.store.history(turn, scope)
        begun = asyncio.create_task(self.store.begin(turn, answer))
        return Run(self, turn, answer, Question(question, scope, history), begun, said)

    async def again(self, caller: Caller, answer_id: str, *, scope: Scope, goes_on: bool = False) -> Run:
        """The next version of an answer; with `goes_on` its text stays and is written on. Raises `Refused` (404; 409
        where it was not cut), `StoreError`."""
        turn, before = await self.look_up(caller, answer_id)
        if goes_on and not before.can_continue:
            what_to_do = "Use `regenerate` to have the question answered once more."
            raise Refused(409, "Conflict", "This answer was not cut off where it can go on.", what_to_do)
        said = await self._pleasantry(turn.question, scope)
        answer, earlier = await self.store.begin_version(turn, scope)
        question = Question(turn.question, scope, () if said else earlier)
        if not goes_on and await self.store.was_verified(turn.id):
            wording = texts(language_of(turn.question, preferred=self.language))
            answer = replace(answer, notice=wording.verified_from_documents)
            question = replace(question, from_documents=True)
        if not goes_on or not self.store.access.shows(
            scope, before.behind
        ):  # the rules may have changed since it was given
            return Run(self, turn, answer, question, said=said)
        behind = tuple(sorted(before.behind))
        begun = replace(answer, text=before.text, sources=before.sources, leaned_on=behind, ending=before.ending)
        return Run(self, turn, begun, question, cut=before)

    async def _pleasantry(self, question: str, scope: Scope) -> Said | None:
        wording = texts(language_of(question, preferred=self.language))
        return await reply_to(question, self.library, scope, wording)

    async def look_up(self, caller: Caller, answer_id: str) -> tuple[Turn, Answer]:
        """An answer of this caller. Raises `Refused` (404)."""
        found = await self.store.look_up(caller.name, answer_id)
        if found is None:
            what_to_do = "Use an `answer_id` that this door gave to the same key."
            raise Refused(404, "NotFound", "There is no such answer.", what_to_do)
        return found

    async def trace_of(self, answer_id: str) -> dict[str, Any] | None:
        """What happened while an answer was written (`bot.observability.tracing`), if it is still kept."""
        job_id = await self.store.job_of(answer_id)
        return await self.recorder.tracing.read(job_id) if job_id else None

    async def document(self, source: Source) -> DocumentState | None:
        """How the document of a source was read; None where the index does not hold it any more."""
        try:
            return await self.library.document(source.collection, source.source)
        except RagError:
            return None

    def afterwards(self, work: Coroutine[Any, Any, None]) -> None:
        """Does something that must outlive the request."""
        task: asyncio.Task[None] = asyncio.create_task(self._quietly(work))
        self._owed.add(task)
        task.add_done_callback(self._owed.discard)

    async def _quietly(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except StoreError as error:
            log.error("stop_not_stored", reason=str(error))

    async def recover_forever(self, *, is_alone: bool, longest_s: float) -> None:
        """Ends the answers of processes that died.

        Where no other process may serve (`is_alone`), all that is older than this value is ended at once. Where others
        may, only what has been open for longer than any answer takes: `longest_s` for the model and the reader, and
        `SPARE_S`.
        """
        while True:
            before = self._made_at if is_alone else self.recorder.clock.time() - longest_s - SPARE_S
            try:
                ended = await self.store.end_interrupted(before, self._interrupted)
                if ended:
                    log.warning("web_answers_interrupted", count=ended)
                if is_alone:
                    return
            except StoreError as error:
                log.warning("web_answers_not_recovered", reason=str(error))
            await self.recorder.clock.sleep(SWEEP_S)

    def _interrupted(self, question: str) -> str:
        return texts(language_of(question, preferred=self.language)).failed_interrupted

    async def settle(self) -> None:
        """Waits until everything that hang-ups left behind is stored."""
        while self._owed:
            await asyncio.gather(*self._owed, return_exceptions=True)
