"""One card while it is written, and its end whatever the platform refuses: a ladder from the card as designed down to
fixed words that say why there is no answer. Which refusal leads to which rung: `feishu.api.error_codes.remedy_of`."""

from collections.abc import Callable, Mapping

import structlog

from bot.cards.final_view import Final
from bot.delivery.messages import SCOPE_MISSING, FallbackMessages
from bot.models import ShownAs
from feishu.api.error_codes import remedy_of
from feishu.api.recovery import Remedy, at_the_end
from feishu.cards.elements import Card
from feishu.errors import ApiError, FeishuError
from feishu.streaming.stream import CardStream

log = structlog.get_logger(__name__)

SIMPLER = (Remedy.REPAIR, Remedy.PLAIN_TEXT)
PAUSE_S = 3.0
"""How long an orderly end of the process waits for a card to be closed."""


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
