"""The job `redraw`: a closed card shows what the store says now (new totals, another version, the reason form)."""

from typing import Literal

from bot.cancellation import Ended, StopSignal
from bot.cards.final_view import Final, final
from bot.delivery.outbox import CardDelivery
from bot.job import Job
from bot.jobs.answer_card import CardLocks
from bot.jobs.card_extras import CardExtras
from bot.repositories.turns import Conversations
from bot.texts import language_of, texts

MOST_DRAWINGS = 3
"""A card is drawn again while it is not what the store says: another replica may have written below what was drawn."""


class RedrawHandler:
    """Raises `FeishuError` for what should be tried again."""

    def __init__(
        self,
        outbox: CardDelivery,
        conversations: Conversations,
        dressing: CardExtras,
        one_writer: CardLocks,
        *,
        language: Literal["auto", "zh", "en"] = "auto",
    ) -> None:
        self._outbox = outbox
        self._conversations = conversations
        self._dressing = dressing
        self._one_writer = one_writer
        self._language = language

    async def run(self, job: Job, stop: StopSignal) -> Ended:
        """Draw it; left to a version under way."""
        if await self._conversations.is_writing(job.turn_id):
            return Ended("done", "nothing to redraw")
        drawn: Final | None = None
        async with self._one_writer.of(job.turn_id):
            for _ in range(MOST_DRAWINGS):
                state = await self._conversations.card_state(job.turn_id)
                if state is None or await self._conversations.is_writing(job.turn_id):
                    break
                wording = texts(language_of(state.turn.question, preferred=self._language))
                state = await self._dressing.dressed(state, wording)
                wanted = final(state, wording)
                if drawn and drawn.card == wanted.card:
                    break
                await self._outbox.redraw(job, state.turn, wanted)
                drawn = wanted
        return Ended("done", "redrawn" if drawn else "nothing to redraw")

    async def give_up(self, job: Job) -> None:
        """Nobody waits for it."""
