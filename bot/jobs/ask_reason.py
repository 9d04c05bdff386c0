"""The job `ask_reason`: why 👎, asked of the clicker alone."""

from typing import Literal

from bot.cancellation import Ended, StopSignal
from bot.cards.buttons import reason_card
from bot.delivery.outbox import CardDelivery
from bot.job import AskReasonPayload, Job
from bot.texts import language_of, texts
from feishu.api.messages import short_id


class AskReasonHandler:
    """Raises `FeishuError` for what should be tried again."""

    def __init__(self, outbox: CardDelivery, *, language: Literal["auto", "zh", "en"] = "auto") -> None:
        self._outbox = outbox
        self._language = language

    async def run(self, job: Job, stop: StopSignal) -> Ended:
        """On a card that only they see; in private where the chat has no such cards."""
        asked = AskReasonPayload.of(job)
        wording = texts(language_of(asked.question, preferred=self._language))
        here = reason_card(asked.answer_id, wording)
        private = reason_card(asked.answer_id, wording, about=asked.question)
        uuid = short_id("reason", asked.answer_id, asked.open_id)
        await self._outbox.ask_alone(asked.chat_id, asked.open_id, here, private, uuid=uuid)
        return Ended("done", "asked")

    async def give_up(self, job: Job) -> None:
        """Nobody waits to be asked."""
