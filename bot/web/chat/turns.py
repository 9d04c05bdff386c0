"""One question on the web, from its turn in the store to its stored answer; whoever hangs up stops it."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Coroutine
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

import structlog

from bot.cards.progress import Completed, Failed, Outcome, Progress, Stopped, ended, fold
from bot.continuation import can_go_on
from bot.errors import StoreError
from bot.intake.query_rewriting import standing_alone
from bot.intake.smalltalk import Said, reply_to
from bot.jobs.conclusion import conclude, sources_of
from bot.models import Answer, Source, Turn
from bot.observability.metrics import Metrics
from bot.observability.tracing import Tracing
from bot.repositories.web_turns import WebStore
from bot.texts import language_of, texts
from bot.web.auth import Caller
from bot.web.errors import Refused
from feishu.clock import Clock
from rag.errors import RagError
from rag.events import AnswerEvent, Delta, Exchange, Finished, Prompt, Question, Retrieved
from rag.index.outline import DocumentState, Title
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
        """`cut` is the answer whose text `question.so_far` is."""
        self._turns = turns
        self._cut = cut
        self.turn = turn
        self.answer = answer
        self.question = question
        self._said = said
        self.progress = Progress()
        self._trace = turns.tracing.begin(question)
        self._started_at = turns.clock.monotonic()
        self._first_token_s: float | None = None
        self._pieces: list[str] = []
        self._begun = begun
        self._concluded = False

    @property
    def is_sought(self) -> bool:
        """Whether the documents are searched; not for a greeting or thanks, which count as no question."""
        return self._said is None

    @property
    def streamed(self) -> str:
        """The text that the deltas gave so far."""
        return "".join(self._pieces)

    async def events(self) -> AsyncGenerator[AnswerEvent]:
        """The answerer's events; the answer is stored before the end. Raises `RagError`, `StoreError`."""
        try:
            await self._understand()
            async with contextlib.aclosing(self._answering()) as events:
                async for event in events:
                    self._note(event)
                    yield event
        except Exception as error:
            if not isinstance(error, RagError):
                log.error("answering_failed", exc_info=error)
            self._trace.tell("chain.error", error=f"{type(error).__name__}: {error}"[:500])
            await self._conclude(Failed(error))
            raise
        await self._conclude(Completed())

    async def _understand(self) -> None:
        """A question that leans on the conversation is made to stand alone, as in the chats."""
        if not self.is_sought:
            return
        question, understood = await standing_alone(self._turns.library, self.question, budget_s=self._turns.condense_s)
        self.question = self._trace.question = question
        self.turn = replace(self.turn, standalone=understood)

    def _answering(self) -> AsyncGenerator[AnswerEvent]:
        if self._said is not None:
            return _saying(self._said)
        if self._cut is not None:
            return self._going_on(self._cut)
        return self._turns.library.answer(self.question)

    async def _going_on(self, cut: Answer) -> AsyncGenerator[AnswerEvent]:
        """The text so far and what follows it; a new answer where other passages stand behind its citations now."""
        async with contextlib.aclosing(self._turns.library.answer(self.question)) as events:
            async for event in events:
                if isinstance(event, Retrieved):
                    found = sources_of(Progress(event.passages))
                    if not found or not can_go_on(cut.text, cut.sources, found):
                        break
                yield event
            else:
                return
        self.question, self._cut = replace(self.question, so_far=""), None
        anew = texts(language_of(self.turn.question, preferred=self._turns.language)).answered_anew
        self.answer = replace(self.answer, text="", sources=(), leaned_on=(), ending="", notice=anew)
        async with contextlib.aclosing(self._turns.library.answer(self.question)) as events:
            async for event in events:
                yield event

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

    def _note(self, event: AnswerEvent) -> None:
        self._trace.note(event)
        if isinstance(event, Delta):  # gathered, not folded: there are thousands of them
            self._pieces.append(event.text)
        else:
            self.progress = fold(self.progress, event)
        if isinstance(event, Retrieved):
            self._turns.metrics.retrieved(event.seconds)
        if self._first_token_s is None and self.is_sought and isinstance(event, Delta | Finished):
            self._first_token_s = self._turns.clock.monotonic() - self._started_at
            self._turns.metrics.first_token(self._first_token_s)

    @property
    def _leans_on(self) -> frozenset[str]:
        """The collections behind the question's history, a greeting's headings, and the text that it goes on from."""
        said = self._said.collections if self._said else frozenset()
        return self.question.leans_on | said | (self._cut.collections if self._cut else frozenset())

    async def _conclude(self, outcome: Outcome) -> None:
        if self._concluded:
            return
        self._concluded = True
        seconds = self._turns.clock.monotonic() - self._started_at
        wording = texts(language_of(self.turn.question, preferred=self._turns.language))
        text = self.progress.text or self.streamed
        self.progress = ended(replace(self.progress, text=text), outcome)
        self.answer = conclude(
            self.answer,
            self.progress,
            wording,
            seconds=seconds,
            first_token_s=self._first_token_s,
            leaned_on=self._leans_on,
        )
        if self.is_sought:
            self._turns.metrics.turn_ended(self.answer.outcome, seconds, self.answer.ending)
        if self._begun is not None:
            await self._begun
        if isinstance(outcome, Stopped):
            self._trace.tell("chain.stopped")
        job_id = await self._turns.store.conclude(self.answer, standalone=self.turn.standalone)
        if self.is_sought:
            self._turns.tracing.keep(job_id, self._trace)
        log.info("web_turn_ended", turn_id=self.turn.id, outcome=self.answer.outcome, seconds=round(seconds, 3))


async def _saying(said: Said) -> AsyncGenerator[AnswerEvent]:
    yield Finished(said.text, "answered")


@dataclass(slots=True)
class WebTurns:
    """Begins answers for the web door. `settle` before the store closes."""

    library: WebLibrary
    store: WebStore
    metrics: Metrics
    clock: Clock
    tracing: Tracing
    language: Literal["auto", "zh", "en"] = "auto"
    condense_s: float = 6.0
    """For making a follow-up understandable by itself."""
    _owed: "set[asyncio.Task[None]]" = field(default_factory=set)
    _made_at: float = field(init=False)

    def __post_init__(self) -> None:
        self._made_at = self.clock.time()

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
        if not goes_on or not scope.shows(before.collections):  # the rules may have changed since it was given
            return Run(self, turn, answer, question, said=said)
        behind = tuple(sorted(before.collections))
        begun = replace(answer, text=before.text, sources=before.sources, leaned_on=behind, ending=before.ending)
        return Run(self, turn, begun, replace(question, so_far=before.text), cut=before)

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
        return await self.tracing.read(job_id) if job_id else None

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
            before = self._made_at if is_alone else self.clock.time() - longest_s - SPARE_S
            try:
                ended = await self.store.end_interrupted(before, self._interrupted)
                if ended:
                    log.warning("web_answers_interrupted", count=ended)
                if is_alone:
                    return
            except StoreError as error:
                log.warning("web_answers_not_recovered", reason=str(error))
            await self.clock.sleep(SWEEP_S)

    def _interrupted(self, question: str) -> str:
        return texts(language_of(question, preferred=self.language)).failed_interrupted

    async def settle(self) -> None:
        """Waits until everything that hang-ups left behind is stored."""
        while self._owed:
            await asyncio.gather(*self._owed, return_exceptions=True)
