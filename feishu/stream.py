"""One card while an answer is written into it: push text as it comes, finish once.

While streaming, frames are expendable and the newest text is all that counts: one call in flight, starts at least an
interval apart, whatever came meanwhile replaces what was waiting. The end is a duty: streaming mode is closed and the
whole card written, again and again until it is done or the time is spent.

A failed call never gives its sequence number back: whether it took effect is unknown. Rules: open.feishu.cn/document
cardkit-v1 (300317, 300309, 200850, 200810) and feishu-cards/streaming-updates.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Any

from feishu.card import Card
from feishu.cardkit import CardKit
from feishu.clock import Clock, SystemClock
from feishu.errors import (
    ApiError,
    CardRejected,
    Interacting,
    InvalidRequest,
    RateLimited,
    SequenceBehind,
    ServerError,
    StreamClosed,
    TargetGone,
    TokenRejected,
    TransportError,
)
from feishu.sequence import Sequence

__all__ = ["CardStream", "Sequence"]

MIN_INTERVAL_S = 0.15
"""10 writes a second are allowed for a card; this leaves room for the two closing calls."""
INTERACTION_WAIT_S = 0.5
FIRST_BACKOFF_S = 0.5
LONGEST_BACKOFF_S = 8.0
LAST_FRAME_GRACE_S = 5.0
SEQUENCE_JUMP = 1000
REOPEN_AFTER_S = 540.0
"""The platform closes streaming mode ten minutes after it was opened; a frame this late opens it again first."""

_log = logging.getLogger(__name__)


class CardStream:
    """Streams into a card entity that was created with streaming mode on and has been sent."""

    def __init__(
        self,
        cardkit: CardKit,
        card_id: str,
        sequence: Sequence,
        *,
        interval_s: float,
        clock: Clock | None = None,
        on_frame: Callable[[str, str], None] | None = None,
    ) -> None:
        """`interval_s`: least time between starts (never below 0.15). `on_frame(element_id, text)` hears what the
        platform has accepted."""
        self.failed: ApiError | None = None
        self._cardkit = cardkit
        self._card_id = card_id
        self._sequence = sequence
        self._interval_s = max(interval_s, MIN_INTERVAL_S)
        self._clock = clock or SystemClock()
        self._on_frame = on_frame
        self._waiting: dict[str, str] = {}  # element id → newest text, oldest element first
        self._shown: dict[str, str] = {}
        self._next_start_at = 0.0
        self._reopen_at = self._clock.monotonic() + REOPEN_AFTER_S
        self._frames: asyncio.Task[None] | None = None
        self._calling = False
        self._stopped = False  # no more frames; the text is kept for the end by the caller
        self._reopened = False
        self._closed = False
        self._failures = 0  # in a row

    def push(self, element_id: str, text: str) -> None:
        """The whole text so far of one element. Newest wins; returns at once; silent when frames have stopped."""
        if self._stopped or not text or text == self._waiting.get(element_id, self._shown.get(element_id)):
            return
        self._waiting[element_id] = text
        if self._frames is None or self._frames.done():
            self._frames = asyncio.create_task(self._send_frames(), name=f"card-frames-{self._card_id}")

    async def open(self, card: Card, *, budget_s: float = 20) -> None:
        """For a card that was sent long ago (a crash, another version of the answer): replace it by `card`, whose
        config says `streaming_mode`, before the first push. Retried and raised like `finish`."""
        deadline = self._clock.monotonic() + budget_s
        await self._insist(lambda number: self._cardkit.update(self._card_id, card, sequence=number), deadline)
        self._next_start_at = self._clock.monotonic() + self._interval_s
        self._reopen_at = self._clock.monotonic() + REOPEN_AFTER_S

    async def finish(self, card: Card, *, summary: str, budget_s: float = 60) -> None:
        """Stop frames, close streaming mode with `summary` as the preview, then replace the whole card by `card`.

        Refusals that pass (rates, interactions, outages) are retried within `budget_s`; the last error is raised when
        it is spent, and at once for what time does not heal (`TargetGone`, `CardRejected` …). May be called again, for
        example with a repaired card; what is done is not repeated. Cancelling it leaves the card as it is, so whoever
        must see it closed shields the call.
        """
        await self._stop_frames()
        if isinstance(self.failed, TargetGone):
            raise self.failed
        deadline = self._clock.monotonic() + budget_s
        if not self._closed:
            await self._close(summary, deadline)
            self._closed = True
        await self._insist(lambda number: self._cardkit.update(self._card_id, card, sequence=number), deadline)

    async def aclose(self) -> None:
        """End the frame task. Does not touch the card; never raises."""
        self._stopped = True
        self._waiting.clear()
        if (frames := self._frames) is not None and not frames.done():
            frames.cancel()
            await asyncio.wait({frames})

    async def _send_frames(self) -> None:
        """Runs while text is waiting, and ends with it."""
        try:
            while self._waiting and not self._stopped:
                wait_s = self._next_start_at - self._clock.monotonic()
                if wait_s > 0:
                    await self._clock.sleep(wait_s)
                    continue
                self._calling = True
                await self._send_frame()
                self._calling = False
        except Exception as error:  # the sequence could not be reserved, say: frames end, the final card still comes
            self._stopped = True
            _log.warning("card frames stopped: %s", type(error).__name__)
        finally:
            self._calling = False

    async def _send_frame(self) -> None:
        if self._clock.monotonic() >= self._reopen_at:
            return await self._reopen()
        element_id = next(iter(self._waiting))
        number = await self._sequence.next()
        text = self._waiting.pop(element_id, "")  # as late as possible: the newest
        if not text:
            return
        self._next_start_at = self._clock.monotonic() + self._interval_s
        try:
            await self._cardkit.stream_text(self._card_id, element_id, text, sequence=number)
        except (ApiError, TransportError) as error:
            await self._after_refusal(error)
            if not self._stopped:
                self._waiting.setdefault(element_id, text)
            return
        self._failures = 0
        self._reopened = False
        self._shown[element_id] = text
        if self._on_frame is not None:
            self._on_frame(element_id, text)

    async def _after_refusal(self, error: ApiError | TransportError) -> None:
        """What a refused frame means for the next one."""
        if isinstance(error, StreamClosed) and not self._reopened and not self._stopped:
            await self._reopen()
        elif (wait_s := self._wait_before_again(error)) is not None:
            self._next_start_at = max(self._next_start_at, self._clock.monotonic() + wait_s)
        else:
            self._stopped = True
            if not isinstance(error, StreamClosed | CardRejected):
                self.failed = error if isinstance(error, ApiError) else None

    async def _reopen(self) -> None:
        """Open streaming mode again: the documented remedy for its end after ten minutes."""
        self._reopened = True
        self._reopen_at = self._clock.monotonic() + REOPEN_AFTER_S / 20  # if this one fails
        try:
            number = await self._sequence.next()
            await self._cardkit.set_config(self._card_id, {"streaming_mode": True}, sequence=number)
        except (ApiError, TransportError) as error:
            self._reopened = False
            if isinstance(error, StreamClosed):
                self._stopped = True
            else:
                await self._after_refusal(error)
            return
        self._next_start_at = self._clock.monotonic() + self._interval_s
        self._reopen_at = self._clock.monotonic() + REOPEN_AFTER_S

    async def _stop_frames(self) -> None:
        """No frame starts any more; one in flight may land, since its text would otherwise flash over the end."""
        self._stopped = True
        self._waiting.clear()
        frames = self._frames
        if frames is None or frames.done():
            return
        if self._calling:
            grace = asyncio.ensure_future(self._clock.sleep(LAST_FRAME_GRACE_S))
            try:
                await asyncio.wait({frames, grace}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                grace.cancel()
        frames.cancel()
        await asyncio.wait({frames})

    async def _close(self, summary: str, deadline: float) -> None:
        closed: dict[str, Any] = {"streaming_mode": False}
        preview = {"summary": {"content": summary}} if summary else {}
        try:
            await self._configure(closed | preview, deadline)
        except StreamClosed:
            return
        except (CardRejected, InvalidRequest):
            if not preview:
                raise
            await self._configure(closed, deadline)  # better closed without our preview than left open

    async def _configure(self, config: dict[str, Any], deadline: float) -> None:
        await self._insist(lambda number: self._cardkit.set_config(self._card_id, config, sequence=number), deadline)

    async def _insist(self, send: Callable[[int], Awaitable[None]], deadline: float) -> None:
        """Send until it is accepted, each time with a new number. Raises the last error at the deadline."""
        self._failures = 0
        while True:
            number = await self._sequence.next()
            try:
                return await send(number)
            except (ApiError, TransportError) as error:
                wait_s = self._wait_before_again(error)
                if wait_s is None or self._clock.monotonic() + wait_s > deadline:
                    raise
            await self._clock.sleep(wait_s)

    def _wait_before_again(self, error: ApiError | TransportError) -> float | None:
        """Seconds until a write may be tried again, or None when time does not heal it."""
        self._failures += 1
        if isinstance(error, SequenceBehind):
            self._sequence.jump(SEQUENCE_JUMP * 10 ** min(self._failures - 1, 4))
            return 0.0 if self._failures <= 2 else self._backoff_s()
        if isinstance(error, RateLimited):
            return max(error.wait_s, 0.0)
        if isinstance(error, Interacting):
            return max(INTERACTION_WAIT_S, self._backoff_s() / 2)
        # an ApiError without a type of its own is a code nobody has documented: more likely a passing fault than ours
        if isinstance(error, ServerError | TokenRejected | TransportError) or type(error) is ApiError:
            return self._backoff_s()
        return None

    def _backoff_s(self) -> float:
        longest_s = min(FIRST_BACKOFF_S * 2.0 ** min(self._failures - 1, 10), LONGEST_BACKOFF_S)
        return longest_s * random.uniform(0.8, 1.0)  # noqa: S311 - spreads many cards, guards nothing
