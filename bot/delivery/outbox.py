"""Getting an answer onto one card, whatever the platform refuses.

The normal way is a CardKit entity. Without CardKit's scope, or while CardKit is down, it is a raw card by reply that is
replaced as a whole; and where no card is taken, a text message. How a card ends: `bot.delivery.card`. What is needed to
go on after a crash is stored before the step that depends on it.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Protocol

import structlog

from bot.cards.final_view import Final
from bot.cards.streaming_view import ANSWER, STAGE
from bot.crash_points import reach
from bot.delivery.card import BEING_SENT, SIMPLER, FallbackMessages, StreamedCard, TextReply
from bot.job import PRESSED_KINDS, Job
from bot.models import Turn
from bot.repositories.fallbacks import DeliveryFallbacks
from bot.repositories.turns import Conversations
from feishu.api.availability import is_outage
from feishu.api.cardkit import CardKit
from feishu.api.error_codes import remedy_of
from feishu.api.messages import Messages, card_content, entity_content
from feishu.api.recovery import Remedy, at_the_end
from feishu.cards.elements import Card
from feishu.clock import Clock
from feishu.errors import ApiError, FeishuError, TargetGone
from feishu.streaming.raw_card import RawCard, without_streaming
from feishu.streaming.stream import CardStream, Sequence

log = structlog.get_logger(__name__)

RESERVED_SEQUENCES = 200
RAW_INTERVAL_S = 0.5
"""A raw card is sent whole with every frame."""


class Delivery(Protocol):
    """One card, opened; frames may be pushed; `finish` closes it for good."""

    def push(self, element_id: str, text: str) -> None: ...

    def show(self, view: Callable[[], Mapping[str, str]]) -> None: ...

    async def finish(self, final: Final) -> None: ...

    async def pause(self, card: Card) -> None: ...

    async def aclose(self) -> None: ...


class CardDelivery:
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
        fallbacks: DeliveryFallbacks | None = None,
        close_by_put: bool = False,
    ) -> None:
        self._fallbacks = fallbacks or DeliveryFallbacks()
        self._close_by_put = close_by_put
        self._messages = messages
        self._cardkit = cardkit
        self._conversations = conversations
        self._frame_interval_s = frame_interval_s
        self._clock = clock
        self._on_frame = on_frame

    async def open(self, job: Job, turn: Turn, card: Card) -> Delivery:
        """A delivery for `turn`: a new card, or the one an earlier attempt or version opened, reset to `card`.

        A card that is gone gets a successor only where somebody asked for one (🔄 on a card older than 14 days, say);
        otherwise `TargetGone` is raised: whoever removed it did not want it. So it is where we may no longer speak.
        """
        try:
            return await self._open(job, turn, card)
        except ApiError as error:
            if isinstance(error, TargetGone) or at_the_end(remedy_of(error)) is not Remedy.STOP:
                raise
            raise TargetGone(error.code, error.message, endpoint=error.endpoint, log_id=error.log_id) from error

    async def _open(self, job: Job, turn: Turn, card: Card) -> Delivery:
        if not turn.card_id and not turn.card_message_id:
            return await self._open_new(job, turn, card, uuid=f"turn-{turn.id}")
        if not turn.card_message_id:
            await self._reply_with_entity(job, turn, turn.card_id, uuid=f"turn-{turn.id}", may_be_there=True)
        if turn.card_id:
            delivery = self._streamed(job, turn, turn.card_id)
        else:
            delivery = self._raw(job, turn, turn.card_message_id, card)
        if not card.get("config", {}).get("streaming_mode"):
            return delivery  # to be finished at once
        try:
            await delivery.reset(card)
        except ApiError as error:
            remedy = at_the_end(remedy_of(error))
            if remedy in SIMPLER:
                log.warning("opening_refused", reason=str(error))
            elif remedy is Remedy.NEW_MESSAGE or (remedy is Remedy.STOP and job.kind in PRESSED_KINDS):
                return await self._open_successor(job, turn, card, error)
            else:
                raise
        return delivery

    async def _open_successor(self, job: Job, turn: Turn, card: Card, because: ApiError) -> Delivery:
        """A new card for a turn whose card can never be written again."""
        await self._fallbacks.note("new_card", because)
        await self._conversations.remember_card(job, turn.id, card_id="", card_message_id="")
        return await self._open_new(job, replace(turn, card_id="", sequence=0), card, uuid=f"again-{job.id}")

    async def _open_new(self, job: Job, turn: Turn, card: Card, *, uuid: str) -> Delivery:
        try:
            card_id = await self._cardkit.create(card)
        except FeishuError as error:
            if at_the_end(remedy_of(error)) in (Remedy.LATER, Remedy.STOP):
                raise
            return await self._open_raw(job, turn, card, error, uuid=f"{uuid}-raw")
        reach("after-create")
        await self._conversations.remember_card(job, turn.id, card_id=card_id)
        reach("before-reply")
        try:
            await self._reply_with_entity(job, turn, card_id, uuid=uuid)
        except ApiError as error:
            if at_the_end(remedy_of(error)) not in (*SIMPLER, Remedy.NEW_MESSAGE):
                raise
            await self._conversations.remember_card(job, turn.id, card_id="")
            return await self._open_raw(job, turn, _without_header(card), error, uuid=f"{uuid}-raw")
        return self._streamed(job, turn, card_id)

    async def redraw(self, job: Job, turn: Turn, final: Final) -> None:
        """Replaces a closed card, and the messages beside it that hold the answer, for new totals or another version.
        Silent where one is gone, or where the platform takes nothing that could stand on it."""
        await self._draw(final.redrawn(), partial(self._replace, job, turn))
        await self.redraw_apart(turn, final)

    async def redraw_apart(self, turn: Turn, final: Final) -> None:
        """People press the buttons that they see: those of a message beside the card are alive like the card's own."""
        if turn.recalled:
            return
        for message_id in await self._conversations.sent.apart(turn.id):
            if message_id != turn.card_message_id:
                await self._draw(final.redrawn_apart(), partial(self._messages.patch, message_id))

    async def _draw(self, cards: list[Card], put: Callable[[Card], Awaitable[None]]) -> None:
        for card in cards:
            try:
                return await put(card)
            except ApiError as error:
                remedy = at_the_end(remedy_of(error))
                if remedy in (Remedy.STOP, Remedy.NEW_MESSAGE):
                    log.info("card_is_gone", reason=str(error))
                    return
                if remedy not in SIMPLER:
                    raise
                log.warning("redrawing_refused", reason=str(error))

    async def _replace(self, job: Job, turn: Turn, card: Card) -> None:
        if turn.card_id:
            await self._streamed(job, turn, turn.card_id).reset(card)
        elif turn.card_message_id:
            await self._messages.patch(turn.card_message_id, card)

    async def take_back(self, turn: Turn) -> None:
        """Recalls what was sent beside the card: of a question that was taken back nothing stays."""
        for message_id in await self._conversations.sent.of_turn(turn.id):
            try:
                await self._messages.recall(message_id)
            except ApiError as error:
                if at_the_end(remedy_of(error)) in (Remedy.WAIT, Remedy.LATER):
                    raise
                log.warning("message_not_recalled", reason=str(error))

    async def send_apart(self, job: Job, turn: Turn, final: Final) -> None:
        """The whole answer as a new message, because its own card cannot be written for the time being."""
        await self._beside(job, turn).whole(final, None)

    async def ask_alone(self, chat_id: str, open_id: str, card: Card, private: Card, *, uuid: str) -> None:
        """A card in a group for one person alone; where the group can have none (a topic group), `private` in the chat
        with that person. Silent where that is refused too; an outage is raised."""
        try:
            return await self._messages.send_ephemeral(chat_id, open_id, card)
        except ApiError as error:
            if is_outage(error):
                raise
            log.info("ephemeral_card_refused", reason=str(error))
        try:
            await self._messages.send(open_id, card_content(private), uuid=uuid, receive_id_type="open_id")
        except ApiError as error:
            if is_outage(error):
                raise
            log.info("private_card_refused", reason=str(error))

    async def _reply_with_entity(
        self, job: Job, turn: Turn, card_id: str, *, uuid: str, may_be_there: bool = False
    ) -> None:
        """Sends the card. An entity is sent once only: where an earlier run may have sent it, a refusal says it did."""
        content = entity_content(card_id)
        try:
            sent = await self._messages.reply(turn.question_message_id, content, uuid=uuid, chat_id=turn.chat_id)
        except ApiError as error:
            sent_before = may_be_there and at_the_end(remedy_of(error)) in SIMPLER
            if not sent_before and error.code != BEING_SENT:
                raise
            log.info("card_was_sent_before", card_id=card_id, reason=str(error))
            return
        reach("after-reply")
        await self._conversations.remember_card(job, turn.id, card_message_id=sent.message_id)

    async def _open_raw(self, job: Job, turn: Turn, card: Card, because: FeishuError, *, uuid: str) -> Delivery:
        """A card as raw JSON, with the question or without; where that is refused, too, nothing but the text at the
        end."""
        log.warning("entity_refused", reason=str(because))
        await self._fallbacks.note("raw_card", because)
        card = without_streaming(card)
        tries = [card, _without_header(card)] if "header" in card else [card]
        for number, each in enumerate(tries):
            try:
                sent = await self._messages.reply(
                    turn.question_message_id,
                    card_content(each),
                    uuid=f"{uuid}{number or ''}",
                    chat_id=turn.chat_id,
                )
            except ApiError as error:
                if at_the_end(remedy_of(error)) not in SIMPLER and error.code != BEING_SENT:
                    raise
                log.warning("raw_card_refused", reason=str(error))
                if error.code == BEING_SENT:  # somewhere it is, but nobody says where
                    break
            else:
                await self._conversations.remember_card(job, turn.id, card_message_id=sent.message_id)
                return self._raw(job, turn, sent.message_id, each)
        return TextReply(self._beside(job, turn))

    def _raw(self, job: Job, turn: Turn, message_id: str, card: Card) -> StreamedCard:
        stream = CardStream(
            RawCard(self._messages, message_id, without_streaming(card)),
            message_id,
            _HeldSequence(job),
            interval_s=max(self._frame_interval_s, RAW_INTERVAL_S),
            clock=self._clock,
            schedule=self._cardkit.schedule,
            on_frame=lambda _element_id, _text: self._on_frame(),
            aside=(STAGE,),
        )
        return StreamedCard(stream, self._beside(job, turn))

    def _beside(self, job: Job, turn: Turn) -> FallbackMessages:
        return FallbackMessages(job, turn, self._messages, self._conversations, self._fallbacks)

    def _sequence(self, job: Job, turn: Turn) -> Sequence:
        async def reserve(ceiling: int) -> None:
            await self._conversations.remember_card(job, turn.id, sequence=ceiling)

        return _HeldSequence(job, turn.sequence, reserve=reserve)

    def _shown(self, element_id: str, _text: str) -> None:
        self._on_frame()
        if element_id == ANSWER:
            reach("mid-stream")

    def _streamed(self, job: Job, turn: Turn, card_id: str) -> StreamedCard:
        stream = CardStream(
            self._cardkit,
            card_id,
            self._sequence(job, turn),
            interval_s=self._frame_interval_s,
            clock=self._clock,
            schedule=self._cardkit.schedule,
            on_frame=self._shown,
            aside=(STAGE,),
            close_by_put=self._close_by_put,
        )
        return StreamedCard(stream, self._beside(job, turn))


class _HeldSequence(Sequence):
    """Numbers for whoever holds the job: after a standstill it is asked first whether somebody else has it now."""

    def __init__(self, job: Job, start: int = 0, *, reserve: Callable[[int], Awaitable[None]] | None = None) -> None:
        super().__init__(start, reserve=reserve, block=RESERVED_SEQUENCES)
        self._job = job

    async def next(self) -> int:
        await self._job.confirm()
        return await super().next()


def _without_header(card: Card) -> Card:
    """The question is what a filter may have refused."""
    return {name: part for name, part in card.items() if name != "header"}
