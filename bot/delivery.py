"""Getting an answer onto one card, whatever the platform refuses.

`StreamedCard` is the normal way (CardKit). `PlainCard` is the way without CardKit's scope: a raw card by reply,
replaced once at the end. What is needed to go on after a crash is stored before the step that depends on it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from bot.conversations import Conversations, Turn
from bot.jobs import Job
from feishu.card import Card
from feishu.cardkit import CardKit
from feishu.clock import Clock
from feishu.errors import ApiError, CardRejected, FeishuError, Forbidden, InvalidRequest, TargetGone
from feishu.messages import Messages, Sent, card_content, entity_content, text_content
from feishu.stream import CardStream, Sequence

log = structlog.get_logger(__name__)

RESERVED_SEQUENCES = 200


@dataclass(frozen=True, slots=True)
class Final:
    """The last state of a card in three strengths: as designed, without markup, and as a text message."""

    card: Card
    plain_card: Card
    text: str
    summary: str


class Delivery(Protocol):
    """One card, opened; frames may be pushed; `finish` closes it for good."""

    def push(self, element_id: str, text: str) -> None: ...

    async def finish(self, final: Final) -> None: ...

    async def aclose(self) -> None: ...


class Outbox:
    """Opens deliveries for turns."""

    def __init__(
        self,
        messages: Messages,
        cardkit: CardKit,
        conversations: Conversations,
        *,
        frame_interval_s: float,
        clock: Clock,
        on_frame: Callable[[], None] = lambda: None,
    ) -> None:
        self._messages = messages
        self._cardkit = cardkit
        self._conversations = conversations
        self._frame_interval_s = frame_interval_s
        self._clock = clock
        self._on_frame = on_frame

    async def open(self, job: Job, turn: Turn, card: Card) -> Delivery:
        """A delivery for `turn`: a new card, or the one an earlier attempt or version opened, reset to `card`."""
        if turn.card_message_id and not turn.card_id:
            return PlainCard(self._messages, turn.card_message_id)
        if not turn.card_id:
            try:
                card_id = await self._cardkit.create(card)
            except (Forbidden, CardRejected, InvalidRequest) as error:
                log.warning("cardkit_refused", reason=str(error))
                return await self._open_plain(job, turn, card)
            await self._conversations.remember_card(job, turn.id, card_id=card_id)
            await self._reply_with_entity(job, turn, card_id)
            return self._streamed(job, turn, card_id)
        if not turn.card_message_id:
            await self._reply_with_entity(job, turn, turn.card_id)
        delivery = self._streamed(job, turn, turn.card_id)
        await delivery.reset(card)
        return delivery

    async def say(self, job: Job, message_id: str, text: str) -> None:
        """A plain text reply, once however often the job runs (within the platform's hour)."""
        await self._messages.reply(message_id, text_content(text), uuid=f"say-{job.app_id[-20:]}-{job.id}")

    async def _reply_with_entity(self, job: Job, turn: Turn, card_id: str) -> None:
        """Sends the card. An entity is sent once only: a refusal of a second send means that the first one arrived."""
        try:
            sent = await self._reply(job, turn, lambda: entity_content(card_id))
        except (InvalidRequest, CardRejected) as error:
            if job.attempt == 1:
                raise
            log.info("card_was_sent_before", card_id=card_id, reason=str(error))
            return
        await self._conversations.remember_card(job, turn.id, card_message_id=sent.message_id)

    async def _open_plain(self, job: Job, turn: Turn, card: Card) -> Delivery:
        sent = await self._reply(job, turn, lambda: card_content(without_streaming(card)))
        await self._conversations.remember_card(job, turn.id, card_message_id=sent.message_id)
        return PlainCard(self._messages, sent.message_id)

    async def _reply(self, job: Job, turn: Turn, content: Callable[[], Any]) -> Sent:
        uuid = f"turn-{turn.id}"
        return await self._messages.reply(turn.question_message_id, content(), uuid=uuid)

    def _sequence(self, job: Job, turn: Turn) -> Sequence:
        async def reserve(ceiling: int) -> None:
            await self._conversations.remember_card(job, turn.id, sequence=ceiling)

        return Sequence(turn.sequence, reserve=reserve, block=RESERVED_SEQUENCES)

    def _streamed(self, job: Job, turn: Turn, card_id: str) -> "StreamedCard":
        stream = CardStream(
            self._cardkit,
            card_id,
            self._sequence(job, turn),
            interval_s=self._frame_interval_s,
            clock=self._clock,
            on_frame=lambda _element_id, _text: self._on_frame(),
        )

        async def say_text(text: str) -> None:
            uuid = f"text-{turn.id}-{job.id}"
            await self._messages.reply(turn.question_message_id, text_content(text), uuid=uuid)

        return StreamedCard(stream, say_text)


class StreamedCard:
    """A CardKit entity that types along."""

    def __init__(self, stream: CardStream, say_text: Callable[[str], Awaitable[None]]) -> None:
        self._stream = stream
        self._say_text = say_text

    async def reset(self, card: Card) -> None:
        """Puts an earlier card back to its opening state, streaming again."""
        await self._stream.open(card)

    def push(self, element_id: str, text: str) -> None:
        self._stream.push(element_id, text)

    async def finish(self, final: Final) -> None:
        try:
            await self._stream.finish(final.card, summary=final.summary)
        except TargetGone as error:
            log.info("card_is_gone", reason=str(error))
        except (CardRejected, InvalidRequest) as error:
            log.warning("card_refused", reason=str(error))
            await self._finish_plainly(final)

    async def _finish_plainly(self, final: Final) -> None:
        try:
            await self._stream.finish(final.plain_card, summary=final.summary)
        except (CardRejected, InvalidRequest) as error:
            log.warning("plain_card_refused", reason=str(error))
            await self._say_text(final.text)

    async def aclose(self) -> None:
        await self._stream.aclose()


class PlainCard:
    """A raw JSON card, replaced by PATCH; the way without CardKit."""

    def __init__(self, messages: Messages, message_id: str) -> None:
        self._messages = messages
        self._message_id = message_id

    def push(self, element_id: str, text: str) -> None:
        """Nothing: frames would spend the message's small budget."""

    async def finish(self, final: Final) -> None:
        try:
            await self._messages.patch(self._message_id, final.card)
        except TargetGone as error:
            log.info("card_is_gone", reason=str(error))
        except (CardRejected, InvalidRequest) as error:
            log.warning("card_refused", reason=str(error))
            await self._messages.patch(self._message_id, final.plain_card)

    async def aclose(self) -> None:
        """Nothing is open."""


def without_streaming(card: Card) -> Card:
    """The same card for the message API, where streaming mode has no meaning."""
    config = {name: value for name, value in card.get("config", {}).items() if not name.startswith("streaming")}
    return {**card, "config": config}


def is_worth_retrying(error: FeishuError) -> bool:
    """Whether another attempt may succeed where this one failed."""
    return not isinstance(error, ApiError) or error.retryable
