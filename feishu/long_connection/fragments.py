"""Events that come in several frames (`sum` > 1), put together again. Bounded in number, size and time. Pure."""

from dataclasses import dataclass, field

from feishu.clock import Clock
from feishu.events.parsing import MAX_EVENT_BYTES

KEPT_S = 5.0
"""As long as the official SDK keeps the parts of an event. One that lost a part comes again after 15 s."""
MOST_EVENTS = 128
MOST_PARTS = 1024
MOST_BYTES = 16 * MAX_EVENT_BYTES
"""Of all parts that wait for others."""


class BadFragment(ValueError):
    """The frame's `sum`, `seq` or size cannot be, or there is no room for it."""


@dataclass(slots=True)
class _Parts:
    count: int
    last_at: float
    by_seq: dict[int, bytes] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return sum(map(len, self.by_seq.values()))


class Fragments:
    """The parts of events that are not whole yet, by the frame's `message_id`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: dict[str, _Parts] = {}

    def add(self, message_id: str, total: str, seq: str, payload: bytes) -> bytes | None:
        """The whole event, or None while parts are missing. `total` and `seq` are the headers as they came; without
        `total` the frame is an event of its own. Raises `BadFragment`."""
        count, index = _number(total, 1), _number(seq, 0)
        if count <= 1:
            return payload
        if count > MOST_PARTS or index >= count or not message_id:
            raise BadFragment(f"part {index} of {count}")
        now = self._clock.monotonic()
        parts = self._waiting.get(message_id)
        if parts is None or parts.count != count:
            parts = self._waiting[message_id] = _Parts(count, now)
        parts.by_seq[index] = payload
        parts.last_at = now
        if parts.size > MAX_EVENT_BYTES:
            del self._waiting[message_id]
            raise BadFragment(f"an event of more than {MAX_EVENT_BYTES} bytes")
        if len(parts.by_seq) == count:
            del self._waiting[message_id]
            return b"".join(parts.by_seq[each] for each in range(count))
        return None

    def expired(self) -> int:
        """Forgets what waits in vain, and what exceeds the bounds, oldest first; gives how many events that were."""
        if not self._waiting:
            return 0
        now = self._clock.monotonic()
        by_age = sorted(self._waiting.items(), key=lambda item: item[1].last_at)
        size = sum(parts.size for _, parts in by_age)
        lost = 0
        for place, (message_id, parts) in enumerate(by_age):
            is_old = now - parts.last_at >= KEPT_S
            if not (is_old or size > MOST_BYTES or len(by_age) - place > MOST_EVENTS):
                break
            del self._waiting[message_id]
            size -= parts.size
            lost += 1
        return lost


def _number(text: str, default: int) -> int:
    if not text:
        return default
    if not text.isdecimal() or len(text) > 9:
        raise BadFragment("sum or seq is no number")
    return int(text)
