"""Jobs that change a closed card, or ask beside it, without writing an answer."""

from typing import Literal

from bot.cancellation import Ended
from bot.cards.buttons import reason_card
from bot.cards.final_view import Final, final
from bot.delivery.outbox import Outbox
from bot.inbox.queue import Job
from bot.jobs.card_extras import Dressing
from bot.jobs.card_lock import OneWriter
from bot.jobs.chat_jobs import Errands
from bot.repositories.turns import Conversations
from bot.texts import Language, language_of, texts
from feishu.api.messages import short_id

MOST_DRAWINGS = 3
"""A card is drawn again while it is not what the store says: another replica may have written below what was drawn."""


class Redrawing:
    """Runs them. Raises `FeishuError` and `Owed` for what should be tried again."""

    def __init__(
        self,
        outbox: Outbox,
        conversations: Conversations,
        errands: Errands,
        dressing: Dressing,
        one_writer: OneWriter,
        *,
        language: Literal["auto", "zh", "en"] = "auto",
    ) -> None:
        self._outbox = outbox
        self._conversations = conversations
        self._errands = errands
        self._dressing = dressing
        self._one_writer = one_writer
        self._language = language

    async def redraw(self, job: Job) -> Ended:
        """New totals, another version, the reason form: whatever the store says now. Left to a version under way."""
        if await self._conversations.is_writing(job.turn_id):
            return Ended("done", "nothing to redraw")
        drawn: Final | None = None
        async with self._one_writer.of(job.turn_id):
            for _ in range(MOST_DRAWINGS):
                state = await self._conversations.card_state(job.turn_id)
                if state is None or await self._conversations.is_writing(job.turn_id):
                    break
                wording = texts(self._language_for(state.turn.question))
                state = await self._dressing.dressed(state, wording)
                wanted = final(state, wording)
                if drawn and drawn.card == wanted.card:
                    break
                await self._outbox.redraw(job, state.turn, wanted)
                drawn = wanted
        return Ended("done", "redrawn" if drawn else "nothing to redraw")

    async def recalled(self, job: Job) -> Ended:
        """The question was taken back: nothing of it and its answer stays on the card."""
        turn_id = await self._errands.await_end(job)
        state = await self._conversations.card_state(turn_id) if turn_id else None
        if state is None:
            return Ended("done", "nothing was answered")
        await self._outbox.take_back(state.turn)
        async with self._one_writer.of(state.turn.id):
            await self._outbox.redraw(job, state.turn, final(state, texts(self._language_for(""))))
        return Ended("done", "blanked")

    async def ask_reason(self, job: Job) -> Ended:
        """Why 👎, asked of the clicker alone."""
        wording = texts(self._language_for(str(job.payload["question"])))
        answer_id, question = str(job.payload["answer_id"]), str(job.payload["question"])
        here, private = reason_card(answer_id, wording), reason_card(answer_id, wording, about=question)
        chat_id, open_id = str(job.payload["chat_id"]), str(job.payload["open_id"])
        await self._outbox.ask_alone(chat_id, open_id, here, private, uuid=short_id("reason", answer_id, open_id))
        return Ended("done", "asked")

    def _language_for(self, question: str) -> Language:
        return language_of(question, preferred=self._language)
