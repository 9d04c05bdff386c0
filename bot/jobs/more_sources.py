"""The job `more_sources`: what an answer in a group left out because not everybody there may open it.

Its asker alone is told how many documents there are, and may have the question answered in private. The group learns
nothing of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import orjson
import structlog

from bot.access.rules import Access
from bot.cancellation import Ended, StopSignal
from bot.cards.buttons import more_sources_card
from bot.delivery.outbox import CardDelivery
from bot.errors import StoreError
from bot.inbox.queue import Jobs
from bot.intake.replies import Replier
from bot.job import AnswerPayload, Job, MoreSourcesPayload, NewJob
from bot.jobs.card_extras import SuggestedQuestions
from bot.models import Answer, Turn, behind
from bot.repositories.turns import Conversations
from bot.texts import language_of, texts
from feishu.api.messages import short_id
from feishu.events.types import MessageReceived
from rag.documents import Passage
from rag.errors import RagError
from rag.events import Question
from rag.retrieval.retriever import SearchResult
from rag.scope import Scope

log = structlog.get_logger(__name__)

LINE = "more-sources"
LOOKED_AT = 3
"""Passages that tell whether there is more: what stands further down has little to do with most questions."""


class Searches(Protocol):
    """What this needs of `rag.knowledge_base.KnowledgeBase`."""

    async def search(self, question: str, scope: Scope) -> SearchResult: ...


@dataclass(frozen=True, slots=True)
class AfterAnswer:
    """What begins once an answer stands on its closed card: questions to go on with, and a look at what it left out."""

    proposing: SuggestedQuestions
    access: Access
    jobs: Jobs

    async def begin(self, turn: Turn, answer: Answer, question: Question | None, passages: Sequence[Passage]) -> None:
        """Never raises: the answer is given."""
        self.proposing.begin(turn, answer, question, passages)
        if question is None or turn.chat_type == "p2p" or not self.access.mirrors:
            return
        payload = MoreSourcesPayload(answer.id, question.text)
        job = NewJob(turn.app_id, "more_sources", f"{LINE}/{turn.asker}", payload, (f"more:{answer.id}",))
        try:
            await self.jobs.accept(job)
        except StoreError as error:
            log.warning("more_sources_not_looked_for", reason=str(error))


@dataclass(frozen=True, slots=True)
class MoreSourcesHandler:
    """Looks, and asks in private what was pressed. Raises `FeishuError`, `StoreError`: it is tried again."""

    library: Searches
    access: Access
    conversations: Conversations
    outbox: CardDelivery
    voice: Replier
    jobs: Jobs
    language: Literal["auto", "zh", "en"] = "auto"

    async def run(self, job: Job, stop: StopSignal) -> Ended:
        """Tell the asker how many there are; or put the question into the private chat."""
        wanted = MoreSourcesPayload.of(job)
        found = await self.conversations.look_up(wanted.answer_id)
        if found is None:
            return Ended("cancelled", "the answer is gone")
        turn, answer = found
        if wanted.accepted:
            return await self._ask(job, turn, wanted.question)
        try:
            count = await self._count(turn, wanted.question)
        except RagError as error:
            return Ended("cancelled", str(error))
        if count:
            await self._offer(turn, answer, count)
        return Ended("done", f"{count} more for the asker")

    async def give_up(self, job: Job) -> None:
        """Nobody waits for it."""

    async def _count(self, turn: Turn, question: str) -> int:
        """Documents that answer the question, which its asker may open and somebody in the group may not."""
        alone = await self.access.scope("", "p2p", turn.asker)
        together = await self.access.scope(turn.chat_id, turn.chat_type, turn.asker)
        result = await self.library.search(question, alone)
        if not result.is_evidence:
            return 0
        chunks = [passage.chunk for passage in result.passages[:LOOKED_AT]]
        shown = {each for each in chunks if self.access.shows(together, behind(each.collection, each.source))}
        return len({(each.collection, each.source) for each in chunks if each not in shown})

    async def _offer(self, turn: Turn, answer: Answer, count: int) -> None:
        wording = texts(language_of(turn.question, preferred=self.language))
        here = more_sources_card(answer.id, count, wording)
        private = more_sources_card(answer.id, count, wording, about=turn.question)
        uuid = short_id("more", answer.id)
        await self.outbox.ask_alone(turn.chat_id, turn.asker, here, private, uuid=uuid)

    async def _ask(self, job: Job, turn: Turn, question: str) -> Ended:
        """The question stands in the private chat as a message of ours, and its answer replies to it."""
        sent = await self.voice.tell(turn.asker, question, uuid=short_id("private", str(job.id)))
        message = MessageReceived(
            app_id=turn.app_id,
            tenant_key="",
            event_id="",
            created_at=job.created_at,
            message_id=sent.message_id,
            chat_id=sent.chat_id,
            chat_type="p2p",
            thread_id="",
            root_id="",
            parent_id="",
            message_type="text",
            content=orjson.dumps({"text": question}).decode(),
            mentions=(),
            sender_open_id=turn.asker,
            sender_type="user",
        )
        keys = (f"private:{job.id}", f"message:{sent.message_id}")
        answer = NewJob(
            turn.app_id,
            "answer",
            sent.chat_id,
            AnswerPayload(message, False, "mention"),
            keys,
            asker=turn.asker,
            chat_id=sent.chat_id,
        )
        await self.jobs.accept(answer)
        return Ended("done", "asked in private")
