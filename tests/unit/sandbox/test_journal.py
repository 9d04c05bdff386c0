"""The journal: waiting without polling, and a slow page that is told to reload instead of filling memory."""

import asyncio

import pytest

from feishu.sandbox.journal import MAX_BACKLOG, Journal
from tests.support.platform_client import platform_client


async def test_a_waiting_test_wakes_on_the_change_it_waits_for() -> None:
    journal = Journal(lambda: 0.0)
    waiting = asyncio.create_task(journal.wait_for(lambda: journal.of("violation"), 10))
    await asyncio.sleep(0)
    journal.add("note", "other", "…")
    await asyncio.sleep(0)
    assert not waiting.done()
    journal.add("violation", "sequence", "…")
    assert [entry.name for entry in await waiting] == ["sequence"]


async def test_waiting_in_vain_ends() -> None:
    with pytest.raises(TimeoutError):
        await Journal(lambda: 0.0).wait_for(lambda: False, 0.01)


async def test_a_page_that_cannot_keep_up_is_told_to_reload() -> None:
    journal = Journal(lambda: 0.0)
    with journal.listening() as queue:
        for number in range(MAX_BACKLOG + 1):
            journal.publish("tick", number=number)
        assert queue.qsize() == 2
        assert await queue.get() == {"type": "reload"}
        assert await queue.get() == {"type": "tick", "number": MAX_BACKLOG}


async def test_secrets_and_tokens_are_not_in_the_journal() -> None:
    async with platform_client() as client:
        await client.call("GET", "/bot/v3/info")
        shown = repr(list(client.sandbox.log)) + repr(client.sandbox.settings)
        for secret in ("sandbox-secret", "sandbox-verification-token", "sandbox-encrypt-key", client.token):
            assert secret not in shown


async def test_a_topic_goes_on_through_replies_of_people() -> None:
    async with platform_client() as client:
        root = await client.sandbox.say("oc_product", "ou_linxiaoman", "题")
        first = await client.sandbox.say("oc_product", "ou_zhouming", "一", reply_to=root.message_id, in_thread=True)
        second = await client.sandbox.say("oc_product", "ou_linxiaoman", "二", reply_to=first.message_id)
        topics = {client.sandbox.world.messages[m.message_id].thread_id for m in (root, first, second)}
        assert len(topics) == 1 and topics != {""}
        assert client.sandbox.world.messages[second.message_id].root_id == root.message_id
