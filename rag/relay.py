"""An async generator read by a task of its own, so that whoever stops listening closes it once, and whole."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from typing import Generic, TypeVar

T = TypeVar("T")
AHEAD = 16
_closing: "set[asyncio.Task[None]]" = set()
"""The loop itself holds its tasks weakly."""


class Relay(Generic[T]):
    """Iterates over a generator, for one listener; leave it with `contextlib.aclosing`, read to its end or not.

    A listener may be cancelled many times over: anyio cancels what is in a scope, and every streaming web response is,
    until all of it has ended. The second time hits the closing of the first, and a connection that was just being
    given back stays open, and lost to its pool. The task here is cancelled once, whatever happens to the listener.

    At most `AHEAD` items are read before they are asked for.
    """

    def __init__(self, source: AsyncGenerator[T, None]) -> None:
        self._source = source
        self._items: deque[T] = deque()
        self._news: asyncio.Future[None] | None = None
        self._room = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def __aiter__(self) -> "Relay[T]":
        return self

    async def __anext__(self) -> T:
        """The next item. Raises what the generator raises."""
        if self._task is None:
            self._task = asyncio.create_task(self._read())
            self._task.add_done_callback(self._ended)
        while not self._items:
            if self._task.done():
                self._task.result()
                raise StopAsyncIteration
            self._news = asyncio.get_running_loop().create_future()
            await self._news
        self._room.set()
        return self._items.popleft()

    async def aclose(self) -> None:
        """Cancels the reading and waits for its end. Who is cancelled while waiting can go: the reading ends anyway."""
        if self._task is None:
            await self._source.aclose()
        elif not self._task.done():
            _closing.add(self._task)
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _read(self) -> None:
        try:
            async for item in self._source:
                self._items.append(item)
                self._tell()
                while len(self._items) >= AHEAD:
                    self._room.clear()
                    await self._room.wait()
        finally:
            await self._source.aclose()

    def _ended(self, task: "asyncio.Task[None]") -> None:
        _closing.discard(task)
        if not task.cancelled():
            task.exception()  # told to the listener; where there is none any more, nobody has to hear of it
        self._tell()

    def _tell(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)
