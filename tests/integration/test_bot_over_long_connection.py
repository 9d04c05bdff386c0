"""The bot on the long connection: what it does by the webhook, it does here; and what only can happen here."""

import asyncio
import signal

import pytest

from feishu.sandbox import Shown
from tests.integration.conftest import ALICE, BOB, DEADLINE_S, Stage, answer_text
from tests.integration.test_bad_luck import (  # noqa: F401 - these fixtures and tests run here with another transport
    ANSWER,
    QUESTION,
    model,
    partly_shown,
    using,
)
from tests.integration.test_question_to_card import (  # noqa: F401
    test_a_mention_without_a_question_gets_a_hint,
    test_a_private_question_needs_no_mention,
    test_a_question_in_the_group_is_answered_with_sources_on_one_closed_card,
    test_duplicate_deliveries_answer_once,
    test_regenerate_writes_a_new_version_into_the_same_card,
    test_votes_are_counted_once_a_person_and_may_change,
)
from tests.support.caller import caller
from tests.support.model_server import ModelServer, Reply
from tests.support.postgres import Postgres


@pytest.fixture
def transport() -> str:
    return "websocket"


async def parts(bot: object) -> dict[str, object]:
    async with caller() as http:
        found: dict[str, object] = (await http.get(f"{bot.web}/ready")).json()  # type: ignore[attr-defined]
    return found


async def test_it_needs_no_keys_of_the_webhook_and_says_where_events_come_from(stage: Stage) -> None:
    bot = await stage.bot(FEISHU__ENCRYPT_KEY="", FEISHU__VERIFICATION_TOKEN="")
    opened = await bot.logged("long_connection_open")
    assert "ticket" not in str(opened)
    async with caller() as http:
        refused = await http.post(f"{bot.public}/feishu/webhook", content=b"{}")
        assert refused.status_code == 409 and "websocket" in refused.json()["error"]
        assert (await http.get(f"{bot.public}/health")).status_code == 200
        figures = (await http.get(f"{bot.web}/metrics")).text
    assert 'feishu_rag_long_connection_up{app="cli_sandbox"} 1.0' in figures
    told = (await parts(bot))["long_connection"]
    assert isinstance(told, dict) and told["up"] and told["ok"] and told["since"] > 1_600_000_000


async def test_a_stop_reaches_the_answer_that_is_being_written(stage: Stage, model: ModelServer) -> None:  # noqa: F811
    model.script(Reply(ANSWER, delay_s=0.05, end="stall"))
    await stage.bot(**using(model))
    asked = await stage.ask(QUESTION)
    shown: Shown = await stage.click(await partly_shown(stage, asked), "stop")
    assert shown.toast is not None and shown.toast["content"] == "好的，正在停止"
    card = await stage.closed(asked)
    assert ANSWER.startswith(answer_text(card)[:10])


@pytest.mark.parametrize("place", ["after-accept", "mid-stream"])
async def test_killed_with_and_without_an_acknowledgement_it_answers_once(
    stage: Stage,
    model: ModelServer,  # noqa: F811
    store_url: str,
    place: str,
) -> None:
    """After `after-accept` the platform has no acknowledgement and delivers again: the event is known by then."""
    model.script(Reply(ANSWER, delay_s=0.03))
    settings = using(model, BOT__DATABASE_URL=store_url, BOT__LEASE_S="3")
    bot = await stage.bot(**settings, BOT_TEST_KILL_AT=place)
    asked = await stage.ask(QUESTION)
    assert bot.process is not None
    async with asyncio.timeout(DEADLINE_S):
        assert await bot.process.wait() == -signal.SIGKILL
    await stage.bot(**settings)
    card = await stage.closed(asked)
    assert answer_text(card) == ANSWER
    first = stage.sandbox.journal.of("event", "im.message.receive_v1")[0]
    assert first.ok == (place != "after-accept")
    await stage.sandbox.wait_for(lambda: stage.sandbox.journal.of("event")[-1].ok, DEADLINE_S)
    assert len(stage.cards(asked)) == 1
    assert stage.sandbox.violations == []


async def test_asked_while_nobody_was_there_the_question_comes_with_the_redelivery(stage: Stage) -> None:
    bot = await stage.bot()
    await bot.kill()
    asked = await stage.ask("VPN 连不上怎么办？")
    await stage.sandbox.wait_for(lambda: stage.sandbox.journal.of("event"), DEADLINE_S)
    await stage.bot()
    assert answer_text(await stage.closed(asked))
    deliveries = [entry.ok for entry in stage.sandbox.journal.of("event")]
    assert not deliveries[0] and deliveries[-1]


async def test_a_lost_connection_is_logged_and_opened_again(stage: Stage) -> None:
    bot = await stage.bot()
    await stage.sandbox.gateway.break_connections("close", app=stage.sandbox.world.apps["cli_sandbox"])
    lost = await bot.logged("long_connection_lost")
    assert lost["reason"] == "closed"
    await stage.sandbox.wait_for(lambda: stage.sandbox.gateway.connections, DEADLINE_S)
    asked = await stage.ask("VPN 连不上怎么办？")
    assert answer_text(await stage.closed(asked))


async def test_a_reset_secret_makes_it_unready_with_the_reason(stage: Stage) -> None:
    bot = await stage.bot()
    stage.sandbox.reset_secret("another")
    await stage.sandbox.gateway.break_connections("close", app=stage.sandbox.world.apps["cli_sandbox"])
    refused = await bot.logged("long_connection_refused", level="error")
    assert "514" in refused["reason"] and "FEISHU__APP_SECRET" in refused["what_to_do"]
    told = (await parts(bot))["long_connection"]
    assert isinstance(told, dict) and not told["ok"] and not told["up"] and "514" in told["detail"]


async def test_two_replicas_share_the_events_and_a_click_may_meet_the_other(stage: Stage, postgres: Postgres) -> None:
    settings = {"BOT__DATABASE_URL": postgres.url()}
    bots = [await stage.bot(**settings) for _ in range(2)]
    first, second = stage.sandbox.gateway.connections
    stage.sandbox.gateway.choose = lambda _open: first
    asked = await stage.ask("出差回来多久内要报销？")
    card = await stage.closed(asked)
    stage.sandbox.gateway.choose = lambda _open: second
    assert (await stage.click(card, "up", BOB)).toast is not None
    again = await stage.ask("VPN 连不上怎么办？", person=ALICE)
    assert answer_text(await stage.closed(again))
    assert await bots[0].terminate() == 0
    assert [each.device_id for each in stage.sandbox.gateway.connections] == [second.device_id]
    last = await stage.ask("年假可以跨年休吗？")
    assert answer_text(await stage.closed(last))


async def test_stopping_closes_the_connection(stage: Stage) -> None:
    bot = await stage.bot()
    assert await bot.terminate() == 0
    await bot.logged("long_connection_closed")
    assert stage.sandbox.gateway.connections == []
