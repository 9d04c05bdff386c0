"""The platform delivers more than once: at once, to several replicas, under another event id, after a restart."""

import asyncio
import itertools
from typing import Any

from tests.integration.conftest import Stage
from tests.integration.test_doors import encrypted, message, post, signed
from tests.support.bot_process import BotProcess
from tests.support.caller import caller
from tests.support.postgres import Postgres

DELIVERIES = 50


async def deliver(event: dict[str, Any], *bots: BotProcess, times: int = DELIVERIES) -> list[int]:
    """Pushes the event so often at the same time, to the bots in turn; the statuses."""
    body = encrypted(event)
    each = zip(range(times), itertools.cycle(bots), strict=False)
    return [answer.status_code for answer in await asyncio.gather(*(post(bot, body, signed(body)) for _, bot in each))]


async def counted(*bots: BotProcess) -> dict[str, int]:
    """Result of an event → how many events, over all bots."""
    found: dict[str, int] = {}
    async with caller() as http:
        for bot in bots:
            for line in (await http.get(f"{bot.web}/metrics")).text.splitlines():
                if line.startswith("feishu_rag_events_total{"):
                    result = line.partition('result="')[2].partition('"')[0]
                    found[result] = found.get(result, 0) + int(float(line.rpartition(" ")[2]))
    return found


async def test_fifty_deliveries_at_once_are_one_job(stage: Stage, store_url: str) -> None:
    bot = await stage.bot(BOT__DATABASE_URL=store_url)
    assert await deliver(message(1), bot) == [200] * DELIVERIES
    assert await counted(bot) == {"accepted": 1, "duplicate": DELIVERIES - 1}


async def test_fifty_deliveries_at_once_to_two_replicas_are_one_job(stage: Stage, postgres: Postgres) -> None:
    url = postgres.url()
    bots = [await stage.bot(BOT__DATABASE_URL=url) for _ in range(2)]
    assert await deliver(message(1), *bots) == [200] * DELIVERIES
    assert await counted(*bots) == {"accepted": 1, "duplicate": DELIVERIES - 1}


async def test_a_known_message_is_no_new_question_under_another_event_id_or_after_a_restart(
    stage: Stage, store_url: str
) -> None:
    bot = await stage.bot(BOT__DATABASE_URL=store_url)
    again = message(1)
    again["header"]["event_id"] = "another"
    assert await deliver(message(1), bot, times=1) == await deliver(again, bot, times=1) == [200]
    assert await counted(bot) == {"accepted": 1, "duplicate": 1}
    await bot.kill()
    bot = await stage.bot(BOT__DATABASE_URL=store_url)
    assert await deliver(message(1), bot, times=1) == [200]
    assert await counted(bot) == {"duplicate": 1}
