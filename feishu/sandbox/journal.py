"""Everything that happened: calls, events, callbacks, rule violations; and the change signal the page and tests wait
on."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["api", "event", "callback", "violation", "note", "fault"]
MAX_ENTRIES = 10_000
MAX_BACKLOG = 2_000


@dataclass(slots=True)
class Entry:
    """One line of the inspector. `at` is sandbox time (epoch seconds), `seconds` how long it took."""

    id: int
    at: float
    kind: Kind
    name: str
    outcome: str
    ok: bool = True
    seconds: float = 0.0
    app_id: str = ""
    sequence: int | None = None
    code: int = 0
    detail: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """For the page and GET /sandbox/log."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


class Journal:
    """Bounded log with subscribers. Everything runs in one event loop."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._last_id = 0
        self._changed = asyncio.Event()
        self._listeners: set[asyncio.Queue[dict[str, Any] | None]] = set()
        self.entries: deque[Entry] = deque(maxlen=MAX_ENTRIES)

    def add(self, kind: Kind, name: str, outcome: str, **fields: Any) -> Entry:
        """Append an entry and tell everybody."""
        self._last_id += 1
        entry = Entry(self._last_id, self._now(), kind, name, outcome, **fields)
        self.entries.append(entry)
        self.publish("log", entry=entry.as_json())
        return entry

    def of(self, kind: Kind, name: str | None = None) -> list[Entry]:
        """Entries of a kind, oldest first; with `name` only that call or event."""
        return [entry for entry in self.entries if entry.kind == kind and name in (None, entry.name)]

    def publish(self, change: str, **fields: Any) -> None:
        """Tell pages and waiting tests about a change."""
        for queue in self._listeners:
            if queue.qsize() >= MAX_BACKLOG:
                while not queue.empty():
                    queue.get_nowait()
                queue.put_nowait({"type": "reload"})
            queue.put_nowait({"type": change, **fields})
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def wait_for(self, predicate: Callable[[], Any], timeout_s: float) -> Any:
        """The first truthy value of `predicate`, looked at again after every change. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while not (value := predicate()):
                await self._changed.wait()
        return value

    @contextmanager
    def listening(self) -> Iterator[asyncio.Queue[dict[str, Any] | None]]:
        """A queue of changes from now on; None means the sandbox is stopping."""
        queue: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._listeners.add(queue)
        try:
            yield queue
        finally:
            self._listeners.discard(queue)

    def hang_up(self) -> None:
        """Ends every stream of changes."""
        for queue in self._listeners:
            queue.put_nowait(None)
