"""One card while it is written, and its end whatever the platform refuses: the ladder from the card as designed down
to a text message. Which refusal leads to which rung: `feishu.codes.remedy_of`."""

from collections.abc import Awaitable, Callable, Mapping

import structlog

from bot.final_card import PLAIN_CHARS, Final
from feishu.card import Card
from feishu.codes import remedy_of
from feishu.errors import ApiError
from feishu.messages import Content, card_content, text_content
from feishu.remedies import Remedy, at_the_end
from feishu.stream import CardStream

log = structlog.get_logger(__name__)

SIMPLER = (Remedy.REPAIR, Remedy.PLAIN_TEXT)


class WrittenCard:
    """A card entity that types along, or a raw card that is replaced; see `Outbox`, which makes them."""

    def __init__(
        self,
        stream: CardStream,
        *,
        say: Callable[[Content, str], Awaitable[object]],
        send_more: Callable[[Final], Awaitable[None]],
        fell_back: Callable[[str], None] = lambda _way: None,
    ) -> None:
        """`say(content, kind)` answers the question with another message, once for each kind; `send_more` sends the
        continuations of a long answer; `fell_back(way)` hears that a rung was left."""
        self._stream = stream
        self._say = say
        self._send_more = send_more
        self._fell_back = fell_back

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
        """Closes the card with the whole answer; or the answer arrives another way. Raises `FeishuError` where it can
        only be tried again later. Silent where nobody waits for it any more."""
        try:
            await self._close(final)
        except ApiError as error:
            if at_the_end(remedy_of(error)) is not Remedy.STOP:
                raise
            log.info("card_is_gone", reason=str(error))

    async def aclose(self) -> None:
        """Ends the frames. Never raises."""
        await self._stream.aclose()

    async def _close(self, final: Final) -> None:
        plain_is_whole = len(final.text) <= PLAIN_CHARS
        for card in (final.card, final.plain_card) if plain_is_whole else (final.card,):
            try:
                await self._stream.finish(card, summary=final.summary)
            except ApiError as error:
                remedy = at_the_end(remedy_of(error))
                if remedy is Remedy.NEW_MESSAGE:
                    log.warning("card_is_lost", reason=str(error))
                    return await self._send_apart(final)
                if remedy not in SIMPLER:
                    raise
                log.warning("card_refused", reason=str(error))
                self._fell_back(remedy.name.lower())
                if remedy is Remedy.PLAIN_TEXT:
                    break
            else:
                if card is final.card:
                    await self._send_more(final)
                return
        await self._say(text_content(final.text), "text")

    async def _send_apart(self, final: Final) -> None:
        """The whole answer as a message of its own: its card can never be written again."""
        self._fell_back("new_message")
        try:
            await self._say(card_content(final.card), "apart")
        except ApiError as error:
            if at_the_end(remedy_of(error)) not in SIMPLER:
                raise
            await self._say(text_content(final.text), "text")
        else:
            await self._send_more(final)


class TextReply:
    """No card could be sent at all: the answer comes as a text message."""

    def __init__(self, say: Callable[[Content, str], Awaitable[object]]) -> None:
        self._say = say

    def push(self, element_id: str, text: str) -> None:
        """Nothing: a text message cannot be streamed."""

    def show(self, view: Callable[[], Mapping[str, str]]) -> None:
        """Nothing, as for `push`."""

    async def finish(self, final: Final) -> None:
        """Sends the whole answer. Raises as `WrittenCard.finish` does."""
        try:
            await self._say(text_content(final.text), "text")
        except ApiError as error:
            if at_the_end(remedy_of(error)) is not Remedy.STOP:
                raise
            log.info("question_is_gone", reason=str(error))

    async def aclose(self) -> None:
        """Nothing is open."""
