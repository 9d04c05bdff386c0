"""One card while an answer is written into it: show what there is as it comes, finish once.

While streaming, frames are expendable and the newest text is all that counts: one call in flight, starts at least an
interval apart and only when the app's schedule says so; the text is taken at that moment, not before. The end is a
duty: streaming mode is closed and the whole card written, again and again until it is done or the time is spent.

A failed call never gives its sequence number back: whether it took effect is unknown. Rules: open.feishu.cn/document
cardkit-v1 (300317, 300309, 200850, 200810) and feishu-cards/streaming-updates.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping

from feishu.api.error_codes import remedy_of
from feishu.api.recovery import Remedy, while_streaming
from feishu.cards.elements import Card
from feishu.clock import Clock, SystemClock
from feishu.errors import ApiError, RateLimited, TransportError
from feishu.ratelimit.frames import FrameSchedule
from feishu.ratelimit.priority import Urgency
from feishu.streaming.backoff import Patience
from feishu.streaming.closing import CardCloser, CardWrites
from feishu.streaming.sequence import Sequence

__all__ = ["CardStream", "CardWrites", "Sequence"]

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
        self._patience = Patience(sequence)
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
        self._patience.restore()
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
            self._next_start_at = max(self._next_start_at, self._clock.monotonic() + self._patience.wait_s(error))
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
