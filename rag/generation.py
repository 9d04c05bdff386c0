"""Answers by a language model: streamed, watched by the clock, bound to their passages."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import TYPE_CHECKING

from rag.citations import CitationFilter
from rag.clock import Clock
from rag.deadline import Deadline
from rag.documents import Passage
from rag.errors import GenerationFailed, ModelTimeout, ModelUnavailable
from rag.events import NO_EVIDENCE_TEXT, AnswerEvent, Delta, Finished, Grounding, Prompt, Question, Reasoning, Usage
from rag.prompts import passages_text
from rag.settings import LlmSettings, PromptSettings
from rag.status import Part

if TYPE_CHECKING:
    from rag.llm import Model, Piece

BACKOFFS_S = (0.5, 1.5)
HISTORY_EXCHANGES = 6
logger = logging.getLogger(__name__)


class GenerativeWriter:
    """Writes with the configured model. The client is made on first use, in a thread: its imports take a second."""

    def __init__(self, settings: LlmSettings, prompts: PromptSettings, *, clock: Clock) -> None:
        self._settings = settings
        self._prompts = prompts
        self._clock = clock
        self._model: Model | None = None
        self._opening = asyncio.Lock()
        self._failure: GenerationFailed | None = None

    async def write(self, question: Question, passages: Sequence[Passage]) -> AsyncGenerator[AnswerEvent]:
        """Reasoning and Delta as they come, then Finished. Closing it hangs up. Raises GenerationFailed."""
        started_at = self._clock.monotonic()
        answer = _Answer(len(passages))
        values = (question.text, passages_text(passages), question.history[-HISTORY_EXCHANGES:])
        pieces = self._pieces(lambda model: model.stream(*values), started_at)
        try:
            async with contextlib.aclosing(pieces):
                async for piece in pieces:
                    if piece.reasoning:
                        yield Reasoning(piece.reasoning)
                    if text := answer.take(piece):
                        yield Delta(text)
            if text := answer.close():
                yield Delta(text)
            finished = answer.finished(self._settings.model, self._clock.monotonic() - started_at)
        except GenerationFailed as error:
            error.partial = bool(answer.text)
            self._failure = error
            raise
        self._failure = None
        yield finished

    async def complete(self, prompt: Prompt) -> AsyncGenerator[AnswerEvent]:
        """The model alone: Reasoning and Delta, then Finished without citations. Raises GenerationFailed."""
        started_at = self._clock.monotonic()
        text, usage, reason = "", None, ""
        async with contextlib.aclosing(self._pieces(lambda model: model.complete(prompt), started_at)) as pieces:
            async for piece in pieces:
                usage, reason = piece.usage or usage, piece.finish_reason or reason
                if piece.reasoning:
                    yield Reasoning(piece.reasoning)
                if piece.text:
                    text += piece.text
                    yield Delta(piece.text)
        if reason == "content_filter":
            from rag.failures import content_refused

            raise content_refused()
        yield Finished(text, "answered", (), self._settings.model, usage, self._clock.monotonic() - started_at)

    async def warm_up(self) -> None:
        """Make the client ahead of the first question."""
        await self._opened()

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
        from rag.llm import Model

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
                        began = True
                        yield piece
                return
            except (ModelUnavailable, ModelTimeout) as error:
                stalls += isinstance(error, ModelTimeout)
                if began or backoff_s is None or stalls > 1 or self._remaining_s(started_at) <= backoff_s:
                    raise
                logger.info("The model failed before its first token, trying again: %s", error)
            await self._clock.sleep(backoff_s)

    async def _watched(self, stream: "AsyncGenerator[Piece]", started_at: float) -> AsyncGenerator["Piece"]:
        """One request's pieces, with the limits for first token, stall and total; foreign errors translated."""
        limits = self._settings.timeouts
        limit_s, waiting_for = limits.first_token_s, "first token"
        async with contextlib.aclosing(stream):
            with contextlib.closing(Deadline()) as deadline:
                while True:
                    allowed_s = min(limit_s, self._remaining_s(started_at))
                    try:
                        piece = await deadline.within(allowed_s, anext(stream))
                    except StopAsyncIteration:
                        return
                    except Exception as error:
                        late = deadline.expired and (waiting_for if allowed_s == limit_s else "whole answer")
                        raise self._failed(error, late or "") from error
                    yield piece
                    limit_s, waiting_for = limits.stall_s, "next token"

    def _failed(self, error: Exception, late: str) -> GenerationFailed:
        """In our own words; `late` names what did not come in time, if that is what went wrong."""
        from rag.failures import server, translated

        if not late:
            return translated(error, self._settings)
        return ModelTimeout(
            f"The model's server {server(self._settings)} did not give its {late} in time; see RAG__LLM__TIMEOUTS"
        )

    def _remaining_s(self, started_at: float) -> float:
        return self._settings.timeouts.total_s - (self._clock.monotonic() - started_at)


class _Answer:
    """The text as it grows: citations bound, the blank lines after a think block taken off."""

    def __init__(self, passages: int) -> None:
        self._citations = CitationFilter(passages)
        self._usage: Usage | None = None
        self._finish_reason = ""
        self.text = ""

    def take(self, piece: "Piece") -> str:
        """The new text that a piece gives."""
        self._usage = piece.usage or self._usage
        self._finish_reason = piece.finish_reason or self._finish_reason
        return self._grow(self._citations.feed(piece.text))

    def close(self) -> str:
        """The last text. Raises ContentRefused, or ModelUnavailable when there was none at all."""
        last = self._grow(self._citations.finish())
        if self._finish_reason == "content_filter":
            from rag.failures import content_refused

            raise content_refused()
        if not self.text.strip():
            raise ModelUnavailable(
                "The model ended without an answer; raise RAG__LLM__MAX_TOKENS if it spends them on reasoning"
            )
        return last

    def finished(self, model: str, seconds: float) -> Finished:
        """The end event."""
        citations = self._citations.citations
        says_no = NO_EVIDENCE_TEXT in self.text and (
            not citations or self.text.lstrip(" *>#").startswith(NO_EVIDENCE_TEXT)
        )
        outcome: Grounding = "no_evidence" if says_no else "answered" if citations else "hedged"
        return Finished(self.text, outcome, citations, model, self._usage, seconds)

    def _grow(self, text: str) -> str:
        text = text if self.text else text.lstrip()
        self.text += text
        return text
