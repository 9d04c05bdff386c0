"""Bodies for one reader: a few at once, those that follow closely together, all of them in order."""

import asyncio
import itertools
from collections.abc import MutableMapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.web.chat.coalescing import AT_ONCE, GATHER_S, MOST_HELD, Gathering

END = {"type": "http.response.body", "body": b"", "more_body": False}


def body(said: bytes) -> MutableMapping[str, Any]:
    return {"type": "http.response.body", "body": said, "more_body": True}


FIRST = [b"a"] * AT_ONCE


async def first_few(gathering: Gathering) -> None:
    """All that may go before its time."""
    for said in FIRST:
        await gathering(body(said))


class Reader:
    """The wrapped `send`; takes everything until `takes` is cleared."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.takes = asyncio.Event()
        self.takes.set()
        self.wrote = asyncio.Event()
        self.failure: OSError | None = None

    async def send(self, message: MutableMapping[str, Any]) -> None:
        self.wrote.set()
        await self.takes.wait()
        if self.failure:
            raise self.failure
        self.writes.append(message["body"])

    async def next_write(self) -> None:
        self.wrote.clear()
        await self.wrote.wait()


async def test_the_first_few_go_at_once_and_what_follows_closely_goes_together() -> None:
    reader = Reader()
    gathering = Gathering(reader.send, monotonic=lambda: 100.0)
    await first_few(gathering)
    assert reader.writes == FIRST
    for said in (b"b", b"c", b"d"):
        await gathering(body(said))
    assert reader.writes == FIRST
    await reader.next_write()
    assert reader.writes == [*FIRST, b"bcd"]


async def test_after_a_pause_nothing_waits() -> None:
    reader = Reader()
    gathering = Gathering(reader.send, monotonic=itertools.count(100, GATHER_S * 2).__next__)
    said = [b"%d" % number for number in range(4 * AT_ONCE)]
    for each in said:
        await gathering(body(each))
    assert reader.writes == said


async def test_the_end_takes_along_what_was_held() -> None:
    reader = Reader()
    gathering = Gathering(reader.send, monotonic=lambda: 100.0)
    await first_few(gathering)
    for message in (body(b"b"), END):
        await gathering(message)
    assert reader.writes == [*FIRST, b"b", b""]


async def test_whoever_sends_waits_while_the_reader_takes_nothing() -> None:
    reader = Reader()
    gathering = Gathering(reader.send, monotonic=lambda: 100.0)
    await first_few(gathering)
    assert not gathering.sending_since
    reader.takes.clear()
    await gathering(body(b"b"))
    await reader.next_write()
    assert gathering.sending_since == 100.0
    sending = asyncio.create_task(gathering(body(b"c")))  # type: ignore[arg-type]
    for _ in range(5):
        await asyncio.sleep(0)
    assert not sending.done()
    reader.takes.set()
    await sending
    await gathering(END)
    assert b"".join(reader.writes) == b"".join([*FIRST, b"bc"]) and not gathering.sending_since


async def test_no_more_than_so_much_is_held() -> None:
    reader = Reader()
    gathering = Gathering(reader.send, monotonic=lambda: 100.0)
    await first_few(gathering)
    for said in (b"b" * (MOST_HELD - 1), b"c"):
        await gathering(body(said))
    assert [len(write) for write in reader.writes] == [1] * AT_ONCE + [MOST_HELD]


async def test_a_reader_who_left_is_told_to_the_next_who_sends() -> None:
    reader = Reader()
    gathering = Gathering(reader.send, monotonic=lambda: 100.0)
    await first_few(gathering)
    reader.failure = OSError("left")
    await gathering(body(b"b"))
    await reader.next_write()
    with pytest.raises(OSError, match="left"):
        await gathering(body(b"c"))


async def test_closing_forgets_what_is_held() -> None:
    reader = Reader()
    gathering = Gathering(reader.send, monotonic=lambda: 100.0)
    await first_few(gathering)
    await gathering(body(b"b"))
    gathering.close()
    later = asyncio.Event()
    asyncio.get_running_loop().call_later(GATHER_S * 2, later.set)  # rings after the gathering's own timer would have
    await later.wait()
    assert reader.writes == FIRST


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.binary(max_size=MOST_HELD + 5), st.sampled_from([0.0, 0.001, 1.0]), st.booleans())))
def test_whatever_the_pauses_everything_arrives_in_order(steps: list[tuple[bytes, float, bool]]) -> None:
    async def run() -> list[bytes]:
        now, reader = 100.0, Reader()
        gathering = Gathering(reader.send, monotonic=lambda: now)
        for said, pause_s, turns in steps:
            now += pause_s
            await gathering(body(said))
            if turns:
                await asyncio.sleep(0)
        await gathering(END)
        return reader.writes

    assert b"".join(asyncio.run(run())) == b"".join(said for said, _, _ in steps)
