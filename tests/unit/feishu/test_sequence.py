"""Numbers of a card's writes: reserved before they are used, rising, never used twice."""

import asyncio

import pytest

from feishu.api.cardkit import MAX_SEQUENCE
from feishu.streaming.stream import Sequence


async def test_a_number_is_reserved_before_it_is_used() -> None:
    ceilings: list[int] = []

    async def reserve(ceiling: int) -> None:
        assert not ceilings or sequence.last >= ceilings[-1]
        ceilings.append(ceiling)

    sequence = Sequence(7, reserve=reserve, block=3)
    assert [await sequence.next() for _ in range(7)] == [8, 9, 10, 11, 12, 13, 14]
    assert ceilings == [10, 13, 16]
    sequence.jump(1000)
    assert await sequence.next() == 1015
    assert ceilings[-1] == 1017


async def test_numbers_asked_for_at_once_are_all_different() -> None:
    async def reserve(ceiling: int) -> None:
        await asyncio.sleep(0)

    sequence = Sequence(reserve=reserve, block=2)
    numbers = await asyncio.gather(*(sequence.next() for _ in range(20)))
    assert sorted(numbers) == list(range(1, 21))


async def test_numbers_end_where_the_platform_ends() -> None:
    sequence = Sequence(MAX_SEQUENCE - 1)
    assert await sequence.next() == MAX_SEQUENCE
    for exhausted in (sequence, Sequence(MAX_SEQUENCE, reserve=lambda ceiling: asyncio.sleep(0))):
        with pytest.raises(OverflowError):
            await exhausted.next()
