"""The job `recalled`: a question was taken back, and nothing of it and its answer stays on the card."""

from typing import Literal

from bot.cancellation import Ended, StopSignal
from bot.cards.final_view import final
from bot.delivery.outbox import CardDelivery
from bot.errors import Owed
from bot.inbox.queue import Jobs
from bot.job import Job, RecalledPayload
from bot.jobs.answer_card import CardLocks
from bot.repositories.chat_facts import ChatFacts
from bot.repositories.turns import Conversations
from bot.texts import language_of, texts
from feishu.clock import Clock

SETTLED_AFTER_S = 20.0
LOOK_EVERY_S = 0.2


class RecallHandler:
    """Raises `FeishuError` and `Owed` for what should be tried again."""

    def __init__(
        self,
        outbox: CardDelivery,
        conversations: Conversations,
        ledger: ChatFacts,
        jobs: Jobs,
        one_writer: CardLocks,
        *,
        clock: Clock,
        language: Literal["auto", "zh", "en"] = "auto",
    ) -> None:
        self._outbox = outbox
        self._conversations = conversations
        self._ledger = ledger
        self._jobs = jobs
        self._one_writer = one_writer
        self._clock = clock
        self._wording = texts(language_of("", preferred=language))

    async def run(self, job: Job, stop: StopSignal) -> Ended:
        """Blank the card, once nothing writes into it any more."""
        turn_id = await self._settled(job, RecalledPayload.of(job).message_id)
        state = await self._conversations.card_state(turn_id) if turn_id else None
        if state is None:
            return Ended("done", "nothing was answered")
        await self._outbox.take_back(state.turn)
        async with self._one_writer.of(state.turn.id):
            await self._outbox.redraw(job, state.turn, final(state, self._wording))
        return Ended("done", "blanked")

    async def give_up(self, job: Job) -> None:
        """Nobody waits for it."""

    async def _settled(self, job: Job, message_id: str) -> str | None:
        """The turn of the question. Raises `Owed` where its answer is still written after `SETTLED_AFTER_S`."""
        waited_s = 0.0
        while await self._jobs.is_open(job.app_id, message_id):
            if waited_s > SETTLED_AFTER_S:
                raise Owed("the answer to a question that was taken back is still being written")
            await self._clock.sleep(LOOK_EVERY_S)
            waited_s += LOOK_EVERY_S
        await self._ledger.recall(job.app_id, message_id)
        return await self._ledger.turn_of_question(job.app_id, message_id)
