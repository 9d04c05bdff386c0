"""An outside client judges the sandbox's long connection: the official SDK connects, hears, answers, connects again."""

import asyncio
import contextlib
import importlib.util
import json
import os
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given

from feishu.long_connection.frames import Frame, encode
from feishu.sandbox import ConnectionSettings, running
from tests.integration.test_sandbox_pushes import BUTTON, raw_card
from tests.support.bot_process import REPOSITORY
from tests.support.fake_bot import fake_bot
from tests.support.long_connection import websocket_sandbox
from tests.support.long_connection_frames import FRAMES
from tests.support.platform_client import ALICE, card

# Looked for, not imported: that takes seconds, in every process that collects tests.
pytestmark = pytest.mark.skipif(importlib.util.find_spec("lark_oapi") is None, reason="the official SDK is a dev extra")

PRIVATE = "oc_p2p_sandbox_linxiaoman"
DEADLINE_S = 150.0
"""Importing the SDK alone takes seconds, on a busy machine half a minute."""
TERMS = ConnectionSettings(ping_interval_s=1, reconnect_interval_s=1, reconnect_nonce_s=0, fragment_bytes=400)


@contextlib.asynccontextmanager
async def official_client(url: str, secret: str = "sandbox-secret") -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.sdk_long_connection", url, "cli_sandbox", secret),
        cwd=REPOSITORY,
        env={**os.environ, "NO_PROXY": "127.0.0.1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def told(process: asyncio.subprocess.Process, kind: str) -> Any:
    """What the client tells of this kind, next."""
    assert process.stdout is not None
    async with asyncio.timeout(DEADLINE_S):
        while True:
            raw = await process.stdout.readline()
            assert raw, "the official client has ended"
            if not raw.startswith(b"{"):
                continue  # the SDK's own log
            line = json.loads(raw)
            if line["kind"] == kind:
                return line["what"]


@pytest.mark.timeout(400)
async def test_the_official_client_hears_answers_pings_and_comes_back() -> None:
    sandbox = websocket_sandbox(TERMS, push_timeout_s=DEADLINE_S)
    app = sandbox.world.apps["cli_sandbox"]
    async with running(sandbox) as url, fake_bot(sandbox, url) as bot, official_client(url) as client:
        await sandbox.wait_for(lambda: sandbox.gateway.connections, DEADLINE_S)
        [first] = sandbox.gateway.connections
        sandbox.set_transport("websocket")
        question = "一个长到要分成几段的问题" * 60
        await sandbox.say(PRIVATE, ALICE, question)
        assert json.loads(await told(client, "message"))["text"] == question
        shown = await sandbox.click(await raw_card(bot, card(BUTTON)), ALICE, element_id="go")
        assert shown.toast == {"type": "info", "content": "SDK"}
        assert await told(client, "click") == {"a": 1}
        await sandbox.gateway.break_connections("close", app=app)
        await told(client, "reconnected")
        await sandbox.say(PRIVATE, ALICE, "noch da?")
        assert "noch da?" in await told(client, "message")
        assert first.pings > 0
        await sandbox.wait_for(lambda: len([e for e in sandbox.journal.of("event") if e.ok]) == 2, DEADLINE_S)
    assert sandbox.violations == []


@pytest.mark.timeout(400)
async def test_the_official_client_understands_the_refusals() -> None:
    sandbox = websocket_sandbox(TERMS)
    async with running(sandbox) as url, official_client(url, "wrong") as client:
        async with asyncio.timeout(DEADLINE_S):
            assert await client.wait() != 0  # it gives up for good
    assert sandbox.calls("ws.endpoint")[0].code == 514
    sandbox = websocket_sandbox(ConnectionSettings(1, -1, 1, 0, most=0))
    async with running(sandbox) as url, official_client(url) as client:
        async with asyncio.timeout(DEADLINE_S):
            assert await client.wait() != 0
    assert sandbox.gateway.connections == []


@given(FRAMES)
def test_the_official_sdk_reads_and_writes_the_same_bytes(frame: Frame) -> None:
    from lark_oapi.ws.pb import pbbp2_pb2 as pb

    theirs = pb.Frame()
    theirs.ParseFromString(encode(frame))
    assert (theirs.SeqID, theirs.LogID, theirs.service, theirs.method) == (
        frame.seq_id,
        frame.log_id,
        frame.service,
        frame.method,
    )
    assert tuple((header.key, header.value) for header in theirs.headers) == frame.headers
    for name, value in (
        ("payload", frame.payload),
        ("payload_encoding", frame.payload_encoding),
        ("payload_type", frame.payload_type),
        ("LogIDNew", frame.log_id_new),
    ):
        assert theirs.HasField(name) == (value is not None)
        assert value is None or getattr(theirs, name) == value
    assert theirs.SerializeToString() == encode(frame)
