"""The chat API in trouble: failures, bad requests, too many at once, readers who leave or fall asleep."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from bot.intake.intake import MAX_QUESTION_CHARS
from bot.settings import BotSettings
from rag.errors import (
    ContentRefused,
    ContextTooLong,
    IndexMissing,
    ModelRejected,
    ModelTimeout,
    ModelUnavailable,
)
from tests.support.chat_api import DEADLINE_S, QUESTION, Api, client, ended, events, read
from tests.support.scripted_library import Gate, ScriptedLibrary, dying, telling
from tests.support.web_door import web_door


@pytest.mark.parametrize("path", ["/chat/stream", "/chat", "/v1/chat/completions"])
async def test_hanging_up_stops_the_model_and_is_stored_as_stopped(api: Api, path: str) -> None:
    gate = Gate(["写了一半", "另一半"])
    api.library.on(QUESTION, gate.script)
    body: dict[str, Any] = {"question": QUESTION, "conversation_id": "c1"}
    if path.startswith("/v1"):
        body = {"messages": [{"role": "user", "content": QUESTION}], "stream": True}
    asking = asyncio.create_task(read(api.http, path, body))
    async with asyncio.timeout(DEADLINE_S):
        while not api.library.asked:
            await asyncio.sleep(0)
    gate.open()
    gate.open()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    await asyncio.wait_for(gate.closed.wait(), DEADLINE_S)
    assert not gate.finished
    if not path.startswith("/v1"):
        await ended(api, "c1", "stopped")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ModelTimeout("no first token"), 408),
        (ContextTooLong("too long"), 413),
        (ContentRefused("refused"), 400),
        (ModelUnavailable("away"), 503),
        (ModelRejected("wrong key"), 503),
        (IndexMissing("no index"), 503),
        (RuntimeError("a bug"), 500),
    ],
)
async def test_every_failure_has_its_status_and_says_what_to_do(api: Api, error: Exception, status: int) -> None:
    api.library.on(QUESTION, dying(error))
    answer = await api.http.post("/chat", json={"question": QUESTION, "conversation_id": "c"})
    told = answer.json()["error"]
    assert (answer.status_code, bool(told["what_to_do"])) == (status, True)
    assert "a bug" not in answer.text
    streamed = events((await api.http.post("/chat/stream", json={"question": QUESTION})).text)
    assert streamed[-1][0] == "error" and streamed[-1][1]["status"] == status
    assert streamed[-1][1]["type"] == told["type"]
    assert (await ended(api, "c", "failed"))["notice"]


BAD: list[tuple[dict[str, Any], int]] = [
    ({"content": b"{", "headers": {"Content-Type": "application/json"}}, 400),
    ({"content": b"\xff\xfe", "headers": {"Content-Type": "application/json"}}, 400),
    ({"content": b"[" * 50_000, "headers": {"Content-Type": "application/json"}}, 400),
    ({"content": b'{"question": "\\ud800"}', "headers": {"Content-Type": "application/json"}}, 422),
    ({"json": {}}, 422),
    ({"json": {"question": ""}}, 422),
    ({"json": {"question": " \n"}}, 422),
    ({"json": {"question": "x" * (MAX_QUESTION_CHARS + 1)}}, 422),
    ({"json": {"question": "x", "colour": 1}}, 422),
    ({"json": {"question": "x", "conversation_id": "../x"}}, 422),
    ({"json": {"question": "x", "collections": ["nothing"]}}, 422),
    ({"json": {"question": "x", "collections": []}}, 422),
    ({"json": {"question": "x" * 1_100_000}}, 413),
]


@pytest.mark.parametrize(("sent", "status"), BAD)
async def test_bad_requests_are_told_what_is_wrong(api: Api, sent: dict[str, Any], status: int) -> None:
    answer = await api.http.post("/chat", **sent)
    assert answer.status_code == status, answer.text
    assert set(answer.json()["error"]) >= {"type", "message", "what_to_do"}
    assert api.library.asked == []


async def test_unknown_addresses_and_methods_are_typed_too(api: Api) -> None:
    assert (await api.http.get("/nothing")).json()["error"]["type"] == "NotFound"
    assert (await api.http.get("/chat")).json()["error"]["type"] == "MethodNotAllowed"


async def test_too_many_at_once_wait_and_then_get_429(tmp_path: Path) -> None:
    library, gate = ScriptedLibrary(), Gate(["x"])
    library.on("慢", gate.script)
    settings = BotSettings(web_answers=1, web_wait_s=0)
    async with web_door(library, tmp_path, settings) as door, client(door) as http:
        async with http.stream("POST", "/chat/stream", json={"question": "慢"}):
            refused = await http.post("/chat", json={"question": "x"})
            assert (refused.status_code, refused.json()["error"]["type"]) == (429, "TooManyRequests")
            assert int(refused.headers["retry-after"]) >= 1
        await asyncio.wait_for(gate.closed.wait(), DEADLINE_S)
        async with asyncio.timeout(DEADLINE_S):
            while (await http.post("/chat", json={"question": "x"})).status_code != 200:
                pass


async def test_a_waiting_question_gets_the_slot_that_becomes_free(tmp_path: Path) -> None:
    library, gate = ScriptedLibrary(), Gate(["x"])
    library.on("慢", gate.script)
    async with web_door(library, tmp_path, BotSettings(web_answers=1, web_wait_s=60)) as door, client(door) as http:
        first = asyncio.create_task(http.post("/chat", json={"question": "慢"}))
        async with asyncio.timeout(DEADLINE_S):
            while not library.asked:
                await asyncio.sleep(0)
        second = asyncio.create_task(http.post("/chat", json={"question": "快"}))
        for _ in range(3):
            gate.open()
        assert (await first).status_code == (await second).status_code == 200


async def test_open_streams_are_counted(api: Api) -> None:
    gate = Gate(["x"])
    api.library.on(QUESTION, gate.script)
    async with api.http.stream("POST", "/chat/stream", json={"question": QUESTION}):
        assert b"feishu_rag_web_streams_open 1.0" in api.door.metrics.render()
    await asyncio.wait_for(gate.closed.wait(), DEADLINE_S)
    async with asyncio.timeout(DEADLINE_S):
        while b"feishu_rag_web_streams_open 0.0" not in api.door.metrics.render():
            await asyncio.sleep(0)


async def test_a_reader_who_takes_nothing_is_left_and_holds_nothing(tmp_path: Path) -> None:
    library = ScriptedLibrary()
    library.on("长", telling("很长" * 2_000_000, size=50_000))
    async with web_door(library, tmp_path, BotSettings(web_stall_s=0.2)) as door:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(door.url.rsplit(":", 1)[1]), limit=1024)
        body = json.dumps({"question": "长", "conversation_id": "c"}).encode()
        head = f"POST /chat/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n"
        writer.write(head.encode() + b"Content-Type: application/json\r\n\r\n" + body)
        await writer.drain()
        async with client(door) as http:
            api = Api(library, door, http)
            await ended(api, "c", "stopped")
        writer.close()
        assert not reader.at_eof()
