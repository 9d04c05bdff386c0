"""Time that passes for a bot: by its clock, step by step, or on the wall."""

import asyncio
from collections.abc import Callable

from sqlalchemy import func, or_, select

from bot.app import Bot
from bot.job import OPEN_STATES
from bot.storage.tables import jobs
from tests.support.scene import Scene

STEP_S = 60.0
DEADLINE_S = 60.0


async def pass_by(scene: Scene, seconds: float) -> None:
    """Time passes in steps; whoever is due in one has tried before the next."""
    assert scene.bot is not None
    for _ in range(int(seconds / STEP_S)):
        scene.advance(STEP_S)
        scene.clock.leapt_s += STEP_S
        async with asyncio.timeout(60):
            while await busy(scene.bot, scene.clock.time()):
                scene.bot.worker.wake()
                await asyncio.sleep(0.02)


async def accepted(scene: Scene, count: int) -> None:
    """Returns when so many questions are in the inbox."""
    assert scene.bot is not None
    async with asyncio.timeout(60):
        while sum((await scene.bot.jobs.count_by_state()).values()) < count:
            await asyncio.sleep(0.02)


async def busy(bot: Bot, now: float) -> bool:
    """Whether a job runs, or the first of a conversation is due."""
    first = select(func.min(jobs.c.id)).where(jobs.c.state.in_(OPEN_STATES)).group_by(jobs.c.conversation)
    is_due = or_(jobs.c.state == "running", jobs.c.id.in_(first) & (jobs.c.run_after <= now))
    due = select(jobs.c.id).where(jobs.c.state.in_(OPEN_STATES), is_due).limit(1)
    return await bot.database.read(lambda connection: connection.scalar(due)) is not None


async def goes_on_for(seconds: float) -> None:
    """What was begun goes on for so long: an outage, the life of a process before it is killed."""
    await asyncio.sleep(seconds)


async def until(seen: Callable[[], object]) -> None:
    """Returns when it holds; for what no event tells of. Whoever calls it has the deadline."""
    while not seen():
        await asyncio.sleep(0.02)
