"""`/summary`: a conversation summed up, or asked about, on a card like any other answer; no document is behind it."""

import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from bot.answering import Answers, CannotAnswer, NotYet, PassagesChanged
from bot.intake.commands import asked_of_thread
from bot.intake.thread_text import fitting, made_of, without_model, written_out
from bot.intake.threads import Thread, ThreadReader, ThreadUnreadable
from bot.job import Job
from bot.models import LeftOut, Turn
from bot.repositories.turns import Conversations
from bot.texts import Texts
from feishu.errors import FeishuError
from rag.errors import ContextTooLong
from rag.events import AnswerEvent, Delta, Finished, Question

log = structlog.get_logger(__name__)


class Summarises(Protocol):
    """What this needs of `rag.knowledge_base.KnowledgeBase`."""

    @property
    def has_model(self) -> bool: ...

    @property
    def conversation_tokens(self) -> int: ...

    def summarise(self, said: str, asked: str = "") -> AsyncGenerator[AnswerEvent, None]: ...


@dataclass(frozen=True, slots=True)
class Summaries:
    """Makes answerers of conversations. What a summary leaves out is stored with its turn, and nothing else of it."""

    writer: Summarises
    reader: ThreadReader
    conversations: Conversations

    def of(self, job: Job, turn: Turn, wording: Texts) -> Answers:
        """Who answers the turn of a `/summary`."""
        return ThreadAnswers(self, job, turn, wording)

    async def note(self, job: Job, turn: Turn, left_out: tuple[LeftOut, ...]) -> None:
        """Stores what the card says was not read."""
        await self.conversations.reworded(job, turn.id, turn.question, "", left_out=left_out)


class ThreadAnswers:
    """Answers one `/summary`. The conversation is read anew for each version."""

    def __init__(self, summaries: Summaries, job: Job, turn: Turn, wording: Texts) -> None:
        self._summaries = summaries
        self._job = job
        self._turn = turn
        self._wording = wording

    async def answer(self, question: Question) -> AsyncGenerator[AnswerEvent]:
        """What it is made of, then what the model writes; a list where there is no model. Raises `CannotAnswer`,
        `NotYet`, `RagError`, and `PassagesChanged` for a text to go on with: it is written anew."""
        if question.so_far:
            raise PassagesChanged("a conversation is summed up anew")
        writer = self._summaries.writer
        thread = fitting(await self._read(), writer.conversation_tokens)
        if not writer.has_model:
            await self._summaries.note(self._job, self._turn, thread.not_read)
            first = made_of(thread, self._wording, by_model=False)
            text = f"{first}\n\n{without_model(thread, self._wording)}"
            yield Delta(text)
            yield Finished(text, "answered")
            return
        async with contextlib.aclosing(self._written(thread)) as events:
            async for event in events:
                yield event

    async def _read(self) -> Thread:
        try:
            return await self._summaries.reader.read(self._turn, self._wording)
        except ThreadUnreadable as error:
            said = getattr(self._wording, f"summary_{error.why}")
            raise CannotAnswer(said, by_us=error.why == "no_scope") from error
        except FeishuError as error:
            raise NotYet(error) from error

    async def _written(self, thread: Thread) -> AsyncGenerator[AnswerEvent]:
        """By the model; of half as many messages, the newest, where its window is too small for them all."""
        while True:
            try:
                async with contextlib.aclosing(self._of(thread)) as events:
                    async for event in events:
                        yield event
                return
            except ContextTooLong as error:  # told before the first piece
                if len(thread.said) < 2:
                    raise
                log.warning("conversation_too_long", messages=len(thread.said), reason=str(error))
                thread = thread.newest(len(thread.said) // 2)

    async def _of(self, thread: Thread) -> AsyncGenerator[AnswerEvent]:
        first = made_of(thread, self._wording, by_model=True) + "\n\n"
        asked, has_begun = asked_of_thread(self._turn.question) or "", False
        async with contextlib.aclosing(self._summaries.writer.summarise(written_out(thread.said), asked)) as events:
            async for event in events:
                if not has_begun:
                    has_begun = True
                    await self._summaries.note(self._job, self._turn, thread.not_read)
                    yield Delta(first)
                yield replace(event, text=first + event.text) if isinstance(event, Finished) else event
