"""When the model's server has time for what nobody waits for."""

import asyncio

import pytest

from rag.generation.factory import COOL_OFF_S, ServerLoad
from tests.support.clock import HandClock


async def test_answers_go_first() -> None:
    pressure = ServerLoad(HandClock())
    assert not pressure.is_high
    with pressure.answering():
        assert pressure.is_high
    assert not pressure.is_high


async def test_a_server_that_failed_is_left_alone_for_a_while() -> None:
    clock = HandClock()
    pressure = ServerLoad(clock)
    pressure.failed()
    assert pressure.is_high
    await clock.advance(COOL_OFF_S)
    assert not pressure.is_high


async def test_what_is_done_in_spare_time_ends_when_an_answer_begins() -> None:
    pressure = ServerLoad(HandClock())
    started = asyncio.Event()

    async def spare() -> None:
        async with pressure.spare_time(3600):
            started.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(spare())
    await started.wait()
    with pressure.answering(), pytest.raises(TimeoutError):
        await task
    assert not pressure.is_high, "that was nobody's fault"


async def test_a_server_that_takes_too_long_is_left_alone() -> None:
    pressure = ServerLoad(HandClock())
    with pytest.raises(TimeoutError):
        async with pressure.spare_time(0):
            await asyncio.Event().wait()
    assert pressure.is_high
