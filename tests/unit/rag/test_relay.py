"""A generator read by a task of its own: its order, its errors, how far ahead it is read, and how it is closed."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

import pytest

from rag.relay import AHEAD, Relay

DEADLINE_S = 20.0


class Source:
    """Numbers from 0; its closing takes a step of its own, which a second cancellation would cut short."""

    def __init__(self, count: int, *, error: Exception | None = None, stalls: bool = False) -> None:
        self.given = 0
        self.closing, self.may_close, self.closed = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._count, self._error, self._stalls = count, error, stalls

    async def numbers(self) -> AsyncGenerator[int]:
        try:
            for number in range(self._count):
                self.given += 1
                yield number
            if self._error is not None:
                raise self._error
            if self._stalls:
                await asyncio.Event().wait()
        finally:
            self.closing.set()
            await self.may_close.wait()
            self.closed.set()


async def listen(relay: Relay[int], heard: list[int]) -> None:
    async with contextlib.aclosing(relay) as numbers:
        async for number in numbers:
            heard.append(number)


async def test_all_items_come_in_order() -> None:
    source, heard = Source(5 * AHEAD), list[int]()
    source.may_close.set()
    await listen(Relay(source.numbers()), heard)
    assert heard == list(range(5 * AHEAD)) and source.closed.is_set()


async def test_an_error_comes_after_what_was_given_before_it() -> None:
    source, heard = Source(3, error=ValueError("the model fell over")), list[int]()
    source.may_close.set()
    with pytest.raises(ValueError, match="fell over"):
        await listen(Relay(source.numbers()), heard)
    assert heard == [0, 1, 2]


async def test_it_is_read_no_further_ahead_than_it_may_be() -> None:
    source = Source(10 * AHEAD)
    source.may_close.set()
    async with contextlib.aclosing(Relay(source.numbers())) as numbers:
        assert await anext(numbers) == 0
        for _ in range(3 * AHEAD):
            await asyncio.sleep(0)  # all the turns that a reader without a limit would need
        assert source.given <= AHEAD + 1
    assert source.closed.is_set()


async def test_a_listener_cancelled_again_and_again_does_not_cut_the_closing_short() -> None:
    source, heard = Source(3, stalls=True), list[int]()
    listener = asyncio.create_task(listen(Relay(source.numbers()), heard))
    async with asyncio.timeout(DEADLINE_S):
        while len(heard) < 3:
            await asyncio.sleep(0)
        while not listener.done():
            listener.cancel()
            await asyncio.sleep(0)
        await source.closing.wait()
        assert listener.cancelled() and not source.closed.is_set()
        source.may_close.set()
        await source.closed.wait()


async def test_closing_waits_for_the_source() -> None:
    source = Source(3, stalls=True)
    relay = Relay(source.numbers())
    assert await anext(relay) == 0
    closing = asyncio.create_task(relay.aclose())
    async with asyncio.timeout(DEADLINE_S):
        await source.closing.wait()
        assert not closing.done()
        source.may_close.set()
        await closing
    assert source.closed.is_set()


async def test_one_that_nobody_listened_to_reads_nothing() -> None:
    source = Source(3)
    relay = Relay(source.numbers())
    await relay.aclose()
    assert source.given == 0 and not source.closing.is_set()
