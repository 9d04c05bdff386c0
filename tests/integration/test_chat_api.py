"""The chat API over real HTTP, before a library that answers by script."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.settings import BotSettings
from bot.turn import MAX_QUESTION_CHARS
from rag.errors import (
    ContentRefused,
    ContextTooLong,
    IndexMissing,
    ModelRejected,
    ModelTimeout,
    ModelUnavailable,
)
from rag.events import Exchange
from rag.scope import Scope
from tests.support.scripted_library import Gate, ScriptedLibrary, dying, refusing, telling
from tests.support.web_door import WebDoor, web_door

DEADLINE_S = 20.0
QUESTION = "出差回来多久内要报销？"
ANSWER = "15 个自然日内 [1]。"


@dataclass
class Api:
    library: ScriptedLibrary
    door: WebDoor
    http: httpx.AsyncClient

    async def ask(self, question: str = QUESTION, **more: Any) -> dict[str, Any]:
        answer = await self.http.post("/chat", json={"question": question, **more})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    library = ScriptedLibrary()
    library.on(QUESTION, telling(ANSWER, citations=(1,)))
    async with web_door(library, tmp_path) as door, client(door) as http:
        yield Api(library, door, http)


def client(door: WebDoor, **more: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=door.url, trust_env=False, timeout=DEADLINE_S, **more)


def events(text: str) -> list[tuple[str, Any]]:
    """The events of a stream: (name, body)."""
    told = []
    for block in text.replace("\r\n", "\n").strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            told.append((fields["event"], json.loads(fields["data"])))
    return told


async def ended(api: Api, conversation_id: str, outcome: str) -> dict[str, Any]:
    """The last answer of a conversation once it has this outcome."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            turns = (await api.http.get(f"/chat/conversations/{conversation_id}")).json()["turns"]
            if turns and turns[-1]["answers"][-1]["outcome"] == outcome:
                return dict(turns[-1]["answers"][-1])


async def test_a_whole_answer_has_everything_the_schema_promises(api: Api) -> None:
    answer = await api.ask()
    assert answer["answer"] == ANSWER and answer["answered"] is True
    assert set(answer["sources"][0]) == {"id", "title", "text", "link", "metadata"}
    assert answer["sources"][0]["metadata"]["cited"] is True
    assert len(answer["sources"][0]["text"]) <= 200
    assert answer["usage"] == {"prompt": 300, "completion": 56}
    assert 0 <= answer["confidence"] <= 1


async def test_a_stream_tells_its_stages_text_sources_and_end(api: Api) -> None:
    answer = await api.http.post("/chat/stream", json={"question": QUESTION})
    told = events(answer.text)
    assert told[0] == ("stage", {"stage": "retrieving", "found": 0})
    assert told[1] == ("stage", {"stage": "retrieved", "found": 3})
    assert told[2] == ("stage", {"stage": "generating", "found": 3})
    assert "".join(body["text"] for name, body in told if name == "token") == ANSWER
    assert [name for name, _ in told[-2:]] == ["sources", "done"]
    assert {"answer_id", "usage", "seconds"} <= set(told[-1][1])
    assert told[-1][1]["answer_id"] == answer.headers["x-answer-id"]
    assert answer.headers["cache-control"] == "no-store"


async def test_event_source_can_ask_with_get(api: Api) -> None:
    answer = await api.http.get("/chat/stream", params={"question": QUESTION})
    assert events(answer.text)[-1][0] == "done"
    assert (await api.http.get("/chat/stream", params={"question": " "})).status_code == 422
    assert (await api.http.get("/chat/stream")).status_code == 422


async def test_reasoning_has_its_own_event(api: Api) -> None:
    api.library.on(QUESTION, telling(ANSWER, reasoning="想一想"))
    told = events((await api.http.post("/chat/stream", json={"question": QUESTION})).text)
    assert ("reasoning", {"text": "想一想"}) in told


async def test_what_the_documents_do_not_know_is_no_error(api: Api) -> None:
    answer = await api.ask("食堂周末开门吗？")
    assert (answer["answered"], answer["confidence"], answer["model"]) == (False, 0.0, None)
    told = events((await api.http.post("/chat/stream", json={"question": "食堂周末开门吗？"})).text)
    assert told[-1][1]["answered"] is False


async def test_a_conversation_carries_its_history(api: Api) -> None:
    first = await api.ask()
    await api.ask("那住宿呢？", conversation_id=first["conversation_id"])
    assert api.library.questions[-1].history == (Exchange(QUESTION, ANSWER, frozenset({"default"})),)
    await api.ask("那住宿呢？")
    assert api.library.questions[-1].history == ()
    told = (await api.http.get(f"/chat/conversations/{first['conversation_id']}")).json()
    assert [turn["question"] for turn in told["turns"]] == [QUESTION, "那住宿呢？"]


async def test_regenerate_adds_a_version_whole_or_streamed(api: Api) -> None:
    first = await api.ask()
    second = (await api.http.post(f"/chat/{first['answer_id']}/regenerate")).json()
    assert (second["version"], second["answer_id"] != first["answer_id"]) == (2, True)
    headers = {"Accept": "text/event-stream"}
    third = await api.http.post(f"/chat/{second['answer_id']}/regenerate", headers=headers)
    assert events(third.text)[-1][1]["version"] == 3
    assert api.library.questions[-1].history == ()
    turns = (await api.http.get(f"/chat/conversations/{first['conversation_id']}")).json()["turns"]
    assert [answer["version"] for answer in turns[0]["answers"]] == [1, 2, 3]


async def test_votes_are_stored_changed_and_shown(api: Api) -> None:
    answer = await api.ask()
    path = f"/chat/{answer['answer_id']}/feedback"
    down = await api.http.post(path, json={"vote": "down", "reason": "outdated", "comment": "去年的"})
    assert down.json() == {"answer_id": answer["answer_id"], "vote": "down", "up": 0, "down": 1}
    assert (await api.http.post(path, json={"vote": "up"})).json()["up"] == 1
    turns = (await api.http.get(f"/chat/conversations/{answer['conversation_id']}")).json()["turns"]
    assert turns[0]["answers"][0]["vote"] == "up"
    assert (await api.http.post(path, json={"vote": "up", "reason": "outdated"})).status_code == 422
    assert (await api.http.post("/chat/a000/feedback", json={"vote": "up"})).status_code == 404
    assert (await api.http.post("/chat/a000/regenerate")).status_code == 404


async def test_a_batch_answers_each_question_on_its_own(api: Api) -> None:
    api.library.on("坏", dying(ModelUnavailable("the model is away")))
    answer = await api.http.post("/chat/batch", json={"questions": [QUESTION, "坏", "", "没有", "x" * 4001]})
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    lines = {line["index"]: line for line in map(json.loads, answer.text.splitlines())}
    assert sorted(lines) == [0, 1, 2, 3, 4]
    assert lines[0]["answer"] == ANSWER
    assert lines[1]["error"]["type"] == "ModelUnavailable"
    assert lines[2]["error"]["type"] == lines[4]["error"]["type"] == "InvalidRequest"
    assert lines[3]["answered"] is False


async def test_batch_lines_come_as_they_are_ready_and_concurrency_is_bounded(api: Api) -> None:
    slow = Gate(["慢"])
    api.library.on("慢", slow.script)
    body = {"questions": ["慢", QUESTION, QUESTION], "max_concurrency": 2}
    async with api.http.stream("POST", "/chat/batch", json=body) as answer:
        lines = answer.aiter_lines()
        first_two = [json.loads(await anext(lines))["index"] for _ in range(2)]
        for _ in range(3):
            slow.open()
        assert first_two == [1, 2]
        assert json.loads(await anext(lines))["index"] == 0


async def test_hanging_up_on_a_batch_stops_its_questions(api: Api) -> None:
    slow = Gate(["慢"])
    api.library.otherwise = slow.script
    async with api.http.stream("POST", "/chat/batch", json={"questions": ["一", "二", "三"], "max_concurrency": 1}):
        async with asyncio.timeout(DEADLINE_S):
            while not api.library.asked:
                await asyncio.sleep(0)
    await asyncio.wait_for(slow.closed.wait(), DEADLINE_S)
    assert api.library.asked == ["一"] and not slow.finished


@pytest.mark.parametrize("path", ["/chat/stream", "/chat", "/v1/chat/completions"])
async def test_hanging_up_stops_the_model_and_is_stored_as_stopped(api: Api, path: str) -> None:
    gate = Gate(["写了一半", "另一半"])
    api.library.on(QUESTION, gate.script)
    body: dict[str, Any] = {"question": QUESTION, "conversation_id": "c1"}
    if path.startswith("/v1"):
        body = {"messages": [{"role": "user", "content": QUESTION}], "stream": True}
    asking = asyncio.create_task(_read(api.http, path, body))
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


async def _read(http: httpx.AsyncClient, path: str, body: dict[str, Any]) -> None:
    async with http.stream("POST", path, json=body) as answer:
        async for _ in answer.aiter_lines():
            pass


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


async def test_a_null_character_reaches_nobody(api: Api) -> None:
    await api.ask("a\x00b")
    assert api.library.asked == ["ab"]


async def test_collections_are_passed_on(api: Api) -> None:
    await api.ask(collections=["finance"])
    assert api.library.questions[-1].scope == Scope.of({"finance"})


async def test_the_model_alone_has_its_defaults_and_limits(api: Api) -> None:
    whole = (await api.http.post("/generate", json={"prompt": "你好"})).json()
    assert whole["text"] == "你好" and whole["usage"] and whole["latency"] >= 0
    prompt = api.library.prompts[-1]
    assert (prompt.max_tokens, prompt.temperature, prompt.top_p) == (512, 0.7, 0.9)
    streamed = events((await api.http.post("/generate/stream", json={"prompt": "你好"})).text)
    assert [name for name, _ in streamed] == ["token", "done"]
    for wrong in (
        {"prompt": ""},
        {"prompt": "x" * 2049},
        {"prompt": "x", "max_tokens": 0},
        {"prompt": "x", "max_tokens": 2049},
        {"prompt": "x", "temperature": 2.1},
        {"prompt": "x", "top_p": 1.1},
    ):
        assert (await api.http.post("/generate", json=wrong)).status_code == 422
    api.library.writes = dying(ModelTimeout("slow"))
    assert (await api.http.post("/generate", json={"prompt": "x"})).status_code == 408


async def test_large_whole_answers_are_compressed_and_streams_are_not(api: Api) -> None:
    api.library.on(QUESTION, telling("长" * 5000))
    whole = await api.http.post("/chat", json={"question": QUESTION})
    assert whole.headers["content-encoding"] == "gzip"
    streamed = await api.http.post("/chat/stream", json={"question": QUESTION})
    assert "content-encoding" not in streamed.headers


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


async def test_refusing_is_stored_like_in_a_chat(api: Api) -> None:
    api.library.on(QUESTION, refusing())
    answer = await api.ask()
    turns = (await api.http.get(f"/chat/conversations/{answer['conversation_id']}")).json()["turns"]
    assert turns[0]["answers"][0]["outcome"] == "unanswered"
