"""What happened while one answer was written: events with their times, passages with their scores, prompt, calls.

A trace is a fold over the answerer's events, so it costs nothing but memory until it is stored, off the answer's way,
for as long as people look at it.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson
import structlog
from sqlalchemy import Connection, delete, insert, select

from bot.errors import StoreError
from bot.observability.metrics import Call
from bot.storage.database import Database
from bot.storage.tables import answers, traces, turns
from feishu.clock import Clock
from rag.documents import Passage
from rag.events import AnswerEvent, Delta, Finished, NoEvidence, Question, Reasoning, Retrieved
from rag.generation.prompts import messages
from rag.scope import Scope
from rag.settings import PromptSettings

KEPT_S = 30 * 86_400.0
FORGET_EVERY = 200
log = structlog.get_logger(__name__)
MAX_CALLS = 500
LAST_CALLS_S = 3.0
"""The closing calls to the platform come after the answer's end; they get this long to be part of the trace."""


class TraceStore:
    """One trace an answer, found by the answer's job id."""

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._puts = 0

    async def put(self, job_id: int, body: dict[str, Any]) -> None:
        """Stores a trace in place of an earlier one, unless its question was taken back or forgotten meanwhile; now and
        then forgets what is older than a month."""
        self._puts += 1
        forgets, now = self._puts % FORGET_EVERY == 1, self._clock.time()
        of_it = select(answers.c.id).join(turns, turns.c.id == answers.c.turn_id)
        still_there = of_it.where(answers.c.job_id == job_id, ~turns.c.recalled).limit(1)
        text = orjson.dumps(body, default=str).decode().replace("\\u0000", "")

        def work(connection: Connection) -> None:
            if forgets:
                connection.execute(delete(traces).where(traces.c.created_at < now - KEPT_S))
            connection.execute(delete(traces).where(traces.c.job_id == job_id))
            if connection.scalar(still_there) is None:
                return
            connection.execute(insert(traces).values(job_id=job_id, body=text, created_at=now))

        await self._database.write(work)

    async def get(self, job_id: int) -> dict[str, Any] | None:
        """The trace, if there is one still."""
        statement = select(traces.c.body).where(traces.c.job_id == job_id)
        body = await self._database.read(lambda connection: connection.scalar(statement))
        return orjson.loads(body) if body else None


@dataclass(slots=True)
class Trace:
    """One answer's trace. `note` each event as it comes; `body` is plain data for the store."""

    question: Question
    prompts: PromptSettings
    clock: Callable[[], float]
    started_at: float = 0.0
    events: list[dict[str, Any]] = field(default_factory=list)
    passages: tuple[Passage, ...] = ()
    calls: list[dict[str, Any]] = field(default_factory=list)
    pieces: int = 0
    model: str | None = None
    has_searched: bool = False
    _writes: bool = False

    def __post_init__(self) -> None:
        self.started_at = self.clock()
        self.tell("chain.start", history=len(self.question.history))
        self.tell("retriever.start", collections=_names(self.question.scope))

    def tell(self, kind: str, **facts: Any) -> dict[str, Any]:
        """Notes something now."""
        event = {"at_s": round(self.clock() - self.started_at, 4), "kind": kind, **facts}
        self.events.append(event)
        return event

    def note(self, event: AnswerEvent) -> list[dict[str, Any]]:
        """What an answerer's event tells; empty for all pieces of text but the first."""
        before = len(self.events)
        match event:
            case Delta() if self._writes:  # nearly all events are these
                self.pieces += 1
                return []
            case Retrieved(passages=passages, seconds=seconds):
                self.passages, self.has_searched = passages, True
                self.tell("retriever.end", found=len(passages), seconds=round(seconds, 4))
                if passages:
                    self.tell("model.start")
            case NoEvidence(nearest=nearest):
                self.passages = nearest
                self.tell("evidence.none", nearest=len(nearest))
            case Reasoning() | Delta():
                self.pieces += 1
                self._writes = isinstance(event, Delta)
                kind = "model.first_reasoning" if isinstance(event, Reasoning) else "model.first_token"
                if not any(told["kind"] == kind for told in self.events):
                    self.tell(kind)
            case Finished():
                self.model = event.model
                usage = asdict(event.usage) if event.usage else None
                self.tell("model.end", model=event.model, pieces=self.pieces, usage=usage)
                verified = {"verified": event.verified.id, "by": event.verified.by} if event.verified else {}
                citations = list(event.citations)
                self.tell("chain.end", outcome=event.outcome, ending=event.ending, citations=citations, **verified)
        return self.events[before:]

    def called(self, call: Call) -> None:
        """A call to the platform on behalf of this answer."""
        if len(self.calls) < MAX_CALLS:
            at_s = round(self.clock() - self.started_at, 4)
            seconds = round(call.seconds, 4)
            self.calls.append({"at_s": at_s, "endpoint": call.endpoint, "seconds": seconds, "outcome": call.outcome})

    def body(self) -> dict[str, Any]:
        """Everything, as plain data."""
        return {
            "events": self.events,
            "passages": [_passage(number, passage) for number, passage in enumerate(self.passages, start=1)],
            "prompt": self._prompt() if self.model and self.has_searched else [],
            "calls": self.calls,
        }

    def _prompt(self) -> list[dict[str, str]]:
        """The messages as the model got them. Of a conversation that is summed up none is kept."""
        return messages(self.prompts, self.question, self.passages)


class Tracing:
    """Traces answers and stores them. `settle` before the store closes."""

    def __init__(self, store: TraceStore, prompts: Callable[[], PromptSettings], *, clock: Clock) -> None:
        """`prompts` gives the texts in use."""
        self.export: Callable[[int, Trace], None] = lambda _job_id, _trace: None
        """Gets every trace that is stored, too (`bot.observability.otel`)."""
        self._store = store
        self._prompts = prompts
        self._clock = clock
        self._by_job: dict[int, Trace] = {}
        self._saving: dict[asyncio.Task[None], tuple[int, Trace]] = {}

    @contextlib.contextmanager
    def recorded(self, question: Question) -> Iterator[Trace]:
        """A trace of what is done meanwhile, and of how it ends. That of a job, whose id is taken from the context, has
        its calls to the platform, too, and is stored by and by; any other is stored by `keep`."""
        job_id, trace = _job_id(), Trace(question, question.prompts or self._prompts(), self._clock.monotonic)
        if job_id:
            self._by_job[job_id] = trace
        try:
            yield trace
        except Exception as error:
            trace.tell("chain.error", error=f"{type(error).__name__}: {error}"[:500])
            raise
        except BaseException:
            trace.tell("chain.stopped")
            raise
        finally:
            if job_id:
                self.keep(job_id, trace, after_s=LAST_CALLS_S)

    def keep(self, job_id: int, trace: Trace, *, after_s: float = 0.0) -> None:
        """Stores the trace of an answer, by and by."""
        task = asyncio.create_task(self._save(job_id, trace, after_s))
        self._saving[task] = (job_id, trace)
        task.add_done_callback(lambda done: self._saving.pop(done, None))

    def platform_called(self, call: Call) -> None:
        """Fits `FeishuClient(observe=…)`: the call belongs to the job whose context it was made in."""
        trace = self._by_job.get(_job_id())
        if trace is not None:
            trace.called(call)

    async def read(self, job_id: int) -> dict[str, Any] | None:
        """A trace as plain data: one that is kept, or still waits to be stored."""
        waiting = [trace for waiting_id, trace in self._saving.values() if waiting_id == job_id]
        return waiting[-1].body() if waiting else await self._store.get(job_id)

    async def settle(self) -> None:
        """Stores at once what still waits."""
        waiting = dict(self._saving)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        for job_id, trace in waiting.values():
            await self._put(job_id, trace)

    async def _save(self, job_id: int, trace: Trace, after_s: float) -> None:
        if after_s:
            await self._clock.sleep(after_s)
        if self._by_job.get(job_id) is trace:
            del self._by_job[job_id]
        await self._put(job_id, trace)

    async def _put(self, job_id: int, trace: Trace) -> None:
        self.export(job_id, trace)
        try:
            await self._store.put(job_id, trace.body())
        except StoreError as error:
            log.warning("trace_not_stored", reason=str(error))


def _names(scope: Scope) -> list[str] | None:
    return None if scope.names is None else sorted(scope.names)


def _job_id() -> int:
    """The job in whose context this runs; 0 for none."""
    job_id = structlog.contextvars.get_contextvars().get("job_id", 0)
    return job_id if isinstance(job_id, int) else 0


def _passage(number: int, passage: Passage) -> dict[str, Any]:
    chunk = passage.chunk
    scores = ("score", "dense_rank", "dense_score", "lexical_rank", "lexical_score", "coverage")
    return {
        "number": number,
        "title": chunk.title,
        "heading_path": chunk.heading_path,
        "source": chunk.source,
        "collection": chunk.collection,
        "link": chunk.link,
        "place": {"kind": chunk.place.kind, "name": chunk.place.name} if chunk.place else None,
        "text": chunk.text,
        **{name: _rounded(getattr(passage, name)) for name in scores},
    }


def _rounded(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value
