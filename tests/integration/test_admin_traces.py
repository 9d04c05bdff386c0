"""A question in a chat leaves a trace on /admin: passages, times, and the calls to the platform."""

import asyncio
from typing import Any

import httpx

from tests.integration.conftest import DEADLINE_S, Stage
from tests.support.caller import caller


async def test_an_answer_on_a_card_has_its_trace_with_the_platforms_calls(stage: Stage) -> None:
    bot = await stage.bot()
    await stage.closed(await stage.ask("出差回来多久内要报销？"))
    async with caller(bot.web) as http:
        [row] = (await http.get("/admin/api/turns")).json()["turns"]
        async with asyncio.timeout(DEADLINE_S):
            while not (trace := await _trace(http, row["turn_id"])):
                pass
    assert {"retriever.end", "model.end", "chain.end"} <= {event["kind"] for event in trace["events"]}
    assert trace["passages"][0]["coverage"] > 0.5 and trace["passages"][0]["text"]
    assert trace["prompt"] == []  # quoted without a model
    assert trace["calls"] and all(call["outcome"] == "ok" for call in trace["calls"])


async def _trace(http: httpx.AsyncClient, turn_id: str) -> dict[str, Any] | None:
    answers = (await http.get(f"/admin/api/turns/{turn_id}")).json()["answers"]
    trace: dict[str, Any] | None = answers[0]["trace"]
    return trace
