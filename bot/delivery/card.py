"""One card while it is written, its end whatever the platform refuses, and the messages that stand beside it.

Each is a ladder of its own. The card: from what was designed down to fixed words that say why there is no answer. A
message (the whole answer, its continuations, the last words): a card, the same without markup, a text, and where
nothing that was written is taken, fixed words that say so. What was sent is stored with its message id, so that it is
sent once however often the job runs. Which refusal leads to which rung: `feishu.api.error_codes.remedy_of`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import structlog

from bot.cards.final_view import CardPart, Final
from bot.cards.pagination import split
from bot.crash_points import reach
from bot.job import Job
from bot.models import ShownAs, Turn
from bot.repositories.fallbacks import DeliveryFallbacks, Way
from bot.repositories.turns import Conversations
from feishu.api.error_codes import remedy_of
from feishu.api.messages import Content, Messages, Sent, card_content, short_id, text_content
from feishu.api.recovery import Remedy, at_the_end
from feishu.cards.elements import Card
from feishu.errors import ApiError, FeishuError
from feishu.streaming.stream import CardStream

log = structlog.get_logger(__name__)

REFUSED = (Remedy.REPAIR, Remedy.PLAIN_TEXT, Remedy.NEW_MESSAGE)
"""Remedies of a message that will not be taken as it is."""
BEING_SENT = 230049
"""The platform has the message but does not say its id."""
SCOPE_MISSING = 99991672
"""Nothing of the kind can be written now; once an admin grants the scope it can."""
TEXT_BYTES = 100_000
"""Of one text message; the platform takes 150 KB."""

Rung = tuple[Way | Literal[""], Content]
SIMPLER = (Remedy.REPAIR, Remedy.PLAIN_TEXT)
PAUSE_S = 3.0
"""How long an orderly end of the process waits for a card to be closed."""


class FallbackMessages:
    """For one job and its turn. Methods raise `FeishuError` for what can be tried later, or when nobody is there."""

    def __init__(
        self, job: Job, turn: Turn, messages: Messages, conversations: Conversations, fallbacks: DeliveryFallbacks
    ) -> None:
        self.fallbacks = fallbacks
        self._job = job
        self._turn = turn
        self._messages = messages
        self._conversations = conversations

    async def shown_as(self, final: Final, shown_as: str) -> None:
        """Notes what the card shows of the answer, before it is left at that."""
        if final.shown_as != shown_as:
            await self._conversations.mark(self._job, final.key, shown_as=shown_as)

    async def whole(self, final: Final, because: ApiError | None, *, becomes_the_card: bool = False) -> None:
        """The whole answer as a new message. Where the old card is lost for good, the new one takes its place."""
        if await self._sent(final) & {"apart", "text", "withheld"}:
            return await self.more(final)
        await self.fallbacks.note("new_message", because)
        ladder: list[Rung] = [("", card_content(final.card))]
        if final.plain_card:
            ladder.append(("repaired", card_content(final.plain_card)))
        sent = await self._first_taken(final.key, "apart", ladder)
        if sent is None:
            if not await self.text(final, because):
                await self.last_words(final)
            return
        await self._remember(final.key, "apart", sent, sent_apart=True)
        if becomes_the_card and sent.message_id:
            await self._conversations.remember_card(
                self._job, self._turn.id, card_id="", card_message_id=sent.message_id
            )
        await self.more(final)

    async def text(self, final: Final, because: ApiError | None = None) -> bool:
        """The whole answer as text; False where not even that is taken, and the answer has to be withheld."""
        sent_before = await self._sent(final)
        if "text" in sent_before:
            return True
        pieces = split(final.text, TEXT_BYTES)
        for number, piece in enumerate(pieces, start=1):
            part = "text" if number == len(pieces) else f"text {number}"
            if part in sent_before:
                continue
            sent = await self._first_taken(final.key, part, [("plain_text", text_content(piece))], because)
            if sent is None:
                return False
            last = {"shown_as": "moved"} if part == "text" else {}
            await self._remember(final.key, part, sent, **last)
        return True

    async def last_words(self, final: Final) -> None:
        """That the answer may not be shown, as a text: there is no card that could say so. The foot of the ladder."""
        if "withheld" in await self._sent(final):
            return
        sent = await self._first_taken(final.key, "withheld", [("withheld", text_content(final.withheld_text))])
        if sent is None:
            return await self.fallbacks.note("unsaid")
        await self._remember(final.key, "withheld", sent)

    async def more(self, final: Final) -> None:
        """What the answer goes on in: each part on the first rung of its ladder that is taken."""
        if not final.more:
            return
        await self.shown_as(final, "whole")  # what is still missing is a part, not the card
        sent_before = await self._sent(final)
        for part in final.more:
            if str(part.number) not in sent_before:
                await self._send_part(final.key, part)
                reach("after-part")

    async def _send_part(self, key: str, part: CardPart) -> None:
        ladder: list[Rung] = [
            ("", card_content(part.card)),
            ("repaired", card_content(part.plain_card)),
            ("plain_text", text_content(part.text)),
            ("withheld", text_content(part.withheld)),
        ]
        sent = await self._first_taken(key, str(part.number), ladder)
        if sent is None:
            await self.fallbacks.note("unsaid")
        await self._remember(key, str(part.number), sent or Sent("", ""))

    async def _first_taken(
        self, key: str, part: str, ladder: Sequence[Rung], because: ApiError | None = None
    ) -> Sent | None:
        """The message of the first rung that the platform takes; None when it refuses them all as they are."""
        for way, content in ladder:
            uuid = short_id(key, part, way)
            try:
                sent = await self._messages.reply(
                    self._turn.question_message_id, content, uuid=uuid, chat_id=self._turn.chat_id
                )
            except ApiError as error:
                if error.code != BEING_SENT:
                    if error.code == SCOPE_MISSING or at_the_end(remedy_of(error)) not in REFUSED:
                        raise
                    log.warning("message_refused", part=part, way=way, reason=str(error))
                    because = error
                    continue
                sent = Sent("", self._turn.chat_id)
            if way:
                await self.fallbacks.note(way, because)
            return sent
        return None

    async def _sent(self, final: Final) -> frozenset[str]:
        return await self._conversations.sent.of_answer(final.key)

    async def _remember(self, key: str, part: str, sent: Sent, **values: object) -> None:
        await self._conversations.sent.note(self._job, key, part, sent.message_id, **values)


class StreamedCard:
    """A card entity that types along, or a raw card that is replaced; see `CardDelivery`, which makes them."""

    def __init__(self, stream: CardStream, beside: FallbackMessages) -> None:
        self._stream = stream
        self._beside = beside

    async def reset(self, card: Card) -> None:
        """Puts an earlier card back to its opening state, streaming again."""
        await self._stream.open(card)

    def push(self, element_id: str, text: str) -> None:
        """The whole text so far of one element."""
        self._stream.push(element_id, text)

    def show(self, view: Callable[[], Mapping[str, str]]) -> None:
        """What the card should show now, asked for when there is room for a frame."""
        self._stream.show(view)

    async def finish(self, final: Final) -> None:
        """Closes the card with the whole answer; or the answer arrives another way, and the card says so. Raises
        `FeishuError` where it can only be tried again later. Silent where nobody waits for it any more."""
        try:
            await self._close(final)
        except ApiError as error:
            if at_the_end(remedy_of(error)) is not Remedy.STOP:
                raise
            log.info("card_is_gone", reason=str(error))

    async def pause(self, card: Card) -> None:
        """Leaves the card closed as `card` while nobody writes: this process ends, and another may come much later.
        Never raises; where another process has the job already, nothing is written."""
        try:
            await self._stream.finish(card, summary=str(card["config"]["summary"]["content"]), budget_s=PAUSE_S)
        except Exception as error:  # whatever keeps it, the next process resets the card anyway
            log.info("card_not_paused", reason=str(error))

    async def aclose(self) -> None:
        """Ends the frames. Never raises."""
        await self._stream.aclose()

    async def _close(self, final: Final) -> None:
        if final.shown_as in ("moved", "withheld"):  # an earlier run came so far
            return await self._stand_in(final, final.shown_as)
        refusal = await self._put_answer(final)
        if refusal is None:
            await self._beside.more(final)
        elif at_the_end(remedy_of(refusal)) is Remedy.NEW_MESSAGE:
            await self._leave(final, refusal)
        elif await self._beside.text(final, refusal):
            await self._stand_in(final, "moved", refusal)
        else:
            await self._beside.shown_as(final, "withheld")
            await self._stand_in(final, "withheld", refusal)

    async def _put_answer(self, final: Final) -> ApiError | None:
        """The answer on the card; or what the platform has against all that may hold it."""
        refusal: ApiError | None = None
        for shown_as, card in final.answer_cards():
            try:
                await self._stream.finish(card, summary=final.summary)
            except ApiError as error:
                remedy = at_the_end(remedy_of(error))
                if remedy not in (*SIMPLER, Remedy.NEW_MESSAGE):
                    raise
                log.warning("card_refused", reason=str(error))
                refusal = error
                if remedy is not Remedy.REPAIR:
                    break
            else:
                if shown_as == "plain" and refusal:
                    await self._beside.fallbacks.note("repaired", refusal)
                    await self._beside.shown_as(final, "plain")
                return None
        return refusal

    async def _leave(self, final: Final, refusal: ApiError) -> None:
        """The card can never be written again: the answer takes another. What can be done for the old one is done."""
        log.warning("card_is_lost", reason=str(refusal))
        may_be_closed_later = refusal.code == SCOPE_MISSING
        await self._beside.whole(final, refusal, becomes_the_card=not may_be_closed_later)
        if may_be_closed_later:
            raise refusal
        try:
            await self._stand_in(final, "moved", refusal)
        except FeishuError as error:
            log.info("lost_card_not_closed", reason=str(error))

    async def _stand_in(self, final: Final, shown_as: ShownAs, refusal: ApiError | None = None) -> None:
        """Closes the card with fixed words: that the answer stands below, or that nothing that was written is taken.
        The latter are said by a message where not even they are taken on the card; then the ladder is at its end."""
        is_moved = shown_as == "moved"
        card = final.moved if is_moved else final.withheld
        try:
            await self._stream.finish(card, summary=str(card["config"]["summary"]["content"]))
        except ApiError as error:
            if is_moved or at_the_end(remedy_of(error)) not in (*SIMPLER, Remedy.NEW_MESSAGE):
                raise
            log.warning("card_refused", reason=str(error))
            await self._beside.last_words(final)
        else:
            await self._beside.fallbacks.note("neutral_close" if is_moved else "withheld", refusal)


class TextReply:
    """No card could be sent at all: the answer comes as a text message."""

    def __init__(self, beside: FallbackMessages) -> None:
        self._beside = beside

    def push(self, element_id: str, text: str) -> None:
        """Nothing: a text message cannot be streamed."""

    def show(self, view: Callable[[], Mapping[str, str]]) -> None:
        """Nothing, as for `push`."""

    async def finish(self, final: Final) -> None:
        """Sends the whole answer, or says that it may not be shown. Raises as `StreamedCard.finish` does."""
        try:
            if not await self._beside.text(final):
                await self._beside.last_words(final)
        except ApiError as error:
            if at_the_end(remedy_of(error)) is not Remedy.STOP:
                raise
            log.info("question_is_gone", reason=str(error))

    async def pause(self, card: Card) -> None:
        """Nothing stands there yet."""

    async def aclose(self) -> None:
        """Nothing is open."""
