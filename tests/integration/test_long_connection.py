"""The client of the long connection against the sandbox's end of it: events, answers, and all that goes wrong."""

import asyncio
import logging
from typing import Any

import pytest

from bot.errors import StoreError
from feishu.api.client import FeishuClient
from feishu.errors import (
    BadReply,
    CredentialsRejected,
    FeishuError,
    Forbidden,
    Malformed,
    ServerError,
    Stale,
    TooManyConnections,
    Unreachable,
)
from feishu.events.types import CardAction, MessageReceived
from feishu.long_connection.probe import try_connection
from feishu.sandbox import AppSettings, ConnectionSettings, Impossible, Sandbox, running
from tests.integration.test_sandbox_pushes import BUTTON, raw_card
from tests.support.fake_bot import fake_bot
from tests.support.long_connection import QUICK, Listener, Said, connected, feishu_settings, websocket_sandbox
from tests.support.platform_client import ALICE, card

PRIVATE = "oc_p2p_sandbox_linxiaoman"
DEADLINE_S = 60.0
SMALL_PARTS = ConnectionSettings(1, -1, 1, 0, fragment_bytes=100)


def events_of(sandbox: Sandbox) -> list[tuple[str, bool]]:
    return [(entry.outcome, entry.ok) for entry in sandbox.journal.of("event")]


async def connections_open(sandbox: Sandbox, count: int = 1) -> None:
    await sandbox.wait_for(lambda: len(sandbox.gateway.connections) == count, DEADLINE_S)


async def delivered(sandbox: Sandbox, count: int = 1) -> None:
    """So many events were answered well."""
    await sandbox.wait_for(lambda: [ok for _, ok in events_of(sandbox)].count(True) == count, DEADLINE_S)


async def happens(sandbox: Sandbox, listener: Listener, name: str, count: int = 1) -> list[Any]:
    """What `listener` heard of it, once it is so often. The sandbox tells of no change of ours, so it is asked anew."""
    async with asyncio.timeout(DEADLINE_S):
        while len(listener.of(name)) < count:
            await asyncio.wait({asyncio.ensure_future(sandbox.clock.sleep(0.02))})
    return listener.of(name)


async def test_an_event_arrives_and_is_acknowledged_by_its_own_frame() -> None:
    sandbox, listener = websocket_sandbox(), Listener()
    async with running(sandbox) as url, connected(url, listener) as connection:
        await connections_open(sandbox)
        await sandbox.say(PRIVATE, ALICE, "出差回来多久内要报销？")
        await delivered(sandbox)
        [event] = listener.heard
        assert isinstance(event, MessageReceived) and "报销" in event.content
        assert connection.state.is_up and connection.state.connection_id
    assert sandbox.violations == []
    assert listener.of("acknowledged") == [200]
    assert listener.happened[-1] == ("closed", None)


async def test_what_comes_after_the_answer_comes_after_it() -> None:
    order: list[str] = []
    listener = Listener(reply=Said(afterwards=lambda: order.append("afterwards")))
    listener.acknowledged = lambda seconds, code: order.append("acknowledged")  # type: ignore[method-assign]
    sandbox = websocket_sandbox()
    async with running(sandbox) as url, connected(url, listener):
        await connections_open(sandbox)
        await sandbox.say(PRIVATE, ALICE, "你好")
        await delivered(sandbox)
    assert order == ["acknowledged", "afterwards"]


async def test_a_click_is_answered_with_its_toast_in_the_frame() -> None:
    toast = {"toast": {"type": "success", "content": "谢谢", "i18n": {"zh_cn": "谢谢", "en_us": "Thanks"}}}
    sandbox, listener = websocket_sandbox(), Listener(reply=Said(toast))
    async with running(sandbox) as url, fake_bot(sandbox, url) as bot, connected(url, listener):
        await connections_open(sandbox)
        sandbox.set_transport("websocket")
        message_id = await raw_card(bot, card(BUTTON))
        shown = await sandbox.click(message_id, ALICE, element_id="go")
        assert shown.toast == toast["toast"]
        [click] = listener.heard
        assert isinstance(click, CardAction) and click.value == {"a": 1}


async def test_an_event_in_parts_is_joined() -> None:
    sandbox, listener = websocket_sandbox(SMALL_PARTS), Listener()
    async with running(sandbox) as url, connected(url, listener):
        await connections_open(sandbox)
        await sandbox.say(PRIVATE, ALICE, "很长的问题" * 400)
        await delivered(sandbox)
        assert isinstance(listener.heard[0], MessageReceived) and "很长的问题" * 400 in listener.heard[0].content
    assert sandbox.violations == []


async def test_an_event_that_lost_a_part_comes_whole_with_its_redelivery() -> None:
    sandbox, listener = websocket_sandbox(SMALL_PARTS, push_timeout_s=0.2, time_scale=0.01), Listener()
    sandbox.gateway.fragments_to_lose = 1
    async with running(sandbox) as url, connected(url, listener):
        await connections_open(sandbox)
        await sandbox.say(PRIVATE, ALICE, "很长的问题" * 100)
        await delivered(sandbox)
        assert events_of(sandbox)[0] == ("no answer within 0.2 s", False)
        assert len(listener.heard) == 1


@pytest.mark.parametrize("error", [StoreError("full"), ValueError("a fault of ours")])
async def test_what_cannot_be_stored_is_refused_and_comes_again(error: Exception) -> None:
    sandbox, listener = websocket_sandbox(time_scale=0.001), Listener(error=error)
    async with running(sandbox) as url, connected(url, listener):
        await connections_open(sandbox)
        await sandbox.say(PRIVATE, ALICE, "你好")
        await sandbox.wait_for(lambda: events_of(sandbox), DEADLINE_S)
        listener.error = None
        await delivered(sandbox)
    assert events_of(sandbox)[0] == ("code 500", False)
    assert listener.of("event_failed")[0] is error


@pytest.mark.parametrize(
    ("spoiled", "error"),
    [
        ({"header": {"event_id": "e", "event_type": "t", "app_id": "cli_other"}}, Malformed),
        ({"header": {"event_id": "e", "event_type": "t", "app_id": "cli_sandbox", "create_time": "1"}}, Stale),
        ({"header": {}}, Malformed),
    ],
    ids=["another app's", "too old", "without ids"],
)
async def test_an_event_that_the_webhook_would_refuse_is_refused(
    spoiled: dict[str, Any], error: type[Exception]
) -> None:
    sandbox, listener = websocket_sandbox(), Listener()
    async with running(sandbox) as url, connected(url, listener):
        await connections_open(sandbox)
        app = sandbox.world.apps["cli_sandbox"]
        answer = await sandbox.gateway.deliver(app, {"schema": "2.0", "event": {}, **spoiled})
        assert answer == {"code": 500}
        assert isinstance(listener.of("event_refused")[0], error)
        assert listener.heard == []


async def test_frames_that_cannot_be_read_are_dropped_and_the_connection_goes_on() -> None:
    sandbox, listener = websocket_sandbox(), Listener()
    async with running(sandbox) as url, connected(url, listener):
        await connections_open(sandbox)
        await sandbox.gateway.break_connections("garbage", app=sandbox.world.apps["cli_sandbox"])
        await sandbox.say(PRIVATE, ALICE, "你好")
        await delivered(sandbox)
        assert sorted(listener.of("dropped")) == ["type", "unreadable"]
        assert listener.of("lost") == []


@pytest.mark.parametrize(("how", "reason"), [("silent", "silent"), ("close", "closed"), ("abort", "network")])
async def test_a_connection_that_ends_is_opened_again_and_nothing_is_lost(how: Any, reason: str) -> None:
    sandbox, listener = websocket_sandbox(push_timeout_s=0.5, time_scale=0.1), Listener()
    async with running(sandbox) as url, connected(url, listener) as connection:
        await connections_open(sandbox)
        first = connection.state.connection_id
        await sandbox.gateway.break_connections(how, app=sandbox.world.apps["cli_sandbox"])
        await sandbox.say(PRIVATE, ALICE, "你好")
        await delivered(sandbox)
        assert listener.of("lost")[0] == reason
        assert len(listener.heard) == 1
        assert connection.state.is_up and connection.state.connection_id != first


async def test_a_dead_peer_is_noticed_by_the_missing_pong() -> None:
    sandbox, listener = websocket_sandbox(), Listener()
    async with running(sandbox) as url, connected(url, listener) as connection:
        await connections_open(sandbox)
        await sandbox.gateway.break_connections("dead", app=sandbox.world.apps["cli_sandbox"])
        assert (await happens(sandbox, listener, "lost"))[0] == "silent"
        await happens(sandbox, listener, "opened", 2)
        assert connection.state.is_up


REFUSALS = [
    ("ws.endpoint", {"code": 1, "status": 200}, ServerError),
    ("ws.endpoint", {"code": 1000040343, "status": 200}, ServerError),
    ("ws.endpoint", {"status": 502, "html": "<h1>Bad Gateway</h1>"}, BadReply),
    ("ws.endpoint", {"drop": True}, FeishuError),
    ("ws.endpoint", {"code": 403, "status": 200}, Forbidden),
    ("ws.endpoint", {"code": 514, "status": 200}, CredentialsRejected),
    ("ws.endpoint", {"code": 1000040350, "status": 200}, TooManyConnections),
    ("ws.endpoint", {"code": 0, "status": 200}, BadReply),
    ("ws.handshake", {"code": 403}, Forbidden),
    ("ws.handshake", {"code": 514}, CredentialsRejected),
    ("ws.handshake", {"code": 1000040343, "status": 500}, ServerError),
    ("ws.handshake", {"drop": True}, FeishuError),
]


@pytest.mark.parametrize(("endpoint", "fault", "error"), REFUSALS, ids=lambda value: str(value)[:40])
async def test_a_refusal_is_named_and_the_connection_opens_once_it_is_over(
    endpoint: str, fault: dict[str, Any], error: type[FeishuError]
) -> None:
    sandbox, listener = websocket_sandbox(), Listener()
    async with running(sandbox) as url, connected(url, listener) as connection:
        await connections_open(sandbox)
        sandbox.faults.plan(endpoint, times=2, **fault)
        await sandbox.gateway.break_connections("close", app=sandbox.world.apps["cli_sandbox"])
        await happens(sandbox, listener, "opened", 2)
        assert connection.state.is_up
    assert [type(each) for each in listener.of("refused")] == [type(listener.of("refused")[0])] * 2
    assert isinstance(listener.of("refused")[0], error)


async def test_a_secret_that_was_reset_is_told_and_nothing_more_is_needed_once_it_is_right() -> None:
    sandbox, listener = websocket_sandbox(), Listener()
    async with running(sandbox) as url, connected(url, listener) as connection:
        await connections_open(sandbox)
        sandbox.reset_secret("another")
        await sandbox.gateway.break_connections("close", app=sandbox.world.apps["cli_sandbox"])
        assert isinstance((await happens(sandbox, listener, "refused"))[0], CredentialsRejected)
        assert not connection.state.is_up and "514" in connection.state.why
        sandbox.reset_secret("sandbox-secret")
        await connections_open(sandbox)


async def test_the_fifty_first_connection_is_told_why_and_takes_the_first_free_place() -> None:
    terms = ConnectionSettings(1, -1, 1, 0, most=1)
    sandbox, first, second = websocket_sandbox(terms), Listener(), Listener()
    async with running(sandbox) as url, connected(url, first) as one:
        await connections_open(sandbox)
        async with connected(url, second):
            assert isinstance((await happens(sandbox, second, "refused"))[0], TooManyConnections)
            await one.aclose()
            await happens(sandbox, second, "opened")


async def test_each_event_goes_to_one_of_several_connections() -> None:
    sandbox, first, second = websocket_sandbox(), Listener(), Listener()
    async with running(sandbox) as url, connected(url, first), connected(url, second):
        await connections_open(sandbox, 2)
        for number in range(30):
            await sandbox.say(PRIVATE, ALICE, f"第 {number} 个问题")
        await delivered(sandbox, 30)
        assert len(first.heard) + len(second.heard) == 30
        assert first.heard and second.heard


async def test_closed_again_and_again_it_is_opened_again() -> None:
    sandbox, listener = websocket_sandbox(), Listener()
    app = sandbox.world.apps["cli_sandbox"]
    async with running(sandbox) as url, connected(url, listener):
        for _ in range(4):
            await connections_open(sandbox)
            await sandbox.gateway.break_connections("close", app=app)
            await connections_open(sandbox, 0)
        await connections_open(sandbox)
        await sandbox.say(PRIVATE, ALICE, "你好")
        await delivered(sandbox)


async def test_what_is_being_stored_is_answered_before_it_closes() -> None:
    sandbox, listener = websocket_sandbox(), Listener()
    may_go_on = asyncio.Event()
    came = asyncio.Event()

    async def slowly(event: Any) -> Said:
        came.set()
        await may_go_on.wait()
        return Said()

    listener.take = slowly  # type: ignore[method-assign]
    async with running(sandbox) as url, connected(url, listener) as connection:
        await connections_open(sandbox)
        await sandbox.say(PRIVATE, ALICE, "你好")
        await came.wait()
        closing = asyncio.create_task(connection.aclose())
        await asyncio.sleep(0)
        may_go_on.set()
        await closing
        await delivered(sandbox)


async def test_nothing_of_the_address_or_the_secret_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    sandbox, listener = websocket_sandbox(), Listener()
    sandbox.faults.plan("ws.handshake", code=403)
    async with running(sandbox) as url, connected(url, listener) as connection:
        await connections_open(sandbox)
        assert "ticket" not in repr(connection.state)
    assert "sandbox-secret" not in caplog.text
    assert "ticket=" not in caplog.text
    assert all("ticket" not in str(error) for error in listener.of("refused"))


async def test_the_console_lets_the_long_connection_be_chosen_only_while_a_client_is_there() -> None:
    sandbox, listener = Sandbox(), Listener()
    async with running(sandbox) as url:
        with pytest.raises(Impossible, match="no client"):
            sandbox.set_transport("websocket")
        async with connected(url, listener):
            await connections_open(sandbox)
            sandbox.set_transport("websocket")
            await sandbox.say(PRIVATE, ALICE, "你好")
            await delivered(sandbox)


async def test_another_app_has_connections_of_its_own() -> None:
    other = AppSettings("cli_other", "other-secret", "k", "t", transport="websocket")
    sandbox, mine, theirs = websocket_sandbox(more_apps=(other,)), Listener(), Listener()
    foreign = {"app_id": "cli_other", "app_secret": "other-secret"}
    async with running(sandbox) as url, connected(url, mine), connected(url, theirs, **foreign):
        await connections_open(sandbox, 2)
        await sandbox.say("oc_p2p_other_linxiaoman", ALICE, "你好")
        await delivered(sandbox)
        assert mine.heard == [] and len(theirs.heard) == 1


async def test_the_doctors_try_opens_pings_and_closes() -> None:
    sandbox = websocket_sandbox()
    async with running(sandbox) as url:
        settings = feishu_settings(url)
        client = FeishuClient(settings)
        config = await try_connection(client, settings, within_s=DEADLINE_S)
        assert config.ping_interval_s == QUICK.ping_interval_s
        await connections_open(sandbox, 0)
        await client.aclose()


async def test_an_address_where_nobody_listens_is_unreachable() -> None:
    settings = feishu_settings("http://127.0.0.1:9")
    client = FeishuClient(settings)
    with pytest.raises(Unreachable):
        await try_connection(client, settings, within_s=DEADLINE_S)
    await client.aclose()
