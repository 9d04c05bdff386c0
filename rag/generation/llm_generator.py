"""Answers by a language model: streamed, watched by the clock, bound to their passages."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from rag.clock import Clock
from rag.deadline import Deadline
from rag.documents import Passage
from rag.errors import ContentRefused, ContextTooLong, GenerationFailed, ModelOverloaded, ModelTimeout, ModelUnavailable
from rag.events import (
    NO_EVIDENCE_TEXT,
    AnswerEvent,
    Delta,
    Ending,
    Finished,
    NoEvidence,
    Prompt,
    Question,
    Reasoning,
    Usage,
)
from rag.generation.answer_text import AnswerText
from rag.generation.finish_reasons import ending_of
from rag.health import Part
from rag.settings import LlmSettings, PromptSettings

if TYPE_CHECKING:
    from rag.generation.llm import Model, Piece

BACKOFFS_S = (0.5, 1.5)
AFTER_THE_END_S = 3.0
"""How long a server may take, once it has said how the text ended, for what comes behind that (the usage)."""
logger = logging.getLogger(__name__)


class LLMGenerator:
    """Writes with the configured model. The client is made on first use, in a thread: its imports take a second."""

    def __init__(self, settings: LlmSettings, prompts: PromptSettings, *, clock: Clock) -> None:
        self._settings = settings
        self._prompts = prompts
        self._clock = clock
        self._model: Model | None = None
        self._opening = asyncio.Lock()
        self._failure: GenerationFailed | None = None
        self._most_passages: int | None = None
        """How many passages the model's window held when it was too small for more."""

    async def write(self, question: Question, passages: Sequence[Passage]) -> AsyncGenerator[AnswerEvent]:
        """Reasoning and Delta as they come, NoEvidence when the model says that the passages do not answer, then
        Finished. Once there is text, whatever goes wrong ends it and keeps it. Where the model's window is too small
        for the passages it gets half as many, from then on. Closing this hangs up. Raises GenerationFailed before the
        first text."""
        started_at = self._clock.monotonic()
        if question.so_far:
            yield Delta(question.so_far)
        given = tuple(passages)[: self._most_passages]
        while True:
            course = _Course(partial(AnswerText, len(given), question.so_far), self._settings)
            pieces = self._pieces(partial(_stream, question, given), started_at)
            try:
                async with contextlib.aclosing(self._run(course, pieces)) as events:
                    async for event in events:
                        yield event
                break
            except ContextTooLong as error:
                self._failure = error
                if len(given) < 2:
                    raise
                given = given[: len(given) // 2]
                self._most_passages = len(given)
                logger.warning("The model's window is too small, trying %d passages: %s", len(given), error)
            except GenerationFailed as error:
                self._failure = error
                raise
        self._failure = course.cut
        text, seconds = course.text, self._clock.monotonic() - started_at
        if text.is_refusal:
            yield NoEvidence(tuple(passages))
            yield Finished(NO_EVIDENCE_TEXT, "no_evidence", (), self._settings.model, course.usage, seconds)
            return
        yield Finished(
            text.text, text.outcome, text.citations, self._settings.model, course.usage, seconds, ending=course.ending
        )

    async def complete(self, prompt: Prompt) -> AsyncGenerator[AnswerEvent]:
        """The model alone: Reasoning and Delta, then Finished without citations. Raises GenerationFailed like `write`;
        an empty text is none."""
        started_at = self._clock.monotonic()
        course = _Course(_PlainText, self._settings)
        pieces = self._pieces(lambda model: model.complete(prompt), started_at)
        async with contextlib.aclosing(self._run(course, pieces, may_be_empty=True)) as events:
            async for event in events:
                yield event
        model, seconds = self._settings.model, self._clock.monotonic() - started_at
        yield Finished(course.text.text, "answered", (), model, course.usage, seconds, ending=course.ending)

    async def _run(
        self, course: "_Course[Any]", pieces: AsyncGenerator["Piece"], *, may_be_empty: bool = False
    ) -> AsyncGenerator[AnswerEvent]:
        """What the pieces show, to the end of the text. Raises GenerationFailed where there is none to keep."""
        try:
            async with contextlib.aclosing(pieces):
                async for piece in pieces:
                    for event in course.take(piece):
                        yield event
        except GenerationFailed as error:
            if not course.text.has_begun:
                error.partial = bool(course.text.text)
                raise
            logger.warning("The answer was cut off, what there was is kept: %s", error)
            course.cut = error
        for event in course.close():
            yield event
        if failure := course.failure(may_be_empty=may_be_empty):
            raise failure

    async def warm_up(self) -> None:
        """Make the client ahead of the first question."""
        await self._opened()

    async def window(self) -> int | None:
        """The model's context window, tokens, as its server tells it; None where it does not."""
        return await (await self._opened()).window()

    def part(self) -> Part:
        """For the library's status: the last answer's outcome; nothing is called for it."""
        if self._failure is not None:
            return Part(False, self._settings.model, f"{self._failure}.")
        return Part(True, self._settings.model, f"{self._settings.model} writes the answers.")

    async def aclose(self) -> None:
        """Close the model's connections."""
        if self._model is not None:
            await self._model.aclose()
            self._model = None

    async def _opened(self) -> "Model":
        async with self._opening:
            if self._model is None:
                self._model = await asyncio.to_thread(self._open)
            return self._model

    def _open(self) -> "Model":
        from rag.generation.llm import Model

        return Model(self._settings, self._prompts)

    async def _pieces(
        self, ask: "Callable[[Model], AsyncGenerator[Piece]]", started_at: float
    ) -> AsyncGenerator["Piece"]:
        """The model's pieces; failures before the first are tried again while there is time, later ones never. A
        stall is tried again once: each costs its asker the whole limit for a first token."""
        model, stalls = await self._opened(), 0
        for backoff_s in (*BACKOFFS_S, None):
            began = False
            try:
                async with contextlib.aclosing(self._watched(ask(model), started_at)) as pieces:
                    async for piece in pieces:
                        if not began and piece.finish_reason:
                            self._check_end(piece.finish_reason)
                        began = True
                        yield piece
                if not began:
                    self._check_end("")
                return
            except (ModelUnavailable, ModelTimeout) as error:
                stalls += isinstance(error, ModelTimeout)
                if began or backoff_s is None or stalls > 1 or self._remaining_s(started_at) <= backoff_s:
                    raise
                logger.info("The model failed before its first token, trying again: %s", error)
            await self._clock.sleep(backoff_s)

    def _check_end(self, reason: str) -> None:
        """Raise ModelUnavailable for an answer that ended before its first word because its server failed."""
        from rag.generation.llm_errors import broken_off, overloaded

        match ending_of(reason):
            case "overloaded":
                raise overloaded(self._settings)
            case "broken":
                raise broken_off(self._settings)

    async def _watched(self, stream: "AsyncGenerator[Piece]", started_at: float) -> AsyncGenerator["Piece"]:
        """One request's pieces, with the limits for first token, stall and total; foreign errors translated. What
        goes wrong after the reason to end came is none: the text is whole."""
        limits = self._settings.timeouts
        limit_s, waiting_for, has_ended = limits.first_token_s, "first token", False
        async with contextlib.aclosing(stream):
            with contextlib.closing(Deadline()) as deadline:
                while True:
                    allowed_s = min(limit_s, self._remaining_s(started_at))
                    try:
                        piece = await deadline.within(allowed_s, anext(stream))
                    except StopAsyncIteration:
                        return
                    except Exception as error:
                        if has_ended:
                            return
                        late = deadline.expired and (waiting_for if allowed_s == limit_s else "whole answer")
                        raise self._failed(error, late or "") from error
                    yield piece
                    has_ended = has_ended or bool(piece.finish_reason)
                    limit_s = min(limits.stall_s, AFTER_THE_END_S) if has_ended else limits.stall_s
                    waiting_for = "next token"

    def _failed(self, error: Exception, late: str) -> GenerationFailed:
        """In our own words; `late` names what did not come in time, if that is what went wrong."""
        from rag.generation.llm_errors import server, translated

        if not late:
            return translated(error, self._settings)
        return ModelTimeout(
            f"The model's server {server(self._settings)} did not give its {late} in time; see RAG__LLM__TIMEOUTS"
        )

    def _remaining_s(self, started_at: float) -> float:
        return self._settings.timeouts.total_s - (self._clock.monotonic() - started_at)


def _stream(question: Question, passages: Sequence[Passage], model: "Model") -> AsyncGenerator["Piece"]:
    return model.stream(question, passages)


class _Text(Protocol):
    """A text as it grows."""

    text: str
    has_begun: bool

    @property
    def says_something(self) -> bool: ...

    def feed(self, text: str) -> str: ...

    def finish(self) -> str: ...


T = TypeVar("T", bound=_Text)


class _Course(Generic[T]):
    """How one answer went: its text so far, what it cost, and how it ended."""

    def __init__(self, begin: Callable[[], T], settings: LlmSettings) -> None:
        self._begin = begin
        self._settings = settings
        self._reason = ""
        self.cut: GenerationFailed | None = None
        """What went wrong after there was text."""
        self.text = begin()
        self.usage: Usage | None = None

    def take(self, piece: "Piece") -> Iterator[AnswerEvent]:
        """What a piece shows."""
        self.usage = piece.usage or self.usage
        self._reason = piece.finish_reason or self._reason
        if piece.unsaid:
            self.text = self._begin()
            yield Reasoning(piece.unsaid)
        if piece.reasoning:
            yield Reasoning(piece.reasoning)
        if piece.text and (text := self.text.feed(piece.text)):
            yield Delta(text)

    def close(self) -> Iterator[AnswerEvent]:
        """The last text."""
        if text := self.text.finish():
            yield Delta(text)

    @property
    def ending(self) -> Ending:
        """How the text ended."""
        match self.cut:
            case None:
                return ending_of(self._reason)
            case ContentRefused():
                return "filtered"
            case ModelOverloaded():
                return "overloaded"
            case _:
                return "broken"

    def failure(self, *, may_be_empty: bool) -> GenerationFailed | None:
        """What to raise when there is no text to keep."""
        if self.text.says_something:
            return None
        if self.ending == "filtered":
            from rag.generation.llm_errors import content_refused

            return content_refused()
        if may_be_empty:
            return None
        return ModelUnavailable(
            "The model ended without an answer; raise RAG__LLM__MAX_TOKENS if it spends them on reasoning"
        )


class _PlainText:
    """What the model alone wrote, as it stands."""

    def __init__(self) -> None:
        self.text = ""
        self.has_begun = False

    @property
    def says_something(self) -> bool:
        """Whether there is text."""
        return self.has_begun

    def feed(self, text: str) -> str:
        """The new text."""
        self.has_begun = self.has_begun or bool(text.strip())
        self.text += text
        return text

    def finish(self) -> str:
        """Nothing is kept back."""
        return ""
