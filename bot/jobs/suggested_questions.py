"""Questions to ask next, asked of the model once an answer's card is closed, and drawn on it when they come in time."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from bot.cancellation import cancel
from bot.errors import StoreError
from bot.inbox.queue import Jobs
from bot.job import CARD_LINE, NewJob
from bot.jobs.card_extras import CardExtras, is_of_quoted_file
from bot.models import Answer, Turn
from bot.payloads import RedrawPayload
from rag.documents import Passage
from rag.events import Proposed, Question

log = structlog.get_logger(__name__)


class Proposer(Protocol):
    """What this needs of `rag.knowledge_base.KnowledgeBase`."""

    async def propose(self, question: Question, passages: Sequence[Passage], *, budget_s: float) -> Proposed: ...


class SuggestedQuestions:
    """Asks in the background, one task for each answer. No job waits for it, and no card: whoever draws next shows what
    is stored. A process that ends meanwhile loses nothing but the questions. `wake` tells the worker of a new job."""

    def __init__(
        self, proposer: Proposer, dressing: CardExtras, jobs: Jobs, *, budget_s: float, wake: Callable[[], None]
    ) -> None:
        self._proposer = proposer
        self._dressing = dressing
        self._jobs = jobs
        self._budget_s = budget_s
        self._wake = wake
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended = False

    def begin(self, turn: Turn, answer: Answer, question: Question | None, passages: Sequence[Passage]) -> None:
        """Asks, where there is something to go on with: an answer that is whole and has cited its passages."""
        if self._ended or question is None or not passages or not self._dressing.wants_proposals(answer):
            return
        if is_of_quoted_file(turn, answer):
            return
        task = asyncio.create_task(self._propose(turn, answer, question, passages), name=f"propose-{answer.id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        """Gives up what has not come, and asks no more."""
        self._ended = True
        for task in list(self._tasks):
            await cancel(task)

    async def _propose(self, turn: Turn, answer: Answer, question: Question, passages: Sequence[Passage]) -> None:
        proposed = await self._proposer.propose(question, passages, budget_s=self._budget_s)
        log.info("questions_proposed", answer_id=answer.id, count=len(proposed.questions))
        try:
            if await self._dressing.offer(turn, answer, proposed):
                await self._redraw(turn, answer)
        except StoreError as error:
            log.warning("proposals_not_stored", reason=str(error))

    async def _redraw(self, turn: Turn, answer: Answer) -> None:
        """By the job that draws whatever the store says then; a version under way has the card for itself."""
        job = NewJob(
            turn.app_id, "redraw", f"{CARD_LINE}{turn.id}", RedrawPayload(), (f"proposed:{answer.id}",), turn.id
        )
        if await self._jobs.enqueue_once(job):
            self._wake()
