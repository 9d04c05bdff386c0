"""The calls to a card that have to succeed: its end, and its reset. Tried again until they do or the time is spent."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from feishu.api.error_codes import remedy_of
from feishu.api.recovery import Remedy, at_the_end
from feishu.cards.elements import Card
from feishu.clock import Clock
from feishu.errors import ApiError, FeishuError, TransportError
from feishu.ratelimit.priority import Urgency
from feishu.streaming.backoff import Patience
from feishu.streaming.sequence import Sequence

CLOSING_BUDGET_S = 10.0
"""How long closing alone may be refused before the whole card is written first."""
_AGAIN = (Remedy.WAIT, Remedy.NEW_SEQUENCE)


class CardWrites(Protocol):
    """What a card is written by: `feishu.api.cardkit.CardKit` or `feishu.streaming.raw_card.RawCard`."""

    async def stream_text(self, card_id: str, element_id: str, content: str, *, sequence: int) -> None: ...

    async def set_config(
        self, card_id: str, config: dict[str, Any], *, sequence: int, urgency: Urgency = ...
    ) -> None: ...

    async def update(self, card_id: str, card: Card, *, sequence: int, urgency: Urgency = ...) -> None: ...


class CardCloser:
    """One card's duties. Every method raises the last error at its deadline (a monotonic second), and at once what
    trying again does not mend. Nobody else may write to the card meanwhile."""

    def __init__(self, writes: CardWrites, card_id: str, sequence: Sequence, *, clock: Clock, by_put: bool) -> None:
        self._writes = writes
        self._card_id = card_id
        self._sequence = sequence
        self._clock = clock
        self._by_put = by_put
        self._closed = False

    async def close(self, card: Card, summary: str, deadline: float) -> None:
        """Close streaming mode, then replace the whole card: two calls, or one with `by_put`."""
        if self._by_put and not self._closed:
            await self.write(_closed(card), deadline, Urgency.TERMINAL)
            self._closed = True
        elif self._closed or await self._closes(summary, deadline):
            await self.write(card, deadline, Urgency.TERMINAL)
        else:  # the person has the whole answer before the closing is tried again
            await self.write(_closed(card), deadline, Urgency.TERMINAL)
            await self._end_streaming(summary, deadline)
            self._closed = True

    async def write(self, card: Card, deadline: float, urgency: Urgency) -> None:
        """Replace the whole card."""

        async def send(number: int) -> None:
            await self._writes.update(self._card_id, card, sequence=number, urgency=urgency)

        await self._insist(send, deadline)

    async def _closes(self, summary: str, deadline: float) -> bool:
        """Whether streaming mode could be closed soon. Raises what no other call would mend either."""
        try:
            await self._end_streaming(summary, min(deadline, self._clock.monotonic() + CLOSING_BUDGET_S))
        except FeishuError as error:
            if at_the_end(remedy_of(error)) not in (*_AGAIN, Remedy.REPAIR):
                raise
            return False
        self._closed = True
        return True

    async def _end_streaming(self, summary: str, deadline: float) -> None:
        closed: dict[str, Any] = {"streaming_mode": False}
        preview = {"summary": {"content": summary}} if summary else {}
        try:
            await self._configure(closed | preview, deadline)
        except ApiError as error:
            if remedy_of(error) is Remedy.REOPEN:  # closed already
                return
            if not preview or at_the_end(remedy_of(error)) not in (Remedy.REPAIR, Remedy.PLAIN_TEXT):
                raise
            await self._configure(closed, deadline)  # better closed without our preview than left open

    async def _configure(self, config: dict[str, Any], deadline: float) -> None:
        async def send(number: int) -> None:
            await self._writes.set_config(self._card_id, config, sequence=number, urgency=Urgency.TERMINAL)

        await self._insist(send, deadline)

    async def _insist(self, send: Callable[[int], Awaitable[None]], deadline: float) -> None:
        """Send until it is accepted, each time with a new number."""
        patience = Patience(self._sequence)
        while True:
            number = await self._sequence.next()
            try:
                return await send(number)
            except (ApiError, TransportError) as error:
                if remedy_of(error) is Remedy.REOPEN or at_the_end(remedy_of(error)) not in _AGAIN:
                    raise
                wait_s = patience.wait_s(error)
                if self._clock.monotonic() + wait_s > deadline:
                    raise
            await self._clock.sleep(wait_s)


def _closed(card: Card) -> Card:
    """The same card, saying itself that streaming is over."""
    return {**card, "config": {**card.get("config", {}), "streaming_mode": False}}
