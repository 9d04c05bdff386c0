"""One card while an answer is written into it: show what there is as it comes, finish once.

While streaming, frames are expendable and the newest text is all that counts: one call in flight, starts at least an
interval apart and only when the app's schedule says so; the text is taken at that moment, not before (`CardStream`).
The end is a duty: streaming mode is closed and the whole card written, again and again until it is done or the time is
spent (`CardCloser`), with growing waits between refusals (`CardBackoff`).

Every write carries the card's next number (`Sequence`). A failed call never gives its number back: whether it took
effect is unknown. Rules: open.feishu.cn/document cardkit-v1 (300317, 300309, 200850, 200810) and
feishu-cards/streaming-updates.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, Protocol

from feishu.api.cardkit import MAX_SEQUENCE
from feishu.api.error_codes import remedy_of
from feishu.api.recovery import Remedy, at_the_end, while_streaming
from feishu.cards.elements import Card
from feishu.clock import Clock, SystemClock, backoff_s
from feishu.errors import ApiError, FeishuError, Interacting, RateLimited, TransportError
from feishu.ratelimit import FrameSchedule, Urgency

INTERACTION_WAIT_S = 0.5
FIRST_BACKOFF_S = 0.5
LONGEST_BACKOFF_S = 8.0
SEQUENCE_JUMP = 1000
CLOSING_BUDGET_S = 10.0
"""How long closing alone may be refused before the whole card is written first."""
_AGAIN = (Remedy.WAIT, Remedy.NEW_SEQUENCE)
MIN_INTERVAL_S = 0.15
"""10 writes a second are allowed for a card; this leaves room for the two closing calls."""
LAST_FRAME_GRACE_S = 1.0
REOPEN_AFTER_S = 540.0
"""The platform closes streaming mode ten minutes after it was opened; it is opened again before that."""
REOPEN_AGAIN_S = 27.0
ASIDE_EVERY_S = 1.5
WHOLE_API = (429, 99991400)
View = Callable[[], Mapping[str, str]]
_log = logging.getLogger(__name__)


class Sequence:
    """Numbers for one card. After a crash, start again at the reserved ceiling: gaps are fine, repeats are refused
    with 300317 (open.feishu.cn/document cardkit-v1)."""

    def __init__(
        self, start: int = 0, *, reserve: Callable[[int], Awaitable[None]] | None = None, block: int = 100
    ) -> None:
        """`start` is the last number used or reserved. `reserve(ceiling)` stores durably that numbers up to `ceiling`
        may have been used; it is awaited before the first of them is."""
        self._last = start
        self._ceiling = start
        self._reserve = reserve
        self._block = block
        self._turn = asyncio.Lock()

    @property
    def last(self) -> int:
        """The last number given out."""
        return self._last

    async def next(self) -> int:
        """The next number. Raises what `reserve` raises, and OverflowError when the card has no numbers left."""
        async with self._turn:
            while self._reserve is not None and self._last >= self._ceiling:
                ceiling = min(self._last + self._block, MAX_SEQUENCE)
                if ceiling <= self._last:
                    break
                await self._reserve(ceiling)
                self._ceiling = ceiling  # a jump may have come meanwhile: look again
            if self._last >= MAX_SEQUENCE:
                raise OverflowError("the card has no sequence numbers left")
            self._last += 1
            return self._last

    def jump(self, by: int) -> None:
        """Leave a gap: somebody else wrote to the card, and it is not known how far they got."""
        self._last = min(self._last + by, MAX_SEQUENCE)


class CardBackoff:
    """Counts the refusals in a row of one card."""

    def __init__(self, sequence: Sequence) -> None:
        self._sequence = sequence
        self._failures = 0

    def restore(self) -> None:
        """A write was accepted, or another kind of write begins."""
        self._failures = 0

    def wait_s(self, error: ApiError | TransportError) -> float:
        """Seconds until the next try. A sequence that was behind leaps ahead, further each time."""
        self._failures += 1
        if remedy_of(error) is Remedy.NEW_SEQUENCE:
            self._sequence.jump(SEQUENCE_JUMP * 10 ** min(self._failures - 1, 4))
            return 0.0 if self._failures <= 2 else self._backoff_s()
        if isinstance(error, RateLimited):
            return max(error.wait_s, 0.0)
        if isinstance(error, Interacting):
            return max(INTERACTION_WAIT_S, self._backoff_s() / 2)
        return self._backoff_s()

    def _backoff_s(self) -> float:
        return backoff_s(self._failures, first_s=FIRST_BACKOFF_S, longest_s=LONGEST_BACKOFF_S, jitter=0.2)


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
        backoff = CardBackoff(self._sequence)
        while True:
            number = await self._sequence.next()
            try:
                return await send(number)
            except (ApiError, TransportError) as error:
                if remedy_of(error) is Remedy.REOPEN or at_the_end(remedy_of(error)) not in _AGAIN:
                    raise
                wait_s = backoff.wait_s(error)
                if self._clock.monotonic() + wait_s > deadline:
                    raise
            await self._clock.sleep(wait_s)


def _closed(card: Card) -> Card:
    """The same card, saying itself that streaming is over."""
    return {**card, "config": {**card.get("config", {}), "streaming_mode": False}}


class CardStream:
    """Streams into a card entity that was created with streaming mode on and has been sent."""

    def __init__(
        self,
        cardkit: CardWrites,
        card_id: str,
        sequence: Sequence,
        *,
        interval_s: float,
        clock: Clock | None = None,
        schedule: FrameSchedule | None = None,
        on_frame: Callable[[str, str], None] | None = None,
        aside: Collection[str] = (),
        close_by_put: bool = False,
    ) -> None:
        """`interval_s`: least time between starts (never below 0.15). `schedule` is shared by all cards of the app.
        `on_frame(element_id, text)` hears what the platform has accepted. `aside` names elements whose text gives way
        to that of others, but for a turn now and then. `close_by_put` ends with one call instead of two."""
        self.failed: ApiError | None = None
        self._cardkit = cardkit
        self._card_id = card_id
        self._sequence = sequence
        self._interval_s = max(interval_s, MIN_INTERVAL_S)
        self._clock = clock or SystemClock()
        self._schedule = schedule or FrameSchedule(clock=self._clock)
        self._on_frame = on_frame
        self._aside = frozenset(aside)
        self._backoff = CardBackoff(sequence)
        self._duty = CardCloser(cardkit, card_id, sequence, clock=self._clock, by_put=close_by_put)
        self._view: View | None = None  # the newest, not looked at yet
        self._waiting: dict[str, str] = {}  # element id → newest text, oldest element first
        self._shown: dict[str, str] = {}
        self._refused: set[str] = set()  # elements that take no streamed text
        self._news = asyncio.Event()
        self._next_start_at = 0.0
        self._aside_at = -ASIDE_EVERY_S
        self._served_at = self._clock.monotonic()
        self._reopen_at = self._clock.monotonic() + REOPEN_AFTER_S
        self._tasks: tuple[asyncio.Task[None], ...] = ()
        self._calling = False
        self._stopped = False  # no more frames; the text is kept for the end by the caller
        self._reopened = False

    def push(self, element_id: str, text: str) -> None:
        """The whole text so far of one element. Newest wins; returns at once; silent when frames have stopped."""
        if self._stopped or not self._take_note(element_id, text):
            return
        self._news.set()
        self._start()

    def show(self, view: View) -> None:
        """What the card should show now: a function that gives the whole text of each element. The newest is called
        once, when a frame may start, so that texts nobody will see are never made. It must not raise."""
        if self._stopped:
            return
        self._view = view
        self._news.set()
        self._start()

    async def open(self, card: Card, *, budget_s: float = 20) -> None:
        """For a card that was sent long ago (a crash, another version of the answer): replace it by `card`, whose
        config says `streaming_mode`, before the first push. Retried and raised like `finish`."""
        await self._duty.write(card, self._clock.monotonic() + budget_s, Urgency.FIRST)
        self._next_start_at = self._clock.monotonic() + self._interval_s
        self._reopen_at = self._clock.monotonic() + REOPEN_AFTER_S

    async def finish(self, card: Card, *, summary: str, budget_s: float = 15) -> None:
        """Stop frames, close streaming mode with `summary` as the preview, then replace the whole card by `card`.

        Refusals that pass (rates, interactions, outages) are retried within `budget_s`; the last error is raised when
        it is spent, and at once for what time does not heal (`feishu.api.error_codes.remedy_of` says what to do then).
        May be called again, for example with a repaired card; what is done is not repeated. Cancelling it leaves the
        card as it is, so whoever must see it closed shields the call.
        """
        await self._stop_frames()
        if self.failed is not None and remedy_of(self.failed) in (Remedy.STOP, Remedy.NEW_MESSAGE):
            raise self.failed
        await self._duty.close(card, summary, self._clock.monotonic() + budget_s)

    async def aclose(self) -> None:
        """End the frame task. Does not touch the card; never raises."""
        self._stopped = True
        await self._end_tasks()

    def _start(self) -> None:
        if not self._tasks:
            self._tasks = (
                asyncio.create_task(self._send_frames(), name=f"card-frames-{self._card_id}"),
                asyncio.create_task(self._watch_time(), name=f"card-time-{self._card_id}"),
            )

    async def _watch_time(self) -> None:
        """Wakes the frames when streaming mode has to be opened again, whether or not there is anything to show."""
        while True:
            await self._clock.sleep(max(self._reopen_at - self._clock.monotonic(), 1.0))
            if self._clock.monotonic() >= self._reopen_at:
                self._news.set()

    async def _send_frames(self) -> None:
        """Runs until frames are stopped."""
        try:
            while not self._stopped:
                if not self._news.is_set():
                    await self._news.wait()
                elif (wait_s := self._next_start_at - self._clock.monotonic()) > 0:
                    await self._clock.sleep(wait_s)
                elif self._clock.monotonic() >= self._reopen_at:
                    await self._reopen()
                else:
                    await self._send_frame()
        except Exception as error:  # the sequence could not be reserved, say: frames end, the final card still comes
            self._stopped = True
            _log.warning("card frames stopped: %s", type(error).__name__)
        finally:
            self._calling = False

    async def _send_frame(self) -> None:
        if not (element_id := self._next_element()):
            self._news.clear()
            return
        number = await self._sequence.next()
        await self._schedule.turn(self._urgency(element_id), since=self._served_at)
        element_id = self._next_element()  # as late as possible: the newest
        if not element_id:
            return self._schedule.give_back()
        text = self._waiting.pop(element_id)
        self._served_at = self._clock.monotonic()
        self._next_start_at = self._served_at + self._interval_s
        self._calling = True
        try:
            await self._cardkit.stream_text(self._card_id, element_id, text, sequence=number)
        except (ApiError, TransportError) as error:
            await self._after_refusal(error, element_id)
            if not self._stopped and element_id not in self._refused:
                self._waiting.setdefault(element_id, text)
            return
        finally:
            self._calling = False
        self._backoff.restore()
        self._reopened = False
        self._shown[element_id] = text
        if element_id in self._aside:
            self._aside_at = self._clock.monotonic()
        if self._on_frame is not None:
            self._on_frame(element_id, text)

    def _next_element(self) -> str:
        """The element whose turn it is, "" when there is nothing new."""
        if self._view is not None:
            view, self._view = self._view, None
            for element_id, text in view().items():
                self._take_note(element_id, text)
        is_due = self._aside_is_due()
        preferred = (element for element in self._waiting if (element in self._aside) == is_due)
        return next(preferred, next(iter(self._waiting), ""))

    def _aside_is_due(self) -> bool:
        """Whether what stands aside has its turn: now and then it must, or it would go on saying what is long past."""
        return self._clock.monotonic() - self._aside_at >= ASIDE_EVERY_S

    def _take_note(self, element_id: str, text: str) -> bool:
        if not text or element_id in self._refused:
            return False
        if text == self._shown.get(element_id):
            return self._waiting.pop(element_id, None) is not None
        if text == self._waiting.get(element_id):
            return False
        self._waiting[element_id] = text
        return True

    def _urgency(self, element_id: str) -> Urgency:
        if element_id in self._aside and self._shown and not self._aside_is_due():
            return Urgency.ASIDE
        return Urgency.NORMAL if element_id in self._shown else Urgency.FIRST

    async def _after_refusal(self, error: ApiError | TransportError, element_id: str = "") -> None:
        """What a refused frame means for the next one."""
        remedy = while_streaming(remedy_of(error))
        if remedy is Remedy.REOPEN and element_id and not (self._reopened or self._stopped):
            await self._reopen()
        elif remedy in (Remedy.WAIT, Remedy.NEW_SEQUENCE):
            self._next_start_at = max(self._next_start_at, self._clock.monotonic() + self._backoff.wait_s(error))
            if isinstance(error, RateLimited):
                self._schedule.slow_down(error.wait_s if error.code in WHOLE_API else 0.0)
        elif remedy is Remedy.DROP_FRAME and element_id:
            self._refused.add(element_id)
        else:
            self._stopped = True
            if remedy in (Remedy.NEW_MESSAGE, Remedy.LATER, Remedy.STOP) and isinstance(error, ApiError):
                self.failed = error

    async def _reopen(self) -> None:
        """Open streaming mode again: the documented remedy for its end after ten minutes."""
        self._reopened = True
        self._reopen_at = self._clock.monotonic() + REOPEN_AGAIN_S  # if this one fails
        self._calling = True
        try:
            number = await self._sequence.next()
            await self._cardkit.set_config(self._card_id, {"streaming_mode": True}, sequence=number)
        except (ApiError, TransportError) as error:
            self._reopened = False
            return await self._after_refusal(error)
        finally:
            self._calling = False
        self._next_start_at = self._clock.monotonic() + self._interval_s
        self._reopen_at = self._clock.monotonic() + REOPEN_AFTER_S

    async def _stop_frames(self) -> None:
        """No frame starts any more; one in flight may land, since its text would otherwise flash over the end."""
        self._stopped = True
        if self._calling and self._tasks and not self._tasks[0].done():
            grace = asyncio.ensure_future(self._clock.sleep(LAST_FRAME_GRACE_S))
            try:
                await asyncio.wait({self._tasks[0], grace}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                grace.cancel()
        await self._end_tasks()

    async def _end_tasks(self) -> None:
        self._view = None
        self._waiting.clear()
        running = {task for task in self._tasks if not task.done()}
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)
